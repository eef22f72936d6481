"""
Grids of rows and columns, and the weights between two of them: overlaps, bilinear interpolation, nearest cells.

Along longitudes everything is counted modulo 360 degrees, in whatever frame and order the columns are.

References
----------
Jones, P. W. (1999): First- and second-order conservative remapping schemes for grids in spherical coordinates. Monthly
Weather Review 127, 2204-2210. Overlaps are taken on the sphere: widths of columns in longitude, of rows in sin(latitude).
ESMF 8, regridding with pole method `allavg`: a pole has the mean of the row next to it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.edges import EPSILON_DEG
from gaia_processes.shared.sphere import distance_km
from gaia_processes.shared.weights import AxisWeights, Cap, Picks, Separable

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]

_NEARLY = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Rectilinear:
    """
    A grid with one longitude a column and one latitude a row.

    Attributes
    ----------
    longitudes, latitudes : array of float, shape (columns,), (rows,)
        Centres in degrees, in the order of the data.
    longitude_edges, latitude_edges : array of float, shape (columns, 2), (rows, 2)
        West before east (east - west at most 360), south before north.
    """

    longitudes: Floats
    latitudes: Floats
    longitude_edges: Floats
    latitude_edges: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.latitudes), len(self.longitudes)


def conservative(source: Rectilinear, target: Rectilinear, *, repeated: bool = False) -> Separable:
    """
    Weigh by the area that cells share, to first order.

    Parameters
    ----------
    source, target : Rectilinear
        Grids.
    repeated : bool
        Count columns that repeat another one as often as they come; else once.
    """
    own = _fresh_columns(source) if not repeated else np.arange(len(source.longitudes))
    return Separable(
        rows=_overlap_rows(source.latitude_edges, target.latitude_edges),
        columns=_overlap_columns(source.longitude_edges, own, target.longitude_edges),
    )


def bilinear(source: Rectilinear, target: Rectilinear) -> Separable:
    """Interpolate linearly along longitudes, then along latitudes; never beyond the outermost centres but at the poles."""
    columns = interpolate_columns(source, target.longitudes)
    rows, caps = interpolate_rows(source, target.latitudes)
    return Separable(rows=rows, columns=columns, caps=caps)


def nearest(source: Rectilinear, target: Rectilinear, *, max_distance_km: float | None = None) -> Picks:
    """
    Take the cell whose centre is nearest on the sphere; of equally near ones the first of the source.

    Parameters
    ----------
    source, target : Rectilinear
        Grids.
    max_distance_km : float, optional
        Farther cells are not taken. Default: a cell is taken by the points within the outline of the source alone.

    Notes
    -----
    On a row, the nearest centre is that of the nearest meridian, whatever the row. For a fixed difference of longitude the
    cosine of the distance is R cos(row - p), so the nearest row is the one nearest to p = atan2(sin phi, cos phi cos dl).
    """
    columns, apart = nearest_columns(source.longitudes, target.longitudes)
    phi = np.radians(target.latitudes)[:, np.newaxis]
    best = np.degrees(np.arctan2(np.sin(phi), np.cos(phi) * np.cos(np.radians(apart))[np.newaxis, :]))
    rows = _nearest_rows(source.latitudes, best)
    at_pole = (90.0 - np.abs(source.latitudes) < _NEARLY)[rows] | (90.0 - np.abs(target.latitudes) < _NEARLY)[:, None]
    across = np.where(at_pole, 0, columns[np.newaxis, :])
    if max_distance_km is None:
        taken = inside_rows(source, target.latitudes)[:, None] & inside_columns(source, target.longitudes)[None, :]
    else:
        taken = (
            distance_km(
                target.longitudes[np.newaxis, :],
                target.latitudes[:, np.newaxis],
                source.longitudes[across],
                source.latitudes[rows],
            )
            <= max_distance_km
        )
    places = np.where(taken, rows * len(source.longitudes) + across, -1).astype(np.intp)
    return Picks(places=places, source_shape=source.shape)


# --- overlaps -------------------------------------------------------------------------------------------------------


def _overlap_rows(source: Floats, target: Floats) -> AxisWeights:
    heights, wanted = (np.sin(np.radians(np.clip(each, -90.0, 90.0))) for each in (source, target))
    owners, places, shares = overlaps(heights, wanted)
    return AxisWeights.of(owners, places, shares, widths=wanted[:, 1] - wanted[:, 0], size=len(source))


def _overlap_columns(source: Floats, own: Places, target: Floats) -> AxisWeights:
    # Whole turns bring every column to where a target between 0 and 720 may meet it.
    starts = target[:, :1] % 360.0
    wanted = np.concatenate([starts, starts + target[:, 1:] - target[:, :1]], axis=1)
    west = source[own, :1] % 360.0
    once = np.concatenate([west, west + source[own, 1:] - source[own, :1]], axis=1)
    laps = np.concatenate([once - 360.0, once, once + 360.0])
    owners, places, shares = overlaps(laps, wanted)
    return AxisWeights.of(owners, own[places % len(own)], shares, widths=target[:, 1] - target[:, 0], size=len(source))


def overlaps(source: Floats, target: Floats) -> tuple[Places, Places, Floats]:
    """
    Find the pairs of stretches that share more than an edge.

    Parameters
    ----------
    source, target : array of float, shape (n, 2), (m, 2)
        Ends, the lower first.

    Returns
    -------
    tuple of arrays
        Places in the target, ascending, places in the source, and how much they share.
    """
    order = np.argsort(source[:, 0], kind="stable")
    low, high = source[order, 0], source[order, 1]
    # Where stretches overlap each other the ends need not ascend: what was reached so far does.
    first = np.searchsorted(np.maximum.accumulate(high), target[:, 0], side="right")
    last = np.searchsorted(low, target[:, 1], side="left")
    counts = np.maximum(last - first, 0)
    owners = np.repeat(np.arange(len(target)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    met = first[owners] + within
    shares = np.minimum(high[met], target[owners, 1]) - np.maximum(low[met], target[owners, 0])
    real = shares > _NEARLY * 1e-3
    return owners[real], order[met[real]], shares[real]


def _fresh_columns(source: Rectilinear) -> Places:
    """Name the columns that do not repeat one before them, a turn later or not."""
    keys = np.round(source.longitudes % 360.0, 6) % 360.0
    _, first = np.unique(keys, return_index=True)
    return np.sort(first).astype(np.intp)


# --- interpolation --------------------------------------------------------------------------------------------------


def is_cyclic(longitudes: Floats) -> bool:
    """Tell whether columns go round the earth: no gap between neighbours is much wider than the others."""
    turned = np.unique(np.round(longitudes % 360.0, 6) % 360.0)
    if len(turned) < 3:
        return False
    gaps = np.sort(np.diff(np.append(turned, turned[0] + 360.0)))
    return bool(gaps[-1] <= 1.5 * gaps[-2])


def _unrolled(longitudes: Floats) -> tuple[Places, Floats, bool]:
    """Order the columns from the widest gap to the east, each once: their places, longitudes that ascend, cyclic or not."""
    keys = np.round(longitudes % 360.0, 6) % 360.0
    _, first = np.unique(keys, return_index=True)
    cyclic = is_cyclic(longitudes)
    turned = longitudes[first] % 360.0
    order = np.argsort(turned, kind="stable")
    first, turned = first[order], turned[order]
    gaps = np.diff(np.append(turned, turned[0] + 360.0))
    begin = (int(np.argmax(gaps)) + 1) % len(turned)
    places = np.roll(first, -begin)
    ascending = np.roll(turned, -begin)
    ascending = ascending + 360.0 * np.concatenate([[0], np.cumsum(np.diff(ascending) < 0)])
    return places.astype(np.intp), ascending, cyclic


def interpolate_columns(source: Rectilinear, wanted: Floats) -> AxisWeights:
    """Interpolate longitudes in degrees between the columns beside them, across the seam where the columns are cyclic."""
    places, centres, cyclic = _unrolled(source.longitudes)
    if cyclic:
        places, centres = np.append(places, places[0]), np.append(centres, centres[0] + 360.0)
    framed = centres[0] + (wanted - centres[0] + EPSILON_DEG) % 360.0 - EPSILON_DEG
    return between(centres, places, framed, size=len(source.longitudes))


def between(centres: Floats, places: Places, wanted: Floats, *, size: int) -> AxisWeights:
    """Interpolate between neighbours along an ascending axis; nothing beyond its ends."""
    inside = (wanted >= centres[0] - EPSILON_DEG) & (wanted <= centres[-1] + EPSILON_DEG)
    left = np.clip(np.searchsorted(centres, wanted, side="right") - 1, 0, max(len(centres) - 2, 0))
    right = np.minimum(left + 1, len(centres) - 1)
    steps = centres[right] - centres[left]
    shares = np.clip((wanted - centres[left]) / np.where(steps > 0, steps, 1.0), 0.0, 1.0)
    shares = np.where(shares < _NEARLY, 0.0, np.where(shares > 1 - _NEARLY, 1.0, shares))
    both = np.stack([1.0 - shares, shares], axis=1) * inside[:, np.newaxis]
    ends = np.where(
        both > 0, places[np.stack([left, right], axis=1)], places[np.where(shares < 1, left, right)][:, None]
    )
    return AxisWeights(size=size, places=ends.astype(np.intp), shares=both, coverage=inside.astype(np.float64))


def interpolate_rows(source: Rectilinear, wanted: Floats) -> tuple[AxisWeights, tuple[Cap, ...]]:
    """Interpolate latitudes in degrees between the rows beside them, and to the pole beyond the last row of a global grid."""
    order = np.argsort(source.latitudes, kind="stable").astype(np.intp)
    centres = source.latitudes[order]
    caps = []
    covered = np.zeros(len(wanted), dtype=bool)
    for end, pole in ((0, -90.0), (-1, 90.0)):
        shares = (wanted - centres[end]) / (pole - centres[end] or 1.0)
        beyond = (shares > _NEARLY) & _reaches_pole(source, centres, end, pole)
        if beyond.any():
            held = np.where(beyond, np.minimum(shares, 1.0), 0.0)
            caps.append(Cap(row=int(order[end]), columns=_fresh_columns(source), shares=held))
            covered |= beyond
    inner = np.where(covered, np.clip(wanted, centres[0], centres[-1]), wanted)
    return between(centres, order, inner, size=len(source.latitudes)), tuple(caps)


def _reaches_pole(source: Rectilinear, centres: Floats, end: int, pole: float) -> bool:
    """Tell whether the cells of a global grid's outermost row reach a pole, so that nothing lies beyond them."""
    if len(centres) < 2 or abs(pole - centres[end]) < _NEARLY or not is_cyclic(source.longitudes):
        return False
    step = abs(centres[end] - centres[1 if end == 0 else -2])
    return bool(abs(pole - centres[end]) <= step + EPSILON_DEG)


