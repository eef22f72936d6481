"""
The one table of the kinds of files that can be read: how they are called, by which bytes they are known, and what each input takes.

Readers lie in `gaia_workers.readers`. What a file calls itself counts for nothing here.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gaia_processes.text import Text

type Role = Literal["grid", "zones", "points", "occurrences", "community", "file"]
"""What an input takes that names a dataset; `file` is the file itself, whatever it holds, and never a choice of users."""

LOOK_BYTES = 64 * 1024
"""So much of the beginning of a file is looked at."""
_GEOPACKAGE_ID = slice(68, 72)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """
    A kind of file.

    Attributes
    ----------
    id : str
        Short name, as in the catalogue and in the store of uploads.
    """

    id: str
    media_type: str
    title: Text


class UnknownKind(ValueError):
    """
    A file is of no kind that can be used.

    Attributes
    ----------
    text : Text
        What it is instead.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def _kind(id: str, media_type: str, en: str, fr: str | None = None) -> Kind:
    return Kind(id=id, media_type=media_type, title=Text(en=en, fr=fr or en))


NETCDF = _kind("netcdf", "application/x-netcdf", "NetCDF")
GEOTIFF = _kind("geotiff", "image/tiff; application=geotiff", "GeoTIFF")
GEOPACKAGE = _kind("geopackage", "application/geopackage+sqlite3", "GeoPackage")
PARQUET = _kind("parquet", "application/vnd.apache.parquet", "Parquet")
ZARR = _kind("zarr", "application/zarr+zip", "zipped Zarr", "Zarr compressé (zip)")
DARWIN_CORE = _kind("dwca", "application/zip", "Darwin Core archive", "archive Darwin Core")
SHAPEFILE = _kind("shapefile", "application/zip", "zipped shapefile", "shapefile compressé (zip)")
GEOJSON = _kind("geojson", "application/geo+json", "GeoJSON")
TABLE = _kind("csv", "text/csv", "table as text (CSV)", "tableau en texte (CSV)")
KINDS = (NETCDF, GEOTIFF, GEOPACKAGE, PARQUET, ZARR, DARWIN_CORE, SHAPEFILE, GEOJSON, TABLE)

ROWS = (GEOJSON, GEOPACKAGE, PARQUET, SHAPEFILE, TABLE, DARWIN_CORE)
"""Those that hold features or a table, and no grid."""

TAKEN: dict[Role, tuple[Kind, ...]] = {
    "grid": (NETCDF, GEOTIFF, ZARR),
    "zones": (GEOJSON, GEOPACKAGE, PARQUET, SHAPEFILE),
    "points": (GEOJSON, GEOPACKAGE, PARQUET, SHAPEFILE, TABLE),
    "occurrences": (TABLE, PARQUET, DARWIN_CORE),
    "community": (TABLE, PARQUET),
}
"""What kinds of files an input takes that wants a grid, zones, points, occurrences or a community table."""

TITLES: dict[Role, Text] = {
    "grid": Text(en="data on a grid", fr="des données sur une grille"),
    "zones": Text(en="zones (polygons)", fr="des zones (polygones)"),
    "points": Text(en="points", fr="des points"),
    "occurrences": Text(en="occurrences (Darwin Core)", fr="des occurrences (Darwin Core)"),
    "community": Text(en="a community table (sites and species)", fr="un tableau de communautés (sites et espèces)"),
}

