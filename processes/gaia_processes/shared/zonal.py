"""
Sums over zones of maps that are read block by block: each block adds to what its cells belong to.

A number is summed as its distance from the first one that a zone meets, so that variances do not cancel; sums keep the order
of the cells, so that they are the same on every machine. What a zone has of a row is looked up once for all steps of a block, and
four steps are added up side by side, because the processor waits for each addition before the next to the same sum. Only where
a sum comes out as NaN are the cells asked one by one which of them have a value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled
from gaia_processes.shared.coverage import Coverage, Floats, Places

SHARE, SHARED, WEIGHT, WEIGHED, SQUARES, LEAST, GREATEST, ORIGIN = range(8)
"""What is added up: share of valid cells, share times value, the same by weight, squares; extremes; what is taken off first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretches:
    """
    Cells of zones in a block of rows.

    Attributes
    ----------
    zones, rows, first, last : array of int, shape (stretches,)
        Whose they are, and which.
    shares, weights : array of float, shape (stretches,)
        Of each of their cells.
    offsets : array of int, shape (stretches,)
        How many cells the zones have before them.
    """

    zones: Places
    rows: Places
    first: Places
    last: Places
    shares: Floats
    weights: Floats
    offsets: Places

    @classmethod
    def of(cls, coverage: Coverage, weights: Floats) -> "Stretches":
        """Make them of a coverage, ordered as it is."""
        lengths = coverage.last - coverage.first
        owners = np.repeat(np.arange(coverage.zones), np.diff(coverage.starts)).astype(np.int64)
        return cls(
            zones=owners, rows=coverage.rows, first=coverage.first, last=coverage.last, shares=coverage.shares,
            weights=weights, offsets=(np.cumsum(lengths) - lengths).astype(np.int64),
        )  # fmt: skip

    def take(self, which: NDArray[np.integer] | slice) -> "Stretches":
        """Take some of them."""
        return Stretches(
            zones=self.zones[which], rows=self.rows[which], first=self.first[which], last=self.last[which],
            shares=self.shares[which], weights=self.weights[which], offsets=self.offsets[which],
        )  # fmt: skip


def start_sums(steps: int, zones: int) -> Floats:
    """Begin to add up: shape (steps, zones, 8); the steps of a zone lie behind each other in memory."""
    sums = np.zeros((zones, steps, 8)).transpose(1, 0, 2)
    sums[..., LEAST], sums[..., GREATEST], sums[..., ORIGIN] = np.inf, -np.inf, np.nan
    return sums


def add_block(
    maps: NDArray[np.floating], corner: tuple[int, int], own: Stretches, sums: Floats, *, squares: bool, extremes: bool
) -> None:
    """
    Add a block of maps to the sums of zones.

    Parameters
    ----------
    maps : array of float, shape (steps, rows, columns)
        NaN where there is no value.
    corner : tuple of int
        Row and column of the first cell of the block.
    own : Stretches
        That lie in the block, ordered by row, then by zone.
    sums : array of float, shape (steps, zones, 8)
        What is added to; from `start_sums`.
    squares, extremes : bool
        Whether these are wanted.
    """
    _add(
        maps, *corner, own.zones, own.rows, own.first, own.last, own.shares, own.weights, sums.transpose(1, 0, 2), squares,
        extremes,
    )  # fmt: skip


type Line = NDArray[np.floating]


@compiled
def _first_number(line: Line, begin: int, end: int) -> float:
    for place in range(begin, end):
        if not np.isnan(line[place]):
            return np.float64(line[place])
    return np.nan


@compiled
def _sum_apart(line: Line, begin: int, end: int, origin: float) -> tuple[float, float]:
    """Count and add up, whole fours first."""
    a, b, c, d, place = 0.0, 0.0, 0.0, 0.0, begin
    while place + 4 <= end:
        a += np.float64(line[place]) - origin
        b += np.float64(line[place + 1]) - origin
        c += np.float64(line[place + 2]) - origin
        d += np.float64(line[place + 3]) - origin
        place += 4
    total = (a + b) + (c + d)
    while place < end:
        total += np.float64(line[place]) - origin
        place += 1
    if np.isnan(total):
        return _sum_valid(line, begin, end, origin)
    return np.float64(end - begin), total


