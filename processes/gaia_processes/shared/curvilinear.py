"""
Weights from grids whose longitude and latitude vary along rows and columns, to grids of rows and columns.

Points are vectors of length 1, so that neither the seam of longitudes nor a pole is anything special. Areas are taken on the
plane of longitude and sin(latitude), on which areas are those of the sphere.

References
----------
ESMF 8 reference manual, 24.2 (bilinear interpolation between four corners in three dimensions). Jones, P. W. (1999), as in
`rectilinear`. Overlaps by Green's theorem: the area of a polygon within x <= c and a <= y <= b is the integral of min(x, c) dy
along its edges between a and b.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid
from gaia_processes.shared.cells import Rows, read_cells
from gaia_processes.shared.nearest import first_of_nearest
from gaia_processes.shared.rectilinear import Rectilinear, overlaps
from gaia_processes.shared.sphere import chord, unit_vectors
from gaia_processes.shared.weights import Picks, Sparse, join_shares
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type Mask = NDArray[np.bool_]

_DECIMALS = 4  # of a degree, to which cells that repeat each other are equal
_NEARLY = 1e-9
_INSIDE = 1e-6
_STEPS = 12
_NEAR = 12
_JUMP = 10.0  # so many times the usual step: no cell, but a hole of the grid
_ALIKE = 1.5
_REACH = 1.25
_NEIGHBOURS = 3
_STRAY = 4.0
_CURVED_DEG = 2.0
_CURVED_OF_MESH_DEG = 0.25  # the edges of triangles and hexagons are great circles by their definition
_PIECES = 16
_PAIRS = 2**17
_FEW_POINTS = 9
_CELLS_AT_ONCE = 2**13


@dataclass(frozen=True, kw_only=True, slots=True)
class Curvilinear:
    """
    A grid with a longitude and a latitude for each cell.

    Attributes
    ----------
    longitudes, latitudes : array of float, shape (rows, columns)
        Centres in degrees; NaN where there is no cell.
    corner_longitudes, corner_latitudes : array of float, shape (rows, columns, corners), or None
        Going round each cell.
    first : array of int, shape (cells,)
        For each cell, counted row by row, the one that stands for all at the same place; -1 where there is no cell.
    broken : int
        Cells whose corners in the file do not lie around their centre; they have none here.
    """

    longitudes: Floats
    latitudes: Floats
    corner_longitudes: Floats | None
    corner_latitudes: Floats | None
    first: Places
    broken: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.longitudes.shape[0], self.longitudes.shape[1]

    @property
    def fresh(self) -> Places:
        """Cells that stand for themselves."""
        return np.flatnonzero(self.first == np.arange(len(self.first)))

    @property
    def vectors(self) -> Floats:
        """Vectors to the centres, shape (rows, columns, 3)."""
        return unit_vectors(self.longitudes, self.latitudes)


def read_curvilinear(dataset: xr.Dataset, grid: Grid, *, repeated: bool = False) -> Curvilinear:
    """
    Read the cells of a grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        Rotated, curvilinear or projected.
    repeated : bool
        Let cells that repeat others count as cells of their own.

    Returns
    -------
    Curvilinear
        Corners that a file lacks are made between the centres where rows and columns are even in a plane (rotated and
        projected grids); of others there are none.
    """
    cells = read_cells(dataset, grid)
    longitudes, latitudes = _all_rows(cells.rows, cells.blocks(), cells.shape[0])
    hidden = ~(np.isfinite(longitudes) & np.isfinite(latitudes)) | (np.abs(latitudes) > 90.0 + 1e-3)
    longitudes[hidden] = latitudes[hidden] = np.nan
    corner_longitudes = corner_latitudes = None
    if cells.corners is not None:
        corner_longitudes, corner_latitudes = _all_rows(cells.corners, cells.blocks(), cells.shape[0])
    elif grid.kind in {"rotated", "projected"} and min(cells.shape) > 1:
        corner_longitudes, corner_latitudes = _made_corners(unit_vectors(longitudes, latitudes))
    broken = 0
    if corner_longitudes is not None and corner_latitudes is not None and cells.shape[0] > 1:
        stray = _find_stray(longitudes, latitudes, corner_longitudes, corner_latitudes)
        corner_longitudes[stray] = corner_latitudes[stray] = np.nan
        broken = int(np.count_nonzero(stray & ~hidden))
    count = longitudes.size
    # The cells of a projection are all at places of their own, and may be smaller than what is taken for the same place.
    own = repeated or grid.kind == "projected"
    first = np.where(hidden.reshape(-1), -1, np.arange(count)) if own else _first_alike(longitudes, latitudes, hidden)
    return Curvilinear(
        longitudes=longitudes, latitudes=latitudes, corner_longitudes=corner_longitudes,
        corner_latitudes=corner_latitudes, first=first.astype(np.intp), broken=broken,
    )  # fmt: skip


def _all_rows(rows: Rows, blocks: Iterator[slice], height: int) -> tuple[Floats, Floats]:
    x: Floats | None = None
    y: Floats | None = None
    for which in blocks:
        some_x, some_y = rows(which)
        if x is None or y is None:
            x, y = np.empty((height, *some_x.shape[1:])), np.empty((height, *some_y.shape[1:]))
        x[which], y[which] = some_x, some_y
    return (np.empty((0, 0)), np.empty((0, 0))) if x is None or y is None else (x, y)


def _find_stray(x: Floats, y: Floats, corner_x: Floats, corner_y: Floats) -> Mask:
    """Find the cells of which a corner lies much farther away than their neighbours (some published grids have such)."""
    far, reach = np.empty(x.shape), np.empty(x.shape)
    height = max(_CELLS_AT_ONCE // max(x.shape[1], 1), 1)
    for begin in range(0, len(x), height):
        some = slice(begin, min(begin + height, len(x)))
        above = begin - max(begin - 1, 0)  # the rows beside are neighbours too
        vectors = unit_vectors(x[begin - above : some.stop + 1], y[begin - above : some.stop + 1])
        reach[some] = _reaches(vectors, widest=True)[above : above + some.stop - begin]
        own = vectors[above : above + some.stop - begin, :, np.newaxis]
        far[some] = np.linalg.norm(unit_vectors(corner_x[some], corner_y[some]) - own, axis=-1).max(axis=-1)
    usual = np.nanmedian(far)
    stray: Mask = (far > _STRAY * np.where(reach > 0, reach, usual)) & (far > _STRAY * usual)
    return stray


def _first_alike(longitudes: Floats, latitudes: Floats, hidden: Mask) -> Places:
    """
    Give for each cell the one that stands for all at the same place: ORCA grids repeat columns and, at the fold, rows.

    It is the first that does not lie at the rim: there models need not compute anything, and write nothing.
    """
    inner = np.zeros(hidden.shape, dtype=bool)
    inner[:-1, 1:-1] = True
    there = np.flatnonzero(~hidden.reshape(-1))
    there = there[np.argsort(~inner.reshape(-1)[there], kind="stable")]
    x = np.round(longitudes.reshape(-1)[there] % 360.0, _DECIMALS) % 360.0
    y = np.round(latitudes.reshape(-1)[there], _DECIMALS)
    _, earliest, inverse = np.unique(x + 1j * y, return_index=True, return_inverse=True)
    first = np.full(longitudes.size, -1)
    first[there] = there[earliest[inverse.reshape(-1)]]
    return first.astype(np.intp)


def _made_corners(vectors: Floats) -> tuple[Floats, Floats]:
    """Make corners: the mean of the four centres around, mirrored at the rim; longitudes and latitudes."""
    nodes = np.empty((vectors.shape[0] + 1, vectors.shape[1] + 1, 3))
    for at in range(3):
        padded = np.pad(vectors[..., at], 1, mode="reflect", reflect_type="odd")
        nodes[..., at] = (padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]) / 4
    x, y = (
        np.stack([each[:-1, :-1], each[:-1, 1:], each[1:, 1:], each[1:, :-1]], axis=2) for each in _degrees_of(nodes)
    )
    return x, y


def _degrees_of(vectors: Floats) -> tuple[Floats, Floats]:
    x, y, z = (vectors[..., at] for at in range(3))
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


# --- nearest --------------------------------------------------------------------------------------------------------


def nearest(source: Curvilinear, target: Rectilinear, *, max_distance_km: float | None = None) -> Picks:
    """
    Take the cell whose centre is nearest on the sphere; of equally near ones the first of the source.

    Parameters
    ----------
    source : Curvilinear
    target : Rectilinear
    max_distance_km : float, optional
        Farther cells are not taken. Default: farther than half the diagonal of the cell, or than its farthest corner where the
        grid has no rows and columns.
    """
    points = unit_vectors(*np.meshgrid(target.longitudes, target.latitudes)).reshape(-1, 3)
    places = nearest_to(source, points, max_distance_km=max_distance_km)
    return Picks(places=places.reshape(target.shape), source_shape=source.shape)


def nearest_to(source: Curvilinear, points: Floats, *, max_distance_km: float | None = None) -> Places:
    """
    Find the nearest cell of each point, as `nearest` does.

    Parameters
    ----------
    source : Curvilinear
    points : array of float, shape (points, 3)
        Vectors of length 1.
    max_distance_km : float, optional
        As of `nearest`.

    Returns
    -------
    array of int, shape (points,)
        Cells counted row by row; -1 where none is near enough.
    """
    fresh, vectors = source.fresh, source.vectors.reshape(-1, 3)
    reach = _reaches(source.vectors).reshape(-1) if source.shape[0] > 1 else _reaches_of_row(source)
    within = float(reach.max(initial=0.0)) if max_distance_km is None else chord(max_distance_km)
    places = first_of_nearest(fresh, vectors[fresh], points, within)
    if max_distance_km is None:
        apart = np.linalg.norm(vectors[np.maximum(places, 0)] - points, axis=1)
        places = np.where(apart <= reach[np.maximum(places, 0)], places, -1)
    return places


def _reaches(vectors: Floats, *, widest: bool = False) -> Floats:
    """Give how far the corners of each cell are from its centre, about: half the diagonal of its smaller steps, or wider ones."""
    square = np.zeros(vectors.shape[:2])
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(vectors, axis=axis), axis=-1)
        rim = np.full_like(np.take(vectors[..., 0], [0], axis=axis), np.inf)
        both = np.stack([np.concatenate([rim, steps], axis), np.concatenate([steps, rim], axis)])
        known = (both > 0) & np.isfinite(both)
        smaller, wider = np.where(known, both, np.inf).min(axis=0), np.where(known, both, 0.0).max(axis=0)
        square += np.where(known.any(axis=0), wider if widest else smaller, 0.0) ** 2
    return _REACH * np.sqrt(square) / 2


def _reaches_of_row(source: Curvilinear) -> Floats:
    """
    Give how far cells reach that have no neighbours by their place, as those of unstructured grids.

    To the farthest corner; where the file has none, about as far as the third neighbour, for no cell has fewer than three.
    """
    vectors = source.vectors[0]
    if source.corner_longitudes is not None and source.corner_latitudes is not None:
        corners = unit_vectors(source.corner_longitudes[0], source.corner_latitudes[0])
        farthest: Floats = np.nan_to_num(np.linalg.norm(corners - vectors[:, np.newaxis], axis=-1).max(axis=-1))
        return farthest
    reach = np.zeros(len(vectors))
    fresh = source.fresh
    if len(fresh) > _NEIGHBOURS:
        distance, _ = cKDTree(vectors[fresh]).query(vectors[fresh], k=[_NEIGHBOURS + 1])
        reach[fresh] = _REACH * distance[:, 0]
    return reach


# --- bilinear -------------------------------------------------------------------------------------------------------


def bilinear(source: Curvilinear, target: Rectilinear) -> Sparse:
    """
    Interpolate between the four centres around each point; nothing where no four are around it.

    Parameters
    ----------
    source : Curvilinear
        Its rows are joined at their ends, and its last row to itself, where the grid goes on there.
    target : Rectilinear
    """
    points = unit_vectors(*np.meshgrid(target.longitudes, target.latitudes)).reshape(-1, 3)
    owners, places, shares = corners_around(source, points)
    inside = np.zeros(len(points))
    inside[owners] = 1.0
    return Sparse.of(owners, places, shares, coverage=inside.reshape(target.shape), source_shape=source.shape)


def corners_around(source: Curvilinear, points: Floats) -> tuple[Places, Places, Floats]:
    """
    Find the four centres around each point, and what each counts for.

    Parameters
    ----------
    source : Curvilinear
    points : array of float, shape (points, 3)
        Vectors of length 1.

    Returns
    -------
    owners, places : array of int
        Points that four centres are around, each four times, and cells counted row by row.
    shares : array of float
        Those of a point sum to 1.
    """
    nodes, cells = _with_joints(source)
    usable = _usable(nodes)
    # What is repeated behind the last row lies where others are: it would only crowd out their neighbours.
    known = np.flatnonzero(np.isfinite(nodes[: source.shape[0], :, 0]).reshape(-1))
    return join_shares(list(_found(points, nodes, cells, usable, known)))


def _with_joints(source: Curvilinear) -> tuple[Floats, Places]:
    """Give the centres with those repeated behind the last column and row that the grid goes on with, and their cells."""
    nodes, cells = source.vectors, source.first.reshape(source.shape)
    if nodes.shape[0] > 2:
        # Tripolar grids are folded along their last row, between its cells or at one of them.
        for turn in (0, 1):
            folded = [np.roll(each[-1, ::-1], turn, axis=0)[np.newaxis] for each in (nodes, cells)]
            if _goes_on(nodes[-1], folded[0][0], nodes[-2]):
                nodes, cells = (np.concatenate([each, more]) for each, more in zip((nodes, cells), folded, strict=True))
                break
    if nodes.shape[1] > 2 and _goes_on(nodes[:, -1], nodes[:, 0], nodes[:, -2]):
        nodes, cells = (np.concatenate([each, each[:, :1]], axis=1) for each in (nodes, cells))
    return nodes, cells


def _goes_on(last: Floats, following: Floats, before: Floats) -> bool:
    """Tell whether points follow on others as near as these on those before them."""
    step, usual = (np.linalg.norm(each - last, axis=-1) for each in (following, before))
    known = np.isfinite(step) & np.isfinite(usual) & (usual > 0)
    return bool(known.any() and 0 < np.median(step[known]) <= _ALIKE * np.median(usual[known]))


def _usable(nodes: Floats) -> Mask:
    """Tell which four neighbours make a cell: all there, and none much farther apart than is usual."""
    right, down = (np.linalg.norm(np.diff(nodes, axis=axis), axis=-1) for axis in (1, 0))
    found: Mask = np.isfinite(nodes[:-1, :-1, 0])
    for steps, pairs in ((right, (right[:-1], right[1:])), (down, (down[:, :-1], down[:, 1:]))):
        usual = np.nanmedian(steps[steps > 0]) if (steps > 0).any() else 0.0
        for each in pairs:
            found = found & (each <= _JUMP * usual)
    return found


def _found(
    points: Floats, nodes: Floats, cells: Places, usable: Mask, known: Places
) -> Iterator[tuple[Places, Places, Floats]]:
    """Look for the four centres around each point, beside the nearest centre, then beside the next ones."""
    if not known.size or not usable.any():
        return
    tree = cKDTree(nodes.reshape(-1, 3)[known])
    waiting = np.arange(len(points))
    longest = max(
        np.nanmax(np.linalg.norm(np.diff(nodes, axis=axis), axis=-1)[_of_usable(usable, axis)]) for axis in (0, 1)
    )
    for rank in range(1, min(_NEAR, len(known)) + 1):
        distance, found = tree.query(points[waiting], k=[rank], distance_upper_bound=2.0 * longest)
        near = np.isfinite(distance[:, 0])
        waiting, found = waiting[near], known[found[near, 0]]
        row, column = np.divmod(found, nodes.shape[1])
        for down, right in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            r, c = row + down, column + right
            fits = (r >= 0) & (c >= 0) & (r < usable.shape[0]) & (c < usable.shape[1])
            fits[fits] = usable[r[fits], c[fits]]
            corners = [(r[fits], c[fits]), (r[fits], c[fits] + 1), (r[fits] + 1, c[fits] + 1), (r[fits] + 1, c[fits])]
            shares, inside = _solve(points[waiting[fits]], [nodes[each] for each in corners])
            owners = waiting[fits][inside]
            for each, share in zip(corners, shares, strict=True):
                yield owners, cells[each][inside], share[inside]
            done = np.zeros(len(waiting), dtype=bool)
            done[np.flatnonzero(fits)[inside]] = True
            waiting, row, column = waiting[~done], row[~done], column[~done]
        if not waiting.size:
            return


def _of_usable(usable: Mask, axis: int) -> tuple[Mask, ...]:
    """Mark the steps that are edges of usable cells."""
    padded = np.pad(usable, ((0, 1), (0, 0)) if axis == 1 else ((0, 0), (0, 1)))
    shifted = np.roll(padded, 1, axis=0 if axis == 1 else 1)
    return (padded | shifted,)


def _solve(points: Floats, corners: list[Floats]) -> tuple[list[Floats], Mask]:
    """
    Find where points lie between four corners.

    The vector (1-a)(1-b) P0 + a(1-b) P1 + ab P2 + (1-a)b P3 must be along the point: its two components across vanish
    (Newton's method).
    """
    across = _across(points)
    p0, p1, p2, p3 = (np.einsum("nd,nkd->nk", corner, across) for corner in corners)
    along_a, along_b, twist = p1 - p0, p3 - p0, p0 - p1 + p2 - p3
    a = np.full(len(points), 0.5)
    b = a.copy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_STEPS):
            off = p0 + a[:, None] * along_a + b[:, None] * along_b + (a * b)[:, None] * twist
            by_a, by_b = along_a + b[:, None] * twist, along_b + a[:, None] * twist
            size = by_a[:, 0] * by_b[:, 1] - by_a[:, 1] * by_b[:, 0]
            a = a - (off[:, 0] * by_b[:, 1] - off[:, 1] * by_b[:, 0]) / size
            b = b - (off[:, 1] * by_a[:, 0] - off[:, 0] * by_a[:, 1]) / size
        off = p0 + a[:, None] * along_a + b[:, None] * along_b + (a * b)[:, None] * twist
        ahead = np.einsum("nd,nd->n", corners[0] + corners[2], points) > 0
        inside: Mask = ahead & (np.abs(off).max(axis=1, initial=0.0) < _NEARLY)
        for each in (a, b):
            inside &= (each >= -_INSIDE) & (each <= 1.0 + _INSIDE)
    a, b = (np.clip(np.where(inside, each, 0.0), 0.0, 1.0) for each in (a, b))
    a, b = (np.where(each < _NEARLY, 0.0, np.where(each > 1 - _NEARLY, 1.0, each)) for each in (a, b))
    return [(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b], inside


def _across(points: Floats) -> Floats:
    """Give for each vector two of length 1 that stand on it and on each other, shape (n, 2, 3)."""
    helper = np.where(np.abs(points[:, 2:3]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    one = np.cross(points, helper)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    return np.stack([one, np.cross(points, one)], axis=1)


# --- conservative ---------------------------------------------------------------------------------------------------


def conservative(source: Curvilinear, target: Rectilinear) -> Sparse:
    """
    Weigh by the area that cells share, to first order.

    Parameters
    ----------
    source : Curvilinear
        Cells of no area, or without corners, are left out.
    target : Rectilinear

    Raises
    ------
    DatasetUnsuitable
        The source has no corners.
    """
    if source.corner_longitudes is None or source.corner_latitudes is None:
        raise DatasetUnsuitable(
            Text(
                en="Nothing can be regridded conservatively: the file has no corners (bounds) of its longitudes and "
                "latitudes, and on this grid they do not follow from the centres; take another method.",
                fr="Aucune interpolation conservative n'est possible : le fichier n'a pas les coins (bornes) de ses "
                "longitudes et latitudes, et sur cette grille ils ne découlent pas des centres ; prenez une autre méthode.",
            )
        )
    corners = source.corner_longitudes.shape[-1]
    corner_x, corner_y = source.corner_longitudes.reshape(-1, corners), source.corner_latitudes.reshape(-1, corners)
    rows = np.sin(np.radians(target.latitude_edges))
    begin = target.longitude_edges[:, :1] % 360.0
    columns = np.concatenate([begin, begin + target.longitude_edges[:, 1:] - target.longitude_edges[:, :1]], axis=1)
    parts = []
    fresh = source.fresh
    curved_deg = _CURVED_DEG if source.shape[0] > 1 else _CURVED_OF_MESH_DEG
    for at in range(0, len(fresh), _CELLS_AT_ONCE):
        some = fresh[at : at + _CELLS_AT_ONCE]
        x, y = corner_x[some], corner_y[some]
        there = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
        cells = some[there]
        parts += [
            _areas(cells[which], ring_x, ring_y, rows, columns)
            for which, ring_x, ring_y in _rings(x[there], np.clip(y[there], -90.0, 90.0), curved_deg)
            if len(which)
        ]
    owners, places, areas = join_shares(parts)
    del parts
    whole = np.multiply.outer(rows[:, 1] - rows[:, 0], columns[:, 1] - columns[:, 0])
    shared = np.bincount(owners, weights=areas, minlength=whole.size).reshape(whole.shape)
    coverage = np.minimum(shared / np.where(whole > 0, whole, 1.0), 1.0)
    return Sparse.of(owners, places, areas, coverage=coverage, source_shape=source.shape)


def _rings(x: Floats, y: Floats, curved_deg: float) -> Iterator[tuple[Places, Floats, Floats]]:
    """
    Give cells as closed rings on the plane of longitude and sin(latitude), those with straight edges first.

    Edges of more degrees of longitude than `curved_deg` follow the great circle.

    Yields
    ------
    tuple
        Which cells, longitudes in degrees and sines of the latitudes, shape (cells, points); the last point is the first.
    """
    # A corner at a pole has every longitude: that of the corner before it, then that of the one behind.
    at_pole = np.abs(y) > 90.0 - 1e-7
    if at_pole.any():
        before, behind = np.roll(x, 1, axis=1), np.roll(x, -1, axis=1)
        both = np.stack([np.where(at_pole, before, x), np.where(at_pole, behind, x)], axis=2)
        x, y = both.reshape(len(x), 2 * x.shape[1]), np.repeat(y, 2, axis=1)
    closed_x = np.concatenate([x, x[:, :1]], axis=1)
    closed_y = np.concatenate([y, y[:, :1]], axis=1)
    steps = (np.diff(closed_x, axis=1) + 180.0) % 360.0 - 180.0
    unrolled = np.concatenate([closed_x[:, :1], closed_x[:, :1] + np.cumsum(steps, axis=1)], axis=1)
    turns = np.round(steps.sum(axis=1) / 360.0)
    straight = (np.abs(steps).max(axis=1) <= curved_deg) & (turns == 0)
    yield np.flatnonzero(straight), unrolled[straight], np.sin(np.radians(closed_y[straight]))
    curved = np.flatnonzero(~straight)
    long_x, long_s = _curved(unrolled[curved], closed_y[curved], steps[curved], curved_deg)
    around = turns[curved] != 0
    yield curved[~around], long_x[~around], long_s[~around]
    # A cell that holds a pole goes along it from its last longitude back to its first.
    pole = np.sign(long_s[around].mean(axis=1))[:, np.newaxis] * np.ones(3)
    ends = np.stack([long_x[around, -1], long_x[around, 0], long_x[around, 0]], axis=1)
    pole[:, 2] = long_s[around, 0]
    yield curved[around], np.concatenate([long_x[around], ends], axis=1), np.concatenate([long_s[around], pole], axis=1)


def _curved(x: Floats, y: Floats, steps: Floats, curved_deg: float) -> tuple[Floats, Floats]:
    """Cut edges into pieces: wide ones along the great circle, which is not straight on the plane, others as they are."""
    share = np.arange(_PIECES) / _PIECES
    vectors = unit_vectors(x, y)
    start, end = vectors[:, :-1, np.newaxis], vectors[:, 1:, np.newaxis]
    angle = 2 * np.arcsin(np.clip(np.linalg.norm(end - start, axis=-1) / 2, 0.0, 1.0))
    size = np.sin(np.where(angle > 0, angle, 1.0))
    along = (np.sin((1 - share) * angle) / size)[..., np.newaxis] * start + (np.sin(share * angle) / size)[
        ..., np.newaxis
    ] * end
    longitude, latitude = _degrees_of(along)
    base = x[:, :-1, np.newaxis]
    turned = base + (longitude - base + 180.0) % 360.0 - 180.0
    s = np.sin(np.radians(y))
    plain_x = base + share * steps[..., np.newaxis]
    plain_s = s[:, :-1, np.newaxis] + share * np.diff(s, axis=1)[..., np.newaxis]
    # Along a pole, and along a meridian, the plane has it right.
    poles = (np.abs(y[:, :-1]) > 90.0 - 1e-7) | (np.abs(y[:, 1:]) > 90.0 - 1e-7)
    wide = ((np.abs(steps) > curved_deg) & ~poles)[..., np.newaxis]
    long_x = np.where(wide, turned, plain_x).reshape(len(x), _PIECES * steps.shape[1])
    long_s = np.where(wide, np.sin(np.radians(latitude)), plain_s).reshape(long_x.shape)
    return np.concatenate([long_x, x[:, -1:]], axis=1), np.concatenate([long_s, s[:, -1:]], axis=1)


def _areas(cells: Places, x: Floats, s: Floats, rows: Floats, columns: Floats) -> tuple[Places, Places, Floats]:
    """Find the target cells that rings share an area with, and how much: owners, places, degrees times sines."""
    turned = x - 360.0 * np.floor(x.min(axis=1, keepdims=True) / 360.0)
    laps = np.concatenate([columns - 360.0, columns, columns + 360.0])
    by_row, row, _ = overlaps(rows, np.stack([s.min(axis=1), s.max(axis=1)], axis=1))
    by_column, column, _ = overlaps(laps, np.stack([turned.min(axis=1), turned.max(axis=1)], axis=1))
    starts = np.searchsorted(by_column, np.arange(len(cells) + 1))
    counts = np.diff(starts)[by_row]
    parts = []
    ends = np.cumsum(counts)
    if not counts.any():  # cells may be at the height of the target, and all beside it
        return join_shares([])
    # Rings of great circles have many points: of these fewer are held at once.
    at_once = max(_PAIRS * _FEW_POINTS // max(x.shape[1], _FEW_POINTS), 1)
    cuts = np.searchsorted(ends, np.arange(0, int(ends[-1]), at_once))
    for begin, stop in zip(cuts, [*cuts[1:], len(by_row)], strict=True):
        some = counts[begin:stop]
        ring = np.repeat(by_row[begin:stop], some)
        within = np.arange(len(ring)) - np.repeat(np.cumsum(some) - some, some)
        at_row = np.repeat(row[begin:stop], some)
        at_column = column[starts[ring] + within]
        areas = _area_within(turned[ring], s[ring], laps[at_column], rows[at_row])
        met = areas > 0
        owners = at_row[met] * len(columns) + at_column[met] % len(columns)
        parts.append((owners.astype(np.intp), cells[ring[met]], areas[met]))
    return join_shares(parts)


def _area_within(x: Floats, y: Floats, columns: Floats, rows: Floats) -> Floats:
    """Give the area of each ring within one rectangle, by Green's theorem."""
    x1, x2, y1, y2 = x[:, :-1], x[:, 1:], y[:, :-1], y[:, 1:]
    low, high = rows[:, :1], rows[:, 1:]
    from_y, to_y = np.clip(y1, low, high), np.clip(y2, low, high)
    rise = y2 - y1
    slope = np.where(rise != 0, (x2 - x1) / np.where(rise != 0, rise, 1.0), 0.0)
    west, width = columns[:, :1], columns[:, 1:] - columns[:, :1]
    from_x, to_x = x1 + slope * (from_y - y1) - west, x1 + slope * (to_y - y1) - west
    mean = _mean_clipped(from_x, to_x, width)
    area = np.abs((mean * (to_y - from_y)).sum(axis=1))
    found: Floats = np.where(area > 1e-15 * np.abs(width[:, 0] * (high - low)[:, 0]), area, 0.0)
    return found


def _mean_clipped(start: Floats, end: Floats, width: Floats) -> Floats:
    """Give the mean of a number that goes evenly from start to end, clipped to between 0 and width."""

    def integral(to: Floats) -> Floats:
        inner = np.clip(to, 0.0, width)
        return inner * inner / 2 + width * np.maximum(to - width, 0.0)

    apart = end - start
    crossing = np.abs(apart) > _NEARLY
    by_integral = (integral(end) - integral(start)) / np.where(crossing, apart, 1.0)
    plain = (np.clip(start, 0.0, width) + np.clip(end, 0.0, width)) / 2
    both_in = (np.minimum(start, end) >= 0) & (np.maximum(start, end) <= width)
    both_out = (np.maximum(start, end) <= 0) | (np.minimum(start, end) >= width)
    mean: Floats = np.where(crossing & ~both_in & ~both_out, by_integral, plain)
    return mean
