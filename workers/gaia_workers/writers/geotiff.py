"""
Writes a variable on rows and columns as a Cloud Optimized GeoTIFF: a band a time step and level, or a variable of an image.

Numbers are unpacked to the type in which they are known; overviews, tiles and the mark of missing cells are made by GDAL's
driver COG. What a GeoTIFF cannot hold is refused with words.

References
----------
OGC 21-026, Cloud Optimized GeoTIFF Standard 1.0; GDAL, driver COG.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.holding import explain_no_raster, explain_several
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.bounds import lone_step
from gaia_processes.shared.history import append_history
from gaia_processes.shared.mappings import crs_of, plane_unit, read_plane
from gaia_processes.shared.values import MISSING, PACKING, is_categorical, precision_of, read_numbers
from gaia_processes.text import Text
from gaia_workers.writers.fields import Field, decode, fields_of, read_times
from gaia_workers.writers.finishing import Counter
from gaia_workers.writers.whole import whole_or_nothing

MOST_BANDS = 4096
"""More are no map any more, and no viewer lists them; TIFF itself ends at 65,535."""
_UNEVEN = 1e-3
"""Steps between columns may differ by this share: axes are stored in float32."""
_TILE = 256
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_STRETCH_CELLS = 2**23
"""So many cells are written at once, about."""
_CACHE_MB = 64


def write(dataset: xr.Dataset, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a dataset of one variable as a GeoTIFF.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded; one data variable on a regular or projected grid of even steps, or several single maps of one type.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all.
    history : str
        A line for the item `history` of the file's metadata.

    Raises
    ------
    DatasetUnsuitable
        Several variables, another kind of grid, uneven steps, a mapping that is not known, too many bands.
    """
    fields = _fitting(fields_of(dataset))
    field = fields[0]
    crs = _crs(field)
    (x, step_x), (y, step_y) = (_axis(field, which) for which in ("x", "y"))
    bands = [(each, *band) for each in fields for band in _bands(each)]
    if len(bands) > MOST_BANDS:
        raise _refused(
            f"the selection has {len(bands)} steps and levels, and a GeoTIFF holds {MOST_BANDS} bands here: select fewer, or ask for NetCDF",
            f"la sélection a {len(bands)} pas de temps et niveaux, et un GeoTIFF contient ici {MOST_BANDS} bandes : choisissez-en moins, ou demandez NetCDF",
        )
    kind, nodata = _stored_as(field.variable)
    opacity = _opacity(fields)
    if opacity is not None:  # it says which cells are missing, so that no number has to
        kind, nodata = field.variable.encoding["stored"], None
    across, down = np.argsort(x), np.argsort(-y)
    west, north = float(x.min()) - step_x / 2, float(y.max()) + step_y / 2
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": len(x), "height": len(y), "count": len(bands), "dtype": kind, "nodata": nodata,
        "crs": crs, "transform": Affine(step_x, 0, west, 0, -step_y, north), "tiled": True, "blockxsize": _TILE,
        "blockysize": _TILE, "interleave": "band", "BIGTIFF": "IF_SAFER", "compress": "DEFLATE", "ZLEVEL": 1,
    }  # fmt: skip
    count = Counter(progress, sum(each.variable.nbytes for each in fields))
    draft = path.with_name(f"{path.name}.draft.tif")
    try:
        with whole_or_nothing(path), rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_NUM_THREADS=1, GDAL_PAM_ENABLED=False):
            with rasterio.open(draft, "w", **profile) as target:
                target.update_tags(**_tags(fields, append_history(dataset.attrs, history)))
                if opacity is not None:
                    target.colorinterp = [
                        ColorInterp.alpha if at == opacity else each for at, each in enumerate(target.colorinterp)
                    ]
                if colours := _colours(field.variable, kind) if len(bands) == 1 else None:
                    target.write_colormap(1, colours)
                for number, (own, places, description) in enumerate(bands, 1):
                    target.set_band_description(number, description)
                    _write_band(
                        target, number, _Part(own, places, down, across, kind, nodata if opacity is None else 0), count
                    )
            rasterio.shutil.copy(
                draft, path, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES", BLOCKSIZE=2 * _TILE, OVERVIEWS="AUTO", INTERLEAVE="BAND",
                RESAMPLING=_overviews(fields, kind), BIGTIFF="IF_SAFER",
            )  # fmt: skip
    finally:
        draft.unlink(missing_ok=True)


