"""
The least that does the same: Flask, Celery and SQLite, nothing validated, nothing kept safe.

A request is one row and one message; the worker sets the row. `benchmarks/service.py` runs it, and says where by `BARE_DB`
and `BARE_REDIS`.
"""

import json
import os
import sqlite3
import threading
import time
from typing import Any
from uuid import uuid4

from celery import Celery
from flask import Flask, Response, request

COLUMNS = ("id", "status", "created", "inputs", "result")

app = Flask(__name__)
tasks = Celery("bare", broker=os.environ["BARE_REDIS"])
tasks.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, task_acks_late=True)
_local = threading.local()


def database() -> sqlite3.Connection:
    """Give this thread's connection."""
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["BARE_DB"], timeout=5, isolation_level=None)
        _local.connection.execute("PRAGMA journal_mode=WAL")
        _local.connection.execute("PRAGMA synchronous=NORMAL")
    return _local.connection  # type: ignore[no-any-return]  # threading.local holds anything


def prepare() -> None:
    """Make the table."""
    database().execute(
        "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, status TEXT, created REAL, inputs TEXT, result TEXT) WITHOUT ROWID"
    )
    database().execute("CREATE INDEX IF NOT EXISTS newest ON jobs (created)")


def answer(content: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json.dumps(content), status=status, content_type="application/json")


@app.post("/processes/echo/execution")
def execute() -> Response:
    """Record a job and send it."""
    inputs = request.get_json()["inputs"]
    id = str(uuid4())
    database().execute("INSERT INTO jobs VALUES (?, 'accepted', ?, ?, NULL)", (id, time.time(), json.dumps(inputs)))
    echo.delay(id, inputs)
    return answer({"jobID": id, "status": "accepted"}, 201)


@app.get("/jobs/<id>")
def status(id: str) -> Response:
    """Tell the status of a job."""
    row = database().execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()
    return answer(dict(zip(COLUMNS, row, strict=True))) if row else answer({}, 404)


@app.get("/jobs")
def jobs() -> Response:
    """List the newest jobs."""
    rows = database().execute("SELECT * FROM jobs ORDER BY created DESC LIMIT 10").fetchall()
    return answer([dict(zip(COLUMNS, row, strict=True)) for row in rows])


@tasks.task  # type: ignore[untyped-decorator]  # Celery has no types
def echo(id: str, inputs: dict[str, Any]) -> None:
    """Give back what was sent."""
    database().execute("UPDATE jobs SET status = 'successful', result = ? WHERE id = ?", (inputs["message"], id))


prepare()
