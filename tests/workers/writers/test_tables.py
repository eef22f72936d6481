"""Every format that rows can be had in, of the same small table and of a large one."""

import csv
import datetime as dt
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
import xarray as xr
from matplotlib.axes import Axes

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.formats import NETCDF, TABULAR
from gaia_processes.shared.table import Column, Table
from gaia_processes.text import Text
from gaia_workers.tables import watched

ENDINGS = {each.id: each.extension for each in (*TABULAR, NETCDF)}
HISTORY = "2026-01-31T12:00:00Z gaia zonal-statistics 1.0.0 {}"
MEAN = Column(
    name="tas_mean",
    title=Text(en="Mean", fr="Moyenne"),
    unit="K",
    definition=Text(en="Weighted mean.", fr="Moyenne pondérée."),
)
SQUARE, FAR = shapely.box(0, 40, 1, 41), shapely.MultiPolygon([shapely.box(2, 42, 3, 43)])


def zones(geometry=(SQUARE, None, FAR), crs="OGC:CRS84", **more) -> Table:
    frame = gpd.GeoDataFrame(
        {
            "name": ['Île "A"\n;,', "b", None],
            "people": pd.array([1, None, 3], dtype="Int64"),
            "tas_mean": [281.5, np.nan, np.inf],
            "time": pd.to_datetime(["2001-01-01T00:00:00Z", None, "2001-07-01T12:30:00Z"]),
            "day": pd.Series([dt.date(2001, 1, 1), None, dt.date(1850, 1, 1)], dtype=object),
            "coast": pd.array([True, None, False], dtype="boolean"),
            "small": np.array([0.1, np.nan, 3], "f4"),
        },
        geometry=list(geometry),
        crs=crs,
    )
    told = {"columns": (MEAN,), "shown": "tas_mean", "report": {"gamma": 3}, "attributes": {"title": "Zones"}}
    return Table.of(frame, **(told | more))


def written(table: Table, format_id: str, folder: Path, name: str = "table") -> Path:
    path = folder / f"{name}{ENDINGS[format_id]}"
    import_module(f"gaia_workers.writers.{format_id}").write(
        table, path, progress=lambda _done, _total: None, history=HISTORY
    )
    return path


def rows_of(path: Path, **dialect) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""), **dialect))


