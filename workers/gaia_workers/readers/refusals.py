"""Why a file is not read: one sentence a reason, without a path and without a library's own words."""

import re

from gaia_processes.errors import UnreadableData
from gaia_processes.text import Text

NOT_A_FILE = Text(
    en="The data are not a regular file.",
    fr="Les données ne sont pas un fichier ordinaire.",
)
EMPTY = Text(en="The file is empty (0 bytes).", fr="Le fichier est vide (0 octet).")
NOT_NETCDF = Text(
    en="The file is not NetCDF: it begins neither as NetCDF-3 nor as NetCDF-4/HDF5.",
    fr="Le fichier n'est pas du NetCDF : il ne commence ni comme du NetCDF-3 ni comme du NetCDF-4/HDF5.",
)
DAMAGED = Text(
    en="The NetCDF file cannot be read: it is truncated or damaged.",
    fr="Le fichier NetCDF est illisible : il est tronqué ou endommagé.",
)
GROUPS_ONLY = Text(
    en="The NetCDF file has no data at its root, only in groups, which is not supported.",
    fr="Le fichier NetCDF n'a pas de données à sa racine, seulement dans des groupes, ce qui n'est pas pris en charge.",
)
DAMAGED_ZARR = Text(
    en="The Zarr store cannot be read: it is truncated or damaged.",
    fr="L'entrepôt Zarr est illisible : il est tronqué ou endommagé.",
)
NO_STORE = Text(
    en="The folder is no Zarr store: it has neither zarr.json nor .zgroup at its root.",
    fr="Le dossier n'est pas un entrepôt Zarr : il n'a ni zarr.json ni .zgroup à sa racine.",
)
NO_ARRAYS = Text(
    en="The Zarr store has no arrays at its root (only groups, or nothing), which is not supported.",
    fr="L'entrepôt Zarr n'a aucun tableau à sa racine (seulement des groupes, ou rien), ce qui n'est pas pris en charge.",
)
SINGLE_ARRAY = Text(
    en="The Zarr store is a single array without coordinates; give the group that holds the array and its coordinates.",
    fr="L'entrepôt Zarr est un seul tableau sans coordonnées ; donnez le groupe qui contient le tableau et ses coordonnées.",
)
DAMAGED_TIFF = Text(
    en="The GeoTIFF cannot be read: it is truncated or damaged.",
    fr="Le GeoTIFF est illisible : il est tronqué ou endommagé.",
)
NO_GEOREFERENCE = Text(
    en="it has no georeference, so that nothing tells where it lies on the earth",
    fr="il n'a pas de géoréférencement, rien ne dit où il est sur la terre",
)
CONTROL_POINTS = Text(
    en="it is placed by control points alone; rectify it first (gdalwarp)",
    fr="il n'est placé que par des points de contrôle ; rectifiez-le d'abord (gdalwarp)",
)
NO_CRS = Text(
    en="it does not say its coordinate reference system, or one that is not known; write one into it (gdal_edit -a_srs)",
    fr="il ne dit pas son système de coordonnées, ou en dit un inconnu ; inscrivez-en un (gdal_edit -a_srs)",
)
NOT_DEGREES = Text(
    en="its longitudes and latitudes are not in degrees; reproject it first (gdalwarp)",
    fr="ses longitudes et latitudes ne sont pas en degrés ; reprojetez-le d'abord (gdalwarp)",
)
ROTATED = Text(
    en="its rows and columns are turned against the axes of its coordinates; rectify it first (gdalwarp)",
    fr="ses lignes et colonnes sont tournées par rapport aux axes de ses coordonnées ; rectifiez-le d'abord (gdalwarp)",
)


FOLDER = "this is a folder, and no Zarr store (it has neither zarr.json nor .zgroup); name a file, or a store"
"""For the command line, that alone may name folders."""

START_BYTES = 512
"""So much of the beginning of a file tells what it is."""

