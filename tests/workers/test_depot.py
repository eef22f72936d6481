import json
import time

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

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
    store = Results(centre.results)
    store.prepare()
    folder = store.folder(JOB, 1)
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


def test_what_is_handed_out_stands_in_the_log_by_its_job_and_without_the_signature(
    depot: FlaskClient, centre: Centre
) -> None:
    with capture_logs() as told:
        depot.get(address(centre), headers={"Range": "bytes=1-1"}, buffered=True)
    line = {"job": JOB, "attempt": 1, "file": "a.txt", "status": 206, "log_level": "info"}
    assert told == [{"event": "result handed out"} | line]


def test_a_part_of_it_can_be_asked_for(depot: FlaskClient, centre: Centre) -> None:
    answer = depot.get(address(centre), headers={"Range": "bytes=1-1"}, buffered=True)
    assert (answer.status_code, answer.data, answer.headers["Content-Range"]) == (206, b"i", "bytes 1-1/2")


def test_the_answer_says_its_digest(depot: FlaskClient, centre: Centre) -> None:
    for ask in (depot.get, depot.head):
        assert (
            ask(address(centre), buffered=True)
            .headers["Repr-Digest"]
            .startswith("sha-256=:j0NDRmSPa5bfid2pAcUXaxCm2Dlh3TwayItZstwyeqQ=:")
        )


def test_the_end_of_a_shorter_file_is_the_file_and_several_ranges_are_all_of_it(
    depot: FlaskClient, centre: Centre
) -> None:
    end = depot.get(address(centre), headers={"Range": "bytes=-99999999"}, buffered=True)
    assert (end.status_code, end.data, end.headers["Content-Range"]) == (206, b"hi", "bytes 0-1/2")
    several = depot.get(address(centre), headers={"Range": "bytes=0-0,1-1"}, buffered=True)
    assert (several.status_code, several.data) == (200, b"hi")


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-None-Match": f'W/"{DIGEST}"'}, 304),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-Match": '"another"'}, 412),
        ({"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412),
        ({"Range": "bytes=0-0", "If-Range": '"another"'}, 200),
    ],
)
def test_conditions_are_kept(depot: FlaskClient, centre: Centre, condition: dict[str, str], status: int) -> None:
    assert depot.get(address(centre), headers=condition, buffered=True).status_code == status


def refuse(depot: FlaskClient, centre: Centre, status: int, **headers: str) -> TestResponse:
    """Ask for what is answered with a status."""
    path = f"/results/{LOCATION}" if status == 403 else "/nothing" if status == 404 else address(centre)
    asked = headers | {416: {"Range": "bytes=2-"}, 412: {"If-Match": '"another"'}}.get(status, {})
    return depot.open(path, method="POST" if status == 405 else "GET", headers=asked)


@pytest.mark.parametrize("status", [403, 404, 405, 412, 416])
def test_what_goes_wrong_is_a_problem_in_both_languages(depot: FlaskClient, centre: Centre, status: int) -> None:
    told, dit = refuse(depot, centre, status), refuse(depot, centre, status, **{"Accept-Language": "fr"})
    assert (told.status_code, told.content_type, told.headers["Content-Language"]) == (status, "application/json", "en")
    problem = json.loads(told.data)
    assert set(problem) == {"type", "title", "status", "detail", "instance"}
    assert problem["status"] == status
    assert dit.headers["Content-Language"] == "fr"
    assert json.loads(dit.data)["detail"] != problem["detail"]
    named = refuse(depot, centre, status, Accept="application/problem+json")
    assert named.content_type == "application/problem+json"
    page = refuse(depot, centre, status, Accept="text/html,*/*;q=0.8")
    assert (page.mimetype, problem["title"] in page.text) == ("text/html", True)


def test_an_unexpected_error_says_nothing_of_what_happened(
    depot: FlaskClient, centre: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    assert centre.results is not None
    (centre.results / JOB / "1" / "manifest.json").write_text("no JSON")
    depot.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = depot.get(address(centre))
    assert (answer.status_code, json.loads(answer.data)["type"]) == (500, "https://gaia-data.org/errors/internal-error")
    assert "JSONDecodeError" in capsys.readouterr().out


def test_a_page_elsewhere_may_ask_for_parts(depot: FlaskClient, centre: Centre) -> None:
    asked = {"Origin": "https://portal.example.org", "Access-Control-Request-Method": "GET"}
    answer = depot.options(address(centre), headers=asked | {"Access-Control-Request-Headers": "range"})
    assert answer.status_code == 200
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "Range" in answer.headers["Access-Control-Allow-Headers"]


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


@pytest.mark.parametrize("location", [f"{JOB}/1/secret.txt", f"{JOB}/1/manifest.json", f"{JOB}/1/../1/a.txt", "x"])
def test_what_was_not_published_is_not_there_even_with_a_signature(
    depot: FlaskClient, centre: Centre, location: str
) -> None:
    assert depot.get(address(centre, location)).status_code == 404


def test_a_download_goes_on_while_its_file_is_removed_and_the_next_one_is_gone(
    depot: FlaskClient, centre: Centre
) -> None:
    assert centre.results is not None
    answer = depot.get(address(centre))
    Results(centre.results).remove(JOB, 1)
    assert answer.data == b"hi"
    for headers in ({}, {"Range": "bytes=1-"}):
        gone = depot.get(address(centre), headers=headers, buffered=True)
        assert (gone.status_code, json.loads(gone.data)["type"].rpartition("/")[2]) == (410, "result-not-available")


def test_while_the_disk_is_away_nothing_is_gone(depot: FlaskClient, centre: Centre) -> None:
    assert centre.results is not None
    centre.results.rename(centre.results.with_name("away"))
    assert depot.get(address(centre)).status_code == 503


def test_a_link_in_the_results_leads_nowhere(depot: FlaskClient, centre: Centre, tmp_path) -> None:
    assert centre.results is not None
    (tmp_path / "outside.txt").write_text("outside")
    path = centre.results / LOCATION
    path.unlink()
    path.symlink_to(tmp_path / "outside.txt")
    assert depot.get(address(centre)).status_code == 404


def test_it_says_that_it_is_up(depot: FlaskClient) -> None:
    assert depot.get("/health/live").status_code == 200