@pytest.mark.parametrize("format_id", [each.id for each in TABULAR])
def test_the_same_table_gives_the_same_bytes(format_id, tmp_path):
    first, second = (written(zones(), format_id, tmp_path, name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("format_id", [each.id for each in TABULAR])
def test_nothing_is_left_of_a_file_that_failed(format_id, tmp_path):
    def frames():
        yield pd.DataFrame({"a": [1]})
        raise RuntimeError("the disk of the source broke")

    with pytest.raises((RuntimeError, OSError)):
        written(Table(frames=frames, rows=2), format_id, tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_has_every_column_but_the_geometry_and_quotes_what_must_be(tmp_path):
    assert rows_of(written(zones(), "csv", tmp_path)) == [
        ["name", "people", "tas_mean", "time", "day", "coast", "small"],
        ['Île "A"\n;,', "1", "281.5", "2001-01-01T00:00:00Z", "2001-01-01", "true", "0.1"],
        ["b", "", "", "", "", "", ""],
        ["", "3", "", "2001-07-01T12:30:00Z", "1850-01-01", "false", "3.0"],
    ]


def test_csv_for_french_spreadsheets_has_decimal_commas(tmp_path):
    path = written(zones(), "csv_fr", tmp_path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfname;people;")
    assert rows_of(path, delimiter=";")[1][2:] == ["281,5", "2001-01-01T00:00:00Z", "2001-01-01", "true", "0,1"]


@pytest.mark.parametrize("format_id", ["csv", "geojson", "geopackage", "geoparquet"])
def test_a_table_without_rows_is_a_file_with_its_columns(format_id, tmp_path):
    frame = gpd.GeoDataFrame({"zone": pd.Series([], dtype="str"), "tas_mean": []}, geometry=[], crs="OGC:CRS84")
    path = written(Table.of(frame, columns=(MEAN,), shown="tas_mean"), format_id, tmp_path)
    if format_id == "csv":
        assert path.read_bytes() == b"zone,tas_mean\r\n"
    elif format_id == "geojson":
        assert json.loads(path.read_text())["features"] == []
    elif format_id == "geoparquet":
        assert gpd.read_parquet(path).columns.tolist() == ["zone", "tas_mean", "geometry"]
    else:
        assert pyogrio.read_info(path, layer="table")["fields"].tolist() == ["zone", "tas_mean"]


# --- GeoJSON ---------------------------------------------------------------------------------------------------------


def test_geojson_is_strict_json_with_missing_numbers_as_null(tmp_path):
    def refuse(name):
        raise AssertionError(name)

    document = json.loads(written(zones(), "geojson", tmp_path).read_text(), parse_constant=refuse)
    first, second, third = document["features"]
    assert first["properties"]["name"] == 'Île "A"\n;,'
    assert first["properties"]["small"] == 0.1
    assert (second["geometry"], second["properties"]["tas_mean"]) == (None, None)
    assert (third["properties"]["people"], third["properties"]["tas_mean"]) == (3, None)


def test_geojson_carries_the_report_and_what_the_columns_mean(tmp_path):
    document = json.loads(written(zones(), "geojson", tmp_path).read_text())
    assert document["gaia:report"] == {"gamma": 3}
    assert document["gaia:columns"][0] == {
        "name": "tas_mean", "title": {"en": "Mean", "fr": "Moyenne"}, "unit": "K",
        "definition": {"en": "Weighted mean.", "fr": "Moyenne pondérée."},
    }  # fmt: skip
    assert document["gaia:attributes"] == {"title": "Zones", "history": HISTORY}


def test_geojson_turns_outer_rings_counterclockwise_and_holes_clockwise(tmp_path):
    clockwise = shapely.Polygon([(0, 0), (0, 4), (4, 4), (4, 0)], holes=[[(1, 1), (2, 1), (2, 2), (1, 2)]])
    document = json.loads(written(zones((clockwise, None, None)), "geojson", tmp_path).read_text())
    outer, hole = document["features"][0]["geometry"]["coordinates"]
    assert (shapely.LinearRing(outer).is_ccw, shapely.LinearRing(hole).is_ccw) == (True, False)


def test_geojson_is_on_longitude_and_latitude_whatever_the_table_is_on(tmp_path):
    paris = shapely.Point(652_709, 6_862_305)  # Lambert 93
    document = json.loads(written(zones((paris, None, None), crs="EPSG:2154"), "geojson", tmp_path).read_text())
    assert document["features"][0]["geometry"]["coordinates"] == pytest.approx([2.3556, 48.8581], abs=1e-3)


def test_an_empty_geometry_is_none(tmp_path):
    document = json.loads(written(zones((shapely.Point(), None, SQUARE)), "geojson", tmp_path).read_text())
    assert [each["geometry"] is None for each in document["features"]] == [True, True, False]


# --- GeoPackage ------------------------------------------------------------------------------------------------------


def test_geopackage_is_read_back_with_types_and_gaps(tmp_path):
    path = written(zones(), "geopackage", tmp_path)
    told = pyogrio.read_info(path, layer="table")
    assert (told["geometry_type"], told["crs"], told["features"]) == ("MultiPolygon", "EPSG:4326", 3)
    frame = pyogrio.read_dataframe(path, layer="table")
    assert frame["tas_mean"].isna().tolist() == [False, True, True]
    assert frame.geometry.isna().tolist() == [False, True, False]
    assert frame["name"][0] == 'Île "A"\n;,'


def test_geopackage_keeps_the_style_where_qgis_looks_for_it(tmp_path):
    with closing(sqlite3.connect(written(zones(), "geopackage", tmp_path))) as package:
        (row,) = package.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML, styleSLD FROM layer_styles"
        )
        moments = {moment for (moment,) in package.execute("SELECT last_change FROM gpkg_contents")}
        titles = package.execute("SELECT column_name, title, description, name FROM gpkg_data_columns").fetchall()
        assert package.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert package.execute("PRAGMA foreign_key_check").fetchall() == []
    assert row[:3] == ("table", "geom", 1)
    assert ET.fromstring(row[3]).find("renderer-v2").attrib["attr"] == "tas_mean"
    assert ET.fromstring(row[4]).attrib["version"] == "1.0.0"
    assert moments == {"2026-01-31T12:00:00Z"}
    assert titles == [("tas_mean", None, "Weighted mean.", "Mean [K] (tas_mean)")]


def test_geopackage_names_columns_apart_that_differ_in_case_alone_and_leaves_fid_to_its_owner(tmp_path):
    table = Table.of(pd.DataFrame({"fid": [7, 7], "Name": ["a", "b"], "name": [1, 2]}))
    path = written(table, "geopackage", tmp_path)
    frame = pyogrio.read_dataframe(path)
    assert frame.columns.tolist() == ["fid", "Name", "name_2"]
    assert frame["fid"].tolist() == [7, 7]


@pytest.mark.parametrize(
    ("geometry", "declared"),
    [
        ((shapely.Point(1, 2), None, shapely.Point(3, 4)), "POINT"),
        ((shapely.LineString([(0, 0), (1, 1)]), None, None), "MULTILINESTRING"),
        ((SQUARE, None, shapely.Point(3, 4)), "GEOMETRY"),
    ],
)
def test_geopackage_declares_what_its_geometries_are(geometry, declared, tmp_path):
    with closing(sqlite3.connect(written(zones(geometry), "geopackage", tmp_path))) as package:
        assert package.execute("SELECT geometry_type_name, z FROM gpkg_geometry_columns").fetchall() == [(declared, 0)]


# --- GeoParquet ------------------------------------------------------------------------------------------------------


def test_geoparquet_is_read_back_as_it_was(tmp_path):
    path = written(zones(crs="EPSG:4326"), "geoparquet", tmp_path)
    frame = gpd.read_parquet(path)
    assert frame.crs == "EPSG:4326"
    assert frame["people"].isna().tolist() == [False, True, False]
    assert frame["day"][2] == dt.date(1850, 1, 1)
    assert frame.geometry[0].equals(SQUARE)


def test_geoparquet_says_what_the_standard_demands_and_what_the_columns_mean(tmp_path):
    path = written(zones(), "geoparquet", tmp_path)
    metadata = pq.read_metadata(path).metadata
    geo = json.loads(metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert geo["columns"]["geometry"]["geometry_types"] == ["MultiPolygon", "Polygon"]
    assert geo["columns"]["geometry"]["bbox"] == [0, 40, 3, 43]
    assert json.loads(metadata[b"gaia:report"]) == {"gamma": 3}
    assert pq.read_schema(path).field("tas_mean").metadata[b"units"] == b"K"


# --- PNG and NetCDF --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("geometry", [(SQUARE, None, FAR), (shapely.Point(1, 2), None, shapely.Point(2, 3))])
def test_png_is_a_map_that_says_what_it_shows(geometry, tmp_path):
    content = written(zones(geometry), "png", tmp_path).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert b"Mean [K]" in content


def test_rows_without_places_are_no_map(tmp_path):
    with pytest.raises(DatasetUnsuitable, match="no places"):
        written(Table.of(pd.DataFrame({"a": [1]})), "png", tmp_path)


def test_series_of_a_table_become_netcdf(tmp_path):
    series = xr.Dataset({"tas_mean": ("zone", [1.0, 2.0])})
    with xr.open_dataset(written(zones(series=lambda: series), "netcdf", tmp_path)) as data:
        assert data["tas_mean"].values.tolist() == [1, 2]
        assert (data.attrs["title"], data.attrs["history"]) == ("Zones", HISTORY)
    with pytest.raises(DatasetUnsuitable, match="no series"):
        written(zones(), "netcdf", tmp_path)


# --- many rows -------------------------------------------------------------------------------------------------------

LARGE = """
import resource, sys
from importlib import import_module
from pathlib import Path
import geopandas as gpd, numpy as np, shapely
from gaia_processes.shared.table import Table
from gaia_workers.writers import csv, geojson, geopackage, geoparquet, png
def frames():
    for start in range(0, rows, 10_000):
        at = np.arange(start, start + 10_000)
        places = shapely.box(at % 300 - 150, at % 120 - 60, at % 300 - 149, at % 120 - 59)
        yield gpd.GeoDataFrame({"zone": at, "name": [f"zone {each}" for each in at], "v": at * 0.5}, geometry=places, crs="OGC:CRS84")
format_id, folder, rows = sys.argv[1], Path(sys.argv[2]), 10_000
writer = import_module(f"gaia_workers.writers.{format_id}")
def write():
    table = Table(frames=frames, rows=rows, shown="v")
    writer.write(table, folder / "large.gpkg", progress=lambda done, total: None, history="h")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = write()
rows = 100_000
print((write() - before) // 1024, (folder / "large.gpkg").stat().st_size)
"""


@pytest.mark.slow
@pytest.mark.parametrize("format_id", ["csv", "geojson", "geopackage", "geoparquet"])
def test_memory_does_not_grow_with_the_rows(format_id, tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", LARGE, format_id, str(tmp_path)], capture_output=True, text=True, check=True, timeout=100
    )
    grown_mb, size_bytes = map(int, told.stdout.split())
    assert size_bytes > 5e5
    assert grown_mb < 40


@pytest.mark.parametrize("most", [1, 2])
def test_a_picture_says_that_it_does_not_draw_every_place(most, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(watched, "MAP_FEATURES", most)
    monkeypatch.setattr(Axes, "set_xlabel", lambda _axes, text, *_, **__: said.append(text))
    written(zones(), "png", tmp_path)
    told = "Only the first 1 places are drawn. · Seuls les 1 premiers lieux sont dessinés."
    assert told in said if most == 1 else told not in said
