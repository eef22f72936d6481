"""
Sums over zones of maps that are read block by block: each block adds to what its cells belong to.

A number is summed as its distance from the first one that a zone meets, so that variances do not cancel; sums keep the order
of the cells, so that they are the same on every machine.
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
    """Begin to add up: shape (steps, zones, 8)."""
    sums = np.zeros((steps, zones, 8))
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
        That lie in the block.
    sums : array of float, shape (steps, zones, 8)
        What is added to.
    squares, extremes : bool
        Whether these are wanted.
    """
    _add(maps, *corner, own.zones, own.rows, own.first, own.last, own.shares, own.weights, sums, squares, extremes)


type Line = NDArray[np.floating]


@compiled
def _first_number(line: Line, begin: int, end: int) -> float:
    for place in range(begin, end):
        if not np.isnan(line[place]):
            return np.float64(line[place])
    return np.nan


@compiled
def _sum_apart(line: Line, begin: int, end: int, origin: float) -> tuple[int, float]:
    count, total = 0, 0.0
    for place in range(begin, end):
        apart = np.float64(line[place]) - origin
        if not np.isnan(apart):
            count += 1
            total += apart
    return count, total


@compiled
def _sum_squares(line: Line, begin: int, end: int, origin: float) -> float:
    total = 0.0
    for place in range(begin, end):
        apart = np.float64(line[place]) - origin
        if not np.isnan(apart):
            total += apart * apart
    return total


@compiled
def _extremes(line: Line, begin: int, end: int, least: float, greatest: float) -> tuple[float, float]:
    for place in range(begin, end):
        value = np.float64(line[place])
        if value < least:
            least = value
        if value > greatest:
            greatest = value
    return least, greatest


@compiled
def _add(
    maps: NDArray[np.floating], row: int, column: int, zones: Places, rows: Places, first: Places, last: Places,
    shares: Floats, weights: Floats, sums: Floats, squares: bool, extremes: bool,
) -> None:  # fmt: skip
    for step in range(maps.shape[0]):
        for at in range(len(zones)):
            own = sums[step, zones[at]]
            line = maps[step, rows[at] - row]
            begin, end = first[at] - column, last[at] - column
            if np.isnan(own[7]):
                own[7] = _first_number(line, begin, end)
            count, total = _sum_apart(line, begin, end, own[7])
            share, weight = shares[at], shares[at] * weights[at]
            own[0] += share * count
            own[1] += share * total
            own[2] += weight * count
            own[3] += weight * total
            if squares:
                own[4] += weight * _sum_squares(line, begin, end, own[7])
            if extremes:
                own[5], own[6] = _extremes(line, begin, end, own[5], own[6])


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
