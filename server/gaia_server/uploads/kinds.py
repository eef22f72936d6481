"""
What an uploaded file is, by its content; what it calls itself counts for nothing.

Only the first bytes are looked at, and the directory of an archive: whatever parses a file does so in a task, under its limits.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from gaia_processes.text import Text
from gaia_server.errors import UploadRefused
from gaia_server.uploads.archives import members_of

LOOK_BYTES = 64 * 1024
GEOPACKAGE_ID = slice(68, 72)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of file that can be uploaded."""

    id: str
    media_type: str
    title: Text


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
_MARKUP = {b"html": "HTML", b"vrtdataset": "GDAL VRT", b"ogrvrtdatasource": "OGR VRT"}
_GEOJSON = re.compile(
    rb'"type"\s*:\s*"(?:FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"', re.ASCII
)
_BOM = b"\xef\xbb\xbf"
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def recognise(path: Path) -> Kind:
    """
    Tell what a file is.

    Raises
    ------
    UploadRefused
        If it is empty, nothing that can be used here, or an archive that is not safe to open.
    """
    with path.open("rb") as stream:
        beginning = stream.read(LOOK_BYTES)
    if not beginning:
        raise UploadRefused(Text(en="The file is empty.", fr="Le fichier est vide."), code="invalid-upload")
    for mark, kind in _BEGINNINGS:
        if beginning.startswith(mark):
            return kind
    if beginning.startswith(b"SQLite format 3\0"):
        return _database(beginning)
    if beginning.startswith(b"PK"):
        return _archive(path)
    for mark, name in _KNOWN_OTHERS:
        if beginning.startswith(mark):
            raise _unsupported(name)
    return _text(beginning.removeprefix(_BOM))


def _database(beginning: bytes) -> Kind:
    if beginning[GEOPACKAGE_ID] in (b"GPKG", b"GP10", b"GP11"):
        return GEOPACKAGE
    raise _unsupported("SQLite")


def _archive(path: Path) -> Kind:
    names = [name.lower() for name in members_of(path)]
    leaves = [name.rpartition("/")[2] for name in names if not name.startswith("__macosx/")]
    if "meta.xml" in leaves:
        return DARWIN_CORE
    if any(leaf.endswith(".shp") for leaf in leaves):
        return SHAPEFILE
    if any(leaf in ("zarr.json", ".zgroup", ".zarray", ".zmetadata") for leaf in leaves):
        return ZARR
    raise UploadRefused(
        Text(
            en="The archive is neither a Darwin Core archive (it has no meta.xml), nor a shapefile (no .shp), nor Zarr.",
            fr="L'archive n'est ni une archive Darwin Core (sans meta.xml), ni un shapefile (sans .shp), ni du Zarr.",
        )
    )


def _text(beginning: bytes) -> Kind:
    if markup := _WORDS_BEGIN.match(beginning):
        raise _unsupported(_MARKUP.get(markup["name"].lower(), "XML"))
    if beginning.lstrip()[:1] in (b"{", b"["):
        if _GEOJSON.search(beginning):
            return GEOJSON
        raise _unsupported("JSON that is not GeoJSON")
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unsupported("UTF-16 text; save it as UTF-8")
    if _NOT_TEXT.search(beginning):
        raise _unsupported("binary content of no kind that is known here")
    return TABLE


def _unsupported(what: str) -> UploadRefused:
    english, french = ", ".join(kind.title.en for kind in KINDS), ", ".join(kind.title.fr for kind in KINDS)
    return UploadRefused(
        Text(
            en=f"The file is {what}; what can be used is: {english}.",
            fr=f"Le fichier est : {what} ; ce qui peut servir est : {french}.",
        )
    )