@compiled
def _sum_valid(line: Line, begin: int, end: int, origin: float) -> tuple[float, float]:
    count, total = 0.0, 0.0
    for place in range(begin, end):
        apart = np.float64(line[place]) - origin
        if not np.isnan(apart):
            count += 1.0
            total += apart
    return count, total


@compiled
def _sum_squares(line: Line, begin: int, end: int, origin: float) -> float:
    total = 0.0
    for place in range(begin, end):
        apart = np.float64(line[place]) - origin
        total += 0.0 if np.isnan(apart) else apart * apart
    return total


@compiled
def _extremes(line: Line, begin: int, end: int, least: float, greatest: float) -> tuple[float, float]:
    for place in range(begin, end):
        value = np.float64(line[place])
        least = value if value < least else least
        greatest = value if value > greatest else greatest
    return least, greatest


@compiled
def _add_line(
    line: Line, column: int, start: int, stop: int, first: Places, last: Places, shares: Floats, weight: float,
    own: Floats, squares: bool, extremes: bool,
) -> None:  # fmt: skip
    """Add what a zone has of a row at a step; its cells weigh the same."""
    origin = own[7]
    share, shared, squared = 0.0, 0.0, 0.0
    for at in range(start, stop):
        begin, end = first[at] - column, last[at] - column
        if np.isnan(origin):
            origin = _first_number(line, begin, end)
        count, total = _sum_apart(line, begin, end, origin)
        share += shares[at] * count
        shared += shares[at] * total
        if squares:
            squared += shares[at] * _sum_squares(line, begin, end, origin)
        if extremes:
            own[5], own[6] = _extremes(line, begin, end, own[5], own[6])
    own[7] = origin
    _put(own, share, shared, weight)
    own[4] += weight * squared


@compiled
def _end_of_line(zones: Places, rows: Places, weights: Floats, start: int) -> int:
    """Find where the stretches end that a zone has of a row, as far as they weigh the same."""
    stop = start + 1
    while (
        stop < len(zones) and zones[stop] == zones[start] and rows[stop] == rows[start]
        and weights[stop] == weights[start]
    ):  # fmt: skip
        stop += 1
    return stop


# --- four steps at once ---------------------------------------------------------------------------------------------

type Four = tuple[float, float, float, float]


@compiled
def _spread(
    column: int, start: int, stop: int, first: Places, last: Places, shares: Floats, places: Places, parts: Floats
) -> tuple[int, float]:
    """List the cells that a zone has of a row, and their shares; gives how many there are and the sum of the shares."""
    count, whole = 0, 0.0
    for at in range(start, stop):
        for place in range(first[at] - column, last[at] - column):
            places[count] = place
            parts[count] = shares[at]
            whole += shares[at]
            count += 1
    return count, whole


@compiled
def _sum_four(
    maps: NDArray[np.floating], step: int, row: int, places: Places, parts: Floats, count: int, origins: Four
) -> Four:
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for at in range(count):
        place, part = places[at], parts[at]
        a += part * (np.float64(maps[step, row, place]) - origins[0])
        b += part * (np.float64(maps[step + 1, row, place]) - origins[1])
        c += part * (np.float64(maps[step + 2, row, place]) - origins[2])
        d += part * (np.float64(maps[step + 3, row, place]) - origins[3])
    return a, b, c, d


@compiled
def _square_four(
    maps: NDArray[np.floating], step: int, row: int, places: Places, parts: Floats, count: int, origins: Four
) -> Four:
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for at in range(count):
        place, part = places[at], parts[at]
        a += part * (np.float64(maps[step, row, place]) - origins[0]) ** 2
        b += part * (np.float64(maps[step + 1, row, place]) - origins[1]) ** 2
        c += part * (np.float64(maps[step + 2, row, place]) - origins[2]) ** 2
        d += part * (np.float64(maps[step + 3, row, place]) - origins[3]) ** 2
    return a, b, c, d