def _refused(en: str, fr: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(Text(en=f"No GeoTIFF can be made: {en}.", fr=f"Aucun GeoTIFF ne peut être fait : {fr}."))


def _fitting(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Give the variables that are written: one, or several of a single map each and of one type, as bands of an image."""
    numbers = tuple(field for field in fields if field.variable.dtype.kind in "iuf" and field.grid.y_dim is not None)
    alike = (
        len({(field.variable.dims, field.variable.dtype, str(_stored_as(field.variable))) for field in numbers}) == 1
    )
    images = alike and numbers[0].variable.ndim == 2
    # Where nothing lies on rows and columns, the grid is what is wrong, and not how many variables there are.
    unfit = explain_no_raster(fields[0].grid.kind) if fields and not numbers else None
    unfit = unfit or (None if images else explain_several(tuple(field.name for field in numbers)))
    unfit = unfit or explain_no_raster(numbers[0].grid.kind)
    if unfit is not None:
        raise DatasetUnsuitable(unfit)
    for field in numbers:
        if field.grid.kind == "projected" and None in (field.grid.x, field.grid.y):
            raise _refused(
                f"{field.name!r} has no coordinates in the plane of its mapping: regrid it first",
                f"{field.name!r} n'a pas de coordonnées dans le plan de sa projection : passez d'abord par regrid",
            )
    return numbers


def _axis(field: Field, which: str) -> tuple[NDArray[np.float64], float]:
    """Give the centres of columns or rows, and how far apart they are: where there is one alone, the size of its cell."""
    grid = field.grid
    regular = grid.kind == "regular"
    name = (grid.longitude if regular else grid.x) if which == "x" else (grid.latitude if regular else grid.y)
    own = field.dataset.variables[str(name)]
    crs = crs_of(field.dataset, grid) if grid.kind == "projected" else None
    values = read_numbers(own) if crs is None else read_plane(own, crs)
    if (alone := lone_step(field.dataset, str(name))) is not None:
        return values, abs(alone) * (1.0 if crs is None else plane_unit(own, crs))
    steps = np.diff(values)
    if len(values) < 2 or np.ptp(steps) > _UNEVEN * abs(float(steps.mean())) or not steps.mean():
        raise _refused(
            f"its columns and rows must be evenly spaced, two at least where they have no bounds, and those of {name!r} are not: regrid it first, or ask for NetCDF",
            f"ses colonnes et lignes doivent être régulièrement espacées, deux au moins si elles n'ont pas de limites, et celles de {name!r} ne le sont pas : passez d'abord par regrid, ou demandez NetCDF",
        )
    return values, float(np.ptp(values)) / (len(values) - 1)


def _crs(field: Field) -> str:
    """Give the reference system as WKT: what the file says, else WGS 84 in degrees."""
    try:
        return str(crs_of(field.dataset, field.grid).to_wkt())
    except DatasetUnsuitable as error:
        name = text_of(field.dataset.variables[str(field.grid.mapping)], "grid_mapping_name")
        raise _refused(
            f"the grid mapping {name!r} is not known: ask for NetCDF",
            f"la projection {name!r} n'est pas connue : demandez NetCDF",
        ) from error


def _stored_as(variable: xr.Variable) -> tuple[np.dtype[Any], float | int | None]:
    """
    Choose a type that TIFF knows, and the mark of missing cells: the variable's own where it is of that type.

    Whole numbers of which none can be missing have no mark: any would hide the cells that have its value. Floats without a
    mark of their own have NaN, which no value is equal to.
    """
    kind = precision_of(variable)
    marks = [variable.attrs[name] for name in MISSING if not isinstance(variable.attrs.get(name, ""), str)]
    if kind.kind in "iu" and kind.itemsize <= 4:
        bound = any(name in variable.attrs for name in ("valid_range", "valid_min", "valid_max"))
        extreme = int(np.iinfo(kind).min if kind.kind == "i" else np.iinfo(kind).max)
        return np.dtype(kind.name), int(np.ravel(marks[0])[0]) if marks else extreme if bound else None
    known = np.dtype("float32" if kind == np.float32 else "float64")
    own = marks and variable.dtype.kind == "f" and not any(name in variable.attrs for name in PACKING)
    return known, float(known.type(np.ravel(marks[0])[0])) if own else math.nan


def _opacity(fields: tuple[Field, ...]) -> int | None:
    """
    Find the band of opacity of an image that a reader gave wider, for cells that are hidden; None where there is none.

    Where it is 0 the other bands are missing, and nowhere else, so that all can be written in the type in which they were.
    """
    told = {(field.variable.encoding.get("opacity"), field.variable.encoding.get("stored")) for field in fields}
    name, stored = told.pop()
    names = [field.name for field in fields]
    whole = all(field.variable.dtype.kind == "i" for field in fields)
    return names.index(name) if not told and stored is not None and name in names and whole else None


def _colours(variable: xr.Variable, kind: np.dtype[Any]) -> dict[int, tuple[int, int, int, int]] | None:
    """Give the colours of classes, where TIFF can have a palette: of one band of unsigned numbers."""
    listed = text_of(variable, "flag_colors").split()
    values = np.ravel(variable.attrs.get("flag_values", ()))
    fits = kind in {np.dtype("u1"), np.dtype("u2")} and len(values) == len(listed)
    if not listed or not fits or not all(_COLOUR.fullmatch(each) for each in listed):
        return None
    parts = [(int(each[1:3], 16), int(each[3:5], 16), int(each[5:7], 16), 255) for each in listed]
    return dict(zip(map(int, values), parts, strict=True))


def _overviews(fields: tuple[Field, ...], kind: np.dtype[Any]) -> str:
    """Say how overviews are made: the mode of classes, the mean of what is measured; whole numbers that say neither stay themselves."""
    if any(is_categorical(field.variable) for field in fields):
        return "MODE"
    measured = kind.kind == "f" or all(text_of(field.variable, "units") for field in fields)
    return "AVERAGE" if measured else "NEAREST"


def _bands(field: Field) -> Iterator[tuple[dict[str, int], str]]:
    """Give the places of each band along the other dimensions, and what to call it."""
    dims = [str(dim) for dim in field.variable.dims if dim not in (field.grid.x_dim, field.grid.y_dim)]
    words = {dim: _words(field, dim) for dim in dims}
    times = read_times(field)
    scalar = [str(times[0])] if times is not None and field.dim_of(field.time) is None and len(times) else []
    for places in product(*(range(field.dataset.sizes[dim]) for dim in dims)):
        told = [words[dim][at] for dim, at in zip(dims, places, strict=True)]
        yield dict(zip(dims, places, strict=True)), " ".join([field.name, *told, *scalar])


def _words(field: Field, dim: str) -> list[str]:
    if dim == field.dim_of(field.time):
        return [str(each) for each in read_times(field) or ()]
    name = field.level if dim == field.dim_of(field.level) else dim
    own = field.dataset.variables.get(name)
    if own is None or own.dims != (dim,) or own.dtype.kind not in "iuf":
        return [f"{dim}={at}" for at in range(field.dataset.sizes[dim])]
    unit = str(own.attrs.get("units", "")).strip()
    return [f"{name}={value:g}{' ' + unit if unit and unit != '1' else ''}" for value in read_numbers(own)]


@dataclass(frozen=True, slots=True)
class _Part:
    """A band: a map of a variable, the order of its rows and columns in the file, and how its numbers are stored there."""

    field: Field
    places: dict[str, int]
    down: NDArray[np.intp]
    across: NDArray[np.intp]
    kind: np.dtype[Any]
    nodata: float | None

    def read(self, rows: slice) -> NDArray[Any]:
        """Read some rows of the file, west on the left."""
        grid = self.field.grid
        own = self.down[rows]
        low, high = int(own.min()), int(own.max()) + 1
        stored = self.field.variable.isel(self.places | {str(grid.y_dim): slice(low, high)})
        numbers = decode(np.asarray(stored.transpose(grid.y_dim, grid.x_dim).values), self.field.variable)
        plain = np.ma.getdata(numbers)
        filled = plain if self.nodata is None else np.where(np.ma.getmaskarray(numbers), self.nodata, plain)
        filled = filled.astype(self.kind, copy=False)
        return np.ascontiguousarray(filled[np.ix_(own - low, self.across)])


def _write_band(target: Any, number: int, part: _Part, count: Counter) -> None:
    """Write a band some rows of tiles at a time, so that a large one needs no more memory."""
    width, height = len(part.across), len(part.down)
    step = max(_STRETCH_CELLS // max(width, 1) // (2 * _TILE), 1) * 2 * _TILE
    item_bytes = part.field.variable.dtype.itemsize
    for start in range(0, height, step):
        rows = slice(start, min(start + step, height))
        target.write(part.read(rows), number, window=Window(0, start, width, rows.stop - start))
        count.add((rows.stop - start) * width * item_bytes)


def _tags(fields: tuple[Field, ...], attrs: dict[str, Any]) -> dict[str, str]:
    """Carry what is said of the data and of the variables; numbers that GDAL would read as its own are left out."""
    own = {f"{field.name}#{key}": value for field in fields for key, value in field.variable.attrs.items()}
    packing = {
        f"{field.name}#{key}"
        for field in fields
        for key in ("scale_factor", "add_offset", "_FillValue", "missing_value")
    }
    told = {key: value for key, value in {**attrs, **own}.items() if key not in packing}
    return {str(key): _text(value) for key, value in sorted(told.items())}


def _text(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan"
    return str(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)
