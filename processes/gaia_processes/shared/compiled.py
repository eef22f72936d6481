"""
Loops that numba compiles: kept on disk where the machine has a place for it, else made anew in each process.

A process that is forked for each task compiles before it forks: `compute` modules with such loops have a function `warm`
that runs them once.
"""

from collections.abc import Callable
from typing import Any, cast

import numba


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
