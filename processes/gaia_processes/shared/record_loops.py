"""
Compiled loops over records of species: what is wrong with where they lie, which came before, and in which cell they are.

A record has a number for the first thing that is wrong with it, the smaller the sooner it counts; `FINE` where nothing is.
Arrays that are only read are marked so (`read_only`): numba compiles a loop once for each kind.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled

type Codes = NDArray[np.int32]
type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]
type Marks = NDArray[np.uint64]
type Reasons = NDArray[np.uint8]

FINE = 255
_NO_NUMBER = 0x7FF8000000000000
_MINUS_ZERO = 0x8000000000000000
_MIXERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_HALF = 32
_FIRST_SLOTS = 2**16
_SLOTS_PER_MARK = 1.6
"""Slots are hit at random: where two thirds are taken, looking for one costs three times as much as where half are."""
_GROWTH = 1.5


def read_only[T: np.ndarray[Any, Any]](array: T) -> T:
    """Give a view of an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


@compiled
def judge_by_value(reasons: Reasons, codes: Codes, of_value: Reasons) -> None:
    """Give records the reason of what is written in them, where it counts sooner."""
    for i in range(len(codes)):
        reasons[i] = min(reasons[i], of_value[codes[i]])


@compiled
def judge_places(
    reasons: Reasons,
    x: Floats,
    y: Floats,
    missing: int,
    beyond: int,
    zero: int,
    equal: int,
    far: int,
    radius_deg: float,
) -> None:
    """
    Judge where records lie.

    Parameters
    ----------
    x, y : array of float64
        Degrees, NaN where there is none.
    missing, beyond, zero, equal, far : int
        Reasons: no place, none on the earth, near to (0, 0), one number twice, and so far off the earth that it cannot be put
        anywhere; `FINE` for those that do not matter.
    radius_deg : float
        How near to (0, 0) is near; 0 takes that place alone.
    """
    for i in range(len(x)):
        east, north = x[i], y[i]
        reason = int(reasons[i])
        if east != east or north != north:
            reason = min(reason, missing)
        if abs(east) > 180.0 or abs(north) > 90.0:
            reason = min(reason, beyond)
            if abs(east) > 360.0 or abs(north) > 90.0:
                reason = min(reason, far)
        if east == north:
            reason = min(reason, equal)
        if abs(east) <= radius_deg and np.sqrt(east * east + north * north) <= radius_deg:
            reason = min(reason, zero)
        reasons[i] = reason


@compiled
def make_marks(marks: Marks, species: Codes, x: Marks, y: Marks, dates: Marks) -> None:
    """
    Make a mark of 64 bits of what makes a record what it is; never 0.

    Parameters
    ----------
    x, y : array of uint64
        The bits of the coordinates.
    dates : array of uint64
        A number for each date; none where there are no dates.
    """
    for i in range(len(species)):
        mark = _mixed(np.uint64(species[i]), np.uint64(1))
        mark = _mixed(mark, _plain(x[i]))
        mark = _mixed(mark, _plain(y[i]))
        if len(dates):
            mark = _mixed(mark, dates[i])
        marks[i] = max(mark, np.uint64(1))


@compiled
def _plain(bits: Any) -> Any:
    """Let equal numbers be equal bits."""
    if bits == np.uint64(_MINUS_ZERO):
        return np.uint64(0)
    return np.uint64(_NO_NUMBER) if (bits << np.uint64(1)) > np.uint64(2 * 0x7FF0000000000000) else bits


@compiled
def _mixed(mark: Any, other: Any) -> Any:
    """Mix two numbers to one of which every bit depends on all of both (the finalizer of SplitMix64, Steele et al. 2014)."""
    mixed = (mark + np.uint64(0x9E3779B97F4A7C15)) ^ other
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIXERS[0])
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_MIXERS[1])
    return mixed ^ (mixed >> np.uint64(31))


@compiled
def _judge_repeated(reasons: Reasons, marks: Marks, slots: Marks, repeated: int) -> int:
    """Give this reason to fine records whose mark has a slot already; says how many have none yet, and gives them one."""
    size = np.uint64(len(slots))
    fresh = 0
    for i in range(len(marks)):
        if reasons[i] != FINE:
            continue
        slot = ((marks[i] >> np.uint64(_HALF)) * size) >> np.uint64(_HALF)
        while slots[slot] != 0 and slots[slot] != marks[i]:
            slot = slot + np.uint64(1) if slot + np.uint64(1) < size else np.uint64(0)
        if slots[slot] == 0:
            slots[slot] = marks[i]
            fresh += 1
        else:
            reasons[i] = repeated
    return fresh


@compiled
def _move(marks: Marks, slots: Marks) -> None:
    """Give slots to the marks of others."""
    size = np.uint64(len(slots))
    for i in range(len(marks)):
        if marks[i] == 0:
            continue
        slot = ((marks[i] >> np.uint64(_HALF)) * size) >> np.uint64(_HALF)
        while slots[slot] != 0:
            slot = slot + np.uint64(1) if slot + np.uint64(1) < size else np.uint64(0)
        slots[slot] = marks[i]


class Seen:
    """
    The marks of the records that came before, each in a slot of a table: 13 bytes a record.

    Parameters
    ----------
    expected : int
        How many there will be; where more come, the table grows, and needs more than twice the memory while it does.

    Examples
    --------
    >>> reasons = np.full(3, FINE, np.uint8)
    >>> Seen(3).judge(reasons, np.array([5, 7, 5], np.uint64), 9)
    >>> reasons.tolist()
    [255, 255, 9]
    """

    def __init__(self, expected: int) -> None:
        self._count = 0
        self._slots = np.zeros(max(_FIRST_SLOTS, int(expected * _SLOTS_PER_MARK)), np.uint64)

    def judge(self, reasons: Reasons, marks: Marks, repeated: int) -> None:
        """Give the reason `repeated` to fine records whose marks came before, and remember the others."""
        needed = int((self._count + len(marks)) * _SLOTS_PER_MARK)
        if needed > len(self._slots) and self._count + len(marks) > 0.75 * len(self._slots):
            larger = np.zeros(max(needed, int(len(self._slots) * _GROWTH)), np.uint64)
            _move(self._slots, larger)
            self._slots = larger
        self._count += _judge_repeated(reasons, marks, self._slots, repeated)


@compiled
def cells_of_degrees(
    units: Longs, longitude: Floats, latitude: Floats, size_deg: float, bits: int, offset: int
) -> None:
    """
    Give the cell of longitude and latitude that each record is in: its row above the bits of its column; -1 for no place.

    Parameters
    ----------
    offset : int
        Added to columns and rows, so that none is below 0.
    """
    for i in range(len(longitude)):
        east, north = longitude[i], latitude[i]
        if not (np.isfinite(east) and np.isfinite(north)):
            units[i] = -1
            continue
        if east < -180.0 or east >= 180.0:
            east = (east + 180.0) % 360.0 - 180.0
        column, row = int(np.floor(east / size_deg)) + offset, int(np.floor(north / size_deg)) + offset
        units[i] = (row << bits) | column
