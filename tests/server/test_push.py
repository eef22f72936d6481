"""Deliveries of centres, as they come over HTTP."""

import hashlib
import time

import pytest

WHOLE = b"0123456789"


def kept(settings, job, name="data.nc"):
    return settings.home / "store-results" / job.id / "1" / name


@pytest.fixture
def job(desk):
    return desk.accept("data", process="subset")


def test_a_file_arrives_whole(deliver, settings, job):
    answer = deliver(job, "data.nc", WHOLE)
    assert (answer.status_code, answer.headers["Gaia-Offset"]) == (201, "10")
    assert kept(settings, job).read_bytes() == WHOLE
    assert not kept(settings, job, "data.nc.part").exists()


def test_a_file_without_content_range_is_whole(deliver, settings, job, client):
    whole = {"Content-Range": None}
    answer = deliver(job, "data.nc", WHOLE, headers=whole)
    assert answer.status_code == 201
    assert kept(settings, job).read_bytes() == WHOLE


def test_an_empty_file_arrives(deliver, settings, job):
    assert deliver(job, "data.nc", b"").status_code == 201
    assert kept(settings, job).read_bytes() == b""


def test_a_file_arrives_in_pieces(deliver, settings, job):
    assert deliver(job, "data.nc", WHOLE[:4], whole=WHOLE).headers["Gaia-Offset"] == "4"
    assert deliver(job, "data.nc", b"", method="HEAD").headers["Gaia-Offset"] == "4"
    assert not kept(settings, job).exists()
    assert deliver(job, "data.nc", WHOLE[4:], whole=WHOLE, offset=4).status_code == 201
    assert kept(settings, job).read_bytes() == WHOLE


def test_nothing_has_arrived_at_first(deliver, job):
    answer = deliver(job, "data.nc", b"", method="HEAD")
    assert (answer.status_code, answer.headers["Gaia-Offset"]) == (200, "0")


@pytest.mark.parametrize("offset", [0, 3, 5])
def test_a_piece_that_does_not_go_on_where_the_last_ended_is_told_where_that_is(deliver, job, offset):
    deliver(job, "data.nc", WHOLE[:4], whole=WHOLE)
    answer = deliver(job, "data.nc", WHOLE[offset:], whole=WHOLE, offset=offset)
    assert (answer.status_code, answer.headers["Gaia-Offset"]) == (409, "4")


def test_what_is_not_what_was_announced_is_removed(deliver, settings, job):
    answer = deliver(job, "data.nc", WHOLE, digest_of=b"something else")
    assert answer.status_code == 422
    assert not list(kept(settings, job).parent.iterdir())


def test_a_complete_file_may_come_again(deliver, job):
    deliver(job, "data.nc", WHOLE)
    assert deliver(job, "data.nc", b"", method="HEAD").headers["Gaia-Offset"] == "10"
    assert deliver(job, "data.nc", WHOLE).status_code == 201


def test_another_file_does_not_take_the_place_of_a_complete_one(deliver, settings, job):
    deliver(job, "data.nc", WHOLE)
    assert deliver(job, "data.nc", b"other").status_code == 409
    assert kept(settings, job).read_bytes() == WHOLE


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param({"signature": "0" * 64}, id="a forged signature"),
        pytest.param({"signature": "é"}, id="no signature at all"),
        pytest.param({"expires": 1}, id="expired"),
        pytest.param({"centre": "atlantis"}, id="a centre that there is not"),
        pytest.param({"attempt": "x"}, id="no attempt"),
    ],
)
def test_a_claim_that_does_not_hold_delivers_nothing(deliver, settings, job, claim):
    assert deliver(job, "data.nc", WHOLE, **claim).status_code == 403
    assert not kept(settings, job).parent.exists()


def test_a_signature_for_reading_does_not_write(deliver, job):
    from gaia_workers.contract import sign_link

    expires = int(time.time()) + 60
    signature = sign_link(b"k" * 32, method="GET", location=f"{job.id}/1/data.nc", expires=expires)
    assert deliver(job, "data.nc", WHOLE, signature=signature, expires=expires).status_code == 403


@pytest.mark.parametrize("name", ["..", "....", "data.nc.part"])
def test_a_name_that_is_none_is_refused(deliver, job, name):
    assert deliver(job, name, WHOLE).status_code in (400, 403, 404)


def test_a_name_may_not_leave_its_folder(deliver, settings, job):
    assert deliver(job, "../../evil", WHOLE).status_code in (403, 404)
    assert not list(settings.home.rglob("evil"))


@pytest.mark.parametrize("wrong", [{"attempt": 2}, {"centre": "climeri"}])
def test_only_the_attempt_that_is_waited_for_may_deliver(deliver, job, wrong):
    assert deliver(job, "data.nc", WHOLE, **wrong).status_code == 404


def test_an_ended_job_takes_no_delivery(deliver, desk, job):
    desk.fail(job, "timeout")
    assert deliver(job, "data.nc", WHOLE).status_code == 404
    assert deliver(job, "data.nc", b"", method="HEAD").status_code == 404


def test_a_dismissal_removes_what_has_arrived(deliver, settings, client, job):
    deliver(job, "data.nc", WHOLE[:4], whole=WHOLE)
    client.delete(f"/jobs/{job.id}")
    assert not kept(settings, job).parent.exists()


def test_what_an_earlier_attempt_left_goes_when_the_next_one_delivers(deliver, settings, desk, job):
    deliver(job, "data.nc", WHOLE[:4], whole=WHOLE)
    again = desk.services.store
    assert again.resend(job, lost=True, centre="theia", queue="interactive", reason=job.reason)
    assert deliver(job, "data.nc", WHOLE, attempt=2).status_code == 201
    assert [folder.name for folder in kept(settings, job).parent.parent.iterdir()] == ["2"]


@pytest.mark.parametrize(
    "content_range", ["bytes 0-9/*", "bytes 5-4/10", "bytes 0-10/10", "items 0-9/10", "bytes */10", "x"]
)
def test_a_content_range_that_means_nothing_is_refused(deliver, job, content_range):
    assert deliver(job, "data.nc", WHOLE, headers={"Content-Range": content_range}).status_code == 400


@pytest.mark.parametrize("digest", ["", "sha-256=:x:", "sha-512=:" + "A" * 43 + "=:", "sha-256=:" + "*" * 44 + ":"])
def test_a_delivery_without_its_digest_is_refused(deliver, job, digest):
    assert deliver(job, "data.nc", WHOLE, headers={"Repr-Digest": digest}).status_code == 400


def test_a_large_file_arrives_although_requests_are_small(deliver, settings, job):
    content = bytes(range(256)) * 4096 * 3
    assert deliver(job, "data.nc", content).status_code == 201
    assert hashlib.sha256(kept(settings, job).read_bytes()).digest() == hashlib.sha256(content).digest()


def test_a_sender_that_goes_away_leaves_what_has_arrived(deliver, settings, job):
    deliver(job, "data.nc", WHOLE[:4], whole=WHOLE, headers={"Content-Range": "bytes 0-7/10"})
    assert deliver(job, "data.nc", b"", method="HEAD").headers["Gaia-Offset"] == "4"
