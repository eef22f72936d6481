"""A small picture of a table: its first rows, and a coarse map of its places."""

from itertools import islice
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import from_bounds

from gaia_workers.previews.csv import CELL_LENGTH, COLUMNS, ROWS
from gaia_workers.previews.netcdf import plain_number, render_picture, value_range
from gaia_workers.previews.painting import Picture
from gaia_workers.tables.cells import column_names, plain_column
from gaia_workers.tables.watched import Seen, Watched, first_steps

MAP_COLUMNS, MAP_ROWS = 180, 120
MAP_WIDE, MAP_HIGH = 4.0, 1.0
"""A map is at most so many times wider than high, and at most so many times higher than wide."""
_MARGIN = 0.05
_LEAST_DEG = 0.05
_DOT_CELLS = 1.2
POINT_DIGITS = 5
MOST_POINTS = 1000
"""So few points are told one by one; more are painted."""


def preview(table: Watched) -> dict[str, Any]:
    """Give the first rows and, where rows have places and numbers, a map."""
    told = _table(table.last)
    return told if table.shown is None or not table.last.features else told | {"map": _map(table)}


def _table(seen: Seen) -> dict[str, Any]:
    head = seen.head[0]
    names = column_names(head)[:COLUMNS]
    rows = (
        [_short(cell) for cell in row]
        for block in seen.head
        for row in zip(*(plain_column(block[name]) for name in names), strict=True)
    )
    return {
        "kind": "table",
        "columns": [str(name) for name in names],
        "rows": list(islice(rows, ROWS)),
        "more": seen.rows > ROWS,
    }


def _short(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return f"{cell[: CELL_LENGTH - 1]}…" if isinstance(cell, str) and len(cell) > CELL_LENGTH else cell


def _map(table: Watched) -> dict[str, Any]:
    column = next((each for each in table.columns if each.name == table.shown), None)
    return {
        "variable": {
            "name": table.shown,
            "title": column.title.en if column else table.shown,
            "units": (column.unit or "") if column else "",
        },
        "variables": [table.shown],
        "at": _first_steps(table.last),
        "places": len(table.last.features),
        "more_places": table.last.more,
    } | _picture(table.last)


def _first_steps(seen: Seen) -> list[dict[str, Any]]:
    """Say of which step the numbers are that stand where each place came first."""
    first = first_steps(seen)
    steps, rest = divmod(seen.rows, len(seen.features))
    number = steps if len(first) == 1 and not rest else 1
    return [{"name": name, "value": value, "units": "", "steps": number} for name, value in first.items()]


def _picture(seen: Seen) -> dict[str, Any]:
    points = seen.family == "point" and len(seen.features) <= MOST_POINTS
    return _points(seen) if points else render_picture(_paint(seen))


def _points(seen: Seen) -> dict[str, Any]:
    """Tell points one by one, in degrees, with their numbers."""
    geometries = [each for each, _ in seen.features.values()]
    numbers = np.array([number for _, number in seen.features.values()], dtype=np.float64)
    own, at = shapely.get_coordinates(geometries, return_index=True)
    box = _around(shapely.total_bounds(geometries))
    points = [
        [round(x, POINT_DIGITS), round(y, POINT_DIGITS), plain_number(numbers[place])]
        for (x, y), place in zip(own.tolist(), at.tolist(), strict=True)
    ]
    return value_range(numbers) | {"box": list(box), "points": points}


def _paint(seen: Seen) -> Picture:
    """Paint the places onto a regular grid around them: areas where a cell's middle lies in one, points and lines as dots."""
    geometries = np.array([each for each, _ in seen.features.values()], dtype=object)
    numbers = np.array([number for _, number in seen.features.values()], dtype=np.float64)
    west, south, east, north = _around(shapely.total_bounds(geometries))
    columns, rows = _size(east - west, north - south)
    cell_deg = max((east - west) / columns, (north - south) / rows)
    thin = shapely.get_dimensions(geometries) < 2
    shapes = geometries.copy()
    shapes[thin] = shapely.buffer(geometries[thin], _DOT_CELLS * cell_deg, quad_segs=4)  # of areas it costs gigabytes
    values: NDArray[np.float64] = rasterize(
        ((shape, number) for shape, number in zip(shapes, numbers.tolist(), strict=True) if np.isfinite(number)),
        out_shape=(rows, columns),
        transform=from_bounds(west, south, east, north, columns, rows),
        fill=np.nan,
        dtype="float64",
    ) if np.isfinite(numbers).any() else np.full((rows, columns), np.nan)  # fmt: skip
    x = west + (np.arange(columns) + 0.5) * (east - west) / columns
    y = north - (np.arange(rows) + 0.5) * (north - south) / rows
    return Picture(x=x, y=y, values=values)


def _around(bounds: NDArray[np.float64]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds.tolist()
    wide, high = max(east - west, _LEAST_DEG), max(north - south, _LEAST_DEG)
    margin = _MARGIN * max(wide, high)
    more_wide, more_high = max(high / MAP_HIGH / 2 - wide, 0) / 2, max(wide / MAP_WIDE - high, 0) / 2
    return (
        west - margin - more_wide,
        max(south - margin - more_high, -90.0),
        east + margin + more_wide,
        min(north + margin + more_high, 90.0),
    )


def _size(wide: float, high: float) -> tuple[int, int]:
    """Give the columns and rows of a picture of square cells."""
    cell = max(wide / MAP_COLUMNS, high / MAP_ROWS)
    return max(round(wide / cell), 2), max(round(high / cell), 2)