_BEGINNINGS = (
    (b"CDF\x01", NETCDF),
    (b"CDF\x02", NETCDF),
    (b"CDF\x05", NETCDF),
    (b"\x89HDF\r\n\x1a\n", NETCDF),
    (b"II*\0", GEOTIFF),
    (b"MM\0*", GEOTIFF),
    (b"II+\0", GEOTIFF),
    (b"MM\0+", GEOTIFF),
    (b"PAR1", PARQUET),
)
_KNOWN_OTHERS = (
    (b"GRIB", "GRIB"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x7fELF", "a program"),
)
_WORDS_BEGIN = re.compile(rb"\s*<(?:!doctype\s+)?(?P<name>[A-Za-z?][A-Za-z0-9:._-]*)", re.ASCII | re.I)
_MARKUP = {b"html": "HTML", b"vrtdataset": "GDAL VRT", b"ogrvrtdatasource": "OGR VRT", b"kml": "KML"}
_GEOJSON = re.compile(
    rb'"type"\s*:\s*"(?:FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"', re.ASCII
)
_BOM = b"\xef\xbb\xbf"
UTF_16_BEGINS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How text in UTF-16 begins, as spreadsheets write it; without it nothing says that it is text."""
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def find_kind(id: str) -> Kind | None:
    """Find a kind by its id."""
    return next((kind for kind in KINDS if kind.id == id), None)


def is_archive(beginning: bytes) -> bool:
    """Tell whether a file begins as a ZIP archive does, whose members say what it is."""
    return beginning.startswith(b"PK")


def kind_of_start(beginning: bytes) -> Kind:
    """
    Tell what a file is that is no archive.

    Parameters
    ----------
    beginning : bytes
        The first `LOOK_BYTES` of it.

    Raises
    ------
    UnknownKind
        If it is empty, or nothing that can be used here.
    """
    if not beginning:
        raise UnknownKind(Text(en="The file is empty.", fr="Le fichier est vide."))
    for mark, kind in _BEGINNINGS:
        if beginning.startswith(mark):
            return kind
    if beginning.startswith(b"SQLite format 3\0"):
        return _database(beginning)
    for mark, name in _KNOWN_OTHERS:
        if beginning.startswith(mark):
            raise _unsupported(name)
    if beginning.startswith(UTF_16_BEGINS):
        return _text_of_16_bits(beginning)
    return _text(beginning.removeprefix(_BOM))


def kind_of_members(names: Sequence[str]) -> Kind:
    """
    Tell what an archive is, by the names of its members.

    Raises
    ------
    UnknownKind
        If it is nothing that can be used here.
    """
    lower = [name.lower() for name in names]
    leaves = [name.rpartition("/")[2] for name in lower if not name.startswith("__macosx/")]
    if "meta.xml" in leaves:
        return DARWIN_CORE
    if any(leaf.endswith(".shp") for leaf in leaves):
        return SHAPEFILE
    if any(leaf in ("zarr.json", ".zgroup", ".zarray", ".zmetadata") for leaf in leaves):
        return ZARR
    raise UnknownKind(
        Text(
            en="The archive is neither a Darwin Core archive (it has no meta.xml), nor a shapefile (no .shp), nor Zarr.",
            fr="L'archive n'est ni une archive Darwin Core (sans meta.xml), ni un shapefile (sans .shp), ni du Zarr.",
        )
    )


def list_kinds(kinds: Sequence[Kind]) -> Text:
    """Name kinds for a sentence."""
    return Text(en=", ".join(kind.title.en for kind in kinds), fr=", ".join(kind.title.fr for kind in kinds))


def explain_kind(found: Kind, role: Role) -> Text:
    """Say that a file is of another kind than an input takes."""
    wanted, taken = TITLES[role], list_kinds(TAKEN[role])
    return Text(
        en=f"The file is of type {found.title.en}; this input takes {wanted.en}: {taken.en}.",
        fr=f"Le fichier est de type {found.title.fr} ; cette entrée prend {wanted.fr} : {taken.fr}.",
    )


def _database(beginning: bytes) -> Kind:
    if beginning[_GEOPACKAGE_ID] in (b"GPKG", b"GP10", b"GP11"):
        return GEOPACKAGE
    raise _unsupported("SQLite")


def _text(beginning: bytes) -> Kind:
    if markup := _WORDS_BEGIN.match(beginning):
        raise _unsupported(_MARKUP.get(markup["name"].lower(), "XML"))
    if beginning.lstrip()[:1] in (b"{", b"["):
        if _GEOJSON.search(beginning):
            return GEOJSON
        raise _unsupported("JSON that is not GeoJSON")
    if _NOT_TEXT.search(beginning):
        raise _unsupported("binary content of no kind that is known here")
    return TABLE


def _text_of_16_bits(beginning: bytes) -> Kind:
    """Tell what a text in UTF-16 is: tables are read, all else is not."""
    kind = _text(codecs.getincrementaldecoder("utf-16")("replace").decode(beginning).encode())
    if kind is not TABLE:
        raise _unsupported(f"{kind.title.en} as UTF-16 text; save it as UTF-8")
    return kind


def _unsupported(what: str) -> UnknownKind:
    known = list_kinds(KINDS)
    return UnknownKind(
        Text(
            en=f"The file is {what}; what can be used is: {known.en}.",
            fr=f"Le fichier est : {what} ; ce qui peut servir est : {known.fr}.",
        )
    )
