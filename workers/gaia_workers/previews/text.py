"""The beginning of a result that is text."""

from pathlib import Path
from typing import Any

LENGTH = 4000


def preview(path: Path) -> dict[str, Any]:
    """Give the first characters, and whether there are more."""
    with path.open(encoding="utf-8", newline="") as stream:
        beginning = stream.read(LENGTH + 1)
    return {"kind": "text", "text": beginning[:LENGTH], "more": len(beginning) > LENGTH}
