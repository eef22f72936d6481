"""
Features as a `geopandas.GeoDataFrame`: their own columns and order, in their own reference system.

GeoJSON is read by our own parser, which names what is wrong; where it is large, and for GeoPackage and shapefiles, by GDAL. GDAL is given
local files alone, of a kind that was recognised by content beforehand; members of an archive are unpacked to generated names.
"""

import json
import re
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gaia_processes.errors import DatasetUnsuitable, UnreadableData
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.geojson import POINTS, POLYGONS, Collection, read_collection, read_crs
from gaia_processes.kinds import GEOJSON, GEOPACKAGE, PARQUET, SHAPEFILE, Kind, Role
from gaia_processes.shared.points import coordinates_of
from gaia_processes.text import Text

MOST_VERTICES = 10_000_000
PARSED_BYTES = 32 * 2**20
"""GeoJSON of up to this size is parsed by ourselves."""
_HEAD_BYTES = 64 * 1024
_CRS_NAME = re.compile(r'"crs"\s*:\s*\{.{0,200}?"name"\s*:\s*"([^"]{1,200})"', re.S)
_TYPES: dict[Role, tuple[str, ...]] = {"zones": POLYGONS, "points": POINTS}
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_VIRTUAL = re.compile(r"\s*create\s+virtual\s+table\b.*?\busing\s+(\w+)", re.I | re.S)
_HARMLESS = frozenset({"rtree", "fts3", "fts4", "fts5"})
_TURN_DEG = 360.0

type Notes = Callable[[Text], None]


def read_features(path: Path, kind: Kind, role: Role, *, note: Notes) -> gpd.GeoDataFrame:
    """
    Read a file of features.

    Parameters
    ----------
    kind : Kind
        What it was recognised as: GeoJSON, GeoPackage, GeoParquet or zipped shapefile.
    role : str
        `zones` or `points`: which geometries are right.

    Raises
    ------
    DatasetUnsuitable
        If features are not right, or their reference system is not known; says which and why.
    UnreadableData
        If the file is damaged.
    """
    return _checked(_READERS[kind.id](path, role, note), role)


def frame_of(collection: Collection, role: Role) -> gpd.GeoDataFrame:
    """Make a frame of features that a request brought along."""
    return _checked(_frame(collection), role)


def no_point() -> shapely.Point:
    """Give the point of a row that lies nowhere."""
    return shapely.Point()


# --- GeoJSON ----------------------------------------------------------------------------------------------------------


def _read_geojson(path: Path, role: Role, _: Notes) -> gpd.GeoDataFrame:
    if path.stat().st_size > PARSED_BYTES:
        return _read_large_geojson(path)
    value = parse_geojson(path.read_bytes())
    try:
        return _frame(read_collection(value, types=_TYPES[role], most_vertices=MOST_VERTICES))
    except BadValue as bad:
        raise DatasetUnsuitable(_all_of(bad)) from None


def parse_geojson(content: bytes) -> Any:
    """
    Parse a file of GeoJSON.

    Raises
    ------
    DatasetUnsuitable
        If it is not UTF-8 or not JSON (where), holds numbers that are none, or is nested too deeply.
    """
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _unsuitable(
            f"is not UTF-8: byte 0x{content[error.start]:02X} in line {line}",
            f"n'est pas en UTF-8 : octet 0x{content[error.start]:02X} à la ligne {line}",
        ) from None
    except json.JSONDecodeError as error:
        raise _unsuitable(
            f"is not valid JSON (line {error.lineno}, column {error.colno})",
            f"n'est pas du JSON valide (ligne {error.lineno}, colonne {error.colno})",
        ) from None
    except RecursionError:
        raise _unsuitable("is nested too deeply", "a trop de niveaux imbriqués") from None


def _refuse_constant(text: str) -> float:
    raise _unsuitable(
        f"has the value {text}, which JSON does not have; coordinates must be finite numbers",
        f"a la valeur {text}, que JSON ne connaît pas ; les coordonnées doivent être des nombres finis",
    )


