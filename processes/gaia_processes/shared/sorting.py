"""
Compiled loops that bring equal whole numbers together and count them: what `tallies` counts with.

Numbers are sorted by their digits, eleven bits at a time: each pass reads and writes in order, so it costs what memory costs, and
numbers below 2³² take three passes at most.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled

type Ints = NDArray[np.int32]
type Longs = NDArray[np.int64]
type Floats = NDArray[np.float64]
type Keys = NDArray[np.uint32] | NDArray[np.uint64]

_DIGIT_BITS = 11
_DIGITS = 2**_DIGIT_BITS
_MASK = _DIGITS - 1


def sort(keys: Keys, largest: int) -> Keys:
    """
    Sort whole numbers; what they lie in is written over.

    Parameters
    ----------
    keys : array of uint32 or uint64
    largest : int
        None of them is larger.

    Examples
    --------
    >>> sort(np.array([4096, 7, 1], np.uint32), 4096).tolist()
    [1, 7, 4096]
    """
    passes = -(-max(largest.bit_length(), 1) // _DIGIT_BITS)
    other: Any = np.empty_like(keys)
    for digit in range(passes):
        if _move_by_digit(keys, other, keys.dtype.type(digit * _DIGIT_BITS)):
            keys, other = other, keys
    return keys


@compiled
def _move_by_digit(keys: Any, ordered: Any, shift: Any) -> bool:
    """Put numbers in the order of one digit, those with the same one as they come; not where all have the same."""
    starts = np.zeros(_DIGITS, np.int64)
    for i in range(len(keys)):
        starts[(keys[i] >> shift) & _MASK] += 1
    before = 0
    for digit in range(_DIGITS):
        count = starts[digit]
        if count == len(keys):
            return False
        starts[digit] = before
        before += count
    for i in range(len(keys)):
        digit = (keys[i] >> shift) & _MASK
        ordered[starts[digit]] = keys[i]
        starts[digit] += 1
    return True


@compiled
def count_runs(keys: Any, width: Any) -> tuple[int, int]:
    """
    Count, of sorted numbers, those that differ, and their units, which are the numbers divided by a width.

    Examples
    --------
    >>> count_runs(np.array([1, 1, 3, 12], np.uint32), np.uint32(10))
    (3, 2)
    """
    runs, units = 0, 0
    first = width - width
    for i in range(len(keys)):
        if i == 0 or keys[i] != keys[i - 1]:
            runs += 1
            if i == 0 or keys[i] - first >= width:
                units += 1
                first = keys[i] - keys[i] % width
    return runs, units


@compiled
def fill_runs(keys: Any, width: Any, species: Ints, abundance: Floats, units: Longs, starts: Longs) -> None:
    """Take sorted numbers apart: the species of each unit with how often they come, as a `Tally` has them."""
    run, unit, count = -1, -1, 0
    first = width - width
    for i in range(len(keys)):
        if i and keys[i] == keys[i - 1]:
            count += 1
            continue
        if i:
            abundance[run] = count
        run += 1
        count = 1
        if i == 0 or keys[i] - first >= width:
            unit += 1
            place = keys[i] // width
            first = place * width
            units[unit] = place
            starts[unit] = run
        species[run] = keys[i] - first
    if len(keys):
        abundance[run] = count
    starts[unit + 1] = run + 1


@compiled
def write_keys(keys: Any, units: Longs, base: int, width: int, species: Ints) -> None:
    """Write unit and species as one number each."""
    for i in range(len(units)):
        keys[i] = (units[i] - base) * width + species[i]


@compiled
def merge(
    ones: Longs, one_starts: Longs, one_species: Ints, one_abundance: Floats, others: Longs, other_starts: Longs,
    other_species: Ints, other_abundance: Floats, units: Longs, starts: Longs, species: Ints, abundance: Floats,
) -> tuple[int, int]:  # fmt: skip
    """
    Add two tallies up, going through both once.

    Returns
    -------
    tuple of int
        How many units and how many species of units there are in the result, which is written into the last four arrays, each as
        long as those of both together.
    """
    a, b, unit, at = 0, 0, 0, 0
    starts[0] = 0
    while a < len(ones) or b < len(others):
        has_one = a < len(ones) and (b == len(others) or ones[a] <= others[b])
        has_other = b < len(others) and (a == len(ones) or others[b] <= ones[a])
        i, i_end = (one_starts[a], one_starts[a + 1]) if has_one else (0, 0)
        j, j_end = (other_starts[b], other_starts[b + 1]) if has_other else (0, 0)
        units[unit] = ones[a] if has_one else others[b]
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and one_species[i] < other_species[j]):
                species[at], abundance[at] = one_species[i], one_abundance[i]
                i += 1
            elif i == i_end or other_species[j] < one_species[i]:
                species[at], abundance[at] = other_species[j], other_abundance[j]
                j += 1
            else:
                species[at], abundance[at] = one_species[i], one_abundance[i] + other_abundance[j]
                i += 1
                j += 1
            at += 1
        a += 1 if has_one else 0
        b += 1 if has_other else 0
        unit += 1
        starts[unit] = at
    return unit, at
