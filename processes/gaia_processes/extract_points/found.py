"""What was found of points, and what their rows are counted along."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]

INSIDE, MISSING_VALUE, OUTSIDE, BAD_COORDINATE = range(4)
STATUSES = ("ok", "missing_value", "outside", "bad_coordinate")
"""What `status` says, by the numbers above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """
    A dimension of the data beside rows and columns.

    Attributes
    ----------
    dim : str
    kind : {"time", "level", "other"}
    name : str
        Of the column in the table.
    variable : str or None
        The coordinate.
    labels : array, shape (steps,)
        What stands in the column.
    spread : bool
        Whether every point has a row for each step; else a step is chosen for each.
    """

    dim: str
    kind: Literal["time", "level", "other"]
    name: str
    variable: str | None
    labels: NDArray[Any]
    spread: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """
    What was found of the points.

    Attributes
    ----------
    longitudes, latitudes : array of float, shape (points,)
        NaN for bad coordinates.
    nearest : array of int, shape (points,)
        The nearest cell; -1 for bad coordinates.
    state : array of int, shape (points,)
        `INSIDE`, `OUTSIDE` or `BAD_COORDINATE`.
    centres : callable
        Gives longitude and latitude of cells.
    chosen : dict of array of int
        By dimension, the step that was chosen for each point; -1 for none.
    is_nearest : bool
        Whether values are those of one cell.
    """

    longitudes: Floats
    latitudes: Floats
    nearest: Places
    state: NDArray[np.int8]
    centres: Callable[[Places], tuple[Floats, Floats]]
    chosen: Mapping[str, Places]
    is_nearest: bool
