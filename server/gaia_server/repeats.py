"""Requests that a client sends again because it does not know what became of them: the header `Idempotency-Key`."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Request

from gaia_server.errors import KeyReused, KeyWrong
from gaia_server.jobs.records import Job, Once

HEADER = "Idempotency-Key"
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,128}")


def read_once(request: Request, process_id: str, body: Mapping[str, Any]) -> Once | None:
    """
    Read what makes a repeated request the same one; None where the client says nothing.

    Parameters
    ----------
    body : mapping
        As JSON values: blanks and the order of members make no other request.

    Raises
    ------
    KeyWrong
        If there are several keys, or it is not 1 to 128 printable characters.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _PRINTABLE.fullmatch(key):
        raise KeyWrong([key])
    asked = json.dumps([process_id, body], sort_keys=True, separators=(",", ":"))
    return Once(key=key, digest=hashlib.sha256(asked.encode()).hexdigest())


def require_same(earlier: Job, once: Once) -> Job:
    """
    Give the job that a request with this key made before, if it was the same request.

    Raises
    ------
    KeyReused
        If it was another one.
    """
    if earlier.once != once:
        raise KeyReused(once.key)
    return earlier
