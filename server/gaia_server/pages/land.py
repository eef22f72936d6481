"""
The earth behind maps: sea and land as one picture, longitude and latitude as they are.

The outline is Natural Earth's (public domain) as `odc-geo` ships it; where that is not installed all is sea.
"""

import json
import lzma
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

NAME = "land.svg"
COAST = "coast.svg"
_PACKAGE = "odc-geo"
_FILE = "odc/geo/data/ocean.geojson.xz"
_DIGITS = 1
_STYLE = ".s{fill:#d6e8f2}.l{fill:#c3cfb8}@media(prefers-color-scheme:dark){.s{fill:#1b2e3d}.l{fill:#42534a}}"

_FRAME = (179.95, 89.95)

type Ring = Sequence[Sequence[float]]


@cache
def draw_land() -> bytes:
    """Draw the picture as SVG, in degrees: x is the longitude, y the latitude downwards."""
    sea = _find_sea()
    ground = '<rect class="{}" x="-180" y="-90" width="360" height="180"/>'
    shapes = [ground.format("s")]
    if sea is not None:
        outline = "".join(_path(ring) for ring in _rings(json.loads(lzma.decompress(sea.read_bytes()))))
        shapes = [ground.format("l"), f'<path class="s" fill-rule="evenodd" d="{outline}"/>']
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-180 -90 360 180" preserveAspectRatio="none">'
        f"<style>{_STYLE}</style>{''.join(shapes)}</svg>"
    ).encode()


@cache
def draw_coast() -> bytes:
    """Draw the outline of the land alone, to be laid over data; an empty line where there is none."""
    sea = _find_sea()
    lines = (
        "" if sea is None else "".join(_coast(ring) for ring in _rings(json.loads(lzma.decompress(sea.read_bytes()))))
    )
    outline = f'<path fill="none" stroke="#567" vector-effect="non-scaling-stroke" d="{lines}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-180 -90 360 180">{outline}</svg>'.encode()


def _coast(ring: Ring) -> str:
    """Draw a ring without the frame of the map, along which the sea is cut off."""
    pieces, pen = [], False
    for (longitude, latitude, *_), (before, under, *_) in zip(ring[1:], ring, strict=False):
        frame = any(
            min(abs(a), abs(b)) > limit
            for a, b, limit in ((longitude, before, _FRAME[0]), (latitude, under, _FRAME[1]))
        )
        if frame:
            pen = False
            continue
        start = "" if pen else f"M{before:.2f} {-under:.2f}"
        pieces.append(f"{start}L{longitude:.2f} {-latitude:.2f}")
        pen = True
    return "".join(pieces)


def _find_sea() -> Path | None:
    """Find the file without importing the package, which would bring xarray along."""
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(_FILE)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _rings(document: dict[str, Any]) -> Iterator[Ring]:
    for feature in document["features"]:
        geometry = feature["geometry"]
        several = geometry["type"] == "MultiPolygon"
        for polygon in geometry["coordinates"] if several else [geometry["coordinates"]]:
            yield from polygon


def _path(ring: Ring) -> str:
    points = [f"{longitude:.{_DIGITS}f} {-latitude:.{_DIGITS}f}" for longitude, latitude, *_ in ring]
    kept = [point for place, point in enumerate(points) if place == 0 or point != points[place - 1]]
    return f"M{'L'.join(kept)}Z"
