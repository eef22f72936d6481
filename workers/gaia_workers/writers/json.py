"""Writes plain values as JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gaia_workers.writers import text


def write(value: Any, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """Write `value` as RFC 8259 JSON; NaN and infinities are an error of ours, not of the file."""
    text.write(json.dumps(value, ensure_ascii=False, allow_nan=False), path, progress=progress, history=history)
