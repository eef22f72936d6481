"""
The values of one variable at points: which cells each takes from, read chunk by chunk, and put together block by block.

A point has one row for each combination of the dimensions along which nothing is chosen for it: all steps of a time axis, or
none where its own time chooses one.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gaia_processes.shared.gather import gather, make_room
from gaia_processes.shared.stencils import Corners, Horizontal
from gaia_processes.shared.values import PACKING, find_invalid, precision_of, unpack

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type Mask = NDArray[np.bool_]
type Progress = Callable[[float, float], None]

_NEARLY = 1e-9
_FIRST_RANKS = 8
_BLOCK_VALUES = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """
    What points take from which cells, those of one point behind each other.

    Attributes
    ----------
    starts : array of int, shape (points + 1,)
        Where the cells of each point begin.
    places : array of int, shape (shares,)
        Cells of the horizontal grid, counted row by row.
    weights : array of float, shape (shares,)
        Those of a point sum to 1.
    """

    starts: Places
    places: Places
    weights: Floats

    @property
    def owners(self) -> Places:
        """The point of each share."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @classmethod
    def of_nearest(cls, places: Places) -> "Shares":
        """Let every point take from one cell; from none where it is -1."""
        there = places >= 0
        starts = np.concatenate([[0], np.cumsum(there)])
        return cls(starts=starts, places=places[there], weights=np.ones(int(starts[-1])))

    @classmethod
    def of_corners(cls, corners: Corners, wanted: Mask) -> "Shares":
        """Let points take from the centres around them, and from the poles; from none where they are not wanted."""
        kept = 1.0 - sum((each.shares for each in corners.poles), np.zeros(len(wanted)))
        shares = corners.shares * kept[:, np.newaxis] * wanted[:, np.newaxis]
        owners, corner = np.nonzero(shares)
        parts = [(owners, corners.places[owners, corner], shares[owners, corner])]
        for pole in corners.poles:
            beyond = np.flatnonzero((pole.shares > 0) & wanted)
            count = len(pole.cells)
            weights = np.repeat(pole.shares[beyond] / count, count)
            parts.append((np.repeat(beyond, count), np.tile(pole.cells, len(beyond)), weights))
        owners, places, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[order], np.arange(len(wanted) + 1)).astype(np.intp)
        return cls(starts=starts, places=places[order].astype(np.intp), weights=weights[order])


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """
    The place along one dimension that is chosen for each point; a second one where values lie between two.

    Attributes
    ----------
    dim : str
    first, second : array of int, shape (points,)
        -1 where there is none.
    share : array of float, shape (points,)
        How much the second one counts.
    """

    dim: str
    first: Places
    second: Places
    share: Floats

    @classmethod
    def at(cls, dim: str, places: Places) -> "Chosen":
        """Choose one place for each point."""
        return cls(dim=dim, first=places, second=places, share=np.zeros(len(places)))

    @property
    def is_between(self) -> bool:
        """Whether any point lies between two places."""
        return bool(self.share.any())


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """
    How a variable lies: its dimensions of rows and columns, and what is chosen along others.

    Attributes
    ----------
    y_dim, x_dim : str
    columns : int
        Of the horizontal grid.
    chosen : tuple of Chosen
        Of the variable's own dimensions alone.
    """

    y_dim: str
    x_dim: str
    columns: int
    chosen: tuple[Chosen, ...]

    def beyond(self) -> "Layout":
        """Give the same with the second places chosen."""
        second = tuple(
            Chosen(dim=each.dim, first=each.second, second=each.second, share=each.share) for each in self.chosen
        )
        return Layout(y_dim=self.y_dim, x_dim=self.x_dim, columns=self.columns, chosen=second)


