"""
Maps brought to another grid when their values are asked for, some steps at a time.

Numbers are weighed in float64 and given in the type of the source, packed ones in the type that they are unpacked into.
A cell that holds no value has no weight; a target of which too small a share is valid is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import (
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
)

from gaia_processes.shared.lazy import Key, find_cuts, index_vectors
from gaia_processes.shared.map_loops import MapLoop
from gaia_processes.shared.nearest import first_of_nearest
from gaia_processes.shared.sphere import chord
from gaia_processes.shared.values import find_invalid, find_rules, unpack
from gaia_processes.shared.weights import DOUBLE, Columns, Floats, Picks, Separable, Weights

_CACHED_BYTES = 2**22  # of the target in float64: what is weighed at once stays in the processor's cache
_BLOCK_BYTES = 2**22  # of the target: what is made for one read, where the source is stored in smaller pieces
_HELD_BYTES = 2**26  # of the target in float64, and of the source: what is in memory at once
_WORTH_BYTES = 2**19
"""Less at once is not worth the loading of a compiled loop."""
_NEARLY = 1e-9

type Mask = NDArray[np.bool_]
type Stored = NDArray[Any]


class Remaps(Protocol):
    """Brings maps to another grid."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what it gives."""

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""

    def part(self, rows: slice) -> "Remaps":
        """Give the same for some rows of the target alone; their source is the window."""

    def __call__(self, stored: Stored) -> Stored:
        """Bring maps of the source, shape (steps, rows, columns), to the target."""


@dataclass(kw_only=True, slots=True)
class Blend:
    """
    Weighted means of the cells that hold a value.

    Attributes
    ----------
    weights : Weights
        Between the grids.
    attrs : dict
        Of the source's variable: what is missing, how it is packed.
    least : float
        Share of the weight that must be valid, 0 to 1.
    dtype : numpy.dtype
        Of the result.
    fill : scalar
        Of its missing cells.
    hidden : array of bool or None
        Cells of the source that never count, shape (rows, columns).
    """

    weights: Weights
    attrs: dict[str, Any]
    least: float
    dtype: np.dtype[Any]
    fill: Any
    hidden: Mask | None = None
    _whole: Mask | None = None
    _seen: tuple[Mask, Floats, Mask] | None = None
    _loop: MapLoop | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""
        return self.weights.shape

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""
        return self.weights.window(rows)

    def part(self, rows: slice) -> "Blend":
        """Give the same for some rows of the target alone."""
        hidden = None if self.hidden is None else self.hidden[self.window(rows)]
        return Blend(
            weights=self.weights.part(rows), attrs=self.attrs, least=self.least, dtype=self.dtype, fill=self.fill,
            hidden=hidden,
        )  # fmt: skip

    def fill_in(self, stored: Stored, made: Stored) -> bool:
        """
        Weigh maps by a compiled loop, where no value is missing and enough is to be done.

        Parameters
        ----------
        stored : array, shape (steps, source rows, source columns)
        made : array, shape (steps, rows, columns)
            Is filled with what a call would give.

        Returns
        -------
        bool
            Whether it was.
        """
        if stored.nbytes + made.nbytes < _WORTH_BYTES or self.hidden is not None:
            return False
        if self._loop is None:
            rules = find_rules(stored.dtype, self.attrs)
            if rules is None or not isinstance(self.weights, Separable):
                return False
            self._loop = MapLoop(self.weights, rules)
        if not self._loop.fill(stored, made):
            return False
        self._finish(made, self._all_valid())
        return True

    def __call__(self, stored: Stored) -> Stored:
        """Weigh maps of the source, shape (steps, rows, columns)."""
        invalid = find_invalid(stored, self.attrs)
        if self.hidden is not None:
            invalid |= self.hidden
        if not invalid.any():
            kind = self.dtype if self.dtype.kind == "f" else DOUBLE
            made = self.weights.mean_of(
                lambda columns: unpack(stored[..., columns], self.attrs), len(stored), dtype=kind
            )
            return self._finish(made, self._all_valid())
        made = self.weights.mean_of(lambda columns: self._numbers(stored, invalid, columns), len(stored))
        if (invalid == invalid[0]).all():
            share, enough = self._shares(invalid[0])
            return self._finish(made / share, enough)
        for step, mask in enumerate(invalid):
            share, enough = self._shares(mask)
            made[step] = np.where(enough, made[step] / share, np.nan)
        return self._finish(made, ~np.isnan(made))

    def _numbers(self, stored: Stored, invalid: Mask, columns: slice) -> Stored:
        """Give the numbers of some columns; 0 where there is none."""
        gone = invalid[..., columns]
        there = np.where(gone, np.zeros((), stored.dtype), stored[..., columns])
        return np.where(gone, 0.0, unpack(there, self.attrs))

    def _all_valid(self) -> Mask:
        if self._whole is None:
            self._whole = _enough(self.weights.coverage, self.least)
        return self._whole

    def _shares(self, invalid: Mask) -> tuple[Floats, Mask]:
        """Give the share of the weights that is valid (1 where none is), and the targets where it is enough."""
        if self._seen is None or not np.array_equal(self._seen[0], invalid):
            share = self.weights.mean_of(lambda columns: ~invalid[np.newaxis, :, columns] * 1.0, 1)[0]
            enough = _enough(share * self.weights.coverage, self.least)
            self._seen = (invalid.copy(), np.where(share > 0, share, 1.0), enough)
        return self._seen[1], self._seen[2]

    def _finish(self, made: NDArray[Any], enough: Mask) -> Stored:
        result = made.astype(self.dtype, copy=False)
        if not enough.all():
            result[np.broadcast_to(~enough, result.shape)] = self.fill
        return result


