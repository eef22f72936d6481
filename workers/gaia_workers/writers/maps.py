"""What every drawn map has: coastlines, degrees along its sides, letters. Nothing is fetched."""

import json
import lzma
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

_WIDTH_IN, _LEAST_IN, _MOST_IN, _AROUND_IN = 9.0, 0.8, 9.0, 1.6
_DPI = 120
_FRAME_DEG = (179.95, 89.95)

type Lines = list[NDArray[np.float64]]
type Box = tuple[float, float, float, float]
"""West, south, east, north, degrees."""


@contextmanager
def lettering() -> Iterator[None]:
    """Draw with our letters, whatever matplotlib is configured to elsewhere."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rc("font", family="DejaVu Sans", size=9.0)
        mpl.rc("axes", titlesize=11.0)
        yield


def begin_map(box: Box) -> tuple[Figure, Axes]:
    """Make a figure in the proportions of a box."""
    west, south, east, north = box
    height = float(np.clip(_WIDTH_IN * (north - south) / (east - west), _LEAST_IN, _MOST_IN)) + _AROUND_IN
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def finish_map(axes: Axes, box: Box, title: str) -> None:
    """Draw coast, degrees and title over what was drawn."""
    west, south, east, north = box
    axes.add_collection(LineCollection(coast(west), colors="black", linewidths=0.6))
    axes.set(xlim=(west, east), ylim=(south, north), title=title, facecolor="0.9", aspect="equal")
    axes.xaxis.set_major_formatter(degrees("E", "W"))
    axes.yaxis.set_major_formatter(degrees("N", "S"))
    axes.grid(linewidth=0.3, color="0.4", alpha=0.5)


def degrees(positive: str, negative: str) -> Callable[[float, float], str]:
    """Give what writes degrees along an axis, with the letter of their side."""

    def tell(value: float, _place: float = 0) -> str:
        turned = (value + 180.0) % 360.0 - 180.0 if positive == "E" else value
        mark = "" if turned in (0.0, -180.0) else positive if turned > 0 else negative
        return f"{abs(turned):g}°{mark}"

    return tell


def coast(west: float) -> Lines:
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
