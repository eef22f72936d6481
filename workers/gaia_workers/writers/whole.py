"""Files that are written whole or not at all, and the reason why a disk refused one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROBE_BYTES = 2**21
"""About what libraries write at once: where that finds no room either, room is what was lacking."""


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[None]:
    """
    Leave no file behind where writing it fails.

    Libraries in C (NetCDF, GDAL) say only that they failed. So the disk is asked, while the half file still lies on it.

    Raises
    ------
    OSError
        As the system puts it, where it refuses to take any more (no space, quota, size of a file, read-only, broken).
    """
    try:
        yield
    except Exception as error:
        refusal = None if isinstance(error, OSError) and error.errno else find_refusal(path)
        path.unlink(missing_ok=True)
        if refusal is not None:
            raise refusal from error
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def find_refusal(path: Path) -> OSError | None:
    """Try to write some more beside a file and as much again at its end; give what the system says to it, if it refuses."""
    probe = path.with_name(f".{path.name}.probe")
    try:
        size_bytes = path.stat().st_size if path.exists() else 0
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
            file.truncate(size_bytes + PROBE_BYTES)  # sparse: this asks for the limit to the size of a file alone
    except OSError as refusal:
        return refusal
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None
