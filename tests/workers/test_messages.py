"""What the server puts on a queue is what Celery itself would put there."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from gaia_config.centres import Centre
from gaia_workers.app import SETTINGS
from gaia_workers.messages import TASK, queue_name, read_message, write_message

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
    broker.lpush(f"{centre.prefix}{queue}", write_message(ENVELOPE, queue, label="a/1"))
    with celery.connection_for_read() as connection, connection.SimpleQueue(queue, no_ack=True) as read:
        assert read.get(timeout=5).payload[0] == [ENVELOPE]  # a worker of Celery can read it, whatever stands before
    ours = json.loads(write_message(ENVELOPE, queue, label="a/1"))
    assert {name: ours[name] for name in ("content-encoding", "content-type")} == {
        name: theirs[name] for name in ("content-encoding", "content-type")
    }
    assert json.loads(base64.b64decode(ours["body"])) == json.loads(base64.b64decode(theirs["body"]))
    assert without_its_own(ours["properties"]) == without_its_own(theirs["properties"])
    assert without_its_own(ours["headers"]) == without_its_own(theirs["headers"])
    assert set(ours["headers"]) == set(theirs["headers"])
    assert read_message(json.dumps(theirs)) == ENVELOPE


def test_each_message_has_an_identity_of_its_own() -> None:
    first, second = (json.loads(write_message(ENVELOPE, "climeri.interactive", label="a/1")) for _ in range(2))
    assert first["headers"]["id"] == first["headers"]["root_id"] == first["properties"]["correlation_id"]
    assert first["headers"]["id"] != second["headers"]["id"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]
