"""The least that Celery does: one task on Redis, with a result backend. `benchmarks/soak.py` runs it, and says where by `BARE_REDIS`."""

import os

from celery import Celery

tasks = Celery("bare", broker=os.environ["BARE_REDIS"], backend=os.environ["BARE_REDIS"])


@tasks.task(name="echo")  # type: ignore[untyped-decorator]  # Celery has no types
def echo(message: str) -> str:
    """Give back what was sent."""
    return message
