"""
Compiled loops that weigh maps along their rows and their columns in one go: each row of the target is made in the first cache.

Each sum is that of `Separable.mean`, term by term, so that both give the same bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled
from gaia_processes.shared.record_loops import read_only
from gaia_processes.shared.weights import AxisWeights, Separable

type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]

_KINDS = (("<f4", "<f4"), ("<f8", "<f8"), ("<i2", "<f4"), ("<i2", "<f8"))
"""Types of the source and of the target for which the loop is compiled."""


class MapLoop:
    """
    Weights of rows and columns, laid out for the loop.

    Parameters
    ----------
    weights : Separable
    rules : array of float, shape (6,)
        As `values.find_rules` gives them.
    """

    def __init__(self, weights: Separable, rules: Floats) -> None:
        self._caps, self._rules, self._shape = weights.caps, rules, weights.shape
        self._row_terms, self._column_terms = _lay_out(weights.rows), _lay_out(weights.columns)
        self._pole_shares = np.array([cap.shares for cap in weights.caps]).reshape(-1, weights.shape[0])
        self._inside = (weights.columns.coverage > 0).astype(np.float64)

    def fill(self, stored: NDArray[Any], made: NDArray[Any]) -> bool:
        """
        Weigh maps of which no value is missing.

        Parameters
        ----------
        stored : array, shape (steps, source rows, source columns)
            As in the file.
        made : array, shape (steps, rows, columns)
            Is filled.

        Returns
        -------
        bool
            False where a value is missing, or the loop is not compiled for these types: nothing is made then.
        """
        if (stored.dtype.str, made.dtype.str) not in _KINDS:
            return False
        scale, offset = self._rules[:2]
        poles = np.empty((len(self._caps), len(stored)))
        with np.errstate(over="ignore", invalid="ignore"):  # of what is missing, which the loop will find
            for pole, cap in zip(poles, self._caps, strict=True):
                pole[:] = (stored[:, cap.row].astype(np.float64) * scale + offset)[:, cap.columns].mean(axis=-1)
        return _weigh_maps(
            read_only(np.ascontiguousarray(stored)), self._rules, *self._row_terms, *self._column_terms,
            self._pole_shares, poles, self._inside, made,
        )  # fmt: skip


def warm() -> None:
    """Compile the loop, before tasks are forked."""
    axis = AxisWeights(size=1, places=np.zeros((1, 1), np.intp), shares=np.ones((1, 1)), coverage=np.ones(1))
    loop = MapLoop(Separable(rows=axis, columns=axis), np.array([1.0, 0.0, np.nan, np.nan, -np.inf, np.inf]))
    for source, target in _KINDS:
        loop.fill(np.zeros((1, 1, 1), source), np.empty((1, 1, 1), target))


def _lay_out(axis: AxisWeights) -> tuple[Longs, Floats]:
    """Give places and shares, shape (terms, n), two terms at least; what lacks a term has a share of 0 of some place."""
    matrix = axis.matrix
    matrix.sort_indices()
    counts = np.diff(matrix.indptr)
    terms = max(int(counts.max(initial=0)), 2)
    owners = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owners)) - np.repeat(matrix.indptr[:-1], counts)
    places, shares = np.zeros((terms, len(counts)), np.int64), np.zeros((terms, len(counts)))
    places[within, owners], shares[within, owners] = matrix.indices, matrix.data
    return places, shares


@compiled
def _weigh_maps(
    stored: NDArray[Any],
    rules: Floats,
    row_places: Longs,
    row_shares: Floats,
    column_places: Longs,
    column_shares: Floats,
    pole_shares: Floats,
    poles: Floats,
    inside: Floats,
    made: NDArray[Any],
) -> bool:
    """Weigh map after map; stop at one of which a value is missing."""
    heights, line = np.empty(stored.shape[2]), np.empty(made.shape[2])
    for step in range(len(stored)):
        for row in range(stored.shape[1]):
            if _lacks(stored[step, row], rules):
                return False
        for row in range(made.shape[1]):
            first, second = row_places[0, row], row_places[1, row]
            _join_rows(
                stored[step, first], row_shares[0, row], stored[step, second], row_shares[1, row], rules, heights
            )
            for term in range(2, len(row_places)):
                if row_shares[term, row] != 0.0:
                    _add_row(stored[step, row_places[term, row]], row_shares[term, row], rules, heights)
            _join_columns(heights, column_places, column_shares, line)
            for term in range(2, len(column_places)):
                _add_columns(heights, column_places[term], column_shares[term], line)
            for pole in range(len(poles)):
                if pole_shares[pole, row] != 0.0:
                    _add_pole(poles[pole, step], pole_shares[pole, row], inside, line)
            made[step, row] = line
    return True


@compiled
def _lacks(values: NDArray[Any], rules: Floats) -> bool:
    """Tell whether one of some values is missing."""
    _, _, mark, other, low, high = rules
    missing = False
    for i in range(len(values)):
        value = np.float64(values[i])
        missing |= (value - value != 0.0) | (value == mark) | (value == other) | (value < low) | (value > high)
    return missing


@compiled
def _join_rows(
    first: NDArray[Any], share: float, second: NDArray[Any], other: float, rules: Floats, heights: Floats
) -> None:
    """Begin with two rows; 0 before them leaves no negative zero."""
    scale, offset = rules[0], rules[1]
    for i in range(len(heights)):
        one, two = np.float64(first[i]) * scale + offset, np.float64(second[i]) * scale + offset
        heights[i] = 0.0 + share * one + other * two


@compiled
def _add_row(values: NDArray[Any], share: float, rules: Floats, heights: Floats) -> None:
    scale, offset = rules[0], rules[1]
    for i in range(len(heights)):
        heights[i] += share * (np.float64(values[i]) * scale + offset)


@compiled
def _join_columns(heights: Floats, places: Longs, shares: Floats, line: Floats) -> None:
    """Begin with two columns."""
    first, second, share, other = places[0], places[1], shares[0], shares[1]
    for i in range(len(line)):
        line[i] = 0.0 + share[i] * heights[first[i]] + other[i] * heights[second[i]]


@compiled
def _add_columns(heights: Floats, places: Longs, shares: Floats, line: Floats) -> None:
    for i in range(len(line)):
        line[i] += shares[i] * heights[places[i]]


@compiled
def _add_pole(pole: float, share: float, inside: Floats, line: Floats) -> None:
    rest = 1.0 - share
    for i in range(len(line)):
        line[i] = line[i] * rest + pole * (share * inside[i])