def _enough(share: Floats, least: float) -> Mask:
    """Tell where a share is enough; what rounding spoils does not count, and nothing is never enough."""
    found: Mask = share >= max(least - _NEARLY, _NEARLY)
    return found


@dataclass(kw_only=True, slots=True)
class Majority:
    """
    Of categories, the one that covers most of a target; of equally large ones the smallest number.

    Attributes
    ----------
    weights, attrs, least, fill, hidden
        As of `Blend`.
    dtype : numpy.dtype
        Of source and result.
    categories : array
        All the numbers that mean something, ascending.
    """

    weights: Weights
    attrs: dict[str, Any]
    least: float
    dtype: np.dtype[Any]
    fill: Any
    categories: Stored
    hidden: Mask | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""
        return self.weights.shape

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""
        return self.weights.window(rows)

    def part(self, rows: slice) -> "Majority":
        """Give the same for some rows of the target alone."""
        hidden = None if self.hidden is None else self.hidden[self.window(rows)]
        return Majority(
            weights=self.weights.part(rows), attrs=self.attrs, least=self.least, dtype=self.dtype, fill=self.fill,
            categories=self.categories, hidden=hidden,
        )  # fmt: skip

    def __call__(self, stored: Stored) -> Stored:
        """Find the largest category of each target, for maps of shape (steps, rows, columns)."""
        invalid = find_invalid(stored, self.attrs)
        if self.hidden is not None:
            invalid |= self.hidden
        shape = (len(stored), *self.shape)
        best, chosen, total = np.zeros(shape), np.full(shape, self.fill, dtype=self.dtype), np.zeros(shape)
        for category in self.categories:
            share = self.weights.mean_of(_held_by(category, stored, invalid), len(stored))
            larger = share > best + _NEARLY
            best[larger], chosen[larger] = share[larger], category
            total += share
        chosen[~_enough(total * self.weights.coverage, self.least)] = self.fill
        return chosen


def _held_by(category: Any, stored: Stored, invalid: Mask) -> Columns:
    """Give 1 for each cell of some columns that is of a category, else 0."""
    return lambda columns: ((stored[..., columns] == category) & ~invalid[..., columns]) * 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Coast:
    """
    Where to look for a value when the nearest cell holds none.

    Attributes
    ----------
    source, target : array of float, shape (cells, 3)
        Vectors of length 1 to the centres, row by row; NaN where there is none.
    within_km : float
        How far a cell may lie.
    """

    source: Floats
    target: Floats
    within_km: float

    def find(self, wanted: NDArray[np.intp], valid: Mask) -> NDArray[np.intp]:
        """
        Find the nearest cell that holds a value, of equally near ones the first.

        Parameters
        ----------
        wanted : array of int
            Cells of the target.
        valid : array of bool, shape (cells of the source,)

        Returns
        -------
        array of int
            Cells of the source; -1 where none is near enough.
        """
        there = np.flatnonzero(valid & np.isfinite(self.source[:, 0]))
        return first_of_nearest(there, self.source[there], self.target[wanted], chord(self.within_km))


