"""
Cut variables, a box, a stretch of time and levels out of a dataset, and keep what CF says belongs to them.

Packed data stay packed, types stay as they are; the result is read when it is written.
"""

import numpy as np
import xarray as xr

from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.axes import Grid, find_grid, text_of
from gaia_processes.shared.bounds import find_bounds_of, show_bounds
from gaia_processes.shared.cutting.choice import select, select_heights
from gaia_processes.shared.cutting.parts import Inclusion, Mask, Warn, name_coordinates, name_measured, replace
from gaia_processes.shared.cutting.plane import cut_mesh, cut_plane, frame_start, mask_outside_box
from gaia_processes.shared.cutting.regular import cut_regular
from gaia_processes.shared.cutting.words import no_grid
from gaia_processes.shared.extent import STALE, describe_extent
from gaia_processes.shared.references import find_bounds
from gaia_processes.shared.values import MISSING, find_missing


def cut(
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
        part = select_heights(part, bbox)
        part, masks = _select_box(
            part, bbox, inclusion=inclusion, mask_outside=mask_outside, drop_halo=drop_halo, warn=warn
        )
        part = _forget_transforms(_keep_steps(part))
    return _state_extent(_clean(part), bbox, masks)


def _select_box(
    dataset: xr.Dataset, bbox: Bbox, *, inclusion: Inclusion, mask_outside: bool, drop_halo: bool, warn: Warn
) -> tuple[xr.Dataset, dict[tuple[str, str], Mask]]:
    """Cut the box out of every grid of the dataset."""
    grids = _grids(dataset)
    regular = [grid for grid in grids if grid.kind == "regular"]
    plane = [grid for grid in grids if grid.kind in {"rotated", "curvilinear", "projected"}]
    meshes = [grid for grid in grids if grid.kind == "unstructured"]
    if not regular and not plane and not meshes:
        raise no_grid(dataset, grids)
    for grid in regular:
        dataset = cut_regular(dataset, grid, bbox, inclusion, warn)
    for grid in meshes:
        dataset = cut_mesh(dataset, grid, bbox, inclusion, warn)
    masks: dict[tuple[str, str], Mask] = {}
    for grid in plane:
        dataset, mask = cut_plane(dataset, grid, bbox, inclusion, drop_halo=drop_halo, warn=warn)
        masks[str(grid.y_dim), str(grid.x_dim)] = mask
    if mask_outside:
        dataset = mask_outside_box(dataset, masks)
    return dataset, masks


def _grids(dataset: xr.Dataset) -> list[Grid]:
    """Give the grids of the data, each pair of dimensions once."""
    found: dict[tuple[str | None, str | None], Grid] = {}
    for name in name_measured(dataset):
        grid = find_grid(dataset, name)
        found.setdefault((grid.x_dim, grid.y_dim), grid)
    return list(found.values())


def _clean(dataset: xr.Dataset) -> xr.Dataset:
    """Take off coordinates and bounds what CF does not allow them."""
    named = {str(name): each for name, each in dataset.variables.items()}
    bounds = find_bounds(named)
    coordinates = name_coordinates(dataset)
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
    return replace(dataset, changed) if changed else dataset


def _keep_steps(dataset: xr.Dataset) -> xr.Dataset:
    """Give the only row or column of a raster that is left bounds, before the size of its cells is forgotten."""
    changed: dict[str, xr.Variable] = {}
    for grid in _grids(dataset):
        told = "" if grid.mapping is None else text_of(dataset.variables[grid.mapping], "GeoTransform")
        names = (grid.longitude, grid.latitude) if grid.kind == "regular" else (grid.x, grid.y)
        if not told or None in names:
            continue
        steps = dict(zip(map(str, names), map(float, told.split()[1::4]), strict=True))
        alone = {
            name: dataset.variables[name].copy(deep=False)
            for name in steps
            if dataset.sizes[name] == 1 and find_bounds_of(dataset, name) is None
        }
        changed |= {**alone, **show_bounds(alone, {name: steps[name] for name in alone})}
    return replace(dataset, changed) if changed else dataset


def _forget_transforms(dataset: xr.Dataset) -> xr.Dataset:
    """Take off mappings the geotransform of the whole raster, which GDAL would believe."""
    changed = {}
    for name, variable in dataset.variables.items():
        if "GeoTransform" in variable.attrs:
            changed[str(name)] = variable.copy(deep=False)
            changed[str(name)].attrs = {key: each for key, each in variable.attrs.items() if key != "GeoTransform"}
    return replace(dataset, changed) if changed else dataset


def _may_be_missing(variable: xr.Variable) -> bool:
    """Tell whether an auxiliary coordinate needs its mark for missing cells; large ones keep it unread."""
    return variable.ndim > 2 or bool(find_missing(np.asarray(variable.values), variable.attrs).any())


def _state_extent(dataset: xr.Dataset, bbox: Bbox | None, masks: dict[tuple[str, str], Mask]) -> xr.Dataset:
    """State the extent really returned, and no longer what the source said of its own."""
    extent = describe_extent(dataset, inside=masks, frame_start=None if bbox is None else frame_start(bbox))
    stated = dataset.assign_attrs(extent)
    stated.attrs = {name: value for name, value in stated.attrs.items() if name not in STALE}
    return stated
