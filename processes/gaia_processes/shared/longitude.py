"""
Which columns of a grid lie in a box on the round earth, and their longitudes in the frame of the request.

The rule is the same for sources of 0 to 360, -180 to 180 or any other frame, and for boxes across any seam.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.edges import EPSILON_DEG, slack

_EXACT = np.dtype(np.float64)
_DECIMALS = 10  # of a degree: what a shift by 360 may spoil in float64 lies below


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """
    The columns that lie in a box, from west to east.

    Attributes
    ----------
    indices : array of int
        Places in the source.
    turns : array of int
        How often 360 degrees are added to bring each column into the request's frame.
    repeated : int
        Columns that were left out because they repeat another one.
    """

    indices: NDArray[np.intp]
    turns: NDArray[np.int64]
    repeated: int = 0


def span(west: float, east: float) -> float:
    """
    Give the width of a box.

    Parameters
    ----------
    west, east : float
        Degrees; west > east crosses the antimeridian.

    Returns
    -------
    float
        Degrees, 0 to 360.
    """
    return 360.0 if east - west >= 360.0 else (east - west) % 360.0


def unrolled(longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Bring the columns of a grid into one frame, in which they lie beside each other.

    Parameters
    ----------
    longitudes : array of float, shape (columns,)
        Degrees, in any frame and order.

    Returns
    -------
    array of float, shape (columns,)
        Whole turns apart from those given. Columns that ascend or descend but for one jump of a turn do so without it; others
        begin behind the widest gap between them.

    Examples
    --------
    >>> unrolled(np.array([0.5, 340.5, 350.5])).tolist()
    [360.5, 340.5, 350.5]
    """
    made = np.unwrap(longitudes, period=360.0)
    steps = np.diff(made)
    if np.all(steps > 0) or np.all(steps < 0):
        return made
    turned = np.sort(longitudes % 360.0)
    gaps = np.diff(np.append(turned, turned[0] + 360.0))
    start = turned[(int(np.argmax(gaps)) + 1) % len(turned)] - EPSILON_DEG
    return np.asarray(longitudes - 360.0 * np.floor((longitudes - start) / 360.0), np.float64)


def turn_from(
    values: NDArray[np.float64], start: float, slack_deg: float | NDArray[np.float64] = EPSILON_DEG
) -> NDArray[np.int64]:
    """
    Count the turns that bring longitudes into the 360 degrees that begin at `start`.

    Parameters
    ----------
    values : array of float
        Degrees in any frame; no NaN.
    start : float
        Degrees.
    slack_deg : float or array of float
        A longitude that is less than this west of the start counts as in place.

    Returns
    -------
    array of int
        Of the same shape; `values + 360 * turns` is in the frame.
    """
    return -np.floor((values - start + slack_deg) / 360.0).astype(np.int64)


def shift(values: NDArray[np.float64], turns: NDArray[np.int64]) -> NDArray[np.float64]:
    """
    Add whole turns, without the noise that this brings into decimal degrees.

    Parameters
    ----------
    values : array of float
        Degrees.
    turns : array of int
        Turns for each value.

    Returns
    -------
    array of float
        Values with no turn are left as they are, bit for bit.
    """
    return np.where(turns == 0, values, np.round(values + 360.0 * turns, _DECIMALS))


def _order(
    longitudes: NDArray[np.float64], inside: NDArray[np.bool_], start: float, stored: np.dtype[Any] = _EXACT
) -> Columns:
    """Order the columns from `start` to the east, each once."""
    indices = np.flatnonzero(inside)
    turns = turn_from(longitudes[indices], start, slack(start, longitudes[indices], stored))
    framed = longitudes[indices] + 360.0 * turns
    order = np.argsort(framed, kind="stable")
    indices, turns, framed = indices[order], turns[order], framed[order]
    fresh = np.concatenate([[True], np.diff(framed) > EPSILON_DEG]) if len(framed) else np.zeros(0, dtype=bool)
    # The last column of a global axis may be the first once more, a turn later.
    if len(framed) > 1 and framed[fresh][-1] - framed[0] > 360.0 - EPSILON_DEG:
        fresh[np.flatnonzero(fresh)[-1]] = False
    return Columns(indices=indices[fresh], turns=turns[fresh], repeated=int(np.count_nonzero(~fresh)))


