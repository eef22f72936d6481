"""A box on the earth: what the input `bbox` means everywhere."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show
from gaia_processes.inputs.number import read_number

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ACCEPTED_CRS = (CRS84, CRS84H, EPSG + "<code>", "EPSG:<code>", "urn:ogc:def:crs:EPSG::<code>")

CRS84_NAMES = frozenset(
    name.lower()
    for name in (
        CRS84,
        CRS84.replace("http:", "https:"),
        "http://www.opengis.net/def/crs/OGC/0/CRS84",
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "OGC:CRS84",
        "CRS84",
    )
)
_CRS84H_NAMES = frozenset(
    name.lower() for name in (CRS84H, CRS84H.replace("http:", "https:"), "urn:ogc:def:crs:OGC::CRS84h", "OGC:CRS84h")
)
EPSG_NAME = re.compile(
    r"(https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/|urn:ogc:def:crs:EPSG:[0-9.]*:|EPSG:)(?P<code>\d{4,6})",
    re.ASCII | re.IGNORECASE,
)
_EDGE_POINTS = 51
"""Points along each edge when a box is taken into another system: curved edges then miss less than 1/1000 of the box."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bbox:
    """
    A box in CRS84 degrees, in the frame of the request.

    Attributes
    ----------
    west, south, east, north : float
        Degrees; longitudes -360 to 360 as they were given; west > east crosses the antimeridian.
    bottom, top : float or None
        Heights in m of a six-number box.
    """

    west: float
    south: float
    east: float
    north: float
    bottom: float | None = None
    top: float | None = None

    def as_list(self) -> list[float]:
        """Write it as four or six numbers in the order of CRS84 or CRS84h."""
        if self.bottom is None or self.top is None:
            return [self.west, self.south, self.east, self.north]
        return [self.west, self.south, self.bottom, self.east, self.north, self.top]


@dataclass(frozen=True, kw_only=True, slots=True)
class SentBbox:
    """
    A box exactly as it was sent.

    Attributes
    ----------
    numbers : tuple of 4 or 6 numbers
        In the axis order of the system.
    crs : str
        How the request named the system.
    """

    numbers: tuple[int | float, ...]
    crs: str = CRS84

    def as_object(self) -> dict[str, Any]:
        """Write it as the box object of OGC API - Processes."""
        return {"bbox": list(self.numbers), "crs": self.crs}


def parse_bbox(value: object) -> Bbox:
    """
    Read a box in any of the accepted systems and give it in CRS84.

    Parameters
    ----------
    value : object
        `{"bbox": [4 or 6 numbers], "crs": uri}`, or an array of 4 or 6 numbers in CRS84: lon, lat.
        Numbers in another system stand in the axis order of its authority.

    Returns
    -------
    Bbox
        Edges of a projected box are followed point by point, so that nothing of it is lost.

    Raises
    ------
    BadValue
        With everything that is wrong.
    """
    return value if isinstance(value, Bbox) else to_crs84(read_sent_bbox(value))


def parse_sent_bbox(value: object) -> SentBbox:
    """
    Read a box and keep it as it was sent, after making sure that it is one.

    Raises
    ------
    BadValue
        As `parse_bbox`.
    """
    sent = value if isinstance(value, SentBbox) else read_sent_bbox(value)
    to_crs84(sent)
    return sent


