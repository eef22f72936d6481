"""
Polygons as zones: mended where they are not valid, and brought into the plane of a grid.

Never is the grid moved: edges of polygons are cut into pieces no longer than a cell and go into the plane of the cells.
Longitudes are read as they are given (RFC 7946 asks for two parts at the antimeridian; 170 to 190, and 0 to 360, mean the
same): an edge from 170 to -170 goes the long way.
"""

from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.shared.coverage import Coverage, Floats
from gaia_processes.shared.planes import LONGITUDE_LATITUDE, Plane, Quadrilaterals
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Geometries = NDArray[Any]

_DEGREE_M = 111_320.0
_WIDE_DEG = 180.0
_TURN_DEG = 360.0
_MARGIN = 0.02
_BATCH_POINTS = 2**18
_NAMED = 10
_POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_LEAST_COSINE = 0.05


def read_zones(frame: gpd.GeoDataFrame, *, zone_id: str | None, warn: Warn) -> Geometries:
    """
    Give the polygons of zones, valid and flat.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        A row a zone.
    zone_id : str, optional
        The column that names them.
    warn : callable
        Is told which features were mended, or have no geometry.

    Returns
    -------
    array of shapely geometries
        None where a feature has no geometry at all (RFC 7946 3.2: it is not located).

    Raises
    ------
    InvalidInputs
        A geometry is empty or no polygon; the text names each such feature.
    """
    geometries: Geometries = shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))
    names = _names(frame, zone_id)
    kinds = shapely.get_type_id(geometries)
    mixed = kinds == shapely.GeometryType.GEOMETRYCOLLECTION
    geometries[mixed] = [_polygons_of(each) for each in geometries[mixed]]
    _tell(names, mixed & (shapely.get_type_id(geometries) != shapely.GeometryType.GEOMETRYCOLLECTION), warn, _part_used)
    _refuse(geometries, names)
    invalid = ~shapely.is_valid(geometries) & (kinds >= 0)
    if invalid.any():
        geometries[invalid] = [
            _polygons_of(each)
            for each in shapely.make_valid(geometries[invalid], method="structure", keep_collapsed=False)
        ]
        _tell(names, invalid, warn, _mended)
    _tell(names, kinds < 0, warn, _unlocated)
    wide = _is_wide(geometries) & (frame.crs is None or frame.crs.is_geographic)
    _tell(names, wide, warn, _long_way)
    return geometries


def _names(frame: gpd.GeoDataFrame, zone_id: str | None) -> list[str]:
    """Name features as people know them: by the column of their names, and by where they stand."""
    if zone_id is None:
        return [str(at) for at in range(len(frame))]
    return [f"{at} ({name})" for at, name in enumerate(frame[zone_id])]