@dataclass(kw_only=True, slots=True)
class Nearest:
    """
    The value of the nearest cell, as it is stored.

    Attributes
    ----------
    picks : Picks
        Which cell that is.
    attrs : dict
        Of the source's variable: what is missing.
    dtype : numpy.dtype
        Of source and result.
    fill : scalar
        Of targets that no cell is near to.
    hidden : array of bool or None
        Cells of the source that never count, shape (rows, columns).
    coast : Coast or None
        Where to look further.
    """

    picks: Picks
    attrs: dict[str, Any]
    dtype: np.dtype[Any]
    fill: Any
    hidden: Mask | None = None
    coast: Coast | None = None
    _seen: tuple[Mask, NDArray[np.intp]] | None = field(default=None)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""
        return self.picks.shape

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need; all where values may come from afar."""
        return self.picks.window(rows) if self.coast is None else slice(0, self.picks.source_shape[0])

    def part(self, rows: slice) -> "Nearest":
        """Give the same for some rows of the target alone."""
        if self.coast is not None:
            columns = self.shape[1]
            coast = Coast(
                source=self.coast.source,
                target=self.coast.target[rows.start * columns : rows.stop * columns],
                within_km=self.coast.within_km,
            )
            picks = Picks(places=self.picks.places[rows], source_shape=self.picks.source_shape)
            return Nearest(
                picks=picks, attrs=self.attrs, dtype=self.dtype, fill=self.fill, hidden=self.hidden, coast=coast
            )
        hidden = None if self.hidden is None else self.hidden[self.window(rows)]
        return Nearest(picks=self.picks.part(rows), attrs=self.attrs, dtype=self.dtype, fill=self.fill, hidden=hidden)

    def __call__(self, stored: Stored) -> Stored:
        """Take cells of maps of shape (steps, rows, columns)."""
        cells = stored.reshape(len(stored), -1)
        if self.hidden is None and self.coast is None:
            return self._take(cells, self.picks.places.reshape(-1))
        made = np.empty((len(stored), *self.shape), dtype=self.dtype)
        for step, each in enumerate(cells):
            invalid = find_invalid(each, self.attrs)
            if self.hidden is not None:
                invalid |= self.hidden.reshape(-1)
            made[step] = self._take(cells[step : step + 1], self._valid_places(invalid))[0]
        return made

    def _take(self, cells: Stored, places: NDArray[np.intp]) -> Stored:
        taken = cells[:, np.maximum(places, 0)]
        taken[:, places < 0] = self.fill
        return taken.reshape(len(cells), *self.shape)

    def _valid_places(self, invalid: Mask) -> NDArray[np.intp]:
        """Give the places of cells that hold a value, found further away where that is wanted."""
        if self._seen is None or not np.array_equal(self._seen[0], invalid):
            places = self.picks.places.reshape(-1).copy()
            lacking = np.flatnonzero((places < 0) | invalid[np.maximum(places, 0)])
            places[lacking] = -1
            if self.coast is not None:
                places[lacking] = self.coast.find(lacking, ~invalid)
            self._seen = (invalid.copy(), places)
        return self._seen[1]


class RemappedArray(BackendArray):
    """
    Maps of another grid, as xarray indexes them: nothing is read before values are asked for.

    Parameters
    ----------
    source : xarray.Variable
        Has the dimensions of rows and columns anywhere.
    y_axis, x_axis : int
        Which these are.
    remap : Remaps
        Brings its maps to the target.
    """

    def __init__(self, source: xr.Variable, y_axis: int, x_axis: int, remap: Remaps) -> None:
        self.source = source
        self.leading = tuple(axis for axis in range(source.ndim) if axis not in {y_axis, x_axis})
        self._axes = (y_axis, x_axis)
        self._remap = remap
        self._parts: tuple[slice, slice, Remaps] | None = None
        self.shape: tuple[int, ...] = (*(source.shape[axis] for axis in self.leading), *remap.shape)
        self.dtype = remap.dtype
        self.map_chunk, self.most_steps = _plan(source, y_axis, x_axis, remap.shape)
        self.least_steps = max(_BLOCK_BYTES // max(remap.shape[0] * remap.shape[1] * remap.dtype.itemsize, 1), 1)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> Stored:
        *leading, rows, columns = index_vectors(key, self.shape)
        counts = tuple(map(len, leading))
        if not all((*counts, len(rows), len(columns))):
            return np.empty((*counts, len(rows), len(columns)), dtype=self.dtype)
        low, high = int(rows.min()), int(rows.max()) + 1
        window, remap = self._part(slice(low, high))
        indexer: list[Any] = [slice(None)] * self.source.ndim
        indexer[self._axes[0]] = window
        for axis, places in zip(self.leading, leading, strict=True):
            indexer[axis] = places
        stored = np.asarray(self.source[tuple(indexer)].values).transpose(*self.leading, *self._axes)
        maps = stored.reshape(-1, *stored.shape[-2:])
        made = (
            _in_parts(remap, maps)[:, rows - low][:, :, columns]
            if _is_part(rows, columns, low, remap)
            else (_in_parts(remap, maps))
        )
        shaped = made.reshape(*counts, len(rows), len(columns))
        return shaped[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]

    def _part(self, rows: slice) -> tuple[slice, Remaps]:
        """Give the rows of the source that some rows need, and what brings them there; the last ones are remembered."""
        if self._parts is None or self._parts[0] != rows:
            whole = rows == slice(0, self._remap.shape[0])
            window = slice(0, self.source.shape[self._axes[0]]) if whole else self._remap.window(rows)
            self._parts = (rows, window, self._remap if whole else self._remap.part(rows))
        return self._parts[1], self._parts[2]


def _is_part(rows: NDArray[np.intp], columns: NDArray[np.intp], low: int, remap: Remaps) -> bool:
    """Tell whether something else is asked for than all that was made, in its order."""
    height, width = remap.shape
    all_rows = len(rows) == height and np.array_equal(rows, np.arange(low, low + height))
    return not (all_rows and len(columns) == width and np.array_equal(columns, np.arange(width)))


def _in_parts(remap: Remaps, maps: Stored) -> Stored:
    """Bring maps to the target, so few at a time that they stay near to the processor."""
    height, width = remap.shape
    step = max(_CACHED_BYTES // max(height * width * 8, 1), 1)
    made = np.empty((len(maps), height, width), dtype=remap.dtype)
    for start in range(0, len(maps), step):
        some = slice(start, start + step)
        if not (isinstance(remap, Blend) and remap.fill_in(maps[some], made[some])):
            made[some] = remap(maps[some])
    return made


def _plan(source: xr.Variable, y_axis: int, x_axis: int, shape: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """
    Say how many rows and maps are best made at once.

    Whole maps, so that no chunk of the source is read twice; where these would not fit into memory, parts of maps if the
    source itself is cut along its rows, else fewer maps.
    """
    height, width = max(shape[0], 1), max(shape[1], 1)
    map_bytes = 8 * max(height * width, source.shape[y_axis] * source.shape[x_axis])
    found = find_cuts(source)
    steps = 1 if found is None else int(np.prod([found[0][a] for a in range(source.ndim) if a not in {y_axis, x_axis}]))
    in_rows = found is None or found[0][y_axis] < source.shape[y_axis]
    excess = steps * map_bytes / _HELD_BYTES
    rows = max(int(height / excess), 1) if excess > 1 and in_rows else height
    most = max(int(_HELD_BYTES / map_bytes * height / rows), 1)
    return (rows, width), most


def remap_lazily(variable: xr.Variable, y_dim: str, x_dim: str, remap: Remaps, *, dims: tuple[str, str]) -> xr.Variable:
    """
    Bring a variable to another grid when its values are read.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded.
    y_dim, x_dim : str
        Its dimensions of rows and columns.
    remap : Remaps
        Brings its maps to the target.
    dims : tuple of str
        Dimensions of the target.

    Returns
    -------
    xarray.Variable
        Other dimensions in their order, then those of the target; the same attributes and encoding.
    """
    y_axis, x_axis = variable.dims.index(y_dim), variable.dims.index(x_dim)
    array = RemappedArray(variable, y_axis, x_axis, remap)
    leading = (variable.dims[axis] for axis in array.leading)
    return xr.Variable((*leading, *dims), LazilyIndexedArray(array), variable.attrs, variable.encoding)


type MakesRemap = Callable[[xr.Variable], Remaps]
