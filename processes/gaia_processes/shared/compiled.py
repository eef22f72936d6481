"""
Loops that numba compiles: kept on disk where the machine has a place for it, else made anew in each process.

`compute` modules with such loops have a function `warm` that runs them once: the process that every task is forked from loads
them so where they are made already (`kept_loops.py`).
"""

from collections.abc import Callable
from typing import Any, cast

import numba

from gaia_processes.shared import kept_loops

_settings: Any = numba.config
_settings.CACHE_DIR = str(kept_loops.folder() or "")


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
