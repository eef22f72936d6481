"""Writes a text as UTF-8."""

from collections.abc import Callable
from pathlib import Path


def write(value: str, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:  # noqa: ARG001 a writer's signature
    """Write `value`, and nothing beside it: plain text has no place for a history."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(value)
    progress(1, 1)
