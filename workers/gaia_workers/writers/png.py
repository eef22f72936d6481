"""
Draws a map of one variable as a picture: its first step and level, with coastlines, a colour bar, title and units.

Larger grids are sampled evenly; grids that are not of longitude and latitude are painted onto them, each place by its
nearest cell. Nothing is fetched: the coast is Natural Earth's (public domain) as `odc-geo` ships it, the letters are those
that matplotlib ships.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.holding import explain_no_map, explain_several_on_map
from gaia_processes.shared.cells import read_cells
from gaia_processes.shared.history import append_history
from gaia_processes.shared.table import Table
from gaia_processes.shared.values import read_numbers
from gaia_workers.previews.painting import Picture, paint, unwrap
from gaia_workers.writers.fields import Field, decode, fields_of, read_stretches, read_times
from gaia_workers.writers.finishing import Counter
from gaia_workers.writers.maps import begin_map, finish_map, lettering
from gaia_workers.writers.tables import png as tables
from gaia_workers.writers.whole import whole_or_nothing

COLUMNS, ROWS = 1440, 720
"""So many cells are drawn at most: more than a screen shows."""
_PAINTED_COLUMNS, _PAINTED_ROWS = 720, 360
_BAND_CELLS = 2**20
_COLOURS = "viridis"


def write(dataset: xr.Dataset | Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Draw a dataset, or a table of places, as a PNG picture.

    Parameters
    ----------
    dataset : xarray.Dataset or Table
        Undecoded; one data variable on a grid. A table shows its places, coloured by the column that is to be shown.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of cells drawn and in all.
    history : str
        A line for the picture's comment.

    Raises
    ------
    DatasetUnsuitable
        Several variables on a grid, or none.
    """
    if isinstance(dataset, Table):
        tables.write(dataset, path, progress=progress, history=history)
        return
    field = _only(fields_of(dataset))
    count = Counter(progress, 1)
    picture = _take_picture(field)
    told = {"Title": _title(field), "Comment": append_history(dataset.attrs, history)["history"], "Software": None}
    with whole_or_nothing(path), lettering():
        _draw(field, picture, path, told)
    count.add(1)


def _only(fields: tuple[Field, ...]) -> Field:
    there = [field for field in fields if field.variable.dtype.kind in "iuf" and field.grid.x_dim is not None]
    unfit = explain_several_on_map(tuple(field.name for field in there)) or explain_no_map(there[0].grid.kind)
    if unfit is not None:
        raise DatasetUnsuitable(unfit)
    return there[0]


# --- cells -----------------------------------------------------------------------------------------------------------


def _take_picture(field: Field) -> Picture:
    """Read the first step and level, sampled, on ascending longitudes and descending latitudes."""
    grid = field.grid
    x_dim, y_dim = str(grid.x_dim), str(grid.y_dim)
    columns, rows = _spread(field.dataset.sizes[x_dim], COLUMNS), _spread(field.dataset.sizes[y_dim], ROWS)
    values = _read(field, rows, columns)
    if grid.kind == "regular":
        x = unwrap(read_numbers(field.dataset.variables[str(grid.longitude)]))[columns]
        y = read_numbers(field.dataset.variables[str(grid.latitude)])[rows]
        across, down = np.argsort(x), np.argsort(-y)
        return Picture(x=x[across], y=y[down], values=values[np.ix_(down, across)])
    cells = read_cells(
        field.dataset, grid
    )  # once: to make a way between two reference systems takes longer than to use it
    places = [cells.rows(slice(int(row), int(row) + 1)) for row in rows]
    longitude, latitude = (np.vstack([each[which][:, columns] for each in places]) for which in (0, 1))
    return paint(longitude, latitude, values, columns=_PAINTED_COLUMNS, rows=_PAINTED_ROWS)


def _spread(size: int, most: int) -> NDArray[np.intp]:
    step = -(-size // most)
    return np.arange((min(step, size) - 1) // 2, size, step, dtype=np.intp)


def _read(field: Field, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    grid = field.grid
    first: dict[str, Any] = {str(dim): 0 for dim in field.variable.dims if dim not in (grid.x_dim, grid.y_dim)}
    bands = np.array_split(rows, max(len(rows) * len(columns) // _BAND_CELLS, 1))
    read = [
        decode(np.asarray(part.transpose(grid.y_dim, grid.x_dim).values), field.variable)
        for band in bands
        for part in [field.variable.isel({**first, str(grid.y_dim): band, str(grid.x_dim): columns})]
    ]
    filled = [np.where(np.ma.getmaskarray(each), np.nan, np.ma.getdata(each).astype(np.float64)) for each in read]
    return np.vstack(filled)


# --- words -----------------------------------------------------------------------------------------------------------


def _title(field: Field) -> str:
    """Say what is shown, at which step and level, and of how many."""
    told = [field.title]
    times = read_times(field)
    if times is not None and len(times):
        stretches = read_stretches(field)
        shown = str(times[0]).removesuffix("T00:00:00Z") if stretches is None else "/".join(stretches[0])
        told.append(_of(shown, len(times)))
    if field.level is not None:
        own = field.dataset.variables[field.level]
        value = np.atleast_1d(read_numbers(own))[0]
        told.append(_of(f"{field.level} {value:g} {own.attrs.get('units', '')}".strip(), own.size))
    return ", ".join(told)


def _of(words: str, steps: int) -> str:
    return words if steps == 1 else f"{words} (1/{steps})"


# --- drawing ---------------------------------------------------------------------------------------------------------


def _draw(field: Field, picture: Picture, path: Path, told: dict[str, str | None]) -> None:
    x, y = (_edges(values) for values in (picture.x, picture.y))
    box = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    figure, axes = begin_map(box)
    mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(picture.values), cmap=_COLOURS, shading="flat", rasterized=True)
    finish_map(axes, box, str(told["Title"]))
    bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", shrink=0.7, aspect=40, pad=0.03)
    bar.set_label(f"{field.name} [{field.units}]" if field.units else field.name)
    figure.savefig(path, format="png", metadata=told)


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the ends of the cells around centres: the middles between them, and as far beyond the outer ones."""
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
