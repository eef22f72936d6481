"""
GeoJSON in a request: judged by RFC 7946 before anything is queued, and again where a file of it is read.

What is kept is what counts: `id`, `geometry` and `properties` of each feature, and a `crs` of the GeoJSON of 2008 where there is one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyproj import CRS
from pyproj.exceptions import ProjError

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show
from gaia_processes.inputs.bbox import CRS84_NAMES, EPSG_NAME

POLYGONS = ("Polygon", "MultiPolygon", "GeometryCollection")
POINTS = ("Point",)
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many arrays lie around the positions of a geometry."""
_RINGS = ("Polygon", "MultiPolygon")
_LEAST_IN_RING = 4
_MOST_FAULTS = 20
"""So many are told of one collection; a thousand would help nobody."""
_NAMES = ("name", "nom", "NAME", "NOM", "title", "code", "id")
"""Properties by which people know a feature."""
WESTERNMOST_DEG, EASTERNMOST_DEG = -360.0, 360.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """
    Features that are right.

    Attributes
    ----------
    features : tuple of dict
        `type`, `id` where there is one, `geometry` (or None) and `properties`, in their order.
    epsg : int or None
        The authority's code of the reference system of a `crs` member; None is CRS84.
    """

    features: tuple[dict[str, Any], ...]
    epsg: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the properties, as they first come."""
        return tuple(dict.fromkeys(name for feature in self.features for name in feature["properties"]))

    def as_document(self) -> dict[str, Any]:
        """Write it as GeoJSON."""
        system = {} if self.epsg is None else {"crs": {"type": "name", "properties": {"name": f"EPSG:{self.epsg}"}}}
        return {"type": "FeatureCollection", **system, "features": list(self.features)}


def read_collection(value: object, *, types: Sequence[str], most_vertices: int) -> Collection:
    """
    Read a FeatureCollection, a Feature or a bare geometry.

    Parameters
    ----------
    value : object
        What JSON gave.
    types : sequence of str
        Geometries that are taken. A geometry that is null, or has no positions, is taken always: its row stays.
    most_vertices : int
        So many positions are taken.

    Raises
    ------
    BadValue
        With all that is wrong; pointers start at the value, and each feature is named by its place and its name.
    """
    features, prefix = _features(value)
    epsg = read_crs(value)
    reader = _Reader(types=types, most_vertices=most_vertices, is_geographic=epsg is None)
    if not features:
        raise BadValue.of(
            "The FeatureCollection has no features; at least one is needed.",
            "La FeatureCollection n'a aucun objet (feature) ; il en faut au moins un.",
            given=value,
            at="/features",
        )
    read = tuple(
        reader.read(feature, f"{prefix}/{place}" if prefix else "", place) for place, feature in enumerate(features)
    )
    if reader.faults:
        raise BadValue(reader.faults[:_MOST_FAULTS])
    return Collection(features=read, epsg=epsg)


def _features(value: object) -> tuple[Sequence[Any], str]:
    """Give the features, and where they stand."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str):
        raise BadValue.of(
            f"{show(value)} is not GeoJSON; right is a FeatureCollection.",
            f"{show(value)} n'est pas du GeoJSON ; il faut une FeatureCollection.",
            given=value,
        )
    if kind == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list | tuple):
            raise BadValue.of(
                f"The features of a FeatureCollection are an array; {show(features)} was given.",
                f"Les objets (features) d'une FeatureCollection sont un tableau ; {show(features)} est donné.",
                given=features,
                at="/features",
            )
        return features, "/features"
    if kind == "Feature":
        return (value,), ""
    if kind in _DEPTH or kind == "GeometryCollection":
        return ({"type": "Feature", "geometry": value, "properties": {}},), ""
    raise BadValue.of(
        f"{show(kind)} is no type of GeoJSON; right is FeatureCollection.",
        f"{show(kind)} n'est pas un type du GeoJSON ; il faut FeatureCollection.",
        given=kind,
        at="/type",
    )


