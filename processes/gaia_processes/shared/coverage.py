"""
Which share of which cells polygons cover, exactly, on a grid of rows and columns in a plane.

A polygon is walked along its edges. Each piece of an edge within a cell adds to that cell the area to the right of it, and
to all the cells behind it on the row its height; sums along the row are then the shares, whatever the holes and parts. Cells
that no edge meets come as stretches of a row. Numbers are rounded so that equal heights cancel without a remainder: a cell
that is not covered has no share, not a tiny one.

References
----------
The area to one side of the edges (Green's theorem) is how font rasterizers find exact coverage. Shares as exactextract
defines them: https://isciences.github.io/exactextract/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gaia_processes.shared.compiled import compiled

type Floats = NDArray[np.float64]
type Places = NDArray[np.int64]

_ROUNDED_BITS = 40
_LEAST_BITS = 20
_NOTHING = 1e-12
_BATCH_POINTS = 2**20
_BATCH_PIECES = 2**21


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """
    Stretches of cells that zones cover, zone by zone, row by row, from the first column on.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the grid.
    starts : array of int, shape (zones + 1,)
        Where the stretches of each zone begin.
    rows, first, last : array of int, shape (stretches,)
        Row, first column and the one behind the last.
    shares : array of float, shape (stretches,)
        Of each of their cells: above 0, at most 1.
    """

    shape: tuple[int, int]
    starts: Places
    rows: Places
    first: Places
    last: Places
    shares: Floats

    @property
    def zones(self) -> int:
        """How many zones there are."""
        return len(self.starts) - 1

    def cells(self) -> Places:
        """Count the cells of each zone."""
        heaps = np.concatenate([[0], np.cumsum(self.last - self.first)])
        counts: Places = np.diff(heaps[self.starts])
        return counts

    def of(self, zones: Places) -> "Coverage":
        """Give that of some zones alone, in the order in which they are named."""
        counts = np.diff(self.starts)[zones]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        taken = np.repeat(self.starts[zones] - starts[:-1], counts) + np.arange(starts[-1])
        return Coverage(
            shape=self.shape, starts=starts, rows=self.rows[taken], first=self.first[taken], last=self.last[taken],
            shares=self.shares[taken],
        )  # fmt: skip

    @classmethod
    def join(cls, parts: list["Coverage"], shape: tuple[int, int]) -> "Coverage":
        """Put zones behind each other."""
        counts = [np.diff(part.starts) for part in parts]
        starts = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]))]).astype(np.int64)

        def all_of(name: str, dtype: type) -> NDArray[Any]:
            return np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])

        return cls(
            shape=shape, starts=starts, rows=all_of("rows", np.int64), first=all_of("first", np.int64),
            last=all_of("last", np.int64), shares=all_of("shares", np.float64),
        )  # fmt: skip


def cover(polygons: NDArray[Any], x_edges: Floats, y_edges: Floats, *, period: float | None = None) -> Coverage:
    """
    Find the cells that polygons cover.

    Parameters
    ----------
    polygons : array of shapely geometries, shape (zones,)
        Valid polygons and multipolygons in the plane of the grid; others, and None, cover nothing.
    x_edges, y_edges : array of float, shape (columns + 1,), (rows + 1,)
        Ascending.
    period : float, optional
        360 where columns are longitudes: a polygon then covers what lies whole turns beside it too.

    Returns
    -------
    Coverage
        Rows and columns counted along the edges. No cell is covered more than once.

    Examples
    --------
    >>> box = np.array([shapely.box(0.5, 0.0, 2.0, 0.5)])
    >>> found = cover(box, np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0]))
    >>> found.rows.tolist(), found.first.tolist(), found.last.tolist(), found.shares.tolist()
    ([0, 0], [0, 1], [1, 2], [0.25, 0.5])
    """
    shape = (len(y_edges) - 1, len(x_edges) - 1)
    grains = _grain(x_edges), _grain(y_edges)
    parts = []
    for some in _cut(polygons, shapely.get_num_coordinates(polygons), _BATCH_POINTS):
        turned, owners = _turned(some, x_edges, period)
        points, ring_starts, zone_starts = _rings(turned, owners, len(some))
        rooms = np.empty(len(some), np.int64)
        x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
        _measure(x, y, ring_starts, zone_starts, x_edges, y_edges, rooms)
        walked = [
            _walk(
                x,
                y,
                ring_starts,
                zone_starts[which[0] : which[-1] + 2],
                x_edges,
                y_edges,
                grains,
                int(rooms[which].sum()),
            )
            for which in _cut(np.arange(len(some)), rooms, _BATCH_PIECES)
        ]
        parts.append(_with_tiny(Coverage.join(walked, shape), turned, owners, x_edges, y_edges))
    return Coverage.join(parts, shape)


def _cut(zones: NDArray[Any], sizes: NDArray[np.integer], most: int) -> Iterator[NDArray[Any]]:
    """Cut zones into batches of a bounded size, or of a single zone where that is larger."""
    heaps = np.cumsum(sizes)
    cuts = np.searchsorted(heaps, np.arange(most, heaps[-1] if len(heaps) else 0, most))
    yield from (each for each in np.split(zones, np.unique(cuts)) if len(each))


def _walk(
    x: Floats, y: Floats, ring_starts: Places, zone_starts: Places, x_edges: Floats, y_edges: Floats,
    grains: tuple[float, float], room: int,
) -> Coverage:  # fmt: skip
    """Find what some zones cover: the pieces of their edges, ordered by cell, then the stretches between them."""
    shape = (len(y_edges) - 1, len(x_edges) - 1)
    keys, heights, areas = np.empty(room, np.int64), np.empty(room), np.empty(room)
    count = _note_pieces(x, y, ring_starts, zone_starts, x_edges, y_edges, *grains, keys, heights, areas)
    order = np.argsort(keys[:count], kind="stable")
    keys, heights, areas = keys[:count][order], heights[:count][order], areas[:count][order]
    lines, first, last = (np.empty(2 * count + 1, np.int64) for _ in range(3))
    shares = np.empty(2 * count + 1)
    end = _sweep(keys, heights, areas, shape[1], lines, first, last, shares)
    zones, rows = np.divmod(lines[:end], shape[0])
    starts = np.searchsorted(zones, np.arange(len(zone_starts))).astype(np.int64)
    return Coverage(
        shape=shape,
        starts=starts,
        rows=rows,
        first=first[:end].copy(),
        last=last[:end].copy(),
        shares=shares[:end].copy(),
    )


def _grain(edges: Floats) -> float:
    """Give the share of a cell that numbers are rounded to: a power of two, above what decimals leave of an edge."""
    step = float(np.diff(edges).min())
    noise = 8.0 * float(np.spacing(np.abs(edges).max())) / step
    bits = int(np.clip(np.floor(-np.log2(noise)), _LEAST_BITS, _ROUNDED_BITS))
    return float(2.0**bits)


def _turned(polygons: NDArray[Any], x_edges: Floats, period: float | None) -> tuple[NDArray[Any], Places]:
    """Give polygons by as many turns as they may meet the grid at, and whose they are."""
    everyone = np.arange(len(polygons))
    if period is None:
        return polygons, everyone
    bounds = shapely.bounds(polygons)
    there = np.isfinite(bounds[:, 0])
    low = np.ceil((x_edges[0] - bounds[there, 2]) / period).astype(np.int64)
    high = np.floor((x_edges[-1] - bounds[there, 0]) / period).astype(np.int64)
    counts = np.maximum(high - low + 1, 0)
    owners = np.repeat(everyone[there], counts)
    turns = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(len(owners))
    moved = polygons[owners]
    for turn in np.unique(turns[turns != 0]):
        at = turns == turn
        moved[at] = shapely.transform(moved[at], partial(np.add, [turn * period, 0.0]))
    return moved, owners


def _rings(polygons: NDArray[Any], owners: Places, zones: int) -> tuple[Floats, Places, Places]:
    """Give the points of all rings, outer ones anticlockwise and holes clockwise, where each begins, and where each zone's do."""
    parts, whose = shapely.get_parts(polygons, return_index=True)
    flat = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    oriented = shapely.orient_polygons(parts[flat], exterior_cw=False)
    rings, part_of = shapely.get_rings(oriented, return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    ring_starts = np.searchsorted(ring_of, np.arange(len(rings) + 1)).astype(np.int64)
    zone_of_ring = owners[whose[flat][part_of]] if len(rings) else np.zeros(0, dtype=np.int64)
    return points, ring_starts, np.searchsorted(zone_of_ring, np.arange(zones + 1)).astype(np.int64)


def _with_tiny(found: Coverage, polygons: NDArray[Any], owners: Places, x_edges: Floats, y_edges: Floats) -> Coverage:
    """Give polygons that lie in a single cell the share of it that their area is: rounding would spoil the smallest."""
    bounds = shapely.bounds(polygons)
    column = np.searchsorted(x_edges, bounds[:, 0], side="right") - 1
    row = np.searchsorted(y_edges, bounds[:, 1], side="right") - 1
    inside = (column >= 0) & (row >= 0) & (column < found.shape[1]) & (row < found.shape[0])
    c, r = np.clip(column, 0, found.shape[1] - 1), np.clip(row, 0, found.shape[0] - 1)
    inside &= (bounds[:, 2] <= x_edges[c + 1]) & (bounds[:, 3] <= y_edges[r + 1])
    inside &= np.bincount(owners, minlength=found.zones)[owners] == 1
    share = shapely.area(polygons) / ((x_edges[c + 1] - x_edges[c]) * (y_edges[r + 1] - y_edges[r]))
    tiny = np.flatnonzero(inside & (share > 0))
    if not len(tiny):
        return found
    counts = np.diff(found.starts)
    lone = tiny[counts[owners[tiny]] == 1]
    shares = found.shares.copy()
    shares[found.starts[owners[lone]]] = np.minimum(share[lone], 1.0)
    lost = tiny[counts[owners[tiny]] == 0]
    at = found.starts[owners[lost]]
    counts[owners[lost]] = 1
    return Coverage(
        shape=found.shape,
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        rows=np.insert(found.rows, at, r[lost]),
        first=np.insert(found.first, at, c[lost]),
        last=np.insert(found.last, at, c[lost] + 1),
        shares=np.insert(shares, at, np.minimum(share[lost], 1.0)),
    )


# --- the walk -------------------------------------------------------------------------------------------------------


@compiled
def _find(edges: Floats, value: float) -> int:
    """Find the cell that holds a value: its lower edge belongs to it."""
    low, high = 0, len(edges) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= value:
            low = middle
        else:
            high = middle
    return low


@compiled
def _share(value: float, low: float, high: float, grain: float) -> float:
    """Give how far between two edges a value lies, rounded."""
    share: float = np.rint((value - low) / (high - low) * grain) / grain
    return share


@compiled
def _put(keys: Places, heights: Floats, areas: Floats, count: int, key: int, height: float, area: float) -> int:
    """Note a piece, together with the one before it where both lie in one cell."""
    if count > 0 and keys[count - 1] == key:
        heights[count - 1] += height
        areas[count - 1] += area
        return count
    keys[count] = key
    heights[count] = height
    areas[count] = area
    return count + 1


@compiled
def _walk_row(
    line: int, row: int, xa: float, ya: float, xb: float, yb: float, sign: float, x_edges: Floats, y_edges: Floats,
    x_grain: float, y_grain: float, keys: Places, heights: Floats, areas: Floats, count: int,
) -> int:  # fmt: skip
    """Note the pieces of an edge within one row; it goes upwards from a to b."""
    columns = len(x_edges) - 1
    low, high = y_edges[row], y_edges[row + 1]
    if xa > xb:
        xa, ya, xb, yb, sign = xb, yb, xa, ya, -sign
    here = _share(ya, low, high, y_grain)
    end = _share(yb, low, high, y_grain)
    if here == end or xa >= x_edges[columns]:
        return count
    base = line * columns
    if xb <= x_edges[0]:
        height = sign * (end - here)
        return _put(keys, heights, areas, count, base, height, height)
    slope = (yb - ya) / (xb - xa) if xb > xa else 0.0
    x = xa
    if xa < x_edges[0]:
        x = x_edges[0]
        there = _share(ya + (x - xa) * slope, low, high, y_grain)
        height = sign * (there - here)
        count = _put(keys, heights, areas, count, base, height, height)
        here = there
    column = _find(x_edges, x)
    while column < columns:
        west, east = x_edges[column], x_edges[column + 1]
        last = xb <= east
        beyond = xb if last else east
        there = end if last else _share(ya + (east - xa) * slope, low, high, y_grain)
        height = sign * (there - here)
        middle = (_share(x, west, east, x_grain) + _share(beyond, west, east, x_grain)) / 2.0
        count = _put(keys, heights, areas, count, base + column, height, height * (1.0 - middle))
        if last:
            break
        x, here = beyond, there
        column += 1
    return count


@compiled
def _room(xa: float, ya: float, xb: float, yb: float, x_edges: Floats, y_edges: Floats) -> int:
    """Say how many pieces an edge has at most."""
    rows, columns = len(y_edges) - 1, len(x_edges) - 1
    low, high = min(ya, yb), max(ya, yb)
    if low >= y_edges[rows] or high <= y_edges[0]:
        return 0
    tall = _find(y_edges, high) - _find(y_edges, low) + 1
    west, east = min(xa, xb), max(xa, xb)
    if west >= x_edges[columns]:
        return 0
    wide = _find(x_edges, east) - _find(x_edges, west) + 1
    return 2 * tall + wide + 2


@compiled
def _walk_edge(
    line: int, xa: float, ya: float, xb: float, yb: float, x_edges: Floats, y_edges: Floats, x_grain: float,
    y_grain: float, keys: Places, heights: Floats, areas: Floats, count: int,
) -> int:  # fmt: skip
    """Note the pieces of an edge; it is walked upwards, so that it cancels one that goes back along it."""
    rows = len(y_edges) - 1
    sign = -1.0
    if ya > yb:
        xa, ya, xb, yb, sign = xb, yb, xa, ya, 1.0
    if ya == yb or yb <= y_edges[0] or ya >= y_edges[rows]:
        return count
    slope = (xb - xa) / (yb - ya)
    west, east = min(xa, xb), max(xa, xb)
    x, y = xa, ya
    if y < y_edges[0]:
        y = y_edges[0]
        x = min(max(xa + (y - ya) * slope, west), east)
    row = _find(y_edges, y)
    while row < rows:
        last = yb <= y_edges[row + 1]
        up = yb if last else y_edges[row + 1]
        to = xb if last else min(max(xa + (up - ya) * slope, west), east)
        count = _walk_row(
            line + row, row, x, y, to, up, sign, x_edges, y_edges, x_grain, y_grain, keys, heights, areas, count
        )
        if last:
            break
        x, y = to, up
        row += 1
    return count


@compiled
def _measure(
    x: Floats, y: Floats, ring_starts: Places, zone_starts: Places, x_edges: Floats, y_edges: Floats, rooms: Places
) -> None:
    """Say of each zone how many pieces its edges have at most."""
    for zone in range(len(zone_starts) - 1):
        room = 0
        for ring in range(zone_starts[zone], zone_starts[zone + 1]):
            for point in range(ring_starts[ring], ring_starts[ring + 1] - 1):
                room += _room(x[point], y[point], x[point + 1], y[point + 1], x_edges, y_edges)
        rooms[zone] = room


@compiled
def _note_pieces(
    x: Floats, y: Floats, ring_starts: Places, zone_starts: Places, x_edges: Floats, y_edges: Floats, x_grain: float,
    y_grain: float, keys: Places, heights: Floats, areas: Floats,
) -> int:  # fmt: skip
    """Note the pieces of the edges of all zones; gives how many there are. A key counts zones, rows and columns."""
    rows = len(y_edges) - 1
    count = 0
    for zone in range(len(zone_starts) - 1):
        for ring in range(zone_starts[zone], zone_starts[zone + 1]):
            for point in range(ring_starts[ring], ring_starts[ring + 1] - 1):
                count = _walk_edge(
                    zone * rows, x[point], y[point], x[point + 1], y[point + 1], x_edges, y_edges, x_grain, y_grain,
                    keys, heights, areas, count,
                )  # fmt: skip
    return count


@compiled
def _add_stretch(
    line: int, begin: int, end: int, share: float, lines: Places, first: Places, last: Places, shares: Floats, at: int
) -> int:
    """Note a stretch, together with the one before it where both are covered whole."""
    share = min(abs(share), 1.0)
    if share <= _NOTHING or end <= begin:
        return at
    if share > 1.0 - _NOTHING:
        share = 1.0
    if at > 0 and share == 1.0 and shares[at - 1] == 1.0 and lines[at - 1] == line and last[at - 1] == begin:
        last[at - 1] = end
        return at
    lines[at] = line
    first[at] = begin
    last[at] = end
    shares[at] = share
    return at + 1


@compiled
def _sweep(
    keys: Places,
    heights: Floats,
    areas: Floats,
    columns: int,
    lines: Places,
    first: Places,
    last: Places,
    shares: Floats,
) -> int:
    """Turn pieces, ordered by cell, into stretches along the rows of each zone; gives how many there are."""
    at, place, count = 0, 0, len(keys)
    while place < count:
        line = keys[place] // columns
        base = line * columns
        before, column = 0.0, 0
        while place < count and keys[place] < base + columns:
            key = keys[place]
            at = _add_stretch(line, column, key - base, before, lines, first, last, shares, at)
            share = before
            while place < count and keys[place] == key:
                share += areas[place]
                before += heights[place]
                place += 1
            column = key - base + 1
            at = _add_stretch(line, column - 1, column, share, lines, first, last, shares, at)
        at = _add_stretch(line, column, columns, before, lines, first, last, shares, at)
    return at