# --- nearest --------------------------------------------------------------------------------------------------------


def nearest_columns(longitudes: Floats, wanted: Floats) -> tuple[Places, Floats]:
    """Find the nearest column of each longitude, and how far it is away."""
    order = np.argsort(longitudes % 360.0, kind="stable")
    turned = (longitudes % 360.0)[order]
    behind = np.searchsorted(turned, wanted % 360.0) % len(turned)
    return _nearer(order, longitudes, np.stack([behind - 1, behind], axis=1), wanted, period=360.0)


def nearest_places(centres: Floats, wanted: Floats) -> Places:
    """Find the nearest centre along an axis of any order; of equally near ones the first."""
    order = np.argsort(centres, kind="stable")
    behind = np.clip(np.searchsorted(centres[order], wanted), 1, max(len(centres) - 1, 1))
    sides = np.stack([behind - 1, np.minimum(behind, len(centres) - 1)], axis=-1)
    return _nearer(order, centres, sides, wanted)[0]


def _nearest_rows(latitudes: Floats, wanted: Floats) -> Places:
    """Find the row nearest to an angle around the globe, which may lie beyond a pole: -80 is 110 degrees from 170, not 250."""
    if np.abs(wanted).max(initial=0.0) <= 90.0:
        return nearest_places(latitudes, wanted)
    ways = np.stack([wanted, wanted - np.copysign(360.0, wanted)])
    found = nearest_places(latitudes, ways)
    apart = np.abs(latitudes[found] - ways)
    nearest: Places = np.where(apart[0] <= apart[1], found[0], found[1])
    return nearest