class Cells:
    """Cells of a variable that points take from, read once: the same cell is held once, however many points take from it."""

    def __init__(
        self, variable: xr.Variable, layout: Layout, owners: Places, places: Places, progress: Progress | None
    ) -> None:
        """
        Read the cells.

        Parameters
        ----------
        variable : xarray.Variable
            Undecoded.
        layout : Layout
        owners, places : array of int, shape (n,)
            The point that takes, and the cell of the horizontal grid; -1 for none.
        progress : callable or None
        """
        shape = [variable.sizes[each.dim] for each in layout.chosen]
        keys = places
        known = places >= 0
        cells = variable.sizes[layout.y_dim] * variable.sizes[layout.x_dim]
        for each, size in zip(layout.chosen, shape, strict=True):
            own = each.first[owners]
            known = known & (own >= 0)
            keys = keys + own * cells
            cells *= size
        keys = np.where(known, keys, -1)
        unique, inverse = np.unique(keys, return_inverse=True)
        unknown = int(len(unique) > 0 and unique[0] < 0)
        self.at: Places = (inverse - unknown).astype(np.intp)
        self.attrs: dict[str, Any] = dict(variable.attrs)
        gathered = gather(variable, self._places(unique[unknown:], layout, variable), progress=progress)
        self.stored, self.rest = gathered.values, gathered.rest

    @staticmethod
    def _places(keys: Places, layout: Layout, variable: xr.Variable) -> dict[str, Places]:
        columns, rows = variable.sizes[layout.x_dim], variable.sizes[layout.y_dim]
        left, column = np.divmod(keys, columns)
        left, row = np.divmod(left, rows)
        found: dict[str, Places] = {}
        for each in layout.chosen:
            left, found[each.dim] = np.divmod(left, variable.sizes[each.dim])
        order = [each for each in map(str, variable.dims) if each in {*found, layout.y_dim, layout.x_dim}]
        both = found | {layout.y_dim: row, layout.x_dim: column}
        return {dim: both[dim] for dim in order}

    def take(self, some: slice) -> tuple[NDArray[Any], Mask]:
        """Give the values of some takers as stored, shape (n, *rest), and which of them are missing."""
        return self.of(self.at[some])

    def of(self, at: Places) -> tuple[NDArray[Any], Mask]:
        """Give the values of cells by their place in `stored`, and which are missing; of -1 all are."""
        if not len(self.stored):
            shape = (len(at), *self.stored.shape[1:])
            return np.zeros(shape, self.stored.dtype), np.ones(shape, dtype=bool)
        stored = self.stored[np.maximum(at, 0)]
        missing = find_invalid(stored, self.attrs)
        missing[at < 0] = True
        return stored, missing


