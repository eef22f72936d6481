"""Writing a file so that a reader sees the old one or the new one, whatever dies in between."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """
    Write a file beside its place, bring it to the disk, and move it there.

    Parameters
    ----------
    path : Path
        Where it shall stand; its folder is made where needed.
    content : str or bytes
        What it shall hold; text is written as UTF-8.
    mode : int
        Its permissions; 0o600 for secrets.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _remember(path.parent)


def _remember(folder: Path) -> None:
    """Bring the move itself to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