def _frame(collection: Collection) -> gpd.GeoDataFrame:
    features = collection.features
    geometries = [json.dumps(each["geometry"]) if each["geometry"] is not None else None for each in features]
    columns = {name: _column([each["properties"].get(name) for each in features]) for name in collection.columns}
    if "id" not in columns and any("id" in each for each in features):
        columns = {"id": _column([each.get("id") for each in features]), **columns}
    place = "geometry"
    while place in columns:  # a property may be called as the column of places mostly is
        place += "_"
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(features)))
    frame[place] = shapely.force_2d(shapely.from_geojson(np.array(geometries, dtype=object)))
    crs = "OGC:CRS84" if collection.epsg is None else CRS.from_epsg(collection.epsg)
    return gpd.GeoDataFrame(frame, geometry=place, crs=crs)


def _column(values: list[Any]) -> "pd.Series[Any]":
    """Make a column of a property: whole numbers stay whole where some are missing, and what is nested becomes JSON text."""
    plain = [json.dumps(each, ensure_ascii=False) if isinstance(each, dict | list) else each for each in values]
    known: list[Any] = [each for each in plain if each is not None]
    kinds = {type(each) for each in known}
    if len(known) < len(plain):
        if kinds == {int} and all(-(2**63) <= each < 2**63 for each in known):
            return pd.Series(plain, dtype="Int64")
        if kinds == {bool}:
            return pd.Series(plain, dtype="boolean")
    if len(kinds) > 1 and kinds != {int, float}:
        return pd.Series([None if each is None else str(each) for each in plain], dtype=object)
    return pd.Series(plain)


def _read_large_geojson(path: Path) -> gpd.GeoDataFrame:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).decode("utf-8", errors="replace")
    named = _CRS_NAME.search(head)
    try:
        epsg = read_crs({"crs": {"properties": {"name": named[1]}}}) if named else None
    except BadValue as bad:  # GDAL would read it as degrees and say nothing
        raise DatasetUnsuitable(_all_of(bad)) from None
    features = _read_with_gdal(path, None)
    return features.set_crs("OGC:CRS84" if epsg is None else CRS.from_epsg(epsg), allow_override=True)


# --- GeoPackage, shapefile, GeoParquet --------------------------------------------------------------------------------


def _read_geopackage(path: Path, *_: object) -> gpd.GeoDataFrame:
    return _read_with_gdal(path, layer_of(path))


