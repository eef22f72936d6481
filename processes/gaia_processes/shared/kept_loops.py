"""
Where compiled loops are kept on this machine, and whether all of them are there. Light: numba is not imported here.

To compile them takes some ten seconds of a processor, once for each version of them.
"""

import hashlib
import os
import platform
import stat
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def folder() -> Path | None:
    """
    Give a folder for compiled loops that nobody else can write to, for they are run as they lie there; none if there is none.

    An operator may name another: `NUMBA_CACHE_DIR`.
    """
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(named)
    own = Path(tempfile.gettempdir(), f"gaia-compiled-{os.getuid()}")
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return own if is_ours else None


def are_made() -> bool:
    """Tell whether all loops, as they are written now, lie compiled on this machine."""
    return (place := folder()) is not None and (place / _mark()).exists()


def tell_made() -> None:
    """Note that all loops have been compiled on this machine."""
    if (place := folder()) is not None:
        (place / _mark()).touch()


def _mark() -> str:
    """Name the loops as they are: other files, another numba or Python, and they are compiled anew."""
    files = [(each.name, (found := each.stat()).st_mtime_ns, found.st_size) for each in _sources()]
    told = repr((str(Path(__file__).parent), files, version("numba"), sys.version, platform.processor()))
    return f"made-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _sources() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.py"))
