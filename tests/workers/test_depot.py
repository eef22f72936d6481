import json
import time

import pytest
from flask.testing import FlaskClient

from gaia_config.centres import Centre
from gaia_workers.contract import sign_link
from gaia_workers.depot import make_depot
from gaia_workers.results import Results

JOB = "11111111-1111-4111-8111-111111111111"
LOCATION = f"{JOB}/1/a.txt"
DIGEST = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"


@pytest.fixture
def depot(centre: Centre) -> FlaskClient:
    assert centre.results is not None
    folder = Results(centre.results).folder(JOB, 1)
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("hi")
    (folder / "secret.txt").write_text("not published")
    (folder / "manifest.json").write_text(
        json.dumps({"files": [{"name": "a.txt", "mediaType": "text/plain", "sha256": DIGEST}]})
    )
    return make_depot(centre).test_client()


def address(centre: Centre, location: str = LOCATION, *, method: str = "GET", lives_s: int = 60) -> str:
    expires = int(time.time()) + lives_s
    signature = sign_link(centre.key, method=method, location=location, expires=expires)
    return f"/results/{location}?expires={expires}&signature={signature}"


def test_a_signed_address_gives_the_file_with_its_digest_and_name(depot: FlaskClient, centre: Centre) -> None:
    answer = depot.get(address(centre), buffered=True)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"hi", "text/plain")
    assert answer.headers["ETag"] == f'"{DIGEST}"'
    assert "a.txt" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_part_of_it_can_be_asked_for(depot: FlaskClient, centre: Centre) -> None:
    answer = depot.get(address(centre), headers={"Range": "bytes=1-1"}, buffered=True)
    assert (answer.status_code, answer.data, answer.headers["Content-Range"]) == (206, b"i", "bytes 1-1/2")


def test_head_answers_as_get(depot: FlaskClient, centre: Centre) -> None:
    answer = depot.head(address(centre), buffered=True)
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", "2")


@pytest.mark.parametrize(
    "query", ["", "?expires=99999999999&signature=0", "?expires=x&signature=y", "?expires=²&signature=y"]
)
def test_without_a_genuine_signature_nothing_is_given(depot: FlaskClient, query: str) -> None:
    assert depot.get(f"/results/{LOCATION}{query}").status_code == 403


def test_an_expired_address_and_one_to_write_to_give_nothing(depot: FlaskClient, centre: Centre) -> None:
    assert depot.get(address(centre, lives_s=-1)).status_code == 403
    assert depot.get(address(centre, method="PUT")).status_code == 403


@pytest.mark.parametrize(
    "location", [f"{JOB}/1/secret.txt", f"{JOB}/1/manifest.json", f"{JOB}/2/a.txt", f"{JOB}/1/../1/a.txt", "x"]
)
def test_what_was_not_published_is_not_there_even_with_a_signature(
    depot: FlaskClient, centre: Centre, location: str
) -> None:
    assert depot.get(address(centre, location)).status_code == 404


def test_a_link_in_the_results_leads_nowhere(depot: FlaskClient, centre: Centre, tmp_path) -> None:
    assert centre.results is not None
    (tmp_path / "outside.txt").write_text("outside")
    path = centre.results / LOCATION
    path.unlink()
    path.symlink_to(tmp_path / "outside.txt")
    assert depot.get(address(centre)).status_code == 404


def test_it_says_that_it_is_up(depot: FlaskClient) -> None:
    assert depot.get("/health/live").status_code == 200
