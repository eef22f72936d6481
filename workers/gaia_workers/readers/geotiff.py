"""
GeoTIFF files as undecoded, lazily read datasets: a band is a variable, read by windows at full resolution.

GDAL reads them, held to its driver GTiff: no other format behind the name, no file beside the file (world files, `.aux.xml`,
`.ovr`, `.msk`), no network.

References
----------
OGC 19-008r4, GeoTIFF 1.1; GDAL, driver GTiff; CF conventions 1.12, section 5.6 (grid mappings), 3.5 (flags).
"""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.errors import UnreadableData
from gaia_processes.shared.bounds import show_bounds
from gaia_processes.shared.lazy import Key, index_vectors
from gaia_processes.shared.mappings import make_axis, make_mapping
from gaia_processes.text import Text
from gaia_workers.readers import refusals
from gaia_workers.readers.chunks import CHUNK_LIMIT_BYTES, ByteCounter
from gaia_workers.readers.kernel import Watch
from gaia_workers.readers.stretches import read_stretches

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFF and BigTIFF begin."""

MOST_BANDS = 10_000
_READ_BYTES = 2**19  # strips of few rows are read several at a time
_ROTATED = 1e-9
_CONVENTIONS = {"Conventions": "CF-1.11"}  # what the reader makes of a raster follows them
_OPTIONS: dict[str, Any] = {
    "GDAL_PAM_ENABLED": False,
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_CACHEMAX": 64,
    "GTIFF_POINT_GEO_IGNORE": False,
}
_WIDER = {"uint8": "int16", "int8": "int16", "uint16": "int32", "int16": "int32"}
"""Whole numbers of which a mask hides some, and no number is free to say so, are given in a type that has one."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,99}", re.ASCII)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.\-]+", re.ASCII)
_OWN_TAGS = re.compile(r"TIFFTAG_.*|AREA_OR_POINT|OVR_.*|STATISTICS_.*|.*#.*|_.*|NETCDF_.*", re.ASCII)


@contextmanager
def open_dataset(path: Path, *, threads: int = 2, counter: ByteCounter | None = None) -> Iterator[xr.Dataset]:  # noqa: ARG001 - the signature of all readers
    """
    Open a GeoTIFF as a dataset that is not decoded and not yet read.

    Parameters
    ----------
    path : Path
        An existing regular file; never a URL.
    threads : int
        Is not used: GDAL reads one window after the other.
    counter : ByteCounter, optional
        Counts the bytes that are read from the file for values.

    Yields
    ------
    xarray.Dataset
        A variable a band, on `y` and `x` in the units of its reference system, or on `lat` and `lon` in degrees, as the rows
        and columns are stored (north-up or south-up); coordinates are those of the centres of cells, with bounds where there is one alone. A band is named by its
        description, else `band_1` …; `_FillValue`, `scale_factor`, `add_offset` and `units` are attributes, classes of a
        palette are `flag_values` with their `flag_colors`. Where a band of opacity hides cells, `encoding` has its name
        (`opacity`) and the type in which the bands are stored (`stored`), as all are given in a wider one. The grid mapping `crs` has `crs_wkt`, and GDAL's
        `GeoTransform`, which is of the whole raster. Not usable after the context.

    Raises
    ------
    UnreadableData
        No GeoTIFF, damaged, without georeference or reference system, rotated, or of complex numbers.
    """
    if not path.is_file():
        raise UnreadableData(refusals.NOT_A_FILE)
    with rasterio.Env(**_OPTIONS):
        try:
            source = _open(path)
        except RasterioError as error:
            raise UnreadableData(refusals.DAMAGED_TIFF) from error
        with source:
            yield _assemble(source, counter or ByteCounter())


