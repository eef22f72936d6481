"""
Loops that numba compiles: kept on disk where the machine has a place for it, else made anew in each process.

A process that is forked for each task compiles before it forks: `compute` modules with such loops have a function `warm`
that runs them once.
"""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba


def _own_folder() -> str:
    """Give a folder for compiled loops that nobody else can write to, for they are run as they lie there; none if there is none."""
    folder = Path(tempfile.gettempdir(), f"gaia-compiled-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return ""
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return str(folder) if is_ours else ""


_settings: Any = numba.config
if not _settings.CACHE_DIR:  # an operator may name another (NUMBA_CACHE_DIR)
    _settings.CACHE_DIR = _own_folder()


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """
    Compile a loop when it is first called with arguments of some types; it then holds no lock of Python's.

    Sums keep the order in which they are written: the same numbers come out on every machine.
    """
    loop: Any = function
    try:
        made = numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # numba finds no folder that it may write to
        made = numba.njit(nogil=True)(loop)
    return cast("Callable[P, R]", made)
