"""
Draws a table as a map: its places coloured by the classes of one column, with coastlines, legend, title and unit.

Where a place comes several times (a row a time step), its first row is shown. Of very many places the first are drawn, and the
picture says so.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.table import Table
from gaia_processes.text import Text
from gaia_workers.tables.classes import MISSING, OUTLINE, ValueClass
from gaia_workers.tables.report import attributes_of
from gaia_workers.tables.rows import counted
from gaia_workers.tables.styles import classes_of, title_of
from gaia_workers.tables.watched import Seen, Watched, first_steps, watch
from gaia_workers.writers.maps import Box, begin_map, finish_map, lettering
from gaia_workers.writers.whole import whole_or_nothing

_MARGIN = 0.05
_LEAST_DEG = 0.05
_PIXELS = 1000.0
"""Outlines are drawn as fine as so many parts of the map's width."""
NO_PLACES = Text(
    en="The result has no places that a map could show; ask for CSV, or give zones or points with a geometry.",
    fr="Le résultat n'a aucun lieu à montrer sur une carte ; demandez du CSV, ou donnez des zones ou points avec géométrie.",
)


def write(table: Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Draw a table.

    Parameters
    ----------
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets rows done and in all.
    history : str
        A line for the picture's comment.

    Raises
    ------
    DatasetUnsuitable
        No row has a place.
    """
    watched = watch(table)
    for _ in counted(watched, progress):
        pass
    if not watched.last.features:
        raise DatasetUnsuitable(NO_PLACES)
    title = _title(watched)
    told = {"Title": title, "Comment": attributes_of(table, history)["history"], "Software": None}
    with whole_or_nothing(path), lettering():
        _draw(watched, path, title, told)


def _title(table: Watched) -> str:
    named = title_of(table) if table.shown else table.attributes.get("title", "")
    return ", ".join([named, *(str(each).removesuffix("T00:00:00Z") for each in first_steps(table.last).values())])


def _draw(table: Watched, path: Path, title: str, told: dict[str, str | None]) -> None:
    seen, classes = table.last, classes_of(table)
    box = box_of(seen)
    figure, axes = begin_map(box)
    geometries = np.array([each for each, _ in seen.features.values()], dtype=object)
    colours = colours_of(np.array([number for _, number in seen.features.values()]), classes)
    _draw_shapes(axes, geometries, colours, (box[2] - box[0]) / _PIXELS)
    finish_map(axes, box, title)
    if seen.more:
        _say_more(axes, len(seen.features))
    if table.shown:
        _draw_legend(axes, classes, colours)
    figure.savefig(path, format="png", metadata=told)


def _say_more(axes: Axes, drawn: int) -> None:
    """Say on the picture that it does not show every place: in both languages, for a picture is for whoever gets it."""
    number = f"{drawn:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    axes.set_xlabel(f"Only the first {number} places are drawn. · Seuls les {number} premiers lieux sont dessinés.")


def box_of(seen: Seen) -> Box:
    """Give the box around all places that are shown, with a margin."""
    west, south, east, north = shapely.total_bounds([each for each, _ in seen.features.values()]).tolist()
    margin = max(_MARGIN * max(east - west, north - south), _LEAST_DEG)
    return west - margin, max(south - margin, -90.0), east + margin, min(north + margin, 90.0)


def colours_of(numbers: np.ndarray[Any, Any], classes: Sequence[ValueClass]) -> list[str]:
    """Give each number the colour of its class."""
    highs = np.array([each.high for each in classes[:-1]])
    at = np.searchsorted(highs, numbers, side="right")
    return [
        classes[place].colour if classes and np.isfinite(number) else MISSING
        for place, number in zip(at.tolist(), numbers.tolist(), strict=True)
    ]


def _draw_shapes(axes: Axes, geometries: np.ndarray[Any, Any], colours: list[str], pixel_deg: float) -> None:
    parts, owner = shapely.get_parts(geometries, return_index=True)
    kinds = shapely.get_dimensions(parts)
    own = np.array(colours, dtype=object)[owner]
    areas, lines, points = (kinds == dimension for dimension in (2, 1, 0))
    fine = shapely.simplify(parts[areas], pixel_deg, preserve_topology=True)
    axes.add_collection(
        PathCollection(
            [_outline(each) for each in fine], facecolors=own[areas].tolist(), edgecolors=OUTLINE, linewidths=0.3
        )
    )
    paths = [shapely.get_coordinates(each) for each in shapely.simplify(parts[lines], pixel_deg)]
    axes.add_collection(LineCollection(paths, colors=own[lines].tolist(), linewidths=1.6))
    x, y = shapely.get_coordinates(parts[points]).T
    size = float(np.clip(30_000 / max(len(x), 1), 4, 40))
    axes.scatter(x, y, s=size, c=own[points].tolist(), edgecolors=OUTLINE, linewidths=0.3, zorder=3)


def _outline(polygon: Any) -> Outline:
    rings = [polygon.exterior, *polygon.interiors] if polygon.geom_type == "Polygon" else []
    return Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))


def _draw_legend(axes: Axes, classes: Sequence[ValueClass], colours: list[str]) -> None:
    patches = [Patch(facecolor=each.colour, edgecolor=OUTLINE, label=each.label) for each in classes]
    if MISSING in colours:
        patches.append(Patch(facecolor=MISSING, edgecolor=OUTLINE, label="–"))  # noqa: RUF001 a sign, as in tables
    axes.figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
