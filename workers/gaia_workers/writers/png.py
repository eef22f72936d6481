"""
Draws a map of one variable as a picture: its first step and level, with coastlines, a colour bar, title and units.

Larger grids are sampled evenly; grids that are not of longitude and latitude are painted onto them, each place by its
nearest cell. Nothing is fetched: the coast is Natural Earth's (public domain) as `odc-geo` ships it, the letters are those
that matplotlib ships.
"""

import json
import lzma
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.holding import explain_no_map, explain_several_on_map
from gaia_processes.shared.cells import read_cells
from gaia_processes.shared.history import append_history
from gaia_processes.shared.values import read_numbers
from gaia_workers.previews.painting import Picture, paint, unwrap
from gaia_workers.writers.fields import Field, decode, fields_of, read_times
from gaia_workers.writers.finishing import Counter, sync
from gaia_workers.writers.whole import whole_or_nothing

COLUMNS, ROWS = 1440, 720
"""So many cells are drawn at most: more than a screen shows."""
_PAINTED_COLUMNS, _PAINTED_ROWS = 720, 360
_BAND_CELLS = 2**20
_WIDTH_IN, _LEAST_IN, _MOST_IN, _AROUND_IN = 9.0, 3.0, 9.0, 1.6
_DPI = 120
_COLOURS = "viridis"
_FRAME_DEG = (179.95, 89.95)

type Lines = list[NDArray[np.float64]]


def write(dataset: xr.Dataset, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Draw a dataset as a PNG picture.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded; one data variable on a grid.
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
    field = _only(fields_of(dataset))
    count = Counter(progress, 1)
    picture = _take_picture(field)
    told = {"Title": _title(field), "Comment": append_history(dataset.attrs, history)["history"], "Software": None}
    with whole_or_nothing(path):
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rc("font", family="DejaVu Sans", size=9.0)
            mpl.rc("axes", titlesize=11.0)
            _draw(field, picture, path, told)
        sync(path)
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
    places = [read_cells(field.dataset, grid).rows(slice(int(row), int(row) + 1)) for row in rows]
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
        told.append(_of(str(times[0]).removesuffix("T00:00:00Z"), len(times)))
    if field.level is not None:
        own = field.dataset.variables[field.level]
        value = np.atleast_1d(read_numbers(own))[0]
        told.append(_of(f"{field.level} {value:g} {own.attrs.get('units', '')}".strip(), own.size))
    return ", ".join(told)


def _of(words: str, steps: int) -> str:
    return words if steps == 1 else f"{words} (1/{steps})"


def _degrees(positive: str, negative: str) -> Callable[[float, float], str]:
    def tell(value: float, _place: float = 0) -> str:
        turned = (value + 180.0) % 360.0 - 180.0 if positive == "E" else value
        mark = "" if turned in (0.0, -180.0) else positive if turned > 0 else negative
        return f"{abs(turned):g}°{mark}"

    return tell


# --- drawing ---------------------------------------------------------------------------------------------------------


def _draw(field: Field, picture: Picture, path: Path, told: dict[str, str | None]) -> None:
    x, y = (_edges(values) for values in (picture.x, picture.y))
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    height = float(np.clip(_WIDTH_IN * high / wide, _LEAST_IN, _MOST_IN)) + _AROUND_IN
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(picture.values), cmap=_COLOURS, shading="flat", rasterized=True)
    axes.add_collection(LineCollection(_coast(float(x.min())), colors="black", linewidths=0.6))
    axes.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()), title=told["Title"], facecolor="0.9", aspect="equal")
    axes.xaxis.set_major_formatter(_degrees("E", "W"))
    axes.yaxis.set_major_formatter(_degrees("N", "S"))
    axes.grid(linewidth=0.3, color="0.4", alpha=0.5)
    bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", shrink=0.7, aspect=40, pad=0.03)
    bar.set_label(f"{field.name} [{field.units}]" if field.units else field.name)
    figure.savefig(path, format="png", metadata=told)


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the ends of the cells around centres: the middles between them, and as far beyond the outer ones."""
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])


def _coast(west: float) -> Lines:
    """Give the coast in the turns of longitude that a map which begins in the west may show."""
    turns = 360.0 * (np.floor((west + 180.0) / 360.0) + np.arange(2))
    return [line + np.array([turn, 0.0]) for turn in turns for line in _coastlines()]


@cache
def _coastlines() -> Lines:
    """Read the coast without importing the package; nothing where it is not installed."""
    try:
        path = Path(str(distribution("odc-geo").locate_file("odc/geo/data/ocean.geojson.xz")))
    except PackageNotFoundError:
        return []
    if not path.is_file():
        return []
    return [line for ring in _rings(json.loads(lzma.decompress(path.read_bytes()))) for line in _without_frame(ring)]


def _rings(document: dict[str, Any]) -> Iterator[Sequence[Sequence[float]]]:
    for feature in document["features"]:
        geometry = feature["geometry"]
        several = geometry["type"] == "MultiPolygon"
        for polygon in geometry["coordinates"] if several else [geometry["coordinates"]]:
            yield from polygon


def _without_frame(ring: Sequence[Sequence[float]]) -> Lines:
    """Part a ring where it follows the edge of the world, along which the sea is cut off."""
    points = np.asarray([point[:2] for point in ring], dtype=np.float64)
    near = np.abs(points) > np.array(_FRAME_DEG)
    along = (near[1:] & near[:-1]).any(axis=1)
    pieces = np.split(points, np.flatnonzero(along) + 1)
    return [piece for piece in pieces if len(piece) > 1]
