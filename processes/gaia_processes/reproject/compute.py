"""
Reproject rasters: every map of every variable to rows and columns of another reference system, as gdalwarp does.

What picks values (nearest, mode, minimum …) keeps numbers as they are stored, packed ones too; what computes with them
(linear, mean …) unpacks them and writes floats.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.transformer import TransformerGroup

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.reproject.describe import CELL_METHODS, PICKS, Resampling
from gaia_processes.shared.axes import Grid, data_variables, find_grid, text_of
from gaia_processes.shared.bounds import show_bounds
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.extent import describe_extent
from gaia_processes.shared.mappings import make_axis, make_mapping
from gaia_processes.shared.methods import append_methods
from gaia_processes.shared.rasters import Raster, choose_raster, crop_raster, read_raster
from gaia_processes.shared.references import references_of
from gaia_processes.shared.values import MISSING, PACKING, WIDER, find_invalid, is_categorical, precision_of, unpack
from gaia_processes.shared.warping import Warp, warp_lazily
from gaia_processes.text import Text

type Says = Callable[[Text], None]

_OF_THE_OLD_GRID = (
    "coordinates",
    "cell_measures",
    "ancillary_variables",
    "grid_mapping",
    "valid_range",
    "valid_min",
    "valid_max",
)


def compute(
    dataset: xr.Dataset,
    *,
    crs: str | None = None,
    like: xr.Dataset | None = None,
    resolution: tuple[float, ...] | None = None,
    size: tuple[int, ...] | None = None,
    align: str = "tap",
    resampling: Resampling = "nearest",
    nodata: float | None = None,
    classes_as_numbers: bool = False,
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    nearest_level: bool = False,
    warn: Says,
    note: Says | None = None,
) -> xr.Dataset:
    """
    Reproject a dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it), on rows and columns of even steps.
    crs : str, optional
        `EPSG:<code>` or `OGC:CRS84`; default that of the dataset, or of `like`.
    like : xarray.Dataset, optional
        Whose rows and columns the result gets.
    resolution : tuple of 1 or 2 float, optional
        Width and height of cells in the unit of `crs`. Default as GDAL suggests.
    size : tuple of int, optional
        Columns and rows, or columns alone, instead of a resolution.
    align : {"tap", "none"}
        Whether corners are whole multiples of a given resolution.
    resampling : str
        As `gdalwarp -r` calls them.
    nodata : float, optional
        Marks missing cells of the result, and of a source that has no such number.
    classes_as_numbers : bool
        Compute with numbers that name classes, all the same.
    variables, bbox, datetime, levels, nearest_level
        As of `subset`; the box crops the result.
    warn, note : callable
        Are told what a person should know of the result, and what was chosen.

    Returns
    -------
    xarray.Dataset
        Lazy; north is at the top, longitudes are in the frame of the box.

    Raises
    ------
    DatasetUnsuitable
        The rows and columns are not even, classes would be averaged, or `nodata` does not fit.
    SelectionEmpty
        Nothing lies in the box, or where the reference system is defined.
    """
    part = cut(dataset, variables=variables, datetime=datetime, levels=levels, nearest_level=nearest_level, warn=warn)
    grids = {name: find_grid(part, name) for name in data_variables(part)}
    grids = {name: grid for name, grid in grids.items() if grid.y_dim is not None and grid.x_dim is not None}
    if not grids:
        raise DatasetUnsuitable(
            Text(
                en="Nothing can be reprojected: no variable lies on rows and columns.",
                fr="Rien ne peut être reprojeté : aucune variable n'est en lignes et colonnes.",
            )
        )
    if not classes_as_numbers and resampling not in PICKS:
        _refuse_classes(part, grids, resampling)
    main = next(iter(grids.values()))
    source = read_raster(part, main)
    target = _target(source, crs, like, resolution, size, align, bbox)
    _tell(source, target, warn, note)
    # Where cells stay what they are, no kernel may smooth them.
    warp = Warp(source, target, "nearest" if target.is_on(source) else resampling)
    return _assemble(part, grids, main, warp, resampling, nodata)


def _refuse_classes(dataset: xr.Dataset, grids: dict[str, Grid], resampling: str) -> None:
    name = next((name for name in grids if is_categorical(dataset.variables[name])), None)
    if name is not None:
        raise DatasetUnsuitable(
            Text(
                en=f"The numbers of {name!r} name classes, and {resampling!r} would compute with them: choose nearest or mode, or set classes_as_numbers.",
                fr=f"Les nombres de {name!r} désignent des classes, et {resampling!r} calculerait avec : choisissez nearest ou mode, ou mettez classes_as_numbers.",
            )
        )


def _target(
    source: Raster,
    crs: str | None,
    like: xr.Dataset | None,
    resolution: tuple[float, ...] | None,
    size: tuple[int, ...] | None,
    align: str,
    bbox: Bbox | None,
) -> Raster:
    if like is not None:
        names = data_variables(like)
        grid = next((found for found in (find_grid(like, name) for name in names) if found.y_dim is not None), None)
        raster = read_raster(like, grid or Grid(kind="none"))
        return raster if bbox is None else crop_raster(raster, bbox)
    wanted = source.crs if crs is None else CRS.from_user_input(crs)
    steps = None if resolution is None else (float(resolution[0]), float(resolution[-1]))
    aligned = align == "tap" and steps is not None
    return choose_raster(source, wanted, resolution=steps, size=size, aligned=aligned, bbox=bbox)


def _tell(source: Raster, target: Raster, warn: Says, note: Says | None) -> None:
    """Say by which operation coordinates go from one system to the other, and on which raster they end."""
    group = TransformerGroup(source.crs, target.crs, always_xy=True)
    best = group.transformers[0].description if group.transformers else ""
    if note is not None:
        cells = f"{target.width} x {target.height}"
        note(
            Text(
                en=f"Reprojected to {target.crs.name}, {cells} cells of {target.x_step:g} x {abs(target.y_step):g}, by: {best}.",
                fr=f"Reprojeté en {target.crs.name}, {cells} mailles de {target.x_step:g} x {abs(target.y_step):g}, par : {best}.",
            )
        )
    if "ballpark" in best.lower():
        warn(
            Text(
                en="No exact shift between the two geodetic datums is known: places may be off by up to some hundred metres.",
                fr="Aucun passage exact entre les deux références géodésiques n'est connu : les lieux peuvent être décalés de quelques centaines de mètres.",
            )
        )


def _assemble(
    dataset: xr.Dataset, grids: dict[str, Grid], main: Grid, warp: Warp, method: str, nodata: float | None
) -> xr.Dataset:
    """Put the warped variables on the axes of the result, and leave out what only the old grid needed."""
    target = warp.target
    dims = ("lat", "lon") if target.crs.is_geographic else ("y", "x")
    old = {str(dim) for grid in grids.values() for dim in (grid.y_dim, grid.x_dim)}
    mappings = {grid.mapping for grid in grids.values()}
    kept = {
        str(name): each
        for name, each in dataset.variables.items()
        if not old & set(map(str, each.dims)) and str(name) not in mappings
    }
    mapping = next(name for name in ("crs", "spatial_ref", "reference_system") if name not in {*kept, *grids})
    moved = {
        name: _move(dataset.variables[name], grid, dims, warp, method, nodata, mapping, kept)
        for name, grid in grids.items()
        if (grid.y_dim, grid.x_dim) == (main.y_dim, main.x_dim)
    }
    centres = (
        target.x + (np.arange(target.width) + 0.5) * target.x_step,
        target.y + (np.arange(target.height) + 0.5) * target.y_step,
    )
    axes = {
        dims[0]: make_axis(target.crs, "Y", dims[0], centres[1]),
        dims[1]: make_axis(target.crs, "X", dims[1], centres[0]),
    }
    bounds = show_bounds(axes, {dims[0]: target.y_step, dims[1]: target.x_step})
    crs = make_mapping(target.crs, (target.x, target.x_step, 0.0, target.y, 0.0, target.y_step))
    coordinates = {name: each for name, each in {**kept, **axes}.items() if each.dims == (name,)}
    others = {name: each for name, each in {mapping: crs, **kept, **bounds, **moved}.items() if name not in coordinates}
    result = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), dict(dataset.attrs))
    result.encoding = {
        "unlimited_dims": set(dataset.encoding.get("unlimited_dims", ())) & set(map(str, result.dims)),
        "string_attributes": dataset.encoding.get("string_attributes", ()),
        "order": (mapping, *kept, *axes, *bounds, *moved),
    }
    result.attrs = {name: value for name, value in result.attrs.items() if not name.startswith("geospatial_")}
    if target.crs.is_geographic:
        result.attrs |= {k: v for k, v in describe_extent(result).items() if k.startswith("geospatial_")}
    return result


def _move(
    variable: xr.Variable,
    grid: Grid,
    dims: tuple[str, str],
    warp: Warp,
    method: str,
    nodata: float | None,
    mapping: str,
    kept: dict[str, xr.Variable],
) -> xr.Variable:
    """Warp one variable, with its attributes as they hold for the result."""
    attrs = dict(variable.attrs)
    keeps = _keeps_numbers(variable, method)
    dtype = _type_of(variable, nodata) if keeps else _float_of(variable, method)
    fill = _fill(variable, dtype, nodata, keeps=keeps)
    unmarked = nodata if not any(name in attrs for name in MISSING) else None
    inside = dtype.type(np.nan) if dtype.kind == "f" else fill

    def prepare(stored: NDArray[Any]) -> NDArray[Any]:
        missing = find_invalid(stored, attrs)
        if unmarked is not None:
            missing |= stored == unmarked
        numbers = stored if keeps else unpack(stored, attrs)
        return np.where(missing, inside, numbers.astype(dtype)).astype(dtype)

    def finish(made: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.isnan(made), fill, made).astype(dtype) if dtype.kind == "f" else made

    made = warp_lazily(
        variable, (str(grid.y_dim), str(grid.x_dim)), dims, warp,
        prepare=prepare, finish=finish, nodata=inside, dtype=dtype,
    )  # fmt: skip
    dropped = {*_OF_THE_OLD_GRID, *MISSING, *(() if keeps else PACKING)}
    named = [name for name in references_of(variable, ("coordinates",)) if name in kept]
    made.attrs = {"_FillValue": fill} | {key: value for key, value in attrs.items() if key not in dropped}
    made.attrs |= {"grid_mapping": mapping} | ({"coordinates": " ".join(named)} if named else {})
    if (over := CELL_METHODS.get(method)) is not None:
        made.attrs["cell_methods"] = append_methods(text_of(variable, "cell_methods"), f"area: {over}")
    made.encoding = {
        "dtype": dtype, "endian": "native", "chunksizes": (*(1 for _ in made.dims[:-2]), 256, 256), "zlib": True,
        "shuffle": dtype.itemsize > 1, "fletcher32": False, "complevel": 1,
    }  # fmt: skip
    return made


def _keeps_numbers(variable: xr.Variable, method: str) -> bool:
    """Tell whether the result has numbers of the source, as they are stored: what is packed upside down has another order."""
    scale = float(np.ravel(variable.attrs.get("scale_factor", 1.0))[0])
    return method in {"nearest", "mode"} or (method in PICKS and scale > 0)


def _type_of(variable: xr.Variable, nodata: float | None) -> np.dtype[Any]:
    """Say in which type numbers are that were picked: as stored, or wider where none is free to mark missing cells."""
    own = variable.dtype.newbyteorder("=")
    if own.kind == "f" or nodata is not None or any(name in variable.attrs for name in MISSING):
        return np.dtype("float32") if own == np.float16 else own
    return np.dtype(WIDER.get(own.name, "float64"))


def _float_of(variable: xr.Variable, method: str) -> np.dtype[Any]:
    """Say in which type numbers are that were computed: the source's own, float32 for whole ones, float64 for their sums."""
    own = precision_of(variable)
    if own.kind == "f" and own.itemsize >= 4:
        return own.newbyteorder("=")
    return np.dtype(np.float64 if method == "sum" or own.itemsize >= 4 else np.float32)


def _fill(variable: xr.Variable, dtype: np.dtype[Any], nodata: float | None, *, keeps: bool) -> Any:
    """Choose the number that marks missing cells: the one that is asked for, else the source's, else one that is free."""
    if nodata is not None:
        return _fitting(nodata, dtype)
    marks = [variable.attrs[name] for name in MISSING if not isinstance(variable.attrs.get(name, ""), str)]
    if marks and (keeps or (variable.dtype.kind == "f" and not any(name in variable.attrs for name in PACKING))):
        return dtype.type(np.ravel(marks[0])[0])
    return dtype.type(np.nan) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).min)


def _fitting(nodata: float, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f" or (float(nodata).is_integer() and np.iinfo(dtype).min <= nodata <= np.iinfo(dtype).max):
        return dtype.type(nodata)
    limits = np.iinfo(dtype)
    raise DatasetUnsuitable(
        Text(
            en=f"nodata: {nodata:g} does not fit the numbers of the result ({dtype.name}); take a whole number from {limits.min} to {limits.max}.",
            fr=f"nodata : {nodata:g} ne convient pas aux nombres du résultat ({dtype.name}) ; prenez un entier de {limits.min} à {limits.max}.",
        )
    )
