"""Orders as a test wants them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_workers.contract import Order


def order(**change: object) -> Order:
    now = datetime.now(UTC)
    values: dict[str, object] = {
        "job_id": str(uuid4()), "part": 0, "attempt": 1, "process_id": "echo", "process_version": by_id(CATALOGUE)["echo"].version,
        "inputs": {"message": "hi"}, "formats": {"message": "text", "values": "json"}, "accepted": now,
        "queue_deadline": now + timedelta(hours=1), "time_limit_s": 60.0, "memory_limit_bytes": 2**31,
        "centre": "climeri", "queue": "interactive",
    }  # fmt: skip
    return Order(**(values | change))  # type: ignore[arg-type]  # a test says what it changes
