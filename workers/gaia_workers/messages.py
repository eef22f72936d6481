"""
How an order lies in a queue of Redis: the message that Celery's workers take, made without Celery.

The server writes one for every job, and Celery's own way to it takes longer than all the rest of the sending; the worker reads
it as any task. A test holds it to what Celery itself would have sent.

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

TASK = "gaia.order"
LONGEST_JOB_S = 7 * 86400
CONNECT_TIMEOUT_S = 1.5  # a request waits for it once, and shall be answered within 2 s
_ORIGIN = f"{os.getpid()}@{socket.gethostname()}"
_NO_CALLS: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def queue_name(centre: Centre, queue: str) -> str:
    """Name a queue as the broker knows it, below the centre's prefix."""
    return f"{centre.id}.{queue}"


def write_message(envelope: Mapping[str, Any], queue: str) -> str:
    """
    Write the message that has a worker carry out an order.

    Parameters
    ----------
    envelope : mapping
        The sealed order.
    queue : str
        As `queue_name` gives it.

    Returns
    -------
    str
        To be put on the left end of the queue's list.
    """
    id = str(uuid4())
    body = json.dumps([[envelope], {}, _NO_CALLS])
    message = {
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
