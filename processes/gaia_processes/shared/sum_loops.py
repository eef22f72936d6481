"""
A compiled loop that adds up the steps of a chunk as it lies inflated: put in order, tested and added in one go.

What is put in order at once stays in the first cache of the processor; every cell has its steps in their order, in float64.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled

type Bytes = NDArray[np.uint8]
type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]

BLOCK = 2048
"""Values that are put in order at once."""

SUM, LOSS, BOTH = 0, 1, 2
"""What a chunk is added to: the sums, the weights of what is missing, or both."""


@compiled
def add_steps(
    data: Bytes,
    typed: NDArray[Any],
    is_shuffled: bool,
    bits: NDArray[Any],
    block: NDArray[Any],
    cells: int,
    steps: Longs,
    runs: Longs,
    factors: Floats,
    weights: Floats,
    rules: Floats,
    what: int,
    total: Floats,
    lost: Floats,
) -> bool:
    """
    Add some steps of a chunk to sums of its cells; says whether a value is missing.

    Parameters
    ----------
    data, typed : array
        The chunk as bytes, and the same as numbers, which it is where it is not shuffled.
    bits, block : array, shape (BLOCK,)
        A place for the numbers that are put in order, as whole numbers and as what they are: one memory.
    cells : int
        Of one step of the chunk.
    steps : array of int
        Of the chunk.
    runs : array of int, shape (runs, 3)
        Where neighbouring cells lie in a step, where they go, and how many they are.
    factors, weights : array of float, shape (steps,)
        By which values are multiplied, and what a missing one adds to `lost`.
    rules : array of float, shape (6,)
        As `values.find_rules` gives them.
    what : int
        `SUM`, `LOSS` or `BOTH`.
    """
    missing = False
    plane = typed.size
    for at in range(len(steps)):
        begin = steps[at] * cells
        for run in range(len(runs)):
            first, to, length = begin + runs[run, 0], runs[run, 1], runs[run, 2]
            for start in range(0, length, BLOCK):
                size = min(BLOCK, length - start)
                if is_shuffled:
                    _put_in_order(data, plane, first + start, bits[:size])
                    values = block[:size]
                else:
                    values = typed[first + start : first + start + size]
                own = slice(to + start, to + start + size)
                if what != LOSS:
                    missing |= _add(values, total[own], factors[at], rules)
                if what != SUM:
                    _lose(values, lost[own], weights[at], rules)
    return missing


@compiled
def _put_in_order(data: Bytes, plane: int, first: int, bits: NDArray[Any]) -> None:
    """Join the bytes of some values, which lie a plane apart."""
    size = len(bits)
    a, b = data[first : first + size], data[plane + first : plane + first + size]
    if bits.itemsize == 2:
        for i in range(size):
            bits[i] = np.uint16(a[i]) | np.uint16(np.uint16(b[i]) << np.uint16(8))
        return
    c, d = data[2 * plane + first : 2 * plane + first + size], data[3 * plane + first : 3 * plane + first + size]
    for i in range(size):
        low = np.uint32(a[i]) | (np.uint32(b[i]) << np.uint32(8))
        bits[i] = low | (np.uint32(c[i]) << np.uint32(16)) | (np.uint32(d[i]) << np.uint32(24))
    if bits.itemsize == 8:
        for byte in range(4, 8):
            e, shift = data[byte * plane + first : byte * plane + first + size], np.uint64(8 * byte)
            for i in range(size):
                bits[i] |= np.uint64(e[i]) << shift


@compiled
def _add(values: NDArray[Any], total: Floats, factor: float, rules: Floats) -> bool:
    """Add values to sums; one that is missing adds 0, which changes no bit of a sum."""
    scale, offset, mark, other, low, high = rules
    missing = False
    for i in range(len(values)):
        value = np.float64(values[i])
        is_bad = (value - value != 0.0) | (value == mark) | (value == other) | (value < low) | (value > high)
        total[i] += 0.0 if is_bad else (value * scale + offset) * factor
        missing |= is_bad
    return missing


@compiled
def _lose(values: NDArray[Any], lost: Floats, weight: float, rules: Floats) -> None:
    """Add the weight of what is missing."""
    _, _, mark, other, low, high = rules
    for i in range(len(values)):
        value = np.float64(values[i])
        is_bad = (value - value != 0.0) | (value == mark) | (value == other) | (value < low) | (value > high)
        lost[i] += weight if is_bad else 0.0