def read_sent_bbox(value: object) -> SentBbox:
    """
    Read the numbers and the name of the system of a box, without judging them.

    Raises
    ------
    BadValue
        If it is no box: the wrong shape, the wrong count, or members that are no numbers.
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        return SentBbox(numbers=_read_numbers(value, at=""))
    strangers = [name for name in value if name not in ("bbox", "crs")]
    if strangers or "bbox" not in value:
        raise _not_a_box(value, at="")
    crs = value.get("crs") or CRS84
    if not isinstance(crs, str):
        raise _unknown_crs(crs)
    return SentBbox(numbers=_read_numbers(value["bbox"], at="/bbox"), crs=crs.strip())


def to_crs84(sent: SentBbox) -> Bbox:
    """
    Take a box into CRS84.

    Raises
    ------
    BadValue
        If the system is unknown, the box is upside down, off the earth, or outside of where its system is defined.
    """
    name = sent.crs.lower()
    if name in CRS84_NAMES or name in _CRS84H_NAMES:
        return _lay_out(sent.numbers, sent)
    match = EPSG_NAME.fullmatch(sent.crs)
    if match is None:
        raise _unknown_crs(sent.crs)
    try:
        crs = CRS.from_epsg(int(match["code"]))
    except ProjError as error:
        raise _unknown_crs(sent.crs) from error
    if len(crs.axis_info) != 2 or not (crs.is_geographic or crs.is_projected):
        raise _unknown_crs(sent.crs)
    if len(sent.numbers) != 4:
        raise BadValue.of(
            f"{sent.crs} has no heights: four numbers are right, {len(sent.numbers)} were given.",
            f"{sent.crs} n'a pas de hauteurs : il faut quatre nombres, {len(sent.numbers)} ont été donnés.",
            given=list(sent.numbers),
        )
    return _from_geographic(sent, crs) if crs.is_geographic else _from_projected(sent, crs)


def _read_numbers(value: object, *, at: str) -> tuple[int | float, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _not_a_box(value, at=at)
    if len(value) not in (4, 6):
        raise BadValue.of(
            f"A box has 4 numbers (west, south, east, north) or 6 (with heights); {len(value)} were given.",
            f"Une boîte a 4 nombres (ouest, sud, est, nord) ou 6 (avec hauteurs) ; {len(value)} ont été donnés.",
            given=list(value),
            at=at,
        )
    numbers, faults = [], list[Fault]()
    for place, each in enumerate(value):
        try:
            numbers.append(read_number(each, at=f"{at}/{place}"))
        except BadValue as bad:
            faults += bad.faults
    if faults:
        raise BadValue(faults)
    return tuple(numbers)


def _lay_out(numbers: Sequence[float], sent: SentBbox) -> Bbox:
    """Make the box of longitudes and latitudes in degrees, and say all that is wrong with it."""
    half = len(numbers) // 2
    west, south, east, north = (float(numbers[place]) for place in (0, 1, half, half + 1))
    bottom, top = (float(numbers[2]), float(numbers[5])) if half == 3 else (None, None)
    faults = [
        *(_off_longitude(edge, sent) for edge in (west, east) if abs(edge) > 360),
        *(_off_latitude(edge, sent) for edge in (south, north) if abs(edge) > 90),
        *([_upside_down(south, north, sent)] if south > north else []),
        *([_upside_down(bottom, top, sent)] if bottom is not None and top is not None and bottom > top else []),
    ]
    if faults:
        raise BadValue(faults)
    return Bbox(west=west, south=south, east=east, north=north, bottom=bottom, top=top)


def _from_geographic(sent: SentBbox, crs: CRS) -> Bbox:
    """Turn the axes and shift the datum, and keep the frame of longitudes that the request has."""
    first, second = crs.axis_info
    latitude_first = first.direction.lower() == "north"
    degrees = math.degrees(first.unit_conversion_factor)
    given = [number * degrees for number in sent.numbers]
    box = _lay_out([given[1], given[0], given[3], given[2]] if latitude_first else given, sent)
    east = box.east + 360 if box.west > box.east else box.east
    low, high = (
        ((box.south, box.west), (box.north, east)) if latitude_first else ((box.west, box.south), (east, box.north))
    )
    factor = math.degrees(second.unit_conversion_factor)
    edges = _transform(sent, crs, [number / factor for number in (*low, *high)])
    return Bbox(
        west=_into_frame(edges[0], box.west),
        south=edges[1],
        east=_into_frame(edges[2], box.east),
        north=edges[3],
    )


def _from_projected(sent: SentBbox, crs: CRS) -> Bbox:
    low_first, low_second, high_first, high_second = sent.numbers
    faults = [
        _upside_down(low, high, sent)
        for low, high in ((low_first, high_first), (low_second, high_second))
        if low > high
    ]
    if faults:
        raise BadValue(faults)
    west, south, east, north = _transform(sent, crs, sent.numbers)
    return Bbox(west=west, south=south, east=east, north=north)


def _transform(sent: SentBbox, crs: CRS, numbers: Sequence[float]) -> tuple[float, ...]:
    """West, south, east, north in CRS84 of a box whose numbers stand in the axis order of `crs`."""
    transformer = Transformer.from_crs(crs, CRS.from_authority("OGC", "CRS84"))
    low_first, low_second, high_first, high_second = numbers
    edges = transformer.transform_bounds(low_first, low_second, high_first, high_second, densify_pts=_EDGE_POINTS)
    if not all(math.isfinite(edge) for edge in edges):
        raise BadValue.of(
            f"The box {show(list(sent.numbers))} lies outside of where {sent.crs} is defined.",
            f"La boîte {show(list(sent.numbers))} est hors du domaine de {sent.crs}.",
            given=list(sent.numbers),
        )
    return tuple(
        max(-360.0, min(360.0, edge)) if place % 2 == 0 else max(-90.0, min(90.0, edge))
        for place, edge in enumerate(edges)
    )


def _into_frame(longitude: float, near: float) -> float:
    return longitude + 360.0 * round((near - longitude) / 360.0)


def _not_a_box(value: object, *, at: str) -> BadValue:
    return BadValue.of(
        f"{show(value)} is not a box; right is [west, south, east, north] in degrees, "
        'or {"bbox": [four or six numbers], "crs": address}.',
        f"{show(value)} n'est pas une boîte ; il faut [ouest, sud, est, nord] en degrés, "
        'ou {"bbox": [quatre ou six nombres], "crs": adresse}.',
        given=value,
        at=at,
    )


def _unknown_crs(name: object) -> BadValue:
    accepted = ", ".join(ACCEPTED_CRS)
    return BadValue.of(
        f"The coordinate reference system {show(name)} is not known here; accepted are {accepted} "
        "with the code of a two-dimensional system.",
        f"Le système de coordonnées {show(name)} n'est pas connu ici ; sont acceptés {accepted} "
        "avec le code d'un système à deux dimensions.",
        given=name,
        at="/crs",
        allowed=ACCEPTED_CRS,
    )


def _off_longitude(edge: float, sent: SentBbox) -> Fault:
    return make_fault(
        f"The longitude {edge:g} is outside of -360 to 360 degrees.",
        f"La longitude {edge:g} est hors de -360 à 360 degrés.",
        given=list(sent.numbers),
    )


def _off_latitude(edge: float, sent: SentBbox) -> Fault:
    return make_fault(
        f"The latitude {edge:g} is outside of -90 to 90 degrees; the order is that of {sent.crs}.",
        f"La latitude {edge:g} est hors de -90 à 90 degrés ; l'ordre est celui de {sent.crs}.",
        given=list(sent.numbers),
    )


def _upside_down(low: float, high: float, sent: SentBbox) -> Fault:
    return make_fault(
        f"The lower edge {low:g} lies above the upper edge {high:g}; only longitudes may run from greater to smaller.",
        f"Le bord inférieur {low:g} est au-dessus du bord supérieur {high:g} ; seules les longitudes peuvent aller "
        "de la plus grande à la plus petite.",
        given=list(sent.numbers),
    )