def _nearer(
    order: Places, centres: Floats, sides: Places, wanted: Floats, *, period: float | None = None
) -> tuple[Places, Floats]:
    """Choose between two neighbours; where both are equally far, the one that comes first in the source."""
    found = order[sides]
    apart = np.abs(centres[found] - wanted[..., np.newaxis])
    if period is not None:
        apart = np.abs((apart + period / 2) % period - period / 2)
    equal = np.abs(apart[..., 0] - apart[..., 1]) <= _NEARLY
    chosen = np.where(equal, np.argmin(found, axis=-1), np.argmin(apart, axis=-1))[..., np.newaxis]
    return np.take_along_axis(found, chosen, -1)[..., 0], np.take_along_axis(apart, chosen, -1)[..., 0]


def inside_rows(source: Rectilinear, wanted: Floats) -> NDArray[np.bool_]:
    """Tell which latitudes lie in a cell."""
    low, high = source.latitude_edges.min(), source.latitude_edges.max()
    inside: NDArray[np.bool_] = (wanted >= low - EPSILON_DEG) & (wanted <= high + EPSILON_DEG)
    return inside


def inside_columns(source: Rectilinear, wanted: Floats) -> NDArray[np.bool_]:
    """
    Tell which longitudes lie in a cell, whatever frame and order the columns are in.

    Notes
    -----
    Between two columns the one that begins last holds a longitude if any does, where cells do not lie within others.
    """
    if is_cyclic(source.longitudes):
        return np.ones(len(wanted), dtype=bool)
    west, east = source.longitude_edges[:, 0], source.longitude_edges[:, 1]
    order = np.argsort(west % 360.0, kind="stable")
    begins, widths = (west % 360.0)[order], (east - west)[order]
    last = np.searchsorted(begins, wanted % 360.0 + EPSILON_DEG, side="right") - 1
    inside = np.zeros(len(wanted), dtype=bool)
    for before in (last, last - 1):  # a repeated column of no width may begin between
        at = before % len(begins)
        inside |= (wanted - begins[at] + EPSILON_DEG) % 360.0 <= widths[at] + 2 * EPSILON_DEG
    return inside