def _open(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # it is refused with words
        return rasterio.open(path.absolute(), driver="GTiff", sharing=False, GEOREF_SOURCES="INTERNAL")


def stored_bytes(path: Path) -> dict[str, int]:
    """Say how many bytes the values of each band take in a file, about: bands are as large as one another."""
    with open_dataset(path) as dataset:
        names = [str(name) for name in dataset.data_vars if dataset[name].ndim == 2]
        size_bytes = path.stat().st_size
        share = min(size_bytes // max(len(names), 1), max(int(dataset[name].nbytes) for name in names))
        return {str(name): share if name in names else int(each.nbytes) for name, each in dataset.variables.items()}


class BandArray(BackendArray):
    """A band, read by windows at full resolution."""

    def __init__(
        self, source: Any, band: int, dtype: np.dtype[Any], mask_fill: float | None, counter: ByteCounter
    ) -> None:
        self._source = source
        self._band = band
        self._mask_fill = mask_fill
        self._counter = counter
        self._lock = _lock_of(source)
        self.shape: tuple[int, ...] = (source.height, source.width)
        self.dtype = dtype
        self.chunk_shape: tuple[int, ...] | None = _chunk_shape(source, band)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> Any:
        values = read_stretches(self._window, index_vectors(key, self.shape), self.shape, self.dtype)
        return values[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]

    def _window(self, box: tuple[slice, ...]) -> NDArray[Any]:
        rows, columns = box
        window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        try:
            with self._lock, rasterio.Env(**_OPTIONS):
                watch = Watch()
                values: NDArray[Any] = self._source.read(self._band, window=window)
                if self._mask_fill is not None:
                    hidden = self._source.dataset_mask(window=window) == 0
                    values = np.where(hidden, self._mask_fill, values.astype(self.dtype)).astype(self.dtype)
                read_bytes = watch.read_bytes()
        except RasterioError as error:
            raise refusals.refuse_damaged_band(self._band) from error
        self._counter.add(values.nbytes if read_bytes is None else read_bytes)
        return values


_LOCKS = threading.Lock()


def _lock_of(source: Any) -> threading.RLock:
    """Give the lock of an open file: one thread reads it at a time, for all its bands."""
    with _LOCKS:
        lock = getattr(source, "_gaia_lock", None)
        if lock is None:
            lock = threading.RLock()
            source._gaia_lock = lock  # noqa: SLF001  # it lives as long as the open file
        found: threading.RLock = lock
        return found


def _chunk_shape(source: Any, band: int) -> tuple[int, int]:
    """Give the tiles of a band; strips of few rows several together."""
    rows, columns = source.block_shapes[band - 1]
    item_bytes = np.dtype(source.dtypes[band - 1]).itemsize
    if columns < source.width:
        return rows, columns
    together = max(_READ_BYTES // max(rows * columns * item_bytes, 1), 1)
    return min(rows * together, source.height), columns


def _assemble(source: Any, counter: ByteCounter) -> xr.Dataset:
    _check(source)
    crs = _read_crs(source)
    y_dim, x_dim = ("lat", "lon") if crs.is_geographic else ("y", "x")
    mapping = make_mapping(crs, source.transform.to_gdal())
    names = _names(source, {y_dim, x_dim, f"{y_dim}_bnds", f"{x_dim}_bnds", "crs"})
    bands = {name: _band(source, at, names, (y_dim, x_dim), counter) for at, name in enumerate(names, 1)}
    coordinates = {y_dim: _axis(source, crs, 1, y_dim), x_dim: _axis(source, crs, 0, x_dim)}
    bounds = show_bounds(coordinates, dict(zip((x_dim, y_dim), (source.transform.a, source.transform.e), strict=True)))
    dataset = xr.Dataset(
        {"crs": mapping, **bounds, **bands}, xr.Coordinates(coordinates, indexes={}), _CONVENTIONS | _attributes(source)
    )
    order = ("crs", y_dim, x_dim, *bounds, *names)
    dataset.encoding = {"unlimited_dims": set(), "string_attributes": (), "order": order}
    return dataset


def _check(source: Any) -> None:
    """Refuse what is no map: without a place on the earth, turned, of complex numbers, of huge tiles."""
    if source.gcps[0] and source.transform.is_identity:
        raise refusals.refuse_raster(refusals.CONTROL_POINTS)
    if source.transform.is_identity:
        raise refusals.refuse_raster(refusals.NO_GEOREFERENCE)
    step = max(abs(source.transform.a), abs(source.transform.e))
    if max(abs(source.transform.b), abs(source.transform.d)) > _ROTATED * step:
        raise refusals.refuse_raster(refusals.ROTATED)
    if source.crs is None:
        raise refusals.refuse_raster(refusals.NO_CRS)
    if not 0 < source.count <= MOST_BANDS:
        raise refusals.refuse_raster(_bands_text(source.count))
    for band, (kind, (rows, columns)) in enumerate(zip(source.dtypes, source.block_shapes, strict=True), 1):
        if np.dtype(kind).kind not in "iuf":
            raise refusals.refuse_type(f"band_{band}", str(kind))
        chunk_bytes = rows * columns * np.dtype(kind).itemsize
        if chunk_bytes > CHUNK_LIMIT_BYTES:
            raise refusals.refuse_huge_chunk(f"band_{band}", chunk_bytes, CHUNK_LIMIT_BYTES)


def _bands_text(count: int) -> Text:
    return Text(
        en=f"it has {count} bands, and at most {MOST_BANDS} are read",
        fr=f"il a {count} bandes, et au plus {MOST_BANDS} sont lues",
    )


def _read_crs(source: Any) -> CRS:
    try:
        crs = CRS.from_wkt(source.crs.to_wkt(version="WKT2_2019"))
    except (CRSError, RasterioError) as error:
        raise refusals.refuse_raster(refusals.NO_CRS) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]  # heights above something lie along no axis of an image
    if not (crs.is_geographic or crs.is_projected):
        raise refusals.refuse_raster(refusals.NO_CRS)
    if crs.is_geographic and any(axis.unit_name != "degree" for axis in crs.axis_info[:2]):
        raise refusals.refuse_raster(refusals.NOT_DEGREES)
    return crs


def _axis(source: Any, crs: CRS, which: int, dim: str) -> xr.Variable:
    """Make the coordinate of columns (0) or rows (1): the centres of cells."""
    if which == 0:
        start, step, size = source.transform.c, source.transform.a, source.width
    else:
        start, step, size = source.transform.f, source.transform.e, source.height
    return make_axis(crs, "XY"[which], dim, start + (np.arange(size) + 0.5) * step)


def _names(source: Any, taken: set[str]) -> list[str]:
    """Name the bands by their descriptions where these are names and differ, else by number."""
    wanted = [_NOT_IN_A_NAME.sub("_", (text or "").strip()).strip("_") for text in source.descriptions]
    return [
        name if _NAME.fullmatch(name) and wanted.count(name) == 1 and name not in taken else f"band_{at}"
        for at, name in enumerate(wanted, 1)
    ]


def _band(source: Any, band: int, names: list[str], dims: tuple[str, str], counter: ByteCounter) -> xr.Variable:
    name = names[band - 1]
    stored = np.dtype(source.dtypes[band - 1])
    fill = _fill(source.nodatavals[band - 1], stored)
    kind = stored
    masked = fill is None and any(MaskFlags.per_dataset in flags for flags in source.mask_flag_enums)
    if masked:
        kind = stored if stored.kind == "f" else np.dtype(_WIDER.get(stored.name, "float64"))
        fill = kind.type(np.nan) if kind.kind == "f" else kind.type(np.iinfo(kind).min)
    # A band of opacity hides the others' cells where it is 0; its own are all there, in the type of the others.
    hides = masked and source.colorinterp[band - 1] is not ColorInterp.alpha
    array = BandArray(source, band, kind, fill.item() if hides and fill is not None else None, counter)
    attrs = {
        **({} if fill is None else {"_FillValue": fill}),
        **_packing(source, band),
        **_texts(source, band, name),
        **_palette(source, band, stored),
    }
    encoding = {
        "dtype": kind, "endian": "native", "chunksizes": array.chunk_shape, "zlib": True, "shuffle": kind.itemsize > 1,
        "fletcher32": False, "complevel": 1,
    }  # fmt: skip
    if masked and (opacity := _opacity(source)) is not None:
        encoding |= {"opacity": names[opacity], "stored": stored}
    return xr.Variable(dims, LazilyIndexedArray(array), attrs, encoding)


def _opacity(source: Any) -> int | None:
    """Find the band that says how much each cell hides of what lies below, where there is one."""
    found = [at for at, kind in enumerate(source.colorinterp) if kind is ColorInterp.alpha]
    return found[0] if len(found) == 1 else None


def _fill(nodata: float | None, kind: np.dtype[Any]) -> Any:
    """Give the mark of missing cells in the type of the band; None where no cell can have it."""
    if nodata is None:
        return None
    if kind.kind == "f":
        limits = np.finfo(kind)
        # Written as text it may have been rounded to just beyond the greatest number.
        return kind.type(min(max(nodata, float(limits.min)), float(limits.max)) if np.isfinite(nodata) else nodata)
    whole = np.iinfo(kind)
    fits = np.isfinite(nodata) and float(nodata).is_integer() and whole.min <= nodata <= whole.max
    return kind.type(int(nodata)) if fits else None


def _packing(source: Any, band: int) -> dict[str, Any]:
    scale, offset = source.scales[band - 1], source.offsets[band - 1]
    if scale in (0.0, 1.0) and offset == 0.0:
        return {}
    return {"scale_factor": np.float64(scale or 1.0), "add_offset": np.float64(offset)}


def _texts(source: Any, band: int, name: str) -> dict[str, Any]:
    description, units = source.descriptions[band - 1], source.units[band - 1]
    texts = {"grid_mapping": "crs"}
    if description and description != name:
        texts["long_name"] = description
    if units:
        texts["units"] = units
    return texts


def _palette(source: Any, band: int, kind: np.dtype[Any]) -> dict[str, Any]:
    """Give the classes of a palette; what lies behind its last colour is the black that GDAL fills up with."""
    if kind.kind != "u" or source.colorinterp[band - 1].name != "palette":
        return {}
    colours = source.colormap(band)
    last = max((value for value, colour in colours.items() if tuple(colour[:3]) != (0, 0, 0)), default=0)
    values = [value for value in sorted(colours) if value <= last]
    return {
        "flag_values": np.array(values, dtype=kind),
        "flag_meanings": " ".join(f"class_{value}" for value in values),
        "flag_colors": " ".join("#{:02x}{:02x}{:02x}".format(*colours[value][:3]) for value in values),
    }


def _attributes(source: Any) -> dict[str, Any]:
    """Carry what the file says of itself as a whole."""
    tags = source.tags()
    own = {key: value for key, value in tags.items() if not _OWN_TAGS.fullmatch(key) and _NAME.fullmatch(key)}
    known = {"title": "TIFFTAG_IMAGEDESCRIPTION", "license": "TIFFTAG_COPYRIGHT", "source": "TIFFTAG_SOFTWARE"}
    return {name: tags[tag] for name, tag in known.items() if tags.get(tag)} | own
