"""Which gridded data a format can hold: judged from the catalogue, before anything is queued, and again by the writers."""

import math

from gaia_processes.cube import Cube, GridKind
from gaia_processes.formats import COVERAGE_JSON, GEOTIFF, PNG, Format
from gaia_processes.inputs.cost import dimension_runs
from gaia_processes.inputs.selection import Selection, chosen_variables
from gaia_processes.text import Text

MOST_JSON_VALUES = 2_000_000
"""So many values CoverageJSON holds at most: browsers read a document whole, and this one has about 20 MB."""


def explain_unfit(
    selection: Selection, cube: Cube, file_format: Format, *, grid: GridKind | None = None
) -> Text | None:
    """
    Say why a selection cannot be had in a format.

    Parameters
    ----------
    selection : Selection
        Of variables, space, time and levels.
    cube : Cube
        Of the dataset.
    file_format : Format
        That is asked for.
    grid : str, optional
        Kind of grid of the result, where it is not that of the dataset; its cells are then not counted.

    Returns
    -------
    Text or None
        None where nothing is known against it.
    """
    names = chosen_variables(selection, cube)
    kind = grid or cube.grid
    if file_format is GEOTIFF:
        maps = _on_rows_and_columns(names, cube)
        return explain_no_raster(kind) or (None if _are_bands(maps, cube) else explain_several(maps))
    if file_format is COVERAGE_JSON:
        values = 0 if grid else sum(_values(name, selection, cube) for name in names)
        return explain_no_coverage(kind) or explain_large(values)
    if file_format is PNG:
        return explain_no_map(kind) or explain_several_on_map(_on_rows_and_columns(names, cube))
    return None


def explain_no_map(grid: str) -> Text | None:
    """Say why no map can be drawn of a kind of grid."""
    if grid not in {"none", "unstructured"}:
        return None
    return Text(
        en=f"A map is drawn of rows and columns, and this grid is {grid}: ask for NetCDF, Zarr or CSV.",
        fr=f"Une carte se dessine de lignes et de colonnes, et cette grille est {grid} : demandez NetCDF, Zarr ou CSV.",
    )


def explain_several_on_map(names: tuple[str, ...]) -> Text | None:
    """Say why these variables fit no map: it shows one."""
    if len(names) == 1:
        return None
    there = ", ".join(names) or "-"
    return Text(
        en=f"A map shows one variable on rows and columns, and there are {len(names)} ({there}): name one in `variables`.",
        fr=f"Une carte montre une variable en lignes et colonnes, et il y en a {len(names)} ({there}) : nommez-en une dans `variables`.",
    )


def explain_no_raster(grid: str) -> Text | None:
    """Say why a kind of grid fits no GeoTIFF: its cells must be those of a reference system."""
    if grid in {"regular", "projected"}:
        return None
    return Text(
        en=f"A GeoTIFF cannot hold this grid ({grid}): regrid it first (process regrid), or ask for NetCDF, Zarr or CSV.",
        fr=f"Un GeoTIFF ne peut contenir cette grille ({grid}) : interpolez-la d'abord (processus regrid), ou demandez NetCDF, Zarr ou CSV.",
    )


def explain_several(names: tuple[str, ...]) -> Text | None:
    """Say why these variables fit no GeoTIFF: it holds one."""
    if len(names) == 1:
        return None
    there = ", ".join(names) or "-"
    return Text(
        en=f"A GeoTIFF holds one variable on rows and columns, and there are {len(names)} ({there}): name one in `variables`.",
        fr=f"Un GeoTIFF contient une variable en lignes et colonnes, et il y en a {len(names)} ({there}) : nommez-en une dans `variables`.",
    )


def explain_no_coverage(grid: str) -> Text | None:
    """Say why a kind of grid fits no CoverageJSON as it is written here."""
    if grid in {"regular", "none"}:
        return None
    return Text(
        en=f"CoverageJSON is written for axes of longitude and latitude, and this grid is {grid}: regrid it first (process regrid), or ask for NetCDF, Zarr or CSV.",
        fr=f"CoverageJSON s'écrit pour des axes de longitude et de latitude, et cette grille est {grid} : interpolez-la d'abord (processus regrid), ou demandez NetCDF, Zarr ou CSV.",
    )


def explain_large(values: int) -> Text | None:
    """Say why so many values fit no CoverageJSON."""
    if values <= MOST_JSON_VALUES:
        return None
    return Text(
        en=f"The selection has {values} values, and CoverageJSON holds {MOST_JSON_VALUES} at most: select less, or ask for NetCDF or Zarr.",
        fr=f"La sélection a {values} valeurs, et CoverageJSON en contient {MOST_JSON_VALUES} au plus : choisissez moins, ou demandez NetCDF ou Zarr.",
    )


def _on_rows_and_columns(names: tuple[str, ...], cube: Cube) -> tuple[str, ...]:
    space = {found[0] for kind in ("x", "y") if (found := cube.find_axis(kind)) is not None}
    return tuple(name for name in names if space <= set(cube.variables[name].dimensions))


def _are_bands(names: tuple[str, ...], cube: Cube) -> bool:
    """Tell whether variables can be the bands of one image: a single map each, all of one type."""
    kinds = {(cube.variables[name].dimensions, cube.variables[name].dtype) for name in names}
    return len(kinds) == 1 and len(next(iter(kinds))[0]) == 2


def _values(name: str, selection: Selection, cube: Cube) -> int:
    """Count the values of a variable that are selected."""
    runs = dimension_runs(selection, cube)
    return math.prod(
        sum(stop - start for start, stop in runs[dim]) if dim in runs else max(cube.dimensions[dim].size, 1)
        for dim in cube.variables[name].dimensions
    )
