"""A coordinate reference system, by its name or written out: what the input `crs` means."""

import json
import re
import warnings
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError

from gaia_processes.inputs.bad_value import BadValue, show

_NAME = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/|urn:ogc:def:crs:EPSG:[0-9.]*:|EPSG:)?(?P<code>\d{4,6})",
    re.ASCII | re.IGNORECASE,
)
_CRS84 = re.compile(
    r"https?://www\.opengis\.net/def/crs/OGC/(?:1\.3|0)/CRS84|urn:ogc:def:crs:OGC:(?:1\.3)?:CRS84|(?:OGC:)?CRS84",
    re.ASCII | re.IGNORECASE,
)
_WKT = re.compile(r"[A-Z]{4,15}CRS\s*\[|(?:PROJ|GEOG|BOUND|GEOD|COMPD|GEOC|VERT|LOCAL)_?(?:CRS|CS)\s*\[", re.IGNORECASE)
_OF_FILES = re.compile(r"\binit\s*=|\bpipeline\b", re.IGNORECASE)
"""What has PROJ look for a definition in a file of its host, or is no system."""
_GRID_FILE = "PARAMETERFILE["
"""By which a shift that stands in a file is named in WKT."""
_CHARACTERS = 16_384
_SURE = 100
_AUTHORITIES = ("EPSG", "OGC")


def parse_crs(value: object) -> str:
    """
    Read a reference system with two axes on the earth.

    Parameters
    ----------
    value : object
        `EPSG:2154`, `[EPSG:2154]`, `2154`, an OGC URI or URN, or `CRS84`; or the system written out, as WKT (1 or 2), as
        PROJJSON (an object, or its text) or as `+proj=…`.

    Returns
    -------
    str
        `EPSG:<code>` or `OGC:CRS84`, also for what is written out and is the same to the last digit; else WKT 2.

    Raises
    ------
    BadValue
        No such name or code, or a system of another kind.
    """
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if isinstance(value, Mapping) or text.startswith("{"):
        return _named(_read_json(value if isinstance(value, Mapping) else text), value)
    if "+proj=" in text.replace(" ", "") or _WKT.match(text):
        return _named(_read_text(text), value)
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
    _check_axes(crs, value)
    return f"EPSG:{match['code']}"


def _read_json(given: Mapping[str, Any] | str) -> CRS:
    text = given if isinstance(given, str) else json.dumps(given)
    _check_text(text)
    try:
        return CRS.from_json(text)
    except (CRSError, ProjError, ValueError, TypeError, RecursionError):
        raise _not_read(text) from None


def _read_text(text: str) -> CRS:
    _check_text(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is lost of a PROJ string is nothing that a person could mend
            return CRS.from_string(text)
    except (CRSError, ProjError):
        raise _not_read(text) from None


def _check_text(text: str) -> None:
    if len(text) > _CHARACTERS:
        raise BadValue.of(
            f"The reference system is written in {len(text)} characters; at most {_CHARACTERS} are read.",
            f"Le système de référence est écrit en {len(text)} caractères ; {_CHARACTERS} au plus sont lus.",
            given=show(text),
        )
    if (found := _OF_FILES.search(text)) is not None:
        raise _elsewhere(found[0])


def _named(crs: CRS, given: object) -> str:
    """Name a system that was written out, by its code where it is that of an authority."""
    _check_axes(crs, given)
    authority = crs.to_authority(min_confidence=_SURE)
    if authority is not None and authority[0] in _AUTHORITIES:
        return ":".join(authority)
    written = str(CRS.from_wkt(crs.to_wkt()).to_wkt())  # what was read once is written the same each time
    if _GRID_FILE in written:
        raise _elsewhere("nadgrids")
    return written


def _check_axes(crs: CRS, given: object) -> None:
    # A derived geographic system has turned poles, and its axes are no longitudes and latitudes.
    turned = crs.is_geographic and crs.is_derived
    if not (crs.is_projected or crs.is_geographic) or turned or len(crs.axis_info) != 2:
        raise BadValue.of(
            f"{show(given)} is {crs.name}, which has no two axes on the earth; write the code of a projected or geographic system.",
            f"{show(given)} est {crs.name}, qui n'a pas deux axes sur la terre ; écrivez le code d'un système projeté ou géographique.",
            given=given,
        )


def _elsewhere(word: str) -> BadValue:
    return BadValue.of(
        f"The reference system refers to another file or definition ({show(word)}), which is not read; write it without.",
        f"Le système de référence renvoie à un autre fichier ou une autre définition ({show(word)}), qui n'est pas lu ; "
        "écrivez-le sans.",
        given=word,
    )


def _not_read(text: str) -> BadValue:
    return BadValue.of(
        f"{show(text)} cannot be read as WKT, PROJJSON or +proj=…; an EPSG code as EPSG:2154 is right too.",
        f"{show(text)} ne se lit ni comme WKT, ni comme PROJJSON, ni comme +proj=… ; un code EPSG comme EPSG:2154 convient aussi.",
        given=show(text),
    )


def _unknown(value: object) -> BadValue:
    return BadValue.of(
        f"{show(value)} is no known reference system; write an EPSG code as EPSG:2154, a URI as "
        "http://www.opengis.net/def/crs/EPSG/0/2154, CRS84, or the system as WKT or PROJJSON.",
        f"{show(value)} n'est pas un système de référence connu ; écrivez un code EPSG comme EPSG:2154, une URI comme "
        "http://www.opengis.net/def/crs/EPSG/0/2154, CRS84, ou le système en WKT ou PROJJSON.",
        given=value,
    )


CrsField = Annotated[str, PlainValidator(parse_crs), WithJsonSchema({"type": "string"})]
"""Type of an input that is a reference system; an object is taken too, but readers of schemas look for one type."""