def select_centres(
    longitudes: NDArray[np.float64], *, west: float, east: float, stored: np.dtype[Any] = _EXACT
) -> Columns:
    """
    Select the columns whose centre lies in the closed box.

    Parameters
    ----------
    longitudes : array of float, shape (columns,)
        Degrees in any frame and order; no NaN.
    west, east : float
        Degrees; west > east crosses the antimeridian.
    stored : numpy.dtype
        In which the longitudes are stored.

    Returns
    -------
    Columns
        Longitudes in the frame from `west` on.
    """
    return _order(longitudes, longitudes_between(longitudes, west=west, east=east, stored=stored), west, stored)


def longitudes_between(
    longitudes: NDArray[np.float64], *, west: float, east: float, stored: np.dtype[Any]
) -> NDArray[np.bool_]:
    """
    Find the longitudes that lie in the closed stretch from `west` to `east`.

    Parameters
    ----------
    longitudes : array of float
        Degrees in any frame, of any shape.
    west, east : float
        Degrees; west > east crosses the antimeridian.
    stored : numpy.dtype
        In which the longitudes are stored.

    Returns
    -------
    array of bool
        Of the same shape; False where the longitude is NaN.
    """
    before, behind = (slack(edge, longitudes, stored) for edge in (west, east))
    inside: NDArray[np.bool_] = (longitudes - west + before) % 360.0 <= span(west, east) + before + behind
    return inside


def select_touched(
    longitudes: NDArray[np.float64],
    bounds: NDArray[np.float64],
    *,
    west: float,
    east: float,
    stored: np.dtype[Any] = _EXACT,
) -> Columns:
    """
    Select the columns whose cells share more than an edge with the box.

    Parameters
    ----------
    longitudes : array of float, shape (columns,)
        Centres in degrees.
    bounds : array of float, shape (columns, 2)
        Edges of the cells in degrees, in any order and frame.
    west, east : float
        Degrees.
    stored : numpy.dtype
        In which the bounds are stored.

    Returns
    -------
    Columns
        Longitudes in the frame that is centred on the box's middle.
    """
    width = span(west, east)
    near = beside(bounds, longitudes)
    low, high = near.min(axis=1), near.max(axis=1)
    start = west + width / 2 - 180.0
    turned = 360.0 * turn_from(longitudes, start)
    least = slack(max(abs(west), abs(east)), np.abs(bounds).max(axis=1), stored)
    inside = np.zeros(len(longitudes), dtype=bool)
    for lap in (-360.0, 0.0, 360.0):
        overlap = np.minimum(high + turned + lap, west + width) - np.maximum(low + turned + lap, west)
        inside |= overlap > least
    return _order(longitudes, inside, start)


def select_holder(
    longitudes: NDArray[np.float64],
    bounds: NDArray[np.float64],
    *,
    west: float,
    east: float,
    stored: np.dtype[Any] = _EXACT,
) -> Columns:
    """
    Select the one column whose cell holds the middle of the box; none where it lies outside of all.

    Parameters
    ----------
    longitudes : array of float, shape (columns,)
        Centres in degrees.
    bounds : array of float, shape (columns, 2)
        Edges in degrees.
    west, east : float
        Degrees.
    stored : numpy.dtype
        In which the bounds are stored.

    Returns
    -------
    Columns
        One or none, in the frame that is centred on the middle of the box.
    """
    middle = west + span(west, east) / 2
    near = beside(bounds, longitudes)
    nearly = slack(middle, np.abs(bounds).max(axis=1), stored)
    ahead = (middle - near.min(axis=1) + nearly) % 360.0
    holds = ahead <= near.max(axis=1) - near.min(axis=1) + 2 * nearly
    inside = np.zeros(len(longitudes), dtype=bool)
    if holds.any():
        # On an edge the cell to the east is meant, whatever the order of the source.
        inside[int(np.argmin(np.where(holds, ahead, np.inf)))] = True
    return _order(longitudes, inside, middle - 180.0)


def beside(bounds: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Bring bounds into the frame of their centres.

    Parameters
    ----------
    bounds : array of float, shape (..., corners)
        Degrees in any frame.
    centres : array of float, shape (...)
        Degrees.

    Returns
    -------
    array of float
        Within half a turn of the centre.
    """
    turns = np.round((centres[..., np.newaxis] - bounds) / 360.0).astype(np.int64)
    return shift(bounds, turns)
