"""
Sums over zones of maps that are read block by block: each block adds to what its cells belong to.

A number is summed as its distance from the first one that a zone meets, so that variances do not cancel; sums keep the order
of the cells, so that they are the same on every machine. Of a series, a row of cells is turned so that the steps of a cell lie
behind each other, and the steps are added up side by side: each sum keeps its order, and the processor does several at once. Only
where a sum comes out as NaN are the cells asked which of them have a value.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled
from gaia_processes.shared.coverage import Coverage, Floats, Places

SHARE, SHARED, WEIGHT, WEIGHED, SQUARES, LEAST, GREATEST, ORIGIN = range(8)
"""What is added up: share of valid cells, share times value, the same by weight, squares; extremes; what is taken off first."""

_FEW_STEPS = 4
_STEPS_AT_ONCE = 32


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

    def within(self, rows: slice, columns: slice) -> "Stretches":
        """Give what lies in some rows and columns."""
        inside = (self.rows >= rows.start) & (self.rows < rows.stop)
        part = self.take(inside & (self.first < columns.stop) & (self.last > columns.start))
        first = np.maximum(part.first, columns.start)
        return replace(
            part, first=first, last=np.minimum(part.last, columns.stop), offsets=part.offsets + (first - part.first)
        )


def start_sums(steps: int, zones: int) -> Floats:
    """Begin to add up: shape (zones, 8, steps)."""
    sums = np.zeros((zones, 8, steps))
    sums[:, LEAST], sums[:, GREATEST], sums[:, ORIGIN] = np.inf, -np.inf, np.nan
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
    sums : array of float, shape (zones, 8, steps)
        What is added to; from `start_sums`.
    squares, extremes : bool
        Whether these are wanted.
    """
    add = _add_series if len(maps) >= _FEW_STEPS else _add_maps
    add(maps, *corner, own.zones, own.rows, own.first, own.last, own.shares, own.weights, sums, squares, extremes)


type Line = NDArray[np.floating]
type Block = NDArray[np.floating]


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


# --- a map after the other ------------------------------------------------------------------------------------------


@compiled
def _first_number(line: Line, begin: int, end: int) -> float:
    for place in range(begin, end):
        if not np.isnan(line[place]):
            return np.float64(line[place])
    return np.nan


@compiled
def _sum_apart(line: Line, begin: int, end: int, origin: float) -> tuple[float, float]:
    """Count and add up, whole fours first: the processor waits for each addition before the next to the same sum."""
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
    own[0] += share
    own[1] += shared
    own[2] += weight * share
    own[3] += weight * shared
    own[4] += weight * squared


@compiled
def _add_maps(
    maps: Block, row: int, column: int, zones: Places, rows: Places, first: Places, last: Places, shares: Floats,
    weights: Floats, sums: Floats, squares: bool, extremes: bool,
) -> None:  # fmt: skip
    start = 0
    while start < len(zones):
        stop = _end_of_line(zones, rows, weights, start)
        for step in range(maps.shape[0]):
            line, own = maps[step, rows[start] - row], sums[zones[start], :, step]
            _add_line(line, column, start, stop, first, last, shares, weights[start], own, squares, extremes)
        start = stop


# --- steps side by side ---------------------------------------------------------------------------------------------


@compiled
def _turn(maps: Block, first: int, steps: int, row: int, begin: int, end: int, turned: Block) -> None:
    """Put the steps of each cell of a row behind each other, eight at once: so many lines the nearest cache holds in any case."""
    eights = steps // 8 * 8
    for step in range(0, eights, 8):
        at = first + step
        a, b, c, d = maps[at, row], maps[at + 1, row], maps[at + 2, row], maps[at + 3, row]
        e, f, g, h = maps[at + 4, row], maps[at + 5, row], maps[at + 6, row], maps[at + 7, row]
        for place in range(begin, end):
            to = turned[place, step : step + 8]
            to[0], to[1], to[2], to[3] = a[place], b[place], c[place], d[place]
            to[4], to[5], to[6], to[7] = e[place], f[place], g[place], h[place]
    for step in range(eights, steps):
        line = maps[first + step, row]
        for place in range(begin, end):
            turned[place, step] = line[place]


@compiled
def _sum_steps(
    turned: Block, steps: int, column: int, start: int, stop: int, first: Places, last: Places, shares: Floats,
    origins: Floats, totals: Floats,
) -> int:  # fmt: skip
    """Add up what a zone has of a row at each step; gives at how many steps something is missing."""
    totals[:steps] = 0.0
    for at in range(start, stop):
        part, place, end = shares[at], first[at] - column, last[at] - column
        while place + 4 <= end:
            for step in range(steps):
                origin = origins[step]
                one = (np.float64(turned[place, step]) - origin) + (np.float64(turned[place + 1, step]) - origin)
                two = (np.float64(turned[place + 2, step]) - origin) + (np.float64(turned[place + 3, step]) - origin)
                totals[step] += part * (one + two)
            place += 4
        while place < end:
            for step in range(steps):
                totals[step] += part * (np.float64(turned[place, step]) - origins[step])
            place += 1
    missing = 0
    for step in range(steps):
        missing += np.isnan(totals[step])
    return missing