def _polygons_of(geometry: Any) -> Any:
    """Give what of a geometry is polygons; itself where nothing is."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    flat = [each for each in parts if each.geom_type == "Polygon" and not each.is_empty]
    return shapely.MultiPolygon(flat) if flat else geometry


def _refuse(geometries: Geometries, names: Sequence[str]) -> None:
    kinds = shapely.get_type_id(geometries)
    empty = (kinds >= 0) & shapely.is_empty(geometries)
    other = (kinds >= 0) & ~np.isin(kinds, _POLYGONAL)
    bounds = shapely.bounds(geometries)
    endless = (kinds >= 0) & ~empty & ~np.isfinite(bounds).all(axis=1)
    faults = [
        Fault(
            input="zones",
            pointer=f"/inputs/zones/features/{at}/geometry",
            problem=_wrong(names[int(at)], geometries[at]),
        )
        for at in np.flatnonzero(empty | other | endless)
    ]
    if faults:
        raise InvalidInputs(faults)


def _wrong(name: str, geometry: Any) -> Text:
    if geometry.is_empty:
        return Text(
            en=f"The geometry of feature {name} is empty; a zone needs a polygon.",
            fr=f"La géométrie de l'objet {name} est vide ; une zone doit avoir un polygone.",
        )
    if geometry.geom_type in {"Polygon", "MultiPolygon"}:
        return Text(
            en=f"The geometry of feature {name} has coordinates that are not finite.",
            fr=f"La géométrie de l'objet {name} a des coordonnées qui ne sont pas finies.",
        )
    return Text(
        en=f"The geometry of feature {name} is a {geometry.geom_type}; a zone needs a Polygon or MultiPolygon.",
        fr=f"La géométrie de l'objet {name} est de type {geometry.geom_type} ; une zone doit être un Polygon ou MultiPolygon.",
    )


def _is_wide(geometries: Geometries) -> NDArray[np.bool_]:
    """Tell which have an edge of more than half a turn, that does not go round along a pole or a whole circle."""
    parts, zone_of = shapely.get_parts(geometries, return_index=True)
    flat = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of = shapely.get_rings(parts[flat], return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    steps = np.abs(np.diff(points[:, 0]))
    wide = (ring_of[1:] == ring_of[:-1]) & (steps > _WIDE_DEG) & (steps < _TURN_DEG - 1e-6)
    found = np.zeros(len(geometries), dtype=bool)
    found[zone_of[flat][part_of[ring_of[1:][wide]]]] = True
    return found


def _tell(names: Sequence[str], which: NDArray[np.bool_], warn: Warn, say: Callable[[str], Text]) -> None:
    places = np.flatnonzero(which)
    if len(places):
        listed = ", ".join(names[int(at)] for at in places[:_NAMED])
        warn(say(listed + (f", … ({len(places)})" if len(places) > _NAMED else "")))


def _mended(listed: str) -> Text:
    return Text(
        en=f"The rings of these features cross or touch themselves and were mended: {listed}.",
        fr=f"Les anneaux de ces objets se croisent ou se touchent et ont été réparés : {listed}.",
    )


def _part_used(listed: str) -> Text:
    return Text(
        en=f"Of these features, which are geometry collections, only the polygons are used: {listed}.",
        fr=f"De ces objets, qui sont des collections de géométries, seuls les polygones sont utilisés : {listed}.",
    )


def _unlocated(listed: str) -> Text:
    return Text(
        en=f"These features have no geometry, so their statistics are missing: {listed}.",
        fr=f"Ces objets n'ont pas de géométrie, leurs statistiques sont donc manquantes : {listed}.",
    )


def _long_way(listed: str) -> Text:
    return Text(
        en=f"An edge of these features spans more than 180 degrees of longitude and is read as it stands; a zone across the "
        f"antimeridian needs two parts, or longitudes beyond 180: {listed}.",
        fr=f"Une arête de ces objets s'étend sur plus de 180 degrés de longitude et est lue telle quelle ; une zone à cheval "
        f"sur l'antiméridien doit avoir deux parties, ou des longitudes au-delà de 180 : {listed}.",
    )


# --- into the plane of a grid ---------------------------------------------------------------------------------------


def cover_zones(geometries: Geometries, crs: Any, plane: Plane | Quadrilaterals) -> Coverage:
    """
    Find the cells of a grid that zones cover.

    Parameters
    ----------
    geometries : array of shapely geometries
        As `read_zones` gives them.
    crs : pyproj.CRS or None
        Of their coordinates; longitude and latitude where it is not told.
    plane : Plane or Quadrilaterals
        The grid.
    """
    own = LONGITUDE_LATITUDE if crs is None else CRS.from_user_input(crs)
    heaps = np.cumsum(shapely.get_num_coordinates(geometries))
    cuts = np.searchsorted(heaps, np.arange(_BATCH_POINTS, heaps[-1] if len(heaps) else 0, _BATCH_POINTS))
    batches = [each for each in np.split(geometries, np.unique(cuts)) if len(each)]
    return Coverage.join([plane.cover(_into(each, own, plane)) for each in batches], plane.shape)


def _into(geometries: Geometries, crs: CRS, plane: Plane | Quadrilaterals) -> Geometries:
    """Bring polygons into the plane."""
    if _is_same(crs, plane.crs):
        return geometries
    ahead = Transformer.from_crs(crs, plane.crs, always_xy=True)
    if crs.is_geographic and plane.crs.is_geographic and not _is_rotated(plane.crs):
        shifted: Geometries = shapely.transform(geometries, lambda points: _shifted(points, ahead))
        return shifted
    step = _longest_edge(crs, plane)
    near = shapely.segmentize(_clip(geometries, crs, plane), step)
    moved: Geometries = shapely.transform(near, lambda points: _moved(points, ahead))
    finite = np.isfinite(shapely.bounds(moved)).all(axis=1) | (shapely.get_num_coordinates(moved) == 0)
    moved[~finite] = [_without_endless(each) for each in moved[~finite]]
    if plane.period is None:
        return moved
    return np.array([_unrolled(each) for each in moved], dtype=object)


def _is_rotated(crs: CRS) -> bool:
    return crs.is_derived or "ob_tran" in crs.to_wkt()


def _is_same(crs: CRS, other: CRS) -> bool:
    """Tell whether two systems are the same, but for the order of their axes."""
    return crs.equals(other, ignore_axis_order=True) or (
        crs.is_geographic and other.is_geographic and {crs.to_epsg(), other.to_epsg()} <= {4326, None}
        and "WGS 84" in crs.name and "WGS 84" in other.name
    )  # fmt: skip


def _moved(points: Floats, ahead: Transformer) -> Floats:
    x, y = ahead.transform(points[:, 0], points[:, 1], errcheck=False)
    return np.stack([x, y], axis=-1)


def _shifted(points: Floats, ahead: Transformer) -> Floats:
    """Move points from one datum to another; longitudes stay in their frame."""
    x, y = ahead.transform(points[:, 0], points[:, 1], errcheck=False)
    return np.stack([x + _TURN_DEG * np.round((points[:, 0] - x) / _TURN_DEG), y], axis=-1)


def _longest_edge(crs: CRS, plane: Plane | Quadrilaterals) -> float:
    """Say how long the pieces of an edge may be, in the unit of the polygons: no longer than a cell."""
    step = min(plane.steps)
    if crs.is_geographic and plane.period is None:
        return step * _unit_m(plane.crs) / _DEGREE_M
    if not crs.is_geographic and plane.period is not None:
        return step * _DEGREE_M * _LEAST_COSINE / _unit_m(crs)
    return step if crs.is_geographic else step * _unit_m(plane.crs) / _unit_m(crs)


def _unit_m(crs: CRS) -> float:
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info and not crs.is_geographic else 1.0


def _clip(geometries: Geometries, crs: CRS, plane: Plane | Quadrilaterals) -> Geometries:
    """Leave out what lies far from the grid: a projection need not know it."""
    back = Transformer.from_crs(plane.crs, crs, always_xy=True)
    x0, y0, x1, y1 = plane.bounds
    pad_x, pad_y = _MARGIN * (x1 - x0) + plane.steps[0], _MARGIN * (y1 - y0) + plane.steps[1]
    if plane.period is not None:
        y0, y1 = max(y0 - pad_y, -90.0) + pad_y, min(y1 + pad_y, 90.0) - pad_y
    west, south, east, north = back.transform_bounds(
        x0 - pad_x, y0 - pad_y, x1 + pad_x, y1 + pad_y, densify_pts=101, errcheck=False
    )
    if not np.isfinite([west, south, east, north]).all():
        return geometries
    if not crs.is_geographic:
        return _cut_to(geometries, [(west, south, east, north)])
    width = (east - west) % _TURN_DEG
    if width > _TURN_DEG - 10.0 or east - west >= _TURN_DEG - 10.0:
        return _cut_to(geometries, [(-2 * _TURN_DEG, south, 2 * _TURN_DEG, north)])
    return _cut_to(
        geometries, [(west + turn, south, west + turn + width, north) for turn in (-_TURN_DEG, 0.0, _TURN_DEG)]
    )


def _cut_to(geometries: Geometries, boxes: Sequence[tuple[float, float, float, float]]) -> Geometries:
    bounds = shapely.bounds(geometries)
    made = np.full(len(geometries), shapely.MultiPolygon(), dtype=object)
    for box in boxes:
        met = (bounds[:, 0] < box[2]) & (bounds[:, 2] > box[0]) & (bounds[:, 1] < box[3]) & (bounds[:, 3] > box[1])
        whole = (
            met
            & (bounds[:, 0] >= box[0])
            & (bounds[:, 2] <= box[2])
            & (bounds[:, 1] >= box[1])
            & (bounds[:, 3] <= box[3])
        )
        made[whole] = geometries[whole]
        for at in np.flatnonzero(met & ~whole):
            part = _polygons_of(shapely.intersection(geometries[at], shapely.box(*box)))
            made[at] = shapely.MultiPolygon([*_flat(made[at]), *_flat(part)])
    return made


def _flat(geometry: Any) -> list[Any]:
    return [each for each in shapely.get_parts(geometry) if each.geom_type == "Polygon" and not each.is_empty]


def _without_endless(geometry: Any) -> Any:
    """Leave out the points that the plane does not have."""
    parts = []
    for each in _flat(geometry):
        rings = [_finite(ring) for ring in (each.exterior, *each.interiors)]
        if rings[0] is not None:
            parts.append(shapely.Polygon(rings[0], [ring for ring in rings[1:] if ring is not None]))
    return shapely.MultiPolygon(parts)


def _finite(ring: Any) -> Floats | None:
    points = shapely.get_coordinates(ring)
    points = points[np.isfinite(points).all(axis=1)]
    return points if len(points) > 3 else None


def _unrolled(geometry: Any) -> Any:
    """Let rings go on beyond the seam of longitudes, and close those that go round a pole along it."""
    points = shapely.get_coordinates(geometry)
    if not len(points) or np.abs(np.diff(points[:, 0])).max(initial=0.0) <= _WIDE_DEG:
        return geometry
    return shapely.MultiPolygon([
        shapely.Polygon(_unroll(each.exterior), [_unroll(hole) for hole in each.interiors]) for each in _flat(geometry)
    ])  # fmt: skip


def _unroll(ring: Any) -> Floats:
    points = shapely.get_coordinates(ring)
    steps = (np.diff(points[:, 0]) + _WIDE_DEG) % _TURN_DEG - _WIDE_DEG
    x = points[0, 0] + np.concatenate([[0.0], np.cumsum(steps)])
    made = np.stack([x, points[:, 1]], axis=-1)
    if abs(x[-1] - x[0]) < _WIDE_DEG:
        made[-1] = made[0]
        return made
    pole = np.copysign(90.0, points[:, 1].mean())
    return np.concatenate([made, [[x[-1], pole], [x[0], pole], made[0]]])
