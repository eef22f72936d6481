"""
A quantile of more values than fit into memory: found digit by digit, one pass over the values for each.

Floats are ordered as the integers that their bits make, once the sign is seen to (as radix sorts do); sixteen bits at a
time, four passes find the value, and one more the next greater one where the mean of both is asked for.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_DIGIT_BITS = 16
_KEY_BITS = 64
_SLACK = 1e-9

type Pieces = Callable[[], Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]]
"""Gives all values and their weights anew, piece by piece; no NaN, no weight that is not positive."""


def select_quantile(pieces: Pieces, share: float) -> float:
    """
    Give the same as `quantile_by_weight` of all values together.

    Parameters
    ----------
    pieces : callable
        Is called for each pass.
    share : float
        0 to 1.

    Returns
    -------
    float
        NaN where there is no value.
    """
    prefix, below, target, slack = np.uint64(0), 0.0, 0.0, 0.0
    reached = 0.0
    for shift in range(_KEY_BITS - _DIGIT_BITS, -1, -_DIGIT_BITS):
        heap = _weigh_digits(pieces, prefix, shift)
        sums = below + np.cumsum(heap)
        if shift == _KEY_BITS - _DIGIT_BITS:
            total = float(sums[-1])
            target, slack = share * total, _SLACK * total
            if total <= 0:
                return float("nan")
        there = np.flatnonzero(heap > 0)
        enough = there[sums[there] >= target - slack]
        digit = int(enough[0]) if len(enough) else int(there[-1])
        reached, below = float(sums[digit]), float(sums[digit] - heap[digit])
        prefix |= np.uint64(digit) << np.uint64(shift)
    found = _value_of(prefix)
    if abs(reached - target) > slack:
        return found
    following = _next_above(pieces, prefix)
    return found if following is None else (found + _value_of(following)) / 2


def _weigh_digits(pieces: Pieces, prefix: np.uint64, shift: int) -> NDArray[np.float64]:
    """Add up the weights of the values that begin as the prefix, by the digit that follows it."""
    heap = np.zeros(2**_DIGIT_BITS)
    above = np.uint64(shift + _DIGIT_BITS)
    for values, weights in pieces():
        keys = _keys_of(values)
        if above < _KEY_BITS:
            own = (keys >> above) == (prefix >> above)
            keys, weights = keys[own], weights[own]
        digits = (keys >> np.uint64(shift)) & np.uint64(2**_DIGIT_BITS - 1)
        heap += np.bincount(digits.astype(np.intp), weights, minlength=2**_DIGIT_BITS)
    return heap


def _next_above(pieces: Pieces, key: np.uint64) -> np.uint64 | None:
    least: np.uint64 | None = None
    for values, _ in pieces():
        keys = _keys_of(values)
        greater = keys[keys > key]
        if len(greater):
            least = greater.min() if least is None else min(least, greater.min())
    return least


def _keys_of(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Give integers that are ordered as the values; nothing and minus nothing are the same."""
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    sign = np.uint64(1) << np.uint64(_KEY_BITS - 1)
    return np.where(bits & sign, ~bits, bits | sign)


def _value_of(key: np.uint64) -> float:
    sign = np.uint64(1) << np.uint64(_KEY_BITS - 1)
    bits = key & ~sign if key & sign else ~key
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])
