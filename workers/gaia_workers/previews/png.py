"""A picture is its own preview: what a page must know of it to leave room for it."""

from pathlib import Path
from typing import Any


def preview(path: Path) -> dict[str, Any] | None:
    """Give the size of a PNG picture, from its header (PNG specification, section 11.2.2)."""
    with path.open("rb") as stream:
        head = stream.read(24)
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = (int.from_bytes(head[start : start + 4]) for start in (16, 20))
    return {"kind": "image", "width": width, "height": height}
