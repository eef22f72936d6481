"""
Bring gridded data to another grid: by the nearest cell, by linear interpolation, or so that integrals are kept.

The result is read when it is written, some maps at a time; weights are made once for a pair of grids. Rules:
`docs/science.md` and the modules of `gaia_processes.shared`, one a subject.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.resolution import Resolution
from gaia_processes.shared import map_loops
from gaia_processes.shared.axes import Grid, data_variables, find_grid, text_of
from gaia_processes.shared.curvilinear import Curvilinear, read_curvilinear
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.extent import STALE, describe_extent
from gaia_processes.shared.losses import lost_share
from gaia_processes.shared.meshes import lay_in_a_row
from gaia_processes.shared.pairs import NOTHING_KEPT, KeepsArrays, WeightMethod, find_nearest, find_weights, vectors_of
from gaia_processes.shared.rectilinear import Rectilinear
from gaia_processes.shared.references import BOUNDS, references_of
from gaia_processes.shared.remap import Blend, Coast, Majority, Nearest, Remaps, remap_lazily
from gaia_processes.shared.targets import (
    Target,
    read_source,
    read_written_out,
    target_like,
    target_of_centres,
    target_of_resolution,
)
from gaia_processes.shared.values import (
    DEFAULT_FILLS,
    MISSING,
    PACKING,
    fill_of,
    find_invalid,
    precision_of,
    read_numbers,
    with_room_for_missing,
)
from gaia_processes.shared.weights import Picks, Weights
from gaia_processes.text import Text

type Method = Literal["bilinear", "conservative", "nearest"]
type Surface = Literal["land", "sea"]
type Warn = Callable[[Text], None]
type Mask = NDArray[np.bool_]

_OF_THE_OLD_GRID = frozenset({
    "CDI_grid_type", "CDI_grid_num_LPE", "grid_type", "number_of_grid_used", "number_of_grid_in_reference", "uuidOfHGrid",
    "grid_file_uri", "grid", "grid_label", "nominal_resolution",
})  # fmt: skip
"""What variables and files say of their grid beside CF (CDI's, ICON's, CMIP6's words); CDO reads no grid that these deny."""
_KINDS = frozenset({"regular", "rotated", "curvilinear", "projected"})
_VALID_RANGE = ("valid_range", "valid_min", "valid_max", "actual_range")
_ALONG_A_GRID = frozenset({
    "x_wind", "y_wind", "grid_eastward_wind", "grid_northward_wind", "sea_water_x_velocity", "sea_water_y_velocity",
    "sea_ice_x_velocity", "sea_ice_y_velocity", "surface_downward_x_stress", "surface_downward_y_stress",
    "barotropic_sea_water_x_velocity", "barotropic_sea_water_y_velocity", "ocean_mass_x_transport", "ocean_mass_y_transport",
})  # fmt: skip
_SURFACES: dict[str, tuple[Surface, float]] = {
    "land_area_fraction": ("land", 0.5),
    "land_binary_mask": ("land", 0.5),
    "sea_area_fraction": ("sea", 0.5),
    "sea_binary_mask": ("sea", 0.5),
}
_PERCENT = frozenset({"%", "percent"})
_LEAST_TOLD = 1e-4
"""Share of the area whose loss a person is told of."""


def compute(
    dataset: xr.Dataset,
    *,
    method: Method = "bilinear",
    grid: Resolution | None = None,
    like: xr.Dataset | None = None,
    longitudes: tuple[float, ...] | None = None,
    latitudes: tuple[float, ...] | None = None,
    lon_bnds: tuple[tuple[float, float], ...] | None = None,
    lat_bnds: tuple[tuple[float, float], ...] | None = None,
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    nearest_level: bool = False,
    min_valid_fraction: float = 0.5,
    mask: Surface | None = None,
    drop_halo: bool = True,
    max_distance_km: float | None = None,
    nearest_valid_km: float | None = None,
    warn: Warn,
    cache: KeepsArrays = NOTHING_KEPT,
) -> xr.Dataset:
    """
    Bring a dataset to another grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it).
    method : {"bilinear", "conservative", "nearest"}
        How.
    grid, like, longitudes with latitudes
        The target, by one of the three: the size of its cells, another dataset (undecoded), or centres in degrees.
    lon_bnds, lat_bnds : tuple of pairs of float, optional
        Edges of the cells around `longitudes` and `latitudes`; default midway between them.
    variables, datetime, levels, nearest_level
        As of `subset`.
    bbox : Bbox, optional
        Keeps the cells of the target whose centre lies in it, in its frame. Bottom and top are heights in m of the source.
    min_valid_fraction : float
        A target is missing where a smaller share of its weight holds values; of cells, of their area.
    mask : {"land", "sea"}, optional
        Take values only where at least half of a source cell is land or sea, by the dataset's own fraction or mask.
    drop_halo : bool
        Count cells that repeat others (ORCA halos) once.
    max_distance_km : float, optional
        Of the nearest cell. Default: it must hold the point.
    nearest_valid_km : float, optional
        With `nearest`, how far away a value is looked for where the nearest cell holds none. Default: nowhere.
    warn : callable
        Is told in English and French what a person should know of the result.
    cache : KeepsArrays
        Keeps weights that are costly to make. Default: they are made anew.

    Returns
    -------
    xarray.Dataset
        Lazy; coordinates and bounds are the target's, all that has no rows and columns is as in the source.

    Raises
    ------
    InvalidInputs
        A variable that is not there.
    SelectionEmpty
        No cell, step or level is left.
    DatasetUnsuitable
        The data have no grid, or lack what was asked for.
    """
    part = _select(dataset, variables, bbox, datetime, levels, nearest_level=nearest_level, warn=warn)
    target = _target_of(grid, like, longitudes, latitudes, lon_bnds, lat_bnds)
    if bbox is not None:
        target = _crop(target, bbox, warn)
    options = _Options(
        method=method,
        least=min_valid_fraction,
        surface=mask,
        drop_halo=drop_halo,
        max_distance_km=max_distance_km,
        nearest_valid_km=nearest_valid_km,
    )
    part = _without_meshes(part, method)
    return _state_extent(_regrid(part, target, options, warn, cache))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options:
    """How values are brought over; as the inputs of the same names."""

    method: Method
    least: float
    surface: Surface | None
    drop_halo: bool
    max_distance_km: float | None
    nearest_valid_km: float | None


# --- source and target ----------------------------------------------------------------------------------------------


def _select(
    dataset: xr.Dataset,
    variables: tuple[str, ...] | None,
    bbox: Bbox | None,
    datetime: Interval | None,
    levels: Levels | None,
    *,
    nearest_level: bool,
    warn: Warn,
) -> xr.Dataset:
    """Take the variables, steps and levels; the box only by its heights, for it crops the target."""
    heights = None
    if bbox is not None and bbox.bottom is not None:
        heights = Bbox(west=-180.0, south=-90.0, east=180.0, north=90.0, bottom=bbox.bottom, top=bbox.top)
    return cut(
        dataset,
        variables=variables,
        bbox=heights,
        datetime=datetime,
        levels=levels,
        nearest_level=nearest_level,
        warn=warn,
    )


def _target_of(
    grid: Resolution | None,
    like: xr.Dataset | None,
    longitudes: tuple[float, ...] | None,
    latitudes: tuple[float, ...] | None,
    lon_bnds: tuple[tuple[float, float], ...] | None,
    lat_bnds: tuple[tuple[float, float], ...] | None,
) -> Target:
    if grid is not None:
        return target_of_resolution(grid)
    if like is not None:
        return target_like(like)
    return target_of_centres(longitudes or (), latitudes or (), lon_bnds, lat_bnds)


def _crop(target: Target, bbox: Bbox, warn: Warn) -> Target:
    """Keep the cells of the target that lie in a box, in the frame of the box."""
    flat = Bbox(west=bbox.west, south=bbox.south, east=bbox.east, north=bbox.north)
    sizes = tuple(target.dataset.sizes[dim] for dim in target.dims)
    cells = target.dataset.assign(cells=(target.dims, np.broadcast_to(np.int8(0), sizes)))
    cropped = cut(cells, bbox=flat, warn=warn).drop_vars("cells")
    cropped.attrs = {}
    return Target(dataset=cropped, longitude=target.longitude, latitude=target.latitude)


def _without_meshes(dataset: xr.Dataset, method: Method) -> xr.Dataset:
    """Lay cells without rows and columns in one row, which no method can take that needs their neighbours."""
    laid = lay_in_a_row(dataset)
    if method == "bilinear" and laid is not dataset:
        raise DatasetUnsuitable(
            Text(
                en="Nothing can be interpolated: the cells of the grid have no rows and columns (it is unstructured); take conservative or nearest.",
                fr="Rien ne peut être interpolé linéairement : les mailles de la grille n'ont ni lignes ni colonnes (elle est non structurée) ; prenez conservative ou nearest.",
            )
        )
    return laid


def _grids(dataset: xr.Dataset) -> dict[tuple[str, str], Grid]:
    """Give the grids of the data, by their dimensions of rows and columns."""
    found: dict[tuple[str, str], Grid] = {}
    for name in data_variables(dataset):
        grid = find_grid(dataset, name)
        if grid.kind in _KINDS:
            found.setdefault((str(grid.y_dim), str(grid.x_dim)), grid)
    if not found:
        raise DatasetUnsuitable(
            Text(
                en="Nothing can be regridded: no variable lies on a grid of longitudes and latitudes.",
                fr="Rien ne peut être interpolé : aucune variable n'est sur une grille de longitudes et de latitudes.",
            )
        )
    return found


# --- regridding -----------------------------------------------------------------------------------------------------


def _regrid(dataset: xr.Dataset, target: Target, options: _Options, warn: Warn, cache: KeepsArrays) -> xr.Dataset:
    """Bring all that lies on a grid to the target, and leave out what only the old grids needed."""
    grids = _grids(dataset)
    moved: dict[str, xr.Variable] = {}
    for dims, grid in grids.items():
        between = _Between(dataset, grid, target, options, cache)
        if options.method == "conservative" and isinstance(between.source, Curvilinear) and between.source.broken:
            warn(_broken(between.source.broken))
        for name in _on_grid(dataset, grid, dims):
            moved[name] = _move(name, dataset.variables[name], between, warn)
    dims_left = {dim for dims in grids for dim in dims}
    kept = {
        str(name): each
        for name, each in dataset.variables.items()
        if not dims_left & set(map(str, each.dims)) and name not in _mappings(dataset, grids.values())
    }
    _tell_lost(dataset, moved, kept, warn)
    return _assemble(dataset, moved, kept, target)


def warm() -> None:
    """Compile the loops, before tasks are forked."""
    map_loops.warm()


class _Between:
    """The weights from one grid of the source to the target, each kind made when it is first needed."""

    def __init__(self, dataset: xr.Dataset, grid: Grid, target: Target, options: _Options, cache: KeepsArrays) -> None:
        self.grid = grid
        self.target = target
        self.options = options
        plain = read_source(dataset, grid) if grid.kind == "regular" else read_written_out(dataset, grid)
        self.source = plain or read_curvilinear(dataset, grid, repeated=not options.drop_halo)
        self.hidden = _hidden(dataset, grid, options.surface) if options.surface else None
        self._cache = cache
        self._weights: Weights | None = None
        self._picks: Picks | None = None

    @property
    def weights(self) -> Weights:
        """Shares of cells."""
        if self._weights is None:
            method: WeightMethod = "conservative" if self.options.method == "conservative" else "bilinear"
            if method == "conservative":
                self._check_sizes()
            self._weights = find_weights(
                self.source, self.target.grid, method, repeated=not self.options.drop_halo, cache=self._cache
            )
        return self._weights

    def _check_sizes(self) -> None:
        """Refuse cells without an area: nothing overlaps them, and all of the result would be missing."""
        if not isinstance(self.source, Rectilinear):
            return
        edges = {
            str(self.grid.longitude): self.source.longitude_edges,
            str(self.grid.latitude): self.source.latitude_edges,
        }
        for name, pairs in edges.items():
            if not np.any(np.diff(pairs, axis=1)):
                raise DatasetUnsuitable(
                    Text(
                        en=f"No mean over areas can be taken: cells along {name!r} have no size; a grid of one row or column needs bounds. nearest needs none.",
                        fr=f"Aucune moyenne sur des surfaces n'est possible : les mailles selon {name!r} n'ont pas de taille ; une grille d'une seule ligne ou colonne demande des bornes. nearest s'en passe.",
                    )
                )

    @property
    def picks(self) -> Picks:
        """Nearest cells."""
        if self._picks is None:
            limit_km = self.options.max_distance_km if self.options.method == "nearest" else None
            self._picks = find_nearest(self.source, self.target.grid, max_distance_km=limit_km, cache=self._cache)
        return self._picks

    @property
    def coast(self) -> Coast | None:
        """Where to look further for values."""
        within_km = self.options.nearest_valid_km
        if within_km is None or self.options.method != "nearest":
            return None
        return Coast(source=vectors_of(self.source), target=vectors_of(self.target.grid), within_km=within_km)


def _on_grid(dataset: xr.Dataset, grid: Grid, dims: tuple[str, str]) -> list[str]:
    """Name the variables that lie on a grid and are more than its coordinates, bounds and measures."""
    own = {grid.longitude, grid.latitude, grid.x, grid.y}
    bounds = {each for variable in dataset.variables.values() for each in references_of(variable, BOUNDS)}
    measures = {each for variable in dataset.variables.values() for each in references_of(variable, ("cell_measures",))}
    return [
        str(name)
        for name, each in dataset.variables.items()
        if set(dims) <= set(map(str, each.dims)) and each.dtype.kind in "iuf" and name not in own | bounds | measures
    ]


def _move(name: str, variable: xr.Variable, between: _Between, warn: Warn) -> xr.Variable:
    """Bring one variable to the target, by the method or by what its numbers mean."""
    options, grid = between.options, between.grid
    categories = _categories(variable)
    if grid.kind != "regular" and text_of(variable, "standard_name") in _ALONG_A_GRID:
        warn(_not_turned(name))
    if options.method == "nearest" or (categories is not None and options.method == "bilinear"):
        if options.method == "bilinear":
            warn(_categories_kept(name, "the nearest cell", "de la maille la plus proche"))
        variable = with_room_for_missing(variable)
        remap: Remaps = _nearest(variable, between)
    elif categories is not None:
        warn(_categories_kept(name, "the largest share of the area", "de la plus grande part de la surface"))
        variable = with_room_for_missing(variable)
        remap = _majority(variable, between, categories)
    else:
        remap = _blend(variable, between)
    if options.method == "conservative":
        _tell_lost_area(name, variable, between, warn)
    made = remap_lazily(variable, str(grid.y_dim), str(grid.x_dim), remap, dims=between.target.dims)
    made.attrs = _attributes(variable, remap, options.method)
    made.encoding = _encoding(variable, made, remap, (str(grid.y_dim), str(grid.x_dim)))
    return made


def _tell_lost_area(name: str, variable: xr.Variable, between: _Between, warn: Warn) -> None:
    """Say how much of the valid area has no value on the target, by the first map: integrals lack so much."""
    dims, options = (str(between.grid.y_dim), str(between.grid.x_dim)), between.options
    first = variable[{dim: 0 for dim in variable.dims if dim not in dims}].transpose(*dims)

    def find_valid(rows: slice) -> Mask:
        invalid = find_invalid(np.asarray(first[rows].values), variable.attrs)
        return ~invalid if between.hidden is None else ~(invalid | between.hidden[rows])

    share = lost_share(between.weights, between.target.grid, find_valid, least=options.least)
    if share >= _LEAST_TOLD:
        warn(
            Text(
                en=f"{_percent(share)} % of the area on which {name} has values (of its first map) is lost: it lies in cells of "
                f"the target of which less than {options.least:g} is valid. A smaller min_valid_fraction loses less.",
                fr=f"{_percent(share)} % de la surface où {name} a des valeurs (sur sa première carte) est perdue : elle est dans "
                f"des mailles de la cible dont moins de {options.least:g} est valide. Un min_valid_fraction plus petit en perd moins.",
            )
        )


def _blend(variable: xr.Variable, between: _Between) -> Blend:
    dtype = _float_type(variable)
    return Blend(
        weights=between.weights, attrs=dict(variable.attrs), least=between.options.least, dtype=dtype,
        fill=_float_fill(variable, dtype), hidden=between.hidden,
    )  # fmt: skip


def _majority(variable: xr.Variable, between: _Between, categories: NDArray[Any]) -> Majority:
    return Majority(
        weights=between.weights, attrs=dict(variable.attrs), least=between.options.least, dtype=variable.dtype,
        fill=fill_of(variable), categories=categories, hidden=between.hidden,
    )  # fmt: skip


def _nearest(variable: xr.Variable, between: _Between) -> Nearest:
    return Nearest(
        picks=between.picks, attrs=dict(variable.attrs), dtype=variable.dtype, fill=fill_of(variable),
        hidden=between.hidden, coast=between.coast,
    )  # fmt: skip


def _categories(variable: xr.Variable) -> NDArray[Any] | None:
    """Give the numbers that stand for categories (CF 3.5), ascending; None where numbers are quantities."""
    values = variable.attrs.get("flag_values")
    if values is None or isinstance(values, str):
        return None
    return np.unique(np.atleast_1d(np.asarray(values)).astype(variable.dtype))


def _float_type(variable: xr.Variable) -> np.dtype[Any]:
    """Say in which type means are written: the source's own, or the one that it is unpacked into; float32 for whole numbers."""
    own = precision_of(variable)
    return own.newbyteorder("=") if own.kind == "f" and own.itemsize >= 4 else np.dtype(np.float32)


def _float_fill(variable: xr.Variable, dtype: np.dtype[Any]) -> Any:
    stored = variable.dtype.kind == "f" and not any(name in variable.attrs for name in PACKING)
    return dtype.type(fill_of(variable) if stored else DEFAULT_FILLS[dtype.str[1:]])


def _hidden(dataset: xr.Dataset, grid: Grid, surface: Surface) -> Mask | None:
    """Find the cells of a grid that are not of a surface, by the dataset's own fraction or mask."""
    dims = (str(grid.y_dim), str(grid.x_dim))
    for variable in dataset.variables.values():
        kind = _SURFACES.get(text_of(variable, "standard_name"))
        if kind is not None and set(map(str, variable.dims)) == set(dims):
            share = read_numbers(variable.transpose(*dims))
            share = share / 100.0 if text_of(variable, "units") in _PERCENT else share
            wanted = share if kind[0] == surface else 1.0 - share
            hidden: Mask = ~(wanted >= kind[1])
            return hidden
    raise DatasetUnsuitable(
        Text(
            en=f"No {surface} can be told: no variable on the grid has the standard name {', '.join(_SURFACES)}; leave mask out.",
            fr=f"La surface « {surface} » n'est pas connue : aucune variable de la grille n'a le nom standard {', '.join(_SURFACES)} ; n'indiquez pas mask.",
        )
    )


# --- what CF asks of the result -------------------------------------------------------------------------------------


def _attributes(variable: xr.Variable, remap: Remaps, method: Method) -> dict[str, Any]:
    """Give the attributes of a variable on the target: nothing of the old grid, and what was done to it."""
    drop = {"cell_measures", "grid_mapping", *_OF_THE_OLD_GRID}
    attrs = {name: value for name, value in variable.attrs.items() if name not in drop}
    if isinstance(remap, Blend):
        unpacked = variable.dtype.kind != "f" or any(name in attrs for name in PACKING)
        gone = {*PACKING, *MISSING, *_VALID_RANGE, "dtype"} if unpacked else {"actual_range"}
        kept = {name: value for name, value in attrs.items() if name not in gone}
        attrs = {"_FillValue": remap.fill} | kept
    else:
        attrs = {"_FillValue": fill_of(variable)} | attrs
    done = "area: mode" if isinstance(remap, Majority) else "area: mean"
    if method == "conservative":
        before = text_of(variable, "cell_methods")
        attrs["cell_methods"] = f"{before} {done}".strip()
    return attrs


def _encoding(variable: xr.Variable, made: xr.Variable, remap: Remaps, dims: tuple[str, str]) -> dict[str, Any]:
    """Say how a variable is stored: as the source was, in whole maps."""
    encoding = {**variable.encoding, "dtype": remap.dtype}
    chunks = encoding.get("chunksizes")
    if chunks is not None:
        leading = [chunk for dim, chunk in zip(variable.dims, chunks, strict=True) if dim not in dims]
        encoding["chunksizes"] = (*leading, *made.shape[-2:])
    return encoding


def _mappings(dataset: xr.Dataset, grids: Any) -> frozenset[str]:
    """Name the grid mappings of the old grids."""
    named = {each for variable in dataset.variables.values() for each in references_of(variable, ("grid_mapping",))}
    return frozenset(named | {grid.mapping for grid in grids if grid.mapping})


def _assemble(
    dataset: xr.Dataset, moved: Mapping[str, xr.Variable], kept: Mapping[str, xr.Variable], target: Target
) -> xr.Dataset:
    """Put the parts of the result together, in the order of the source, coordinates of the target first."""
    grid = {str(name): each for name, each in target.dataset.variables.items()}
    order = dataset.encoding.get("order") or tuple(map(str, dataset.variables))
    both = {**moved, **kept}
    others = {name: both[name] for name in order if name in moved or name in kept}
    variables = grid | {name: each for name, each in others.items() if name not in grid}
    sizes = dataset.sizes
    named = {name for name in variables if name in dataset.coords and not moved.get(name)} | set(target.dims)
    coordinates = xr.Coordinates({name: variables[name] for name in named}, indexes={})
    made = xr.Dataset(
        {name: _within(each, variables) for name, each in variables.items() if name not in named},
        coordinates,
        dataset.attrs,
    )
    made.encoding = {
        **dataset.encoding,
        "order": tuple(variables),
        "unlimited_dims": {
            dim for dim in dataset.encoding.get("unlimited_dims", ()) if dim in sizes and dim in made.sizes
        },
    }
    return made


def _within(variable: xr.Variable, there: Mapping[str, xr.Variable]) -> xr.Variable:
    """Let a variable name only what is in the result."""
    lost = {
        name: " ".join(each for each in references_of(variable, (name,)) if each in there)
        for name in ("coordinates", "ancillary_variables")
        if name in variable.attrs
    }
    if not lost:
        return variable
    made = variable.copy(deep=False)
    made.attrs = {
        key: lost.get(key, value) for key, value in variable.attrs.items() if lost.get(key, value) or key not in lost
    }
    return made


def _state_extent(dataset: xr.Dataset) -> xr.Dataset:
    stated = dataset.assign_attrs(describe_extent(dataset))
    stated.attrs = {name: value for name, value in stated.attrs.items() if name not in _OF_THE_OLD_GRID | set(STALE)}
    stated.encoding = dict(dataset.encoding)
    if 0 in stated.sizes.values():
        raise SelectionEmpty(Text(en="The target has no cells.", fr="La cible n'a aucune maille."))
    return stated


# --- what people are told -------------------------------------------------------------------------------------------


def _tell_lost(
    dataset: xr.Dataset, moved: Mapping[str, xr.Variable], kept: Mapping[str, xr.Variable], warn: Warn
) -> None:
    """Say which data are not in the result: those on a part of a grid, or on none that is known."""
    lost = [name for name in data_variables(dataset) if name not in moved and name not in kept]
    if lost:
        names = ", ".join(lost)
        warn(
            Text(
                en=f"Left out, for they do not lie on both rows and columns of a grid: {names}.",
                fr=f"Laissés de côté, car ils ne sont pas sur les lignes et les colonnes d'une grille : {names}.",
            )
        )


def _percent(share: float) -> str:
    """
    Write a share in percent with two digits.

    Examples
    --------
    >>> _percent(0.0234), _percent(0.997)
    ('2.3', '100')
    """
    return f"{100 * share:.2g}" if share < 0.1 else f"{100 * share:.0f}"


def _broken(count: int) -> Text:
    return Text(
        en=f"{count} cells of the grid have corners in the file that do not lie around their centre; they are left out.",
        fr=f"{count} mailles de la grille ont dans le fichier des coins qui n'entourent pas leur centre ; elles sont omises.",
    )


def _not_turned(name: str) -> Text:
    return Text(
        en=f"{name} is a component along the axes of the old grid; it was not turned to east and north.",
        fr=f"{name} est une composante le long des axes de l'ancienne grille ; elle n'a pas été tournée vers l'est et le nord.",
    )


def _categories_kept(name: str, en: str, fr: str) -> Text:
    return Text(
        en=f"{name} holds categories, which cannot be averaged: each cell has that of {en}.",
        fr=f"{name} contient des catégories, dont on ne fait pas de moyenne : chaque maille a celle {fr}.",
    )
