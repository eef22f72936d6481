"""
How an order lies in a queue of Redis: the message of a Celery task, written and read without Celery.

The server writes one for every job and a worker reads it, and Celery's own ways take longer than all the rest. Any worker of
Celery reads it as a task, and what Celery sends is read here. A test holds it to what Celery itself would have sent.

References
----------
Celery, Message Protocol, version 2; kombu, virtual transports (the envelope around it).
"""

import base64
import json
import os
import socket
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from gaia_config.centres import Centre
from gaia_workers.contract import BadMessage

TASK = "gaia.order"
LONGEST_JOB_S = 7 * 86400
CONNECT_TIMEOUT_S = 1.5  # a request waits for it once, and shall be answered within 2 s
_ORIGIN = f"{os.getpid()}@{socket.gethostname()}"
_NO_CALLS: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def queue_name(centre: Centre, queue: str) -> str:
    """Name a queue as the broker knows it, below the centre's prefix."""
    return f"{centre.id}.{queue}"


def write_message(envelope: Mapping[str, Any], queue: str, *, label: str) -> str:
    """
    Write the message that has a worker carry out an order.

    Parameters
    ----------
    envelope : mapping
        The sealed order.
    queue : str
        As `queue_name` gives it.
    label : str
        `<job>/<attempt>`. It stands first, where the broker itself can read it (`transport.py`); Celery passes over it.

    Returns
    -------
    str
        To be put on the left end of the queue's list.
    """
    id = str(uuid4())
    body = json.dumps([[envelope], {}, _NO_CALLS])
    message = {
        "order": label,
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _headers(id),
        "properties": {
            "correlation_id": id,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return json.dumps(message)


def read_message(message: str) -> Any:
    """
    Take the envelope out of a message.

    Raises
    ------
    BadMessage
        If it is not the message of a task with one argument, as JSON.
    """
    try:
        outer = json.loads(message)
        body = outer["body"]
        if outer["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body, validate=True)
        ((envelope,), _, _) = json.loads(body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadMessage(f"not the message of a task: {type(error).__name__}") from error
    return envelope


def _headers(id: str) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": TASK,
        "id": id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": id,
        "parent_id": None,
        "argsrepr": "(an order,)",
        "kwargsrepr": "{}",
        "origin": _ORIGIN,
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
