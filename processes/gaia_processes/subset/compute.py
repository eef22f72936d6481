"""
Cut variables, a box, a stretch of time and levels out of a dataset, and keep what CF says belongs to them.

Packed data stay packed, types stay as they are; the result is read when it is written. Rules: `docs` of the process and
the modules of `gaia_processes.shared`, one a subject.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, Fault, InvalidInputs, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.axes import Grid, data_variables, find_auxiliary, find_grid, find_time, find_vertical
from gaia_processes.shared.bounds import find_bounds_of, latitude_bounds, longitude_bounds, precision_of_bounds
from gaia_processes.shared.cells import (
    Cells,
    find_extent,
    find_fresh_columns,
    find_holder,
    mask_centres,
    mask_touched,
    read_cells,
    widest_gap,
)
from gaia_processes.shared.extent import STALE, describe_extent
from gaia_processes.shared.latitude import find_row_holder, find_rows_touched, latitudes_between
from gaia_processes.shared.lazy import map_lazily
from gaia_processes.shared.longitude import (
    Columns,
    beside,
    select_centres,
    select_holder,
    select_touched,
    shift,
    span,
    turn_from,
)
from gaia_processes.shared.references import BOUNDS, close_over, find_bounds, references_of
from gaia_processes.shared.times import read_time, select_steps
from gaia_processes.shared.values import MISSING, PACKING, fill_of, find_missing, precision_of, read_numbers
from gaia_processes.shared.vertical import (
    UNITS,
    VerticalAxis,
    fits,
    is_length,
    read_vertical,
    select_range,
)
from gaia_processes.shared.vertical import select_levels as select_on_axis
from gaia_processes.text import Text

type Inclusion = Literal["centre", "touch"]
type Warn = Callable[[Text], None]
type Mask = NDArray[np.bool_]


def compute(
    dataset: xr.Dataset,
    *,
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    inclusion: Inclusion = "centre",
    mask_outside: bool = True,
    nearest_level: bool = False,
    drop_halo: bool = False,
    warn: Warn,
) -> xr.Dataset:
    """
    Cut a part out of a dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it): packed, times as numbers.
    variables : tuple of str, optional
        Default: all. What they refer to (coordinates, bounds, mappings, measures, ancillaries) comes along.
    bbox : Bbox, optional
        Degrees; west > east crosses the antimeridian. Bottom and top are heights in m.
    datetime : Interval, optional
        Read in the data's own calendar.
    levels : Levels, optional
        Values or a range.
    inclusion : {"centre", "touch"}
        Cells whose centre lies in the closed box, or that share more than an edge with it.
    mask_outside : bool
        Make cells of a 2-D grid missing that lie in its window but not in the box.
    nearest_level : bool
        Take the nearest level where none is equal.
    drop_halo : bool
        Leave out columns of a 2-D grid that repeat another one (ORCA halos).
    warn : callable
        Is told in English what a person should know of the result.

    Returns
    -------
    xarray.Dataset
        Lazy; longitudes ascend in the frame of the request, all else is in the order of the source. Global attributes
        state the extent really returned (ACDD 1.3).

    Raises
    ------
    InvalidInputs
        A variable that is not there.
    SelectionEmpty
        No cell, step or level; the text names the extent of the data.
    DatasetUnsuitable
        The data lack what the selection needs: a grid, a time axis, levels, units.
    """
    part = select(
        dataset, variables=variables, datetime=datetime, levels=levels, nearest_level=nearest_level, warn=warn
    )
    masks: dict[tuple[str, str], Mask] = {}
    if bbox is not None:
        part = _select_heights(part, bbox)
        part, masks = _select_box(
            part, bbox, inclusion=inclusion, mask_outside=mask_outside, drop_halo=drop_halo, warn=warn
        )
        part = _forget_transforms(part)
    return _state_extent(_clean(part), bbox, masks)


def select(
    dataset: xr.Dataset,
    *,
    variables: tuple[str, ...] | None,
    datetime: Interval | None,
    levels: Levels | None,
    nearest_level: bool = False,
    warn: Warn,
) -> xr.Dataset:
    """
    Choose variables, times and levels, and leave the cells as they are.

    Parameters and errors are those of `compute`; the extent is not stated anew, which on large grids takes its time.
    """
    part = _hold_axes(_keep_variables(dataset.drop_indexes(list(dataset.xindexes)), variables))
    if datetime is not None:
        part = _select_time(part, datetime, warn)
    return part if levels is None else _select_levels(part, levels, nearest=nearest_level)


# --- variables ------------------------------------------------------------------------------------------------------


def _keep_variables(dataset: xr.Dataset, wanted: tuple[str, ...] | None) -> xr.Dataset:
    """Keep the variables that were asked for and all that belongs to them."""
    if wanted is None:
        return dataset
    there = data_variables(dataset)
    faults = [
        Fault(
            input="variables",
            pointer=f"/inputs/variables/{at}",
            given=name,
            allowed=there,
            problem=Text(
                en=f"There is no variable {name!r}; the dataset has {', '.join(there)}.",
                fr=f"Il n'y a pas de variable {name!r} ; le jeu de données a {', '.join(there)}.",
            ),
        )
        for at, name in enumerate(wanted)
        if name not in dataset.variables
    ]
    if faults:
        raise InvalidInputs(faults)
    named = {str(name): each for name, each in dataset.variables.items()}
    grids = [find_grid(dataset, name) for name in wanted]
    times = [find_time(dataset, name) for name in wanted]
    needed = [each for grid in grids for each in (grid.longitude, grid.latitude) if each]
    kept = close_over(named, [*wanted, *needed, *(each for each in times if each)])
    return dataset.drop_vars([name for name in dataset.variables if name not in kept])


def _hold_axes(dataset: xr.Dataset) -> xr.Dataset:
    """Read the axes and their bounds once; they are looked at several times, and small beside the data."""
    named = {str(name): each for name, each in dataset.variables.items()}
    axes = {name for name in _coordinates(dataset) | find_auxiliary(dataset) if named[name].ndim == 1}
    edges = {each for name in axes for each in references_of(named[name], BOUNDS) if each in named}
    held = {
        name: xr.Variable(named[name].dims, named[name].values, named[name].attrs, named[name].encoding)
        for name in axes | edges
        if named[name].ndim <= 2
    }
    return _replace(dataset, held)


def _measured(dataset: xr.Dataset) -> tuple[str, ...]:
    """Name the variables whose axes are looked at: the data, or all where everything serves something else."""
    return data_variables(dataset) or tuple(str(name) for name in dataset.variables)


# --- time -----------------------------------------------------------------------------------------------------------


def _select_time(dataset: xr.Dataset, interval: Interval, warn: Warn) -> xr.Dataset:
    found = {find_time(dataset, name) for name in _measured(dataset)} - {None}
    if not found:
        raise DatasetUnsuitable(
            Text(
                en="No dates can be selected: the dataset has no time axis.",
                fr="Aucune date ne peut être choisie : le jeu de données n'a pas d'axe de temps.",
            )
        )
    chosen: dict[str, NDArray[np.intp]] = {}
    for name in sorted(str(each) for each in found):
        axis = read_time(dataset, name)
        steps = select_steps(axis, interval, warn)
        if axis.dim is not None:
            chosen[axis.dim] = steps
    return _take(dataset, chosen)


def _take(dataset: xr.Dataset, chosen: dict[str, NDArray[np.intp]]) -> xr.Dataset:
    """Take places along dimensions, as slices where they are neighbours."""
    return dataset.isel({dim: _as_slice(places) for dim, places in chosen.items()})


def _as_slice(places: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    if len(places) and np.all(np.diff(places) == 1):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


# --- levels ---------------------------------------------------------------------------------------------------------


def _vertical_axes(dataset: xr.Dataset) -> dict[str, list[VerticalAxis]]:
    """Give the vertical coordinates by their dimension."""
    axes: dict[str, list[VerticalAxis]] = {}
    for name in _measured(dataset):
        coordinates = [read_vertical(dataset, each) for each in find_vertical(dataset, name)]
        if coordinates:
            axes[coordinates[0].dim] = coordinates
    return axes


def _select_levels(dataset: xr.Dataset, levels: Levels, *, nearest: bool) -> xr.Dataset:
    axes = _vertical_axes(dataset)
    if not axes:
        raise DatasetUnsuitable(
            Text(
                en="No levels can be selected: none of the variables has levels.",
                fr="Aucun niveau ne peut être choisi : aucune des variables n'a de niveaux.",
            )
        )
    fitting = {dim: next((each for each in found if fits(each, levels)), None) for dim, found in axes.items()}
    if not any(fitting.values()):
        select_on_axis(next(iter(axes.values()))[0], levels)  # raises: says which units differ
    return _take(
        dataset,
        {dim: select_on_axis(axis, levels, nearest=nearest) for dim, axis in fitting.items() if axis is not None},
    )


def _select_heights(dataset: xr.Dataset, bbox: Bbox) -> xr.Dataset:
    """Select by the heights of a six-number box."""
    if bbox.bottom is None or bbox.top is None:
        return dataset
    axes = {
        dim: axis for dim, found in _vertical_axes(dataset).items() if (axis := next(filter(_is_height, found), None))
    }
    if not axes:
        raise DatasetUnsuitable(
            Text(
                en="A box of six numbers selects heights in m, but the data have no axis of heights or depths.",
                fr="Un rectangle de six nombres choisit des hauteurs en m, mais les données n'ont pas d'axe de hauteurs ou de profondeurs.",
            )
        )
    return _take(dataset, {dim: _heights_of(axis, bbox.bottom, bbox.top) for dim, axis in axes.items()})


def _is_height(axis: VerticalAxis) -> bool:
    return is_length(axis.unit)


def _heights_of(axis: VerticalAxis, bottom_m: float, top_m: float) -> NDArray[np.intp]:
    metres = UNITS[axis.unit.lower()][1]
    low, high = (-top_m, -bottom_m) if axis.positive == "down" else (bottom_m, top_m)
    return select_range(axis, low / metres, high / metres)


# --- the box --------------------------------------------------------------------------------------------------------


def _select_box(
    dataset: xr.Dataset, bbox: Bbox, *, inclusion: Inclusion, mask_outside: bool, drop_halo: bool, warn: Warn
) -> tuple[xr.Dataset, dict[tuple[str, str], Mask]]:
    """Cut the box out of every grid of the dataset."""
    grids = _grids(dataset)
    regular = [grid for grid in grids if grid.kind == "regular"]
    plane = [grid for grid in grids if grid.kind in {"rotated", "curvilinear", "projected"}]
    if not regular and not plane:
        raise _no_grid(dataset, grids)
    for grid in regular:
        dataset = _cut_regular(dataset, grid, bbox, inclusion, warn)
    masks: dict[tuple[str, str], Mask] = {}
    for grid in plane:
        dataset, mask = _cut_plane(dataset, grid, bbox, inclusion, drop_halo=drop_halo, warn=warn)
        masks[str(grid.y_dim), str(grid.x_dim)] = mask
    if mask_outside:
        dataset = _mask_outside(dataset, masks)
    return dataset, masks


def _grids(dataset: xr.Dataset) -> list[Grid]:
    """Give the grids of the data, each pair of dimensions once."""
    found: dict[tuple[str | None, str | None], Grid] = {}
    for name in _measured(dataset):
        grid = find_grid(dataset, name)
        found.setdefault((grid.x_dim, grid.y_dim), grid)
    return list(found.values())


def _no_grid(dataset: xr.Dataset, grids: list[Grid]) -> DatasetUnsuitable:
    """Say why no box can be cut out."""
    cells = next((grid for grid in grids if grid.longitude and grid.latitude and grid.x_dim), None)
    if cells is not None:
        count = dataset.sizes[str(cells.x_dim)]
        return DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: the data lie at {count} points along {cells.x_dim!r}, without rows and columns.",
                fr=f"Aucun rectangle ne peut être découpé : les données sont en {count} points le long de {cells.x_dim!r}, sans lignes ni colonnes.",
            )
        )
    missing = [
        (en, fr)
        for en, fr, absent in (
            ("longitude", "longitude", not any(grid.longitude for grid in grids)),
            ("latitude", "latitude", not any(grid.latitude for grid in grids)),
        )
        if absent
    ] or [("a common grid", "une grille commune")]
    return DatasetUnsuitable(
        Text(
            en=f"No box can be cut out: the data have no coordinate for {' and '.join(en for en, _ in missing)}.",
            fr=f"Aucun rectangle ne peut être découpé : les données n'ont pas de coordonnée pour {' et '.join(fr for _, fr in missing)}.",
        )
    )


def _read_axis(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    values = read_numbers(dataset.variables[name])
    if np.isnan(values).any():
        raise DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: coordinate {name!r} has missing values.",
                fr=f"Aucun rectangle ne peut être découpé : la coordonnée {name!r} a des valeurs manquantes.",
            )
        )
    return values


def _read_latitudes(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    values = _read_axis(dataset, name)
    _check_latitudes(values, name)
    return values


def _check_latitudes(values: NDArray[np.float64], name: str) -> None:
    if values.size and float(np.nanmax(np.abs(values))) > 90.0 + 1e-3:
        worst = float(values.flat[int(np.nanargmax(np.abs(values)))])
        raise DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: latitude {name!r} has values outside -90 to 90 ({worst:g}).",
                fr=f"Aucun rectangle ne peut être découpé : la latitude {name!r} a des valeurs hors de -90 à 90 ({worst:g}).",
            )
        )


def _box_text(bbox: Bbox) -> str:
    return f"[{bbox.west:g}, {bbox.south:g}, {bbox.east:g}, {bbox.north:g}]"


def _outside(bbox: Bbox, extent: tuple[float, float, float, float] | None) -> SelectionEmpty:
    box = _box_text(bbox)
    if extent is None:
        return SelectionEmpty(
            Text(
                en=f"No cell lies in {box}: the data have none.",
                fr=f"Aucune cellule dans {box} : les données n'en ont pas.",
            )
        )
    west, south, east, north = extent
    return SelectionEmpty(
        Text(
            en=f"No cell lies in {box}: the data go from {west:g} to {east:g} in longitude and from {south:g} to {north:g} in latitude.",
            fr=f"Aucune cellule dans {box} : les données vont de {west:g} à {east:g} en longitude et de {south:g} à {north:g} en latitude.",
        )
    )


# --- regular grids --------------------------------------------------------------------------------------------------


def _cut_regular(dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, warn: Warn) -> xr.Dataset:
    """Cut the box out of a grid with one longitude a column and one latitude a row."""
    x, y = str(grid.longitude), str(grid.latitude)
    longitudes, latitudes = _read_axis(dataset, x), _read_latitudes(dataset, y)
    columns, held_column = _select_columns(dataset, x, longitudes, bbox, inclusion)
    rows, held_row = _select_rows(dataset, y, latitudes, bbox, inclusion)
    if not len(columns.indices) or not len(rows):
        raise _outside(bbox, _regular_extent(longitudes, latitudes))
    if held_column or held_row:
        warn(_holder_given(bbox))
    if columns.repeated:
        warn(
            Text(
                en=f"Longitude {x!r} repeats {columns.repeated} of its columns: each is given once.",
                fr=f"La longitude {x!r} répète {columns.repeated} de ses colonnes : chacune est donnée une fois.",
            )
        )
    if inclusion == "touch" or held_column or held_row:
        dataset = _show_bounds(dataset, {x: longitude_bounds(dataset, x), y: latitude_bounds(dataset, y)})
    part = _take(dataset, {str(grid.x_dim): columns.indices, str(grid.y_dim): rows})
    return _turn_longitudes(part, x, columns.turns)


def _show_bounds(dataset: xr.Dataset, edges: dict[str, NDArray[np.float64]]) -> xr.Dataset:
    """Write out bounds that were made, where cells were chosen by them."""
    changed: dict[str, xr.Variable] = {}
    for name, bounds in edges.items():
        own, side = f"{name}_bnds", "bnds"
        taken = own in dataset.variables or dataset.sizes.get(side, 2) != 2
        if find_bounds_of(dataset, name) is not None or taken:
            continue
        coordinate = dataset.variables[name]
        if any(each in coordinate.attrs for each in PACKING):
            continue  # bounds are packed as their coordinate is
        changed[name] = xr.Variable(
            coordinate.dims, coordinate.values, {**coordinate.attrs, "bounds": own}, coordinate.encoding
        )
        changed[own] = xr.Variable((*coordinate.dims, side), bounds)
    return _replace(dataset, changed) if changed else dataset


def _regular_extent(
    longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]
) -> tuple[float, float, float, float] | None:
    if not longitudes.size or not latitudes.size:
        return None
    west, east = widest_gap(longitudes)
    return west, float(latitudes.min()), east, float(latitudes.max())


def _select_columns(
    dataset: xr.Dataset, name: str, longitudes: NDArray[np.float64], bbox: Bbox, inclusion: Inclusion
) -> tuple[Columns, bool]:
    """Select columns, and tell whether only the one that holds the middle of the box was found."""
    west, east = bbox.west, bbox.east
    if inclusion == "centre":
        columns = select_centres(longitudes, west=west, east=east, stored=precision_of(dataset.variables[name]))
        if len(columns.indices) or not len(longitudes):
            return columns, False
    edges, stored = longitude_bounds(dataset, name), precision_of_bounds(dataset, name)
    if inclusion == "touch":
        columns = select_touched(longitudes, edges, west=west, east=east, stored=stored)
        if len(columns.indices) or not len(longitudes):
            return columns, False
    return select_holder(longitudes, edges, west=west, east=east, stored=stored), True


def _select_rows(
    dataset: xr.Dataset, name: str, latitudes: NDArray[np.float64], bbox: Bbox, inclusion: Inclusion
) -> tuple[NDArray[np.intp], bool]:
    """Select rows in the order of the source, and tell whether only the one that holds the middle was found."""
    south, north = bbox.south, bbox.north
    if inclusion == "centre":
        stored = precision_of(dataset.variables[name])
        inside = latitudes_between(latitudes, south=south, north=north, stored=stored)
        if inside.any() or not len(latitudes):
            return np.flatnonzero(inside), False
    edges, stored = latitude_bounds(dataset, name), precision_of_bounds(dataset, name)
    if inclusion == "touch":
        inside = find_rows_touched(edges, south=south, north=north, stored=stored)
        if inside.any() or not len(latitudes):
            return np.flatnonzero(inside), False
    return find_row_holder(edges, south=south, north=north, stored=stored), True


def _turn_longitudes(dataset: xr.Dataset, name: str, turns: NDArray[np.int64]) -> xr.Dataset:
    """Bring the longitudes of the chosen columns, and their bounds, into the frame of the request."""
    variable = dataset.variables[name]
    centres = shift(read_numbers(variable), turns)
    own = find_bounds_of(dataset, name)
    changed = {name: _rewrite(variable, centres) if turns.any() else variable}
    if own is not None:
        bounds = dataset.variables[own]
        stored = read_numbers(bounds)
        near = beside(stored, centres)
        changed[own] = bounds if np.array_equal(near, stored) else _rewrite(bounds, near)
    return _replace(dataset, changed)


def _rewrite(variable: xr.Variable, values: NDArray[np.float64]) -> xr.Variable:
    """Give a coordinate new values, in its own type where it is not packed."""
    if any(name in variable.attrs for name in PACKING):
        attrs = {name: value for name, value in variable.attrs.items() if name not in (*PACKING, *MISSING)}
        return xr.Variable(variable.dims, values, attrs, {**variable.encoding, "dtype": values.dtype})
    return xr.Variable(variable.dims, values.astype(variable.dtype), variable.attrs, variable.encoding)


def _replace(dataset: xr.Dataset, changed: dict[str, xr.Variable]) -> xr.Dataset:
    """Exchange or add variables, without making indexes and without forgetting how things are stored."""
    coordinates = xr.Coordinates(
        {str(name): changed.get(str(name), dataset.variables[name]) for name in dataset.coords}, indexes={}
    )
    others = {str(name): changed.get(str(name), dataset.variables[name]) for name in dataset.data_vars}
    added = {name: variable for name, variable in changed.items() if name not in dataset.variables}
    made = xr.Dataset(others | added, coordinates, dataset.attrs)
    made.encoding = dict(dataset.encoding)
    return made


# --- grids on a plane -----------------------------------------------------------------------------------------------


def _cut_plane(
    dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, *, drop_halo: bool, warn: Warn
) -> tuple[xr.Dataset, Mask]:
    """Cut the smallest window out of a 2-D grid that has all cells in the box."""
    cells = read_cells(dataset, grid)
    mask = mask_touched(cells, bbox) if inclusion == "touch" else mask_centres(cells, bbox)
    if not mask.any():
        middle = bbox.west + span(bbox.west, bbox.east) / 2
        holder = find_holder(cells, middle, (bbox.south + bbox.north) / 2)
        if holder is None:
            raise _outside(bbox, find_extent(cells))
        mask[holder] = True
        warn(_holder_given(bbox))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = slice(int(rows[0]), int(rows[-1]) + 1)
    across = np.arange(columns[0], columns[-1] + 1)
    across = _without_halo(cells, mask, window, across, drop_halo=drop_halo, warn=warn)
    chosen = {str(grid.y_dim): np.arange(window.start, window.stop), str(grid.x_dim): across}
    return _turn_cells(_take(dataset, chosen), grid, bbox), mask[window][:, across]


def _holder_given(bbox: Bbox) -> Text:
    return Text(
        en=f"The box {_box_text(bbox)} holds no centre of a cell: the cell that holds the middle of the box is given.",
        fr=f"La boîte {_box_text(bbox)} ne contient aucun centre de maille : la maille qui contient son milieu est donnée.",
    )


def _without_halo(
    cells: Cells, mask: Mask, window: slice, across: NDArray[np.intp], *, drop_halo: bool, warn: Warn
) -> NDArray[np.intp]:
    """Find columns that repeat another one, and leave them out or say so."""
    fresh = find_fresh_columns(cells, window, across)
    repeated = int(np.count_nonzero(~fresh & mask[window][:, across].any(axis=0)))
    if drop_halo:
        return across[fresh]
    if repeated:
        warn(
            Text(
                en=f"{repeated} columns of the grid repeat others (a halo): their cells are given twice.",
                fr=f"{repeated} colonnes de la grille en répètent d'autres (un halo) : leurs mailles sont données deux fois.",
            )
        )
    return across


def _turn_cells(dataset: xr.Dataset, grid: Grid, bbox: Bbox) -> xr.Dataset:
    """Bring 2-D longitudes and their corners into the frame that is centred on the box."""
    if grid.longitude is None:
        return dataset
    variable = dataset.variables[grid.longitude]
    if any(name in variable.attrs for name in PACKING):
        return dataset
    centres = _turned(variable, _frame_start(bbox))
    changed = {grid.longitude: centres}
    own = find_bounds_of(dataset, grid.longitude)
    if own is not None:

        def near(values: NDArray[Any], places: list[NDArray[np.intp]]) -> NDArray[Any]:
            owners = read_numbers(centres[tuple(places[: centres.ndim])])
            moved = beside(values.astype(np.float64), np.nan_to_num(owners))
            return np.where(np.isfinite(owners)[..., np.newaxis], moved, values).astype(values.dtype)

        changed[own] = map_lazily(dataset.variables[own], near)
    return _replace(dataset, changed)


def _frame_start(bbox: Bbox) -> float:
    """Say where the 360 degrees begin that are centred on a box."""
    return bbox.west + span(bbox.west, bbox.east) / 2 - 180.0


def _turned(variable: xr.Variable, start: float) -> xr.Variable:
    attrs = dict(variable.attrs)

    def turn(values: NDArray[Any], _places: list[NDArray[np.intp]]) -> NDArray[Any]:
        missing = find_missing(values, attrs)
        exact = np.where(missing, start, values).astype(np.float64)
        moved = shift(exact, turn_from(exact, start))
        return np.where(missing, values, moved.astype(values.dtype))

    return map_lazily(variable, turn)


def _mask_outside(dataset: xr.Dataset, masks: dict[tuple[str, str], Mask]) -> xr.Dataset:
    """Make the cells missing that lie in the window of a 2-D grid but not in the box."""
    data = set(data_variables(dataset))
    ancillary = {
        each
        for name in data
        for each in references_of(dataset.variables[name], ("ancillary_variables",))
        if each in dataset.variables
    }
    changed = {}
    for name in data | ancillary:
        variable = dataset.variables[name]
        for (y_dim, x_dim), inside in masks.items():
            if {y_dim, x_dim} <= set(variable.dims) and not inside.all():
                changed[name] = _hide(variable, y_dim, x_dim, inside)
    return _replace(dataset, changed) if changed else dataset


def _hide(variable: xr.Variable, y_dim: str, x_dim: str, inside: Mask) -> xr.Variable:
    fill = fill_of(variable)
    if fill is None:
        return variable
    rows, columns = variable.dims.index(y_dim), variable.dims.index(x_dim)

    def hide(values: NDArray[Any], places: list[NDArray[np.intp]]) -> NDArray[Any]:
        seen = inside[np.ix_(places[rows], places[columns])]
        seen = seen if rows < columns else seen.T
        shape = [len(each) if at in {rows, columns} else 1 for at, each in enumerate(places)]
        return np.where(seen.reshape(shape), values, fill)

    hidden = map_lazily(variable, hide)
    hidden.attrs = {"_FillValue": fill, **variable.attrs}
    return hidden


# --- what CF asks of the result -------------------------------------------------------------------------------------


def _clean(dataset: xr.Dataset) -> xr.Dataset:
    """Take off coordinates and bounds what CF does not allow them."""
    named = {str(name): each for name, each in dataset.variables.items()}
    bounds = find_bounds(named)
    coordinates = _coordinates(dataset)
    changed: dict[str, xr.Variable] = {}
    for name in bounds | coordinates:
        variable = named[name]
        drop = {each for each in MISSING if each in variable.attrs}
        if name in bounds:
            drop |= {"coordinates"} & variable.attrs.keys()
        elif variable.dims != (name,) and drop and _may_be_missing(variable):
            drop = set()
        if drop:
            changed[name] = variable.copy(deep=False)
            changed[name].attrs = {key: value for key, value in variable.attrs.items() if key not in drop}
    return _replace(dataset, changed) if changed else dataset


def _forget_transforms(dataset: xr.Dataset) -> xr.Dataset:
    """Take off mappings the geotransform of the whole raster, which GDAL would believe."""
    changed = {}
    for name, variable in dataset.variables.items():
        if "GeoTransform" in variable.attrs:
            changed[str(name)] = variable.copy(deep=False)
            changed[str(name)].attrs = {key: each for key, each in variable.attrs.items() if key != "GeoTransform"}
    return _replace(dataset, changed) if changed else dataset


def _coordinates(dataset: xr.Dataset) -> frozenset[str]:
    """Name the coordinates: of dimensions, and those that variables name."""
    named: Iterable[str] = (
        each for variable in dataset.variables.values() for each in references_of(variable, ("coordinates",))
    )
    own = (str(name) for name, each in dataset.variables.items() if each.dims == (name,))
    return frozenset(name for name in (*named, *own) if name in dataset.variables)


def _may_be_missing(variable: xr.Variable) -> bool:
    """Tell whether an auxiliary coordinate needs its mark for missing cells; large ones keep it unread."""
    return variable.ndim > 2 or bool(find_missing(np.asarray(variable.values), variable.attrs).any())


def _state_extent(dataset: xr.Dataset, bbox: Bbox | None, masks: dict[tuple[str, str], Mask]) -> xr.Dataset:
    """State the extent really returned, and no longer what the source said of its own."""
    extent = describe_extent(dataset, inside=masks, frame_start=None if bbox is None else _frame_start(bbox))
    stated = dataset.assign_attrs(extent)
    stated.attrs = {name: value for name, value in stated.attrs.items() if name not in STALE}
    return stated
