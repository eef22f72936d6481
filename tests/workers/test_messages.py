"""What the server puts on a queue is what Celery itself would put there."""

import base64
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery

from gaia_config.centres import Centre
from gaia_workers.app import SETTINGS, QueueReader, make_app
from gaia_workers.messages import TASK, queue_name, write_message

ENVELOPE = {"contract": 2, "kind": "order", "body": "{}", "signature": "ab"}
ITS_OWN = {"id", "root_id", "correlation_id", "delivery_tag", "reply_to", "argsrepr", "origin"}
"""What differs from message to message, and what only tells people something."""


@pytest.fixture
def celery(centre: Centre, redis_url: str) -> Iterator[Celery]:
    with Celery("peer", broker=redis_url, set_as_current=False) as app:
        app.conf.update(SETTINGS, broker_transport_options={"global_keyprefix": centre.prefix})
        yield app


def without_its_own(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in ITS_OWN}


def test_a_message_is_as_celery_writes_it(celery: Celery, centre: Centre, broker: Any) -> None:
    queue = queue_name(centre, "interactive")
    celery.send_task(TASK, args=(ENVELOPE,), queue=queue, ignore_result=True)
    theirs = json.loads(broker.lpop(f"{centre.prefix}{queue}"))
    ours = json.loads(write_message(ENVELOPE, queue))
    assert {name: ours[name] for name in ("content-encoding", "content-type")} == {
        name: theirs[name] for name in ("content-encoding", "content-type")
    }
    assert json.loads(base64.b64decode(ours["body"])) == json.loads(base64.b64decode(theirs["body"]))
    assert without_its_own(ours["properties"]) == without_its_own(theirs["properties"])
    assert without_its_own(ours["headers"]) == without_its_own(theirs["headers"])
    assert set(ours["headers"]) == set(theirs["headers"])


def test_each_message_has_an_identity_of_its_own() -> None:
    first, second = (json.loads(write_message(ENVELOPE, "climeri.interactive")) for _ in range(2))
    assert first["headers"]["id"] == first["headers"]["root_id"] == first["properties"]["correlation_id"]
    assert first["headers"]["id"] != second["headers"]["id"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]


def test_celery_asks_a_broker_behind_tls_who_it_is(centre: Centre) -> None:
    app = make_app(replace(centre, broker_url="rediss://:word@broker.example:6379/0"), lambda _: None)
    with app.connection_for_read() as connection:
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
        assert connection.get_transport_cls().Channel is QueueReader


def test_a_message_that_is_none_is_taken_off_the_queue_and_the_next_one_read(centre: Centre, broker: Any) -> None:
    queue = queue_name(centre, "interactive")
    for each in ("no JSON", "[]", '{"body": 7}', b"\xff", "[" * 100_000, write_message(ENVELOPE, queue)):
        broker.lpush(f"{centre.prefix}{queue}", each)
    heard: list[Any] = []
    with make_app(centre, lambda _: None).connection_for_read() as connection, connection.channel() as channel:
        channel.basic_consume(queue, no_ack=True, callback=heard.append, consumer_tag="1")
        while not heard:
            connection.drain_events(timeout=5)
    assert [each.headers["task"] for each in heard] == [TASK]
