"""
Maps warped from one raster to another, block by block: GDAL resamples, and no seam shows.

Every block of the result is made of the window of the source that it needs, with GDAL's exact transformation, and with one
resampling scale for all blocks: left alone, GDAL makes one for each, and kernels would change from block to block.

References
----------
GDAL, warp options XSCALE, YSCALE, UNIFIED_SRC_NODATA; algorithms of gdalwarp -r.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import rasterio
import rasterio.warp
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.shared.lazy import Key, index_vectors
from gaia_processes.shared.rasters import Raster

BLOCK = 256
"""Rows and columns of the result that are made at once, at least."""

_SIDES = (1024, 512)
_WINDOW_CELLS = 2**22
"""So many cells of the source are read for one map of a block larger than `BLOCK`, at most about."""

_EVERY = 16
_LATTICE = 65
_WHOLE = 1e-6
_WINDOW_BYTES = 2**26
_RADIUS = {"nearest": 1, "bilinear": 1, "cubic": 2, "cubic_spline": 2, "lanczos": 3}
_GDAL = {"med": Resampling.med, "q1": Resampling.q1, "q3": Resampling.q3}
_OPTIONS = {"GDAL_CACHEMAX": 64}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Window:
    """What of the source a block needs: rows, columns (counted on across the seam of longitudes), and as GDAL sees them."""

    rows: slice
    columns: NDArray[np.intp]
    transform: Affine
    crs: str
    shift: float


class Warp:
    """
    The way from one raster to another.

    Parameters
    ----------
    source, target : Raster
    method : str
        As gdalwarp calls it.
    """

    def __init__(self, source: Raster, target: Raster, method: str) -> None:
        self.source, self.target, self.method = source, target, method
        self._back = Transformer.from_crs(target.crs, source.crs, always_xy=True)
        self._same = target.crs.equals(source.crs, ignore_axis_order=True)
        self._target_crs = target.crs.to_wkt()
        self._source_crs = self._target_crs if self._same else source.crs.to_wkt()
        self._scales = self._find_scales()
        self.side = self._find_side()
        """Rows and columns of the result that are made at once, at most: a multiple of `BLOCK`."""
        self.window = lru_cache(256)(self._find_window)

    def warp(self, values: NDArray[Any], window: _Window, block: tuple[slice, slice], nodata: Any) -> NDArray[Any]:
        """
        Resample the window of some maps into a block.

        Parameters
        ----------
        values : array, shape (maps, rows, columns)
            Of the window.
        window : _Window
        block : (slice, slice)
            Rows and columns of the target.
        nodata : number
            Marks missing cells, in `values` and in the result.
        """
        rows, columns = block
        result = np.full(
            (len(values), rows.stop - rows.start, columns.stop - columns.start), nodata, dtype=values.dtype
        )
        transform = (
            Affine.translation(window.shift, 0) @ self.target.transform @ Affine.translation(columns.start, rows.start)
        )
        kernel = {"XSCALE": self._scales[0], "YSCALE": self._scales[1]} if self.method in _RADIUS else {}
        with rasterio.Env(**_OPTIONS):
            rasterio.warp.reproject(
                values, result, src_transform=window.transform, src_crs=window.crs, dst_transform=transform,
                dst_crs=self._target_crs, src_nodata=nodata, dst_nodata=nodata,
                resampling=_GDAL.get(self.method) or Resampling[self.method], num_threads=1, tolerance=0,
                UNIFIED_SRC_NODATA="NO", **kernel,
            )  # fmt: skip
        return result

    def _places(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the columns and rows of the source at places of the target; not finite where there are none."""
        across, along = (x, y) if self._same else self._back.transform(x, y)
        across, along = np.asarray(across, np.float64), np.asarray(along, np.float64)
        with np.errstate(invalid="ignore"):
            if self.source.is_turning:
                across = self._turned(across)
            return (across - self.source.x) / self.source.x_step, (along - self.source.y) / self.source.y_step

    def _turned(self, longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring longitudes near one another; those of a source that does not go round, near its middle."""
        middle = self.source.x + self.source.width * self.source.x_step / 2
        if self.source.is_cyclic and np.isfinite(longitudes).any():
            known = np.exp(1j * np.radians(longitudes[np.isfinite(longitudes)]))
            own = math.degrees(float(np.angle(known.sum())))
            middle += (own - middle + 180.0) % 360.0 - 180.0
        return middle + (longitudes - middle + 180.0) % 360.0 - 180.0

    def _find_scales(self) -> tuple[float, float]:
        """Say how many columns and rows of the target go on one of the source, as GDAL counts them for the whole: at most 1."""
        target, source = self.target, self.source
        columns, rows = np.meshgrid(np.linspace(0, target.width, _LATTICE), np.linspace(0, target.height, _LATTICE))
        found = self._places(*target.at(columns, rows))
        known = np.isfinite(found[0]) & np.isfinite(found[1])
        if not known.any():
            return 1.0, 1.0
        most = (math.inf if source.is_cyclic else source.width, source.height)
        spans = []
        for own, size in zip(found, most, strict=True):
            low, high = max(math.floor(own[known].min() + _WHOLE), 0), min(math.ceil(own[known].max() - _WHOLE), size)
            spans.append(max(high - low, 1))
        return _scale(target.width, spans[0]), _scale(target.height, spans[1])

    def _find_side(self) -> int:
        """Take the largest block whose window is small enough, also where it is turned by half a right angle."""
        return next(
            (side for side in _SIDES if 2 * side**2 / (self._scales[0] * self._scales[1]) <= _WINDOW_CELLS), BLOCK
        )

    def _find_window(self, rows: tuple[int, int], columns: tuple[int, int]) -> _Window | None:
        """Find what of the source a block needs; None where it needs nothing."""
        across, along = (
            np.unique(np.append(np.arange(first, last, _EVERY), last)).astype(np.float64)
            for first, last in (columns, rows)
        )
        grid = np.meshgrid(across, along)
        found_columns, found_rows = self._places(*self.target.at(grid[0], grid[1]))
        known = np.isfinite(found_columns) & np.isfinite(found_rows)
        if not known.any():
            return None
        reach = _RADIUS.get(self.method, 1)
        x_reach, y_reach = (
            _spread(found, known) / 2 + reach / scale + 2
            for found, scale in ((found_columns, self._scales[0]), (found_rows, self._scales[1]))
        )
        first_row = max(math.floor(found_rows[known].min() - y_reach), 0)
        last_row = min(math.ceil(found_rows[known].max() + y_reach), self.source.height)
        first, last = math.floor(found_columns[known].min() - x_reach), math.ceil(found_columns[known].max() + x_reach)
        size = self.source.width
        if self.source.is_cyclic:
            if last - first > size:  # all of it, and on both sides what kernels need beyond the seam
                middle = (first + last) // 2
                beyond = math.ceil(reach / self._scales[0]) + 2
                first, last = middle - size // 2 - beyond, middle - size // 2 + size + beyond
        else:
            first, last = max(first, 0), min(last, size)
        if first >= last or first_row >= last_row:
            return None
        return self._see(slice(first_row, last_row), first, last, columns)

    def _see(self, rows: slice, first: int, last: int, columns: tuple[int, int]) -> _Window:
        """Tell GDAL where a window lies: near the block, and never on the seam of a system's longitudes."""
        source = self.source
        transform = source.transform @ Affine.translation(first, rows.start)
        places = np.arange(first, last, dtype=np.intp) % source.width if source.is_cyclic else np.arange(first, last)
        crs, shift = self._source_crs, 0.0
        if source.is_turning:
            middle = source.x + (first + last) / 2 * source.x_step
            if self.target.crs.is_geographic:
                own = self.target.x + (columns[0] + columns[1]) / 2 * self.target.x_step
                shift = 360.0 * round((middle - own) / 360.0)
            ends = sorted((source.x + first * source.x_step, source.x + last * source.x_step))
            if not self._same and (ends[0] < -180.0 - 1e-9 or ends[1] > 180.0 + 1e-9):
                start = (middle + 180.0) % 360.0 - 180.0
                crs = _shifted(source.crs, start)
                transform = Affine.translation(-middle, 0) @ transform
        return _Window(rows=rows, columns=places, transform=transform, crs=crs, shift=shift)


def _scale(target: int, source: float) -> float:
    factor = source / target
    if factor <= 1.0:
        return 1.0
    return 1.0 / (round(factor) if abs(factor - round(factor)) < 0.05 else factor)  # as GDAL does with its own


def _spread(found: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
    """Give the farthest that two neighbouring points lie apart: what lies between may lie beside them by a part of it."""
    filled = np.where(known, found, np.nan)
    steps = [np.abs(np.diff(filled, axis=axis)) for axis in (0, 1)]
    return max((float(np.nanmax(each)) for each in steps if np.isfinite(each).any()), default=0.0)


def _shifted(crs: CRS, meridian: float) -> str:
    """Give a system of longitudes that are counted from another meridian, on the same ellipsoid."""
    figure = crs.ellipsoid
    if figure is None or (crs.datum is not None and crs.datum.name.startswith("World Geodetic System 1984")):
        return f"+proj=longlat +datum=WGS84 +pm={meridian!r} +no_defs"
    return f"+proj=longlat +a={figure.semi_major_metre!r} +b={figure.semi_minor_metre!r} +pm={meridian!r} +no_defs"


def _asked(places: NDArray[np.intp], block: int, side: int) -> slice:
    """Give what is asked for of a block of a side, in whole pieces of `BLOCK`: a writer that reads by pieces makes none twice."""
    own = places[places // side == block] // BLOCK
    return slice(int(own.min()) * BLOCK, (int(own.max()) + 1) * BLOCK)


class WarpedArray(BackendArray):
    """A variable on the raster of the result; blocks are made when they are read."""

    def __init__(
        self,
        variable: xr.Variable,
        axes: tuple[int, int],
        warp: Warp,
        prepare: Callable[[NDArray[Any]], NDArray[Any]],
        finish: Callable[[NDArray[Any]], NDArray[Any]],
        nodata: Any,
        dtype: np.dtype[Any],
    ) -> None:
        self._variable, self._warp, self._axes = variable, warp, axes
        self._prepare, self._finish, self._nodata = prepare, finish, nodata
        self._leading = tuple(at for at in range(variable.ndim) if at not in axes)
        self.dtype = dtype
        leading = tuple(variable.shape[at] for at in self._leading)
        self.shape: tuple[int, ...] = (*leading, warp.target.height, warp.target.width)
        self.chunk_shape: tuple[int, ...] | None = (*(1 for _ in leading), BLOCK, BLOCK)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        *leading, rows, columns = index_vectors(key, self.shape)
        counts = [len(each) for each in leading]
        result = np.empty((math.prod(counts), len(rows), len(columns)), dtype=self.dtype)
        side = self._warp.side
        for row in np.unique(rows // side):
            for column in np.unique(columns // side):
                asked = (_asked(rows, int(row), side), _asked(columns, int(column), side))
                block = tuple(
                    slice(each.start, min(each.stop, size)) for each, size in zip(asked, self.shape[-2:], strict=True)
                )
                own = [np.flatnonzero(each // side == at) for each, at in ((rows, row), (columns, column))]
                inner = np.ix_(range(len(result)), rows[own[0]] - block[0].start, columns[own[1]] - block[1].start)
                made = self._block(leading, (block[0], block[1]))
                result[np.ix_(range(len(result)), own[0], own[1])] = made[inner]
        shaped = result.reshape(*counts, len(rows), len(columns))
        return shaped[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]

    def _block(self, leading: list[NDArray[np.intp]], block: tuple[slice, slice]) -> NDArray[Any]:
        """Make a block of all the maps that are asked for, several at once."""
        count = math.prod(len(each) for each in leading)
        shape = (count, *(each.stop - each.start for each in block))
        window = self._warp.window(*((each.start, each.stop) for each in block))
        if window is None:
            return self._finish(
                np.full(shape, self._nodata, dtype=self._prepare(np.zeros((0,), self._variable.dtype)).dtype)
            )
        values = self._prepare(self._window(leading, window))
        cells = max(values[0].nbytes if len(values) else 1, 1)
        several = max(_WINDOW_BYTES // cells, 1)
        parts = [
            self._warp.warp(np.ascontiguousarray(values[at : at + several]), window, block, self._nodata)
            for at in range(0, count, several)
        ]
        return self._finish(np.concatenate(parts) if parts else np.empty(shape, dtype=values.dtype))

    def _window(self, leading: list[NDArray[np.intp]], window: _Window) -> NDArray[Any]:
        """Read the window of some maps, rows before columns."""
        key: list[Any] = [slice(None)] * self._variable.ndim
        for at, places in zip(self._leading, leading, strict=True):
            key[at] = places
        y_axis, x_axis = self._axes
        key[y_axis] = window.rows
        parts = []
        for run in np.split(window.columns, np.flatnonzero(np.diff(window.columns) != 1) + 1):
            key[x_axis] = slice(int(run[0]), int(run[-1]) + 1)
            values = np.asarray(self._variable[tuple(key)].values)
            parts.append(values.transpose(*self._leading, y_axis, x_axis))
        whole = np.concatenate(parts, axis=-1)
        native = whole.astype(whole.dtype.newbyteorder("="), copy=False)
        return native.reshape(-1, *native.shape[-2:])


def warp_lazily(
    variable: xr.Variable,
    dims: tuple[str, str],
    target_dims: tuple[str, str],
    warp: Warp,
    *,
    prepare: Callable[[NDArray[Any]], NDArray[Any]],
    finish: Callable[[NDArray[Any]], NDArray[Any]],
    nodata: Any,
    dtype: np.dtype[Any],
) -> xr.Variable:
    """
    Warp all maps of a variable when they are read.

    Parameters
    ----------
    variable : xarray.Variable
        With the dimensions `dims` (rows, columns) and any others.
    target_dims : (str, str)
        Names of rows and columns of the result, which come last.
    prepare, finish : callable
        From values as stored to those that are resampled, and from these to those of the result.
    nodata : number
        Marks missing cells between the two.
    dtype : numpy.dtype
        Of the result.
    """
    axes = (variable.dims.index(dims[0]), variable.dims.index(dims[1]))
    array = WarpedArray(variable, axes, warp, prepare, finish, nodata, dtype)
    leading = tuple(dim for dim in variable.dims if dim not in dims)
    return xr.Variable((*leading, *target_dims), LazilyIndexedArray(array))