@compiled
def _find_origins(
    turned: Block, steps: int, column: int, start: int, stop: int, first: Places, last: Places, origins: Floats
) -> None:
    for step in range(steps):
        at = start
        while at < stop and np.isnan(origins[step]):
            for place in range(first[at] - column, last[at] - column):
                if not np.isnan(turned[place, step]):
                    origins[step] = turned[place, step]
                    break
            at += 1


@compiled
def _sum_valid_steps(
    turned: Block, steps: int, column: int, start: int, stop: int, first: Places, last: Places, shares: Floats,
    origins: Floats, counts: Floats, totals: Floats,
) -> None:  # fmt: skip
    """Count and add up, leaving out what is missing."""
    counts[:steps] = 0.0
    totals[:steps] = 0.0
    for at in range(start, stop):
        part = shares[at]
        for place in range(first[at] - column, last[at] - column):
            for step in range(steps):
                apart = np.float64(turned[place, step]) - origins[step]
                valid = not np.isnan(apart)
                counts[step] += part if valid else 0.0
                totals[step] += part * apart if valid else 0.0


@compiled
def _square_steps(
    turned: Block, steps: int, column: int, start: int, stop: int, first: Places, last: Places, shares: Floats,
    origins: Floats, squared: Floats,
) -> None:  # fmt: skip
    squared[:steps] = 0.0
    for at in range(start, stop):
        part = shares[at]
        for place in range(first[at] - column, last[at] - column):
            for step in range(steps):
                apart = np.float64(turned[place, step]) - origins[step]
                squared[step] += 0.0 if np.isnan(apart) else part * (apart * apart)


@compiled
def _extend_steps(
    turned: Block, steps: int, column: int, start: int, stop: int, first: Places, last: Places, least: Floats,
    greatest: Floats,
) -> None:  # fmt: skip
    for at in range(start, stop):
        for place in range(first[at] - column, last[at] - column):
            for step in range(steps):
                value = np.float64(turned[place, step])
                least[step] = value if value < least[step] else least[step]
                greatest[step] = value if value > greatest[step] else greatest[step]


@compiled
def _put_steps(own: Floats, steps: int, weight: float, counts: Floats, totals: Floats) -> None:
    for step in range(steps):
        own[0, step] += counts[step]
        own[1, step] += totals[step]
        own[2, step] += weight * counts[step]
        own[3, step] += weight * totals[step]


@compiled
def _whole(start: int, stop: int, first: Places, last: Places, shares: Floats) -> float:
    whole = 0.0
    for at in range(start, stop):
        whole += shares[at] * (last[at] - first[at])
    return whole


@compiled
def _end_of_row(rows: Places, first: Places, last: Places, start: int) -> tuple[int, int, int]:
    """Find where the stretches of a row end, and from where to where they reach."""
    stop, begin, end = start, first[start], last[start]
    while stop < len(rows) and rows[stop] == rows[start]:
        begin, end = min(begin, first[stop]), max(end, last[stop])
        stop += 1
    return stop, begin, end


@compiled
def _add_series(
    maps: Block, row: int, column: int, zones: Places, rows: Places, first: Places, last: Places, shares: Floats,
    weights: Floats, sums: Floats, squares: bool, extremes: bool,
) -> None:  # fmt: skip
    pieces = (maps.shape[0] + _STEPS_AT_ONCE - 1) // _STEPS_AT_ONCE
    most = (maps.shape[0] + pieces - 1) // pieces
    turned = np.empty((maps.shape[2], most), maps.dtype)
    counts, totals, squared = np.empty(most), np.empty(most), np.empty(most)
    for step in range(0, maps.shape[0], most):
        steps = min(most, maps.shape[0] - step)
        start, row_end = 0, 0
        while start < len(zones):
            if start == row_end:
                row_end, begin, end = _end_of_row(rows, first, last, start)
                _turn(maps, step, steps, rows[start] - row, begin - column, end - column, turned)
            stop, weight = _end_of_line(zones, rows, weights, start), weights[start]
            own = sums[zones[start], :, step : step + steps]
            if _sum_steps(turned, steps, column, start, stop, first, last, shares, own[7], totals):
                _find_origins(turned, steps, column, start, stop, first, last, own[7])
                _sum_valid_steps(turned, steps, column, start, stop, first, last, shares, own[7], counts, totals)
            else:
                counts[:] = _whole(start, stop, first, last, shares)
            _put_steps(own, steps, weight, counts, totals)
            if squares:
                _square_steps(turned, steps, column, start, stop, first, last, shares, own[7], squared)
                for at in range(steps):
                    own[4, at] += weight * squared[at]
            if extremes:
                _extend_steps(turned, steps, column, start, stop, first, last, own[5], own[6])
            start = stop


# --- values one by one ----------------------------------------------------------------------------------------------


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