@compiled
def _put(own: Floats, share: float, shared: float, weight: float) -> None:
    own[0] += share
    own[1] += shared
    own[2] += weight * share
    own[3] += weight * shared


@compiled
def _put_step(sums: Floats, zone: int, step: int, whole: float, total: float, weight: float, squared: float) -> None:
    """Add to a step; each number is addressed by itself, because a view of them costs more than the addition."""
    sums[zone, step, 0] += whole
    sums[zone, step, 1] += total
    sums[zone, step, 2] += weight * whole
    sums[zone, step, 3] += weight * total
    sums[zone, step, 4] += weight * squared


@compiled
def _add_four(
    maps: NDArray[np.floating], row: int, step: int, column: int, start: int, stop: int, first: Places, last: Places,
    shares: Floats, weight: float, places: Places, parts: Floats, count: int, whole: float, sums: Floats, zone: int,
    squares: bool, extremes: bool,
) -> None:  # fmt: skip
    """Add what a zone has of a row at four steps, from `step` on."""
    origins = (sums[zone, step, 7], sums[zone, step + 1, 7], sums[zone, step + 2, 7], sums[zone, step + 3, 7])
    totals = _sum_four(maps, step, row, places, parts, count, origins)
    squared = (0.0, 0.0, 0.0, 0.0)
    if squares:
        squared = _square_four(maps, step, row, places, parts, count, origins)
    for lane in range(4):
        if np.isnan(totals[lane]):
            line, own = maps[step + lane, row], sums[zone, step + lane]
            _add_line(line, column, start, stop, first, last, shares, weight, own, squares, extremes)
            continue
        _put_step(sums, zone, step + lane, whole, totals[lane], weight, squared[lane])
        if extremes:
            line, own = maps[step + lane, row], sums[zone, step + lane]
            for at in range(start, stop):
                own[5], own[6] = _extremes(line, first[at] - column, last[at] - column, own[5], own[6])


# --- a block --------------------------------------------------------------------------------------------------------


@compiled
def _add(
    maps: NDArray[np.floating], row: int, column: int, zones: Places, rows: Places, first: Places, last: Places,
    shares: Floats, weights: Floats, sums: Floats, squares: bool, extremes: bool,
) -> None:  # fmt: skip
    places, parts = np.empty(maps.shape[2], np.int64), np.empty(maps.shape[2])
    fours = maps.shape[0] // 4 * 4
    start = 0
    while start < len(zones):
        stop = _end_of_line(zones, rows, weights, start)
        zone, own_row, weight = zones[start], rows[start] - row, weights[start]
        if fours:
            count, whole = _spread(column, start, stop, first, last, shares, places, parts)
        for step in range(0, fours, 4):
            _add_four(
                maps, own_row, step, column, start, stop, first, last, shares, weight, places, parts, count, whole, sums,
                zone, squares, extremes,
            )  # fmt: skip
        for step in range(fours, maps.shape[0]):
            line, own = maps[step, own_row], sums[zone, step]
            _add_line(line, column, start, stop, first, last, shares, weight, own, squares, extremes)
        start = stop


def gather_block(
    maps: NDArray[np.floating], corner: tuple[int, int], own: Stretches, start: int, values: Floats
) -> None:
    """Copy the values of stretches to where they belong: shape (steps, cells); `start` is the offset of the first cell."""
    _gather(maps, *corner, own.rows, own.first, own.last, own.offsets, start, values)


@compiled
def _gather(
    maps: NDArray[np.floating], row: int, column: int, rows: Places, first: Places, last: Places, offsets: Places,
    start: int, values: Floats,
) -> None:  # fmt: skip
    for step in range(maps.shape[0]):
        for at in range(len(rows)):
            to = offsets[at] - start
            for place in range(first[at], last[at]):
                values[step, to + place - first[at]] = maps[step, rows[at] - row, place - column]