_KINDS: tuple[tuple[bytes, Text], ...] = (
    (rb"\s*<VRTDataset", Text(
        en="a GDAL virtual raster (VRT), which only refers to other files",
        fr="un raster virtuel de GDAL (VRT), qui ne fait que renvoyer à d'autres fichiers",
    )),
    (rb"\s*(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b", Text(
        en="a web page (a login or error page saved by a download?)",
        fr="une page web (page de connexion ou d'erreur enregistrée par un téléchargement ?)",
    )),
    (rb"\s*<[?!a-z]", Text(en="an XML file", fr="un fichier XML")),
    (rb"\s*[{\[]", Text(en="a JSON file", fr="un fichier JSON")),
    (rb"GRIB|.{0,64}GRIB.{3}[\x01\x02]", Text(en="a GRIB file", fr="un fichier GRIB")),
    (rb"\x0e\x03\x13\x01", Text(en="an HDF4 file", fr="un fichier HDF4")),
    (rb"II[*+]\0|MM\0[*+]", Text(en="a TIFF image", fr="une image TIFF")),
    (rb"\x89PNG", Text(en="a PNG image", fr="une image PNG")),
    (rb"\xff\xd8\xff", Text(en="a JPEG image", fr="une image JPEG")),
    (rb"%PDF-", Text(en="a PDF document", fr="un document PDF")),
    (rb"PAR1", Text(en="a Parquet file", fr="un fichier Parquet")),
    (rb"SQLite format 3\0", Text(en="an SQLite file, as GeoPackages are", fr="un fichier SQLite, comme les GeoPackage")),
    (rb"PK\x03\x04", Text(en="a ZIP archive; unpack it first", fr="une archive ZIP ; décompressez-la d'abord")),
    (rb"\x1f\x8b", Text(en="a file compressed with gzip; unpack it first", fr="un fichier compressé par gzip ; décompressez-le d'abord")),
)  # fmt: skip
"""How files begin that are taken for NetCDF now and then; after a byte-order mark, and whatever the case."""


def explain_start(start: bytes) -> Text:
    """
    Say what a file is instead of NetCDF.

    Parameters
    ----------
    start : bytes
        Its first `START_BYTES`.
    """
    text = start.removeprefix(b"\xef\xbb\xbf")
    # What an XML file is, its first element says, after the declaration.
    body = re.sub(rb"^\s*<\?xml[^>]*>", b"", text)
    found = (kind for each in (body, text) for pattern, kind in _KINDS if re.match(pattern, each, re.I | re.S))
    kind = next(found, None)
    if kind is None:
        return NOT_NETCDF
    return Text(
        en=f"The file is not NetCDF: it looks like {kind.en}.",
        fr=f"Le fichier n'est pas du NetCDF : on dirait {kind.fr}.",
    )


def refuse_short_file(size_bytes: int, declared_bytes: int) -> UnreadableData:
    """Make the error of a file that ends before the data that its header declares."""
    return UnreadableData(
        Text(
            en=f"The NetCDF file is truncated: it has {size_bytes} bytes, its header declares {declared_bytes}.",
            fr=f"Le fichier NetCDF est tronqué : il a {size_bytes} octets, son en-tête en déclare {declared_bytes}.",
        )
    )


def refuse_outside_reference(name: str) -> UnreadableData:
    """Make the error of a file whose member `name` lies in another file."""
    return UnreadableData(
        Text(
            en=f"The NetCDF file is refused: {name!r} refers to another file (external link, external storage or virtual dataset).",
            fr=f"Le fichier NetCDF est refusé : {name!r} renvoie à un autre fichier (lien externe, stockage externe ou jeu virtuel).",
        )
    )


def refuse_huge_chunk(name: str, chunk_bytes: int, limit_bytes: int) -> UnreadableData:
    """Make the error of a variable whose chunks are too large to be inflated."""
    return UnreadableData(
        Text(
            en=f"Variable {name!r} is stored in chunks of {chunk_bytes} bytes; at most {limit_bytes} are read at once.",
            fr=f"La variable {name!r} est stockée en blocs de {chunk_bytes} octets ; au plus {limit_bytes} sont lus à la fois.",
        )
    )


