"""A coordinate reference system by its name: what the input `crs` means."""

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema
from pyproj import CRS
from pyproj.exceptions import CRSError

from gaia_processes.inputs.bad_value import BadValue, show

_NAME = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/|urn:ogc:def:crs:EPSG:[0-9.]*:|EPSG:)?(?P<code>\d{4,6})",
    re.ASCII | re.IGNORECASE,
)
_CRS84 = re.compile(
    r"https?://www\.opengis\.net/def/crs/OGC/(?:1\.3|0)/CRS84|urn:ogc:def:crs:OGC:(?:1\.3)?:CRS84|(?:OGC:)?CRS84",
    re.ASCII | re.IGNORECASE,
)


def parse_crs(value: object) -> str:
    """
    Read the name of a reference system with two axes on the earth.

    Parameters
    ----------
    value : object
        `EPSG:2154`, `[EPSG:2154]`, `2154`, an OGC URI or URN, or `CRS84`.

    Returns
    -------
    str
        `EPSG:<code>` or `OGC:CRS84`.

    Raises
    ------
    BadValue
        No such name or code, or a system of another kind.
    """
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.startswith("[") and text.endswith("]"):  # a safe CURIE
        text = text[1:-1]
    if _CRS84.fullmatch(text):
        return "OGC:CRS84"
    match = _NAME.fullmatch(text)
    if match is None:
        raise _unknown(value)
    try:
        crs = CRS.from_epsg(int(match["code"]))
    except CRSError:
        raise _unknown(value) from None
    if not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) != 2:
        raise BadValue.of(
            f"{show(value)} is {crs.name}, which has no two axes on the earth; write the code of a projected or geographic system.",
            f"{show(value)} est {crs.name}, qui n'a pas deux axes sur la terre ; écrivez le code d'un système projeté ou géographique.",
            given=value,
        )
    return f"EPSG:{match['code']}"


def _unknown(value: object) -> BadValue:
    return BadValue.of(
        f"{show(value)} is no known reference system; write an EPSG code as EPSG:2154, a URI as "
        "http://www.opengis.net/def/crs/EPSG/0/2154, or CRS84.",
        f"{show(value)} n'est pas un système de référence connu ; écrivez un code EPSG comme EPSG:2154, une URI comme "
        "http://www.opengis.net/def/crs/EPSG/0/2154, ou CRS84.",
        given=value,
    )


CrsField = Annotated[str, PlainValidator(parse_crs), WithJsonSchema({"type": "string"})]
"""Type of an input that names a reference system."""