def layer_of(path: Path) -> str:
    """
    Name the one layer of features of a GeoPackage.

    Raises
    ------
    UnreadableData
        If the file is damaged.
    DatasetUnsuitable
        If it has none or several, or tables that are made by code.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            made = connection.execute("SELECT sql FROM sqlite_master WHERE sql LIKE '%virtual%'").fetchall()
            layers = connection.execute(
                "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY table_name"
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        raise UnreadableData(
            Text(
                en="The GeoPackage cannot be read: it is truncated or damaged.",
                fr="Le GeoPackage est illisible : il est tronqué ou endommagé.",
            )
        ) from None
    modules = {match[1].lower() for (sql,) in made if (match := _VIRTUAL.match(sql))}
    if modules - _HARMLESS:
        raise _unsuitable(
            "has virtual tables, which may read other files; leave them out",
            "a des tables virtuelles, qui peuvent lire d'autres fichiers ; retirez-les",
        )
    if len(layers) != 1:
        listed = ", ".join(str(name) for (name,) in layers[:20]) or "-"
        raise _unsuitable(
            f"has {len(layers)} layers of features ({listed}); one is needed",
            f"a {len(layers)} couches d'objets ({listed}) ; il en faut une",
        )
    return str(layers[0][0])


def _read_shapefile(path: Path, _: Role, note: Notes) -> gpd.GeoDataFrame:
    with unpacked_shapefile(path, note) as shapefile:
        return _read_with_gdal(shapefile, None)


@contextmanager
def unpacked_shapefile(path: Path, note: Notes) -> Iterator[Path]:
    """
    Unpack the one shapefile of an archive, to names of ours.

    Raises
    ------
    DatasetUnsuitable
        If there are several, or it lacks what it cannot be read without.
    """
    with TemporaryDirectory(prefix="shapefile-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                parts = _parts_of(archive.namelist())
                _complain_of_missing(parts, note)
                for ending, member in parts.items():
                    with archive.open(member) as stream, Path(folder, f"layer{ending}").open("wb") as target:
                        shutil.copyfileobj(stream, target)
        except (zipfile.BadZipFile, EOFError, zlib.error):
            raise UnreadableData(
                Text(en="The archive is damaged or cut short.", fr="L'archive est endommagée ou tronquée.")
            ) from None
        yield Path(folder, "layer.shp")


def _parts_of(names: Sequence[str]) -> dict[str, str]:
    """Find the members of the one shapefile, by their endings."""
    own = [name for name in names if not name.lower().startswith("__macosx/")]
    shapes = [name for name in own if name.lower().endswith(".shp")]
    if len(shapes) != 1:
        listed = ", ".join(PurePosixPath(name).name for name in shapes[:20])
        raise _unsuitable(
            f"has {len(shapes)} shapefiles ({listed}); one is needed",
            f"a {len(shapes)} shapefiles ({listed}) ; il en faut un",
        )
    stem = shapes[0][:-4].lower()
    by_name = {name.lower(): name for name in own}
    return {ending: by_name[stem + ending] for ending in _PARTS if stem + ending in by_name}


def _complain_of_missing(parts: dict[str, str], note: Notes) -> None:
    if ".prj" not in parts:
        raise _unsuitable(
            "has no .prj, so the reference system of its coordinates is not known; add it",
            "n'a pas de .prj : le système de référence de ses coordonnées est inconnu ; ajoutez-le",
        )
    if ".shx" not in parts:
        raise _unsuitable("has no .shx, its index; add it", "n'a pas de .shx, son index ; ajoutez-le")
    if ".dbf" not in parts:
        note(
            Text(
                en="The shapefile has no .dbf: its features have no properties.",
                fr="Le shapefile n'a pas de .dbf : ses objets n'ont pas de propriétés.",
            )
        )


def _read_with_gdal(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    try:
        read = pyogrio.read_dataframe(path, layer=layer, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException, ValueError):
        raise UnreadableData(
            Text(
                en="The file of features cannot be read: it is truncated or damaged.",
                fr="Le fichier d'objets est illisible : il est tronqué ou endommagé.",
            )
        ) from None
    if not isinstance(read, gpd.GeoDataFrame):
        raise _unsuitable("has no geometries", "n'a pas de géométries")
    return read


def _read_parquet(path: Path, *_: object) -> gpd.GeoDataFrame:
    try:
        known = pa.parquet.read_metadata(path).metadata or {}
        if b"geo" not in known:
            raise _unsuitable(
                "is Parquet without geometries (no `geo` metadata); GeoParquet is needed",
                "est du Parquet sans géométries (pas de métadonnées `geo`) ; il faut du GeoParquet",
            )
        return cast("gpd.GeoDataFrame", gpd.read_parquet(path))
    except (pa.ArrowException, ValueError, KeyError, shapely.errors.GEOSException, OSError):
        raise UnreadableData(
            Text(
                en="The Parquet file cannot be read: it is truncated or damaged.",
                fr="Le fichier Parquet est illisible : il est tronqué ou endommagé.",
            )
        ) from None


# --- what is right ----------------------------------------------------------------------------------------------------


def _checked(features: gpd.GeoDataFrame, role: Role) -> gpd.GeoDataFrame:
    """Refuse what no science could use, and let points that lie nowhere be empty."""
    if not len(features):
        raise _unsuitable("has no features; at least one is needed", "n'a aucun objet ; il en faut au moins un")
    if features.crs is None:
        raise _unsuitable(
            "does not say the reference system of its coordinates; set it, for example EPSG:4326",
            "ne dit pas le système de référence de ses coordonnées ; indiquez-le, par exemple EPSG:4326",
        )
    geometries = np.asarray(features.geometry.array, dtype=object)
    if (count := int(shapely.get_num_coordinates(geometries).sum())) > MOST_VERTICES:
        raise _unsuitable(
            f"has {count} positions; at most {MOST_VERTICES} are read",
            f"a {count} positions ; au plus {MOST_VERTICES} sont lues",
        )
    if role == "points":
        return features.set_geometry(_points(geometries, CRS(features.crs)), crs=features.crs)
    _refuse_types(geometries, _TYPES["zones"])
    _refuse_places(geometries, CRS(features.crs))
    return features


def _points(geometries: NDArray[np.object_], crs: CRS) -> NDArray[np.object_]:
    """Give points; what is missing, or lies nowhere on the earth, is empty."""
    multiple = shapely.get_type_id(geometries) == shapely.GeometryType.MULTIPOINT
    lone = multiple & (shapely.get_num_geometries(geometries) == 1)
    points = np.where(lone, shapely.get_geometry(geometries, 0), geometries)
    _refuse_types(points, POINTS)
    x, y = coordinates_of(points)
    wrong = ~(np.isfinite(x) & np.isfinite(y))
    if crs.is_geographic:
        wrong |= (np.abs(x) > _TURN_DEG) | (np.abs(y) > 90)
    points[wrong] = no_point()
    return points


def _refuse_types(geometries: NDArray[np.object_], types: Sequence[str]) -> None:
    ids = [getattr(shapely.GeometryType, name.upper()) for name in types]
    wrong = ~(
        np.isin(shapely.get_type_id(geometries), ids) | shapely.is_missing(geometries) | shapely.is_empty(geometries)
    )
    if wrong.any():
        place = int(np.argmax(wrong))
        kind, right = geometries[place].geom_type, ", ".join(types)
        raise DatasetUnsuitable(
            Text(
                en=f"Feature {place} has the geometry {kind}; right is {right}.",
                fr=f"L'objet {place} a la géométrie {kind} ; il faut {right}.",
            )
        )


def _refuse_places(geometries: NDArray[np.object_], crs: CRS) -> None:
    """Refuse coordinates that are no numbers, or no degrees where they should be."""
    positions, owners = shapely.get_coordinates(geometries, return_index=True)
    wrong = ~np.isfinite(positions).all(axis=1)
    if crs.is_geographic:
        wrong |= (np.abs(positions[:, 0]) > _TURN_DEG) | (np.abs(positions[:, 1]) > 90 + 1e-9)
    if wrong.any():
        first = int(np.argmax(wrong))
        x, y = positions[first]
        raise DatasetUnsuitable(
            Text(
                en=f"Feature {int(owners[first])} has the position ({x:g}, {y:g}), which is no longitude and latitude in degrees.",
                fr=f"L'objet {int(owners[first])} a la position ({x:g}, {y:g}), qui n'est ni une longitude ni une latitude en degrés.",
            )
        )


def _all_of(bad: BadValue) -> Text:
    return Text(
        en=" ".join(fault.problem.en for fault in bad.faults), fr=" ".join(fault.problem.fr for fault in bad.faults)
    )


def _unsuitable(en: str, fr: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(Text(en=f"The file {en}.", fr=f"Le fichier {fr}."))


_READERS: dict[str, Callable[[Path, Role, Notes], gpd.GeoDataFrame]] = {
    GEOJSON.id: _read_geojson,
    GEOPACKAGE.id: _read_geopackage,
    PARQUET.id: _read_parquet,
    SHAPEFILE.id: _read_shapefile,
}
