import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_workers.contract import (
    CONTRACT,
    MESSAGE_LIMIT_BYTES,
    BadMessage,
    Dismissal,
    Kind,
    Order,
    Receipt,
    Report,
    Result,
    Words,
    link_holds,
    seal,
    sign_link,
    unseal,
)

KEY = b"k" * 32
STOP = Dismissal(job_id="j", attempt=2)


def test_what_is_sealed_is_read_again() -> None:
    assert unseal(seal(STOP, KEY), KEY, Dismissal) == STOP


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "0" * 64},
        {"body": '{"job_id":"other","attempt":2}'},
        {"contract": CONTRACT + 1},
        {"kind": "order"},
        {"body": 7},
        {"signature": None},
        {"signature": "é"},
        {"signature": "\ud800"},
        {"body": "\ud800"},
    ],
)
def test_an_altered_envelope_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        unseal(seal(STOP, KEY) | change, KEY, Dismissal)


def test_another_centres_key_does_not_fit() -> None:
    with pytest.raises(BadMessage, match="signature"):
        unseal(seal(STOP, b"x" * 32), KEY, Dismissal)


def test_a_message_of_another_kind_is_refused_although_it_is_genuine() -> None:
    with pytest.raises(BadMessage, match="report"):
        unseal(seal(STOP, KEY), KEY, Report)


def test_something_else_is_no_envelope() -> None:
    with pytest.raises(BadMessage):
        unseal({}, KEY, Dismissal)


def test_a_message_may_not_be_larger_than_the_broker_carries() -> None:
    long = Words(en="x" * MESSAGE_LIMIT_BYTES, fr="")
    with pytest.raises(BadMessage, match="limit"):
        seal(Report(job_id="j", part=0, attempt=1, centre="c", kind=Kind.LOG, words=long), KEY)


def test_an_order_needs_times_with_a_zone() -> None:
    aware, naive = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="accepted"):
        Order(
            job_id="j", part=0, attempt=1, process_id="echo", process_version="1", inputs={}, formats={},
            accepted=naive, queue_deadline=aware, time_limit_s=1, memory_limit_bytes=1, centre="c", queue="q",
        )  # fmt: skip


def test_a_signed_address_holds_until_it_expires_and_for_nothing_else() -> None:
    signature = sign_link(KEY, method="GET", location="j/1/a.nc", expires=100)
    assert link_holds(KEY, signature, method="GET", location="j/1/a.nc", expires=100, now=99)
    assert not link_holds(KEY, signature, method="GET", location="j/1/a.nc", expires=100, now=100)
    assert not link_holds(KEY, signature, method="PUT", location="j/1/a.nc", expires=100, now=99)
    assert not link_holds(KEY, signature, method="GET", location="j/2/a.nc", expires=100, now=99)
    assert not link_holds(KEY, signature, method="GET", location="j/1/a.nc", expires=101, now=99)
    assert not link_holds(b"x" * 32, signature, method="GET", location="j/1/a.nc", expires=100, now=99)


@given(en=st.text(), fr=st.text(), progress=st.integers(0, 99))
def test_every_report_survives_its_journey(en: str, fr: str, progress: int) -> None:
    report = Report(
        job_id="j", part=0, attempt=1, centre="c", kind=Kind.PROGRESS, progress=progress, words=Words(en=en, fr=fr)
    )
    assert unseal(seal(report, KEY), KEY, Report) == report


def test_the_version_before_is_read_too() -> None:
    told = Report(
        job_id="j", part=0, attempt=1, centre="c", kind=Kind.FINISHED,
        result=Result(outputs=(), receipt=Receipt()),
    )  # fmt: skip
    envelope = seal(told, KEY)
    body = json.loads(envelope["body"])
    del body["result"]["sides"]
    old = {"contract": CONTRACT - 1, "kind": "report", "body": json.dumps(body)}
    text = f"{old['contract']}\n{old['kind']}\n{old['body']}".encode()
    assert unseal(old | {"signature": hmac.new(KEY, text, hashlib.sha256).hexdigest()}, KEY, Report) == told


def test_versions_further_away_are_refused() -> None:
    for other in (CONTRACT - 2, CONTRACT + 1):
        text = f"{other}\ndismissal\n{{}}".encode()
        envelope = {"contract": other, "kind": "dismissal", "body": "{}"}
        signature = hmac.new(KEY, text, hashlib.sha256).hexdigest()
        with pytest.raises(BadMessage, match="not understood"):
            unseal(envelope | {"signature": signature}, KEY, Dismissal)