def refuse_type(name: str, kind: str) -> UnreadableData:
    """Make the error of a variable of a type that is not read."""
    return UnreadableData(
        Text(
            en=f"Variable {name!r} is of the type {kind!r}; only numbers, characters and strings are read.",
            fr=f"La variable {name!r} est du type {kind!r} ; seuls les nombres, les caractères et les chaînes sont lus.",
        )
    )


def refuse_damaged_variable(name: str) -> UnreadableData:
    """Make the error of a variable whose bytes cannot be read back."""
    return UnreadableData(
        Text(
            en=f"The data of variable {name!r} cannot be read: the file is truncated or damaged.",
            fr=f"Les données de la variable {name!r} sont illisibles : le fichier est tronqué ou endommagé.",
        )
    )


def refuse_raster(why: Text) -> UnreadableData:
    """Make the error of a raster that cannot be placed or read."""
    return UnreadableData(Text(en=f"The raster cannot be used: {why.en}.", fr=f"Le raster ne peut servir : {why.fr}."))


def refuse_damaged_band(band: int) -> UnreadableData:
    """Make the error of a band whose bytes cannot be read back."""
    return UnreadableData(
        Text(
            en=f"Band {band} of the GeoTIFF cannot be read: the file is truncated or damaged.",
            fr=f"La bande {band} du GeoTIFF est illisible : le fichier est tronqué ou endommagé.",
        )
    )


def refuse_document(name: str, field: str) -> UnreadableData:
    """Make the error of a document of a Zarr store that makes no sense, or asks for something unknown."""
    return UnreadableData(
        Text(
            en=f"The Zarr store cannot be read: the document of {name!r} is wrong, or asks for what is not read, at {field!r}.",
            fr=f"L'entrepôt Zarr est illisible : le document de {name!r} est faux, ou demande ce qui n'est pas lu, en {field!r}.",
        )
    )


def refuse_codec(name: str, codec: str) -> UnreadableData:
    """Make the error of an array whose chunks are encoded in a way that is not read."""
    return UnreadableData(
        Text(
            en=f"Variable {name!r} is encoded with {codec!r}, which is not read; blosc, zstd, gzip, zlib and lz4 are.",
            fr=f"La variable {name!r} est encodée par {codec!r}, qui n'est pas lu ; blosc, zstd, gzip, zlib et lz4 le sont.",
        )
    )


def refuse_undimensioned(name: str) -> UnreadableData:
    """Make the error of an array that does not name its dimensions."""
    return UnreadableData(
        Text(
            en=f"Variable {name!r} does not name each of its dimensions once (dimension_names, or _ARRAY_DIMENSIONS in Zarr v2).",
            fr=f"La variable {name!r} ne nomme pas chacune de ses dimensions une fois (dimension_names, ou _ARRAY_DIMENSIONS en Zarr v2).",
        )
    )


def refuse_dimension(name: str, dim: str, size: int, other: int) -> UnreadableData:
    """Make the error of an array whose dimension is of another length than that of the arrays beside it."""
    return UnreadableData(
        Text(
            en=f"Variable {name!r} has {size} places along {dim!r}, another variable of the store has {other}.",
            fr=f"La variable {name!r} a {size} places le long de {dim!r}, une autre variable de l'entrepôt en a {other}.",
        )
    )


def refuse_zip_method(member: str) -> UnreadableData:
    """Make the error of a zip file with a member that is compressed in a way that is not read."""
    return UnreadableData(
        Text(
            en=f"The archive's member {member!r} is compressed by a method that is not read; store it, or deflate it.",
            fr=f"L'élément {member!r} de l'archive est compressé par une méthode qui n'est pas lue ; stockez-le, ou utilisez deflate.",
        )
    )


def refuse_special_member(member: str) -> UnreadableData:
    """Make the error of a folder that holds a link, or something else that is no file."""
    return UnreadableData(
        Text(
            en=f"The Zarr store is refused: {member!r} in it is a link or something else that is no file.",
            fr=f"L'entrepôt Zarr est refusé : {member!r} y est un lien ou autre chose qu'un fichier.",
        )
    )