def read_crs(value: object) -> int | None:
    """Read the `crs` member of the GeoJSON of 2008, which RFC 7946 has no more; None is CRS84."""
    member = value.get("crs") if isinstance(value, Mapping) else None
    if member is None:
        return None
    properties = member.get("properties") if isinstance(member, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if isinstance(name, str) and name.strip().lower() in CRS84_NAMES:
        return None
    match = EPSG_NAME.fullmatch(name.strip()) if isinstance(name, str) else None
    try:
        if match is not None:
            CRS.from_epsg(int(match["code"]))
            # GeoJSON writes longitude first, whatever the authority says of 4326.
            return None if int(match["code"]) == 4326 else int(match["code"])
    except ProjError:
        pass  # said below, as of any other name that is not known
    raise BadValue.of(
        f"The reference system {show(name if name is not None else member)} of the crs member is not known; "
        "right are CRS84 (leave it out) and EPSG:<code>.",
        f"Le système de référence {show(name if name is not None else member)} du membre crs n'est pas connu ; "
        "il faut CRS84 (sans membre crs) ou EPSG:<code>.",
        given=name if name is not None else member,
        at="/crs",
    )


class _Reader:
    """Reads features one after the other, and keeps what is wrong with them."""

    def __init__(self, *, types: Sequence[str], most_vertices: int, is_geographic: bool) -> None:
        self._types = types
        self._left = self._most_vertices = most_vertices
        self._is_geographic = is_geographic
        self.faults: list[Fault] = []
        self._name = ""

    def read(self, feature: object, at: str, place: int) -> dict[str, Any]:
        """Read one feature; what is wrong is kept."""
        if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
            self._name = f"Feature {place}"
            self._refuse(
                at,
                "is not an object with the type Feature",
                "n'est pas un objet de type Feature",
                given=feature,
            )
            return {}
        properties = feature.get("properties")
        self._name = _name_of(feature, properties, place)
        if properties is not None and not isinstance(properties, Mapping):
            self._refuse(
                f"{at}/properties", "has properties that are no object", "a des propriétés qui ne sont pas un objet",
                given=properties,
            )  # fmt: skip
            properties = None
        geometry = feature.get("geometry")
        if geometry is not None:
            self._judge(geometry, f"{at}/geometry", self._types)
        own = {"id": feature["id"]} if isinstance(feature.get("id"), str | int) else {}
        return {"type": "Feature", **own, "geometry": geometry, "properties": dict(properties or {})}

    def _refuse(self, at: str, en: str, fr: str, *, given: object) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(make_fault(f"{self._name} {en}.", f"{self._name} {fr}.", given=given, at=at))

    def _judge(self, geometry: object, at: str, types: Sequence[str]) -> None:
        kind = geometry.get("type") if isinstance(geometry, Mapping) else None
        if not isinstance(geometry, Mapping) or not isinstance(kind, str) or kind not in types:
            right = ", ".join(types)
            self._refuse(
                f"{at}/type",
                f"has the geometry {show(kind)}; right is {right}",
                f"a la géométrie {show(kind)} ; il faut {right}",
                given=kind,
            )
            return
        if kind == "GeometryCollection":
            self._judge_members(geometry.get("geometries"), at)
            return
        for ring, where in self._lines(geometry.get("coordinates"), _DEPTH[kind], f"{at}/coordinates"):
            self._judge_line(ring, where, is_ring=kind in _RINGS)

    def _judge_members(self, geometries: object, at: str) -> None:
        if not isinstance(geometries, list | tuple):
            self._refuse(
                f"{at}/geometries", "has geometries that are no array", "a des géométries qui ne sont pas un tableau",
                given=geometries,
            )  # fmt: skip
            return
        for place, each in enumerate(geometries):
            self._judge(each, f"{at}/geometries/{place}", tuple(_DEPTH))

    def _lines(self, value: object, depth: int, at: str) -> Iterator[tuple[Sequence[Any], str]]:
        """Give the arrays of positions inside coordinates; a point is an array of one."""
        if not isinstance(value, list | tuple):
            self._refuse(
                at, f"has coordinates {show(value)} that are no array", f"a des coordonnées {show(value)} qui ne sont pas un tableau",
                given=value,
            )  # fmt: skip
        elif depth == 0:
            if value:
                yield (value,), at
        elif depth == 1:
            yield value, at
        else:
            for place, each in enumerate(value):
                yield from self._lines(each, depth - 1, f"{at}/{place}")

    def _judge_line(self, line: Sequence[Any], at: str, *, is_ring: bool) -> None:
        self._left -= len(line)
        if self._left < 0:
            if self._left + len(line) >= 0:
                self._refuse(
                    at,
                    f"brings the positions over {self._most_vertices}, more than are taken here; upload the file as GeoPackage",
                    f"porte les positions au-delà de {self._most_vertices}, plus que ce qui est accepté ici ; déposez le fichier en GeoPackage",
                    given=len(line),
                )
            return
        for place, position in enumerate(line):
            if problem := self._problem(position):
                where = f"{at}/{place}" if len(line) > 1 or is_ring else at
                self._refuse(where, *problem, given=position)
                return
        if is_ring and line:
            self._judge_ring(line, at)

    def _judge_ring(self, ring: Sequence[Any], at: str) -> None:
        if len(ring) < _LEAST_IN_RING:
            self._refuse(
                at,
                f"has a ring of {len(ring)} positions; at least {_LEAST_IN_RING} are needed",
                f"a un anneau de {len(ring)} positions ; il en faut au moins {_LEAST_IN_RING}",
                given=len(ring),
            )
        elif list(ring[0][:2]) != list(ring[-1][:2]):
            self._refuse(
                at,
                f"has a ring that is not closed: it begins at {show(ring[0])} and ends at {show(ring[-1])}; repeat the first position at its end",
                f"a un anneau non fermé : il commence en {show(ring[0])} et finit en {show(ring[-1])} ; répétez la première position à la fin",
                given=ring[-1],
            )

    def _problem(self, position: object) -> tuple[str, str] | None:
        """Say what is wrong with a position."""
        if not isinstance(position, list | tuple) or not 2 <= len(position) <= 4 or not all(map(_is_number, position)):
            return (
                f"has the position {show(position)}; right is [longitude, latitude] in finite numbers",
                f"a la position {show(position)} ; il faut [longitude, latitude] en nombres finis",
            )
        if not self._is_geographic or "Point" in self._types:
            return None  # a point that is nowhere keeps its row, and its status says so
        longitude, latitude = position[:2]
        if not WESTERNMOST_DEG <= longitude <= EASTERNMOST_DEG:
            return (
                f"has the longitude {longitude} at {show(position)}; right are -180 to 180 (or 0 to 360) in degrees (CRS84)",
                f"a la longitude {longitude} en {show(position)} ; il faut de -180 à 180 (ou de 0 à 360) en degrés (CRS84)",
            )
        if not -90 <= latitude <= 90:
            return (
                f"has the latitude {latitude} at {show(position)}; right are -90 to 90 in degrees: longitude comes first",
                f"a la latitude {latitude} en {show(position)} ; il faut de -90 à 90 en degrés : la longitude vient d'abord",
            )
        return None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _name_of(feature: Mapping[str, Any], properties: object, place: int) -> str:
    """Name a feature for a sentence: its place, and what people call it."""
    known = properties if isinstance(properties, Mapping) else {}
    named = [known[name] for name in _NAMES if isinstance(known.get(name), str | int)]
    own = [feature["id"]] if isinstance(feature.get("id"), str | int) else []
    return f"Feature {place} ({show((*named, *own)[0])})" if named or own else f"Feature {place}"
