"""What parts made ready, as the server gives it to the centre that does the whole."""

import time
from dataclasses import replace
from uuid import uuid4

import pytest

from gaia_server.results import STORE
from gaia_workers.contract import Kind, OutputFile, Receipt, Report, Result, sign_link

CONTENT = b"CDF\x01" + b"x" * 100


@pytest.fixture
def whole(desk, services):
    """Give a job at theia that lacks a dataset of climeri."""
    template = desk.accept("message")
    job = replace(template, id=str(uuid4()), work_id="", content_key=uuid4().hex)
    part = replace(job.work, id=str(uuid4()), centre="climeri", brings="tas@1", joinable=False, content_key=uuid4().hex)
    return services.store.accept(job, parts=[(part, None)])


@pytest.fixture
def ready(services, whole):
    """Let the part be ready; its file lies in the server's store, or stays at its centre."""

    def make(store="server"):
        (part,) = services.store.parts(whole.id)
        location = f"{part.id}/1/d.nc"
        path = services.settings.home / STORE / location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
        file = OutputFile(
            output="data", name="d.nc", media_type="x", size_bytes=len(CONTENT), sha256="a" * 64, location=location, store=store
        )  # fmt: skip
        result = Result(outputs=(file,), receipt=Receipt())
        report = Report(job_id=part.id, part=0, attempt=1, centre="climeri", kind=Kind.FINISHED, result=result)
        services.store.apply([report], attempts=1)
        return part

    return make


@pytest.fixture
def fetch(client, services, whole):
    def get(part_id, *, centre="theia", attempt=1, key=None, method="GET"):
        location = f"parts/{part_id}/{whole.id}/{attempt}"
        expires = int(time.time()) + 60
        signature = sign_link(key or services.centres[centre].key, method=method, location=location, expires=expires)
        address = f"/store/{location}?expires={expires}&signature={signature}"
        with client.get(address, headers={"Gaia-Centre": centre}) as answer:
            return answer.status_code, answer.data, answer.headers.get("Location", "")

    return get


def test_the_centre_of_the_whole_gets_what_was_pushed(fetch, ready):
    assert fetch(ready().id)[:2] == (200, CONTENT)


def test_it_is_led_to_the_centre_where_it_stays_by_a_signed_address(fetch, ready, services):
    part = ready(store="centre")
    status, _, there = fetch(part.id)
    assert status == 307
    assert there.startswith(f"{services.centres['climeri'].public_url}/results/{part.id}/1/d.nc?")
    assert "signature=" in there


@pytest.mark.parametrize(
    "change",
    [{"centre": "climeri"}, {"attempt": 2}, {"key": b"w" * 32}, {"method": "PUT"}],
    ids=lambda each: next(iter(each)),
)
def test_nobody_else_gets_it(fetch, ready, change):
    assert fetch(ready().id, **change)[0] in (403, 404)


def test_what_is_no_part_of_the_work_is_not_given(fetch, ready, desk):
    ready()
    assert fetch(desk.finish(desk.accept("message"), message=b"hello").id)[0] == 410


def test_what_is_not_ready_or_gone_is_not_given(fetch, ready, services, whole):
    (part,) = services.store.parts(whole.id)
    assert fetch(part.id)[0] == 410
    ready()
    services.store.retention.lose(part.id, 1, store="server")
    assert fetch(part.id)[0] == 410


def test_the_status_tells_how_the_parts_go(client, ready, whole):
    told = client.get(f"/jobs/{whole.id}").get_json()
    assert told["gaia:parts"] == [
        {"dataset": "tas@1", "status": "accepted", "progress": 0, "gaia:centre": "climeri", "gaia:reason": "theia holds the data"}
    ]  # fmt: skip
    assert "gaia:queuePosition" not in told
    ready()
    (part,) = client.get(f"/jobs/{whole.id}").get_json()["gaia:parts"]
    assert (part["status"], part["sizeBytes"]) == ("successful", len(CONTENT))


def test_the_provenance_names_the_centres_of_the_parts(client, ready, whole):
    ready()
    graph = client.get(f"/jobs/{whole.id}/provenance").get_json()["@graph"]
    centres = {each["@id"].rpartition("/")[2] for each in graph if "Organization" in each["@type"]}
    assert centres == {"theia", "climeri"}