class Sampled:
    """
    The values of one variable at points.

    Attributes
    ----------
    rest : tuple of str
        Dimensions along which each point has all values.
    dtype : numpy.dtype
        Of the values: the source's own; floats where they are unpacked or weighed.
    """

    def __init__(
        self,
        variable: xr.Variable,
        layout: Layout,
        shares: Shares,
        *,
        least: float | None,
        progress: Progress | None = None,
    ) -> None:
        """
        Read what is needed.

        Parameters
        ----------
        variable : xarray.Variable
            Undecoded.
        layout : Layout
        shares : Shares
        least : float or None
            Share of the weight that must hold values; None where each point takes from one cell, as it is.
        progress : callable, optional
        """
        self._least = least
        self._shares = shares
        owners = shares.owners
        self._cells = [Cells(variable, layout, owners, shares.places, progress)]
        self._between: Floats | None = None
        if any(each.is_between for each in layout.chosen):
            self._between = sum((each.share for each in layout.chosen), np.zeros(len(shares.starts) - 1))
            self._cells.append(Cells(variable, layout.beyond(), owners, shares.places, progress))
        self.rest = self._cells[0].rest
        self.attrs = self._cells[0].attrs
        packed = any(name in variable.attrs for name in PACKING)
        self.is_whole = least is None and self._between is None and not packed and variable.dtype.kind in "iu"
        own = precision_of(variable)
        whole_type = np.dtype(np.float32) if variable.dtype.itemsize <= 2 and not packed else np.dtype(np.float64)
        floats = own.newbyteorder("=") if own.kind == "f" and own.itemsize >= 4 else whole_type
        self.dtype: np.dtype[Any] = variable.dtype.newbyteorder("=") if self.is_whole else floats
        self.coast: Coast | None = None

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self._shares.starts) - 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of `rest`."""
        return self._cells[0].stored.shape[1:]

    def values(self, points: slice) -> tuple[NDArray[Any], Mask]:
        """
        Give the values of some points.

        Returns
        -------
        tuple
            Values of shape (points, *shape) in `dtype`, and which of them are missing (they hold anything).
        """
        if self._least is None:
            first, missing = self._single(self._cells[0], points)
        else:
            first, missing = self._weighed(self._cells[0], points, self._least)
        if self._between is not None:
            first, missing = self._mix(first, missing, points)
        if self.coast is not None:
            first, missing = self.coast.over(first, missing, points)
        return (first if self.is_whole else self._as_floats(first)), missing

    def used(self, points: slice, nearest: Places) -> Places:
        """Say which cell each value of some points comes from, shape (points, *shape): the nearest, or one farther away."""
        own = np.broadcast_to(
            nearest[points].reshape(-1, *(1 for _ in self.shape)), (len(nearest[points]), *self.shape)
        )
        return own if self.coast is None else self.coast.used(own, points)

    def _as_floats(self, values: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore", invalid="ignore"):  # what is missing holds anything
            return values.astype(self.dtype, copy=False)

    def _entries(self, points: slice) -> slice:
        return slice(int(self._shares.starts[points.start]), int(self._shares.starts[points.stop]))

    def _single(self, cells: Cells, points: slice) -> tuple[NDArray[Any], Mask]:
        """Take the one cell of each point; points without one are missing."""
        entries = self._entries(points)
        stored, gone = cells.take(entries)
        count = points.stop - points.start
        if len(stored) != count:
            owners = np.flatnonzero(np.diff(self._shares.starts[points.start : points.stop + 1]))
            whole, missing = np.zeros((count, *self.shape), stored.dtype), np.ones((count, *self.shape), dtype=bool)
            whole[owners], missing[owners] = stored, gone
            stored, gone = whole, missing
        return (stored if self.is_whole else unpack(stored, self.attrs)), gone

    def _weighed(self, cells: Cells, points: slice, least: float) -> tuple[Floats, Mask]:
        """Weigh the cells of each point that hold values, where enough of them do."""
        entries = self._entries(points)
        used, inverse = np.unique(cells.at[entries], return_inverse=True)
        stored, gone = cells.of(used)
        count, rest = points.stop - points.start, self.shape
        width = math.prod(rest)  # and not -1: there may be no cell
        numbers = np.where(gone, 0.0, unpack(stored, self.attrs)).reshape(len(used), width)
        starts = self._shares.starts[points.start : points.stop + 1] - entries.start
        matrix = csr_array((self._shares.weights[entries], inverse, starts), shape=(count, len(used)))
        sums = matrix @ numbers
        held = matrix @ (~gone).reshape(len(used), width).astype(np.float64)
        enough = held >= max(least - _NEARLY, _NEARLY)
        made = sums / np.where(enough, held, 1.0)
        return made.reshape(count, *rest), ~enough.reshape(count, *rest)

    def _mix(self, first: NDArray[Any], missing: Mask, points: slice) -> tuple[Floats, Mask]:
        """Lie between the values of two steps; both must be there where both count."""
        assert self._between is not None  # noqa: S101 - asked by the caller
        second, gone = (
            self._single(self._cells[1], points)
            if self._least is None
            else self._weighed(self._cells[1], points, self._least)
        )
        share = self._between[points].reshape(-1, *(1 for _ in self.shape))
        missing = (missing & (share < 1.0)) | (gone & (share > 0.0))
        made = np.where(share < 1.0, first, 0.0) * (1.0 - share) + np.where(share > 0.0, second, 0.0) * share
        return made, missing


class Coast:
    """Values from farther cells, for points whose nearest cell holds none: at coasts."""

    def __init__(self, points: int, shape: tuple[int, ...], dtype: np.dtype[Any], lost: Places) -> None:
        """
        Make room.

        Parameters
        ----------
        points : int
            How many there are in all.
        shape : tuple of int
            Sizes of the dimensions along which each has all values.
        dtype : numpy.dtype
        lost : array of int
            The points that lack a value.
        """
        self.lost = lost
        self._row = np.full(points, -1, dtype=np.intp)
        self._row[lost] = np.arange(len(lost))
        self._values = make_room((len(lost), *shape), dtype)
        self._places = make_room((len(lost), *shape), np.dtype(np.intp))
        self._places[...] = -1

    def fill(self, points: Places, values: NDArray[Any], places: Places) -> None:
        """Keep values of some of the points, and the cells they come from (-1: none)."""
        rows = self._row[points]
        fresh = (self._places[rows] < 0) & (places >= 0)
        self._values[rows] = np.where(fresh, values, self._values[rows])
        self._places[rows] = np.where(fresh, places, self._places[rows])

    def lacks(self, points: Places, missing: Mask) -> Mask:
        """Tell which of some points still lack a value that was missing."""
        lacking: Mask = (missing & (self._places[self._row[points]] < 0)).reshape(len(points), -1).any(axis=1)
        return lacking

    def over(self, values: NDArray[Any], missing: Mask, points: slice) -> tuple[NDArray[Any], Mask]:
        """Put what was found in the place of what is missing."""
        at = self._row[points]
        those = np.flatnonzero(at >= 0)
        if not those.size:
            return values, missing
        rows = at[those]
        found = missing[those] & (self._places[rows] >= 0)
        values, missing = values.copy(), missing.copy()
        values[those] = np.where(found, self._values[rows], values[those])
        missing[those] = missing[those] & ~found
        return values, missing

    def used(self, places: Places, points: slice) -> Places:
        """Say which cells values come from, given the nearest ones."""
        at = self._row[points]
        those = np.flatnonzero(at >= 0)
        made = places.copy()
        farther = self._places[at[those]]
        made[those] = np.where(farther >= 0, farther, made[those])
        return made


def search_coast(
    sampled: Sampled,
    variable: xr.Variable,
    layout: Layout,
    horizontal: Horizontal,
    longitudes: Floats,
    latitudes: Floats,
    wanted: Mask,
    within_km: float,
) -> Coast | None:
    """
    Look for values farther away, for the points whose nearest cell holds none.

    Parameters
    ----------
    sampled : Sampled
        By the nearest cells.
    variable, layout
        As it was read by.
    horizontal : Horizontal
    longitudes, latitudes : array of float, shape (points,)
    wanted : array of bool, shape (points,)
        Points that have a nearest cell at all, and a step.
    within_km : float

    Returns
    -------
    Coast or None
        None where nothing is missing.
    """
    count = len(longitudes)
    step = max(_BLOCK_VALUES // max(int(np.prod(sampled.shape)), 1), 1)
    blocks = [slice(start, min(start + step, count)) for start in range(0, count, step)]
    lacking = np.concatenate(
        [sampled.values(some)[1].reshape(some.stop - some.start, -1).any(axis=1) for some in blocks] or [wanted]
    )
    lost = np.flatnonzero(lacking & wanted)
    if not lost.size:
        return None
    coast = Coast(count, sampled.shape, sampled.dtype, lost)
    for which, ranked in horizontal.around(longitudes[lost], latitudes[lost], within_km):
        _fill(coast, sampled, variable, layout, lost[which], ranked)
    return coast


def _fill(
    coast: Coast, sampled: Sampled, variable: xr.Variable, layout: Layout, points: Places, ranked: Places
) -> None:
    """Fill from candidates, the nearest first, as long as points lack values."""
    for ranks in _ranks(ranked.shape[1]):
        some = np.flatnonzero((ranked[:, ranks.start] >= 0) & coast.lacks(points, _all(len(points), sampled.shape)))
        if not some.size:
            return
        owners = np.repeat(points[some], ranks.stop - ranks.start)
        cells = Cells(variable, layout, owners, ranked[some, ranks].reshape(-1), None)
        stored, missing = cells.take(slice(None))
        values = stored if sampled.is_whole else unpack(stored, cells.attrs)
        shape = (len(some), ranks.stop - ranks.start, *sampled.shape)
        values, missing = values.reshape(shape), missing.reshape(shape)
        first = np.argmin(missing, axis=1)[:, np.newaxis]
        there = ~np.take_along_axis(missing, first, axis=1)[:, 0]
        at = ranked[some][:, ranks].reshape(shape[0], shape[1], *(1 for _ in sampled.shape))
        places = np.take_along_axis(np.broadcast_to(at, shape), first, axis=1)[:, 0]
        chosen = np.take_along_axis(values, first, axis=1)[:, 0]
        coast.fill(points[some], chosen.astype(sampled.dtype), np.where(there, places, -1))


def _ranks(count: int) -> Iterator[slice]:
    start, size = 0, _FIRST_RANKS
    while start < count:
        yield slice(start, min(start + size, count))
        start, size = start + size, 2 * size


def _all(count: int, shape: tuple[int, ...]) -> Mask:
    return np.ones((count, *shape), dtype=bool)
