import base64
import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import geopandas as gpd
import netCDF4
import numpy as np
import pytest
import shapely
import xarray as xr

from gaia_processes import formats
from gaia_processes.shared.table import Column, Table
from gaia_processes.text import Text
from gaia_workers.contract import Order, OutputFile
from gaia_workers.results import Draft, digest
from gaia_workers.sides import LIMIT_BYTES, make_preview, make_sides
from gaia_workers.tables.watched import watch
from gaia_workers.writers import csv, geojson, geotiff, png

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER = Order(
    job_id="j", part=0, attempt=1, process_id="subset", process_version="1.0.0", inputs={}, formats={},
    accepted=NOON, queue_deadline=NOON, time_limit_s=1, memory_limit_bytes=1, centre="c", queue="q",
)  # fmt: skip


@pytest.fixture
def draft(tmp_path) -> Draft:
    return Draft(order=ORDER, folder=tmp_path)


def written(draft: Draft, name: str, file_format=formats.NETCDF) -> OutputFile:
    path = draft.path(name)
    return OutputFile(
        output="data", name=name, media_type=file_format.media_type, size_bytes=path.stat().st_size,
        sha256=digest(path), location=f"j/1/{name}", store="centre",
    )  # fmt: skip


def test_a_preview_lies_beside_its_output_and_leaves_its_bytes_alone(draft):
    with netCDF4.Dataset(draft.path("subset-j.nc"), "w") as data:
        data.createDimension("time", 2)
        data.createVariable("tas", "f4", ("time",))[:] = [1, 2]
    file = written(draft, "subset-j.nc")
    side = make_preview(draft, file, formats.NETCDF)
    path = draft.path("subset-j.preview.json")
    assert (side.name, side.output, side.ending, side.location) == (
        path.name, "data", "preview.json", "j/1/subset-j.preview.json",
    )  # fmt: skip
    assert (side.size_bytes, side.sha256) == (path.stat().st_size, digest(path))
    assert json.loads(path.read_text())["kind"] == "series"
    assert digest(draft.path("subset-j.nc")) == file.sha256


def test_a_preview_that_cannot_be_made_is_only_logged(draft, capsys):
    draft.path("broken.nc").write_bytes(b"no data")
    assert make_preview(draft, written(draft, "broken.nc"), formats.NETCDF) is None
    assert "no preview" in capsys.readouterr().out
    assert not draft.path("broken.preview.json").exists()


def test_a_preview_that_is_too_large_is_left_out(draft, monkeypatch):
    draft.path("a.txt").write_text("x")
    monkeypatch.setattr("gaia_workers.sides.PREVIEWS", {"text": lambda path: {"text": "x" * LIMIT_BYTES}})
    assert make_preview(draft, written(draft, "a.txt", formats.TEXT), formats.TEXT) is None


def test_long_text_shows_its_beginning(draft):
    draft.path("a.txt").write_text("é" * 50_000)
    make_preview(draft, written(draft, "a.txt", formats.TEXT), formats.TEXT)
    told = json.loads(draft.path("a.preview.json").read_text())
    assert told == {"kind": "text", "text": "é" * 4000, "more": True}


def test_what_is_a_preview_of_nothing_is_none(draft):
    xr.Dataset().to_netcdf(draft.path("a.nc"))
    assert make_preview(draft, written(draft, "a.nc"), formats.NETCDF) is None


# --- tables ----------------------------------------------------------------------------------------------------------

HISTORY = "2026-01-31T12:00:00Z gaia zonal-statistics 1.0.0 {}"
MEAN = Column(
    name="tas_mean", title=Text(en="Mean", fr="Moyenne"), unit="K",
    definition=Text(en="Weighted mean.", fr="Moyenne pondérée."),
)  # fmt: skip


def zones():
    """Two squares side by side; the second has no number."""
    frame = gpd.GeoDataFrame(
        {"zone": ["a", "b"], "tas_mean": [281.5, np.nan]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], crs="OGC:CRS84",
    )  # fmt: skip
    return watch(Table.of(frame, columns=(MEAN,), shown="tas_mean", report={"gamma": 2}))


def sides_of(draft, value, writer, file_format):
    name = f"zonal-statistics-j{file_format.extension}"
    writer.write(value, draft.path(name), progress=lambda _done, _total: None, history=HISTORY)
    file = written(draft, name, file_format)
    return {side.ending: side for side in make_sides(draft, file, file_format, value, history=HISTORY)}


def test_beside_a_table_lie_its_preview_its_report_and_its_styles(draft):
    sides = sides_of(draft, zones(), geojson, formats.GEOJSON)
    assert {ending: side.name for ending, side in sides.items()} == {
        "preview.json": "zonal-statistics-j.preview.json", "report.json": "zonal-statistics-j.report.json",
        "qml": "zonal-statistics-j.qml", "sld": "zonal-statistics-j.sld",
    }  # fmt: skip
    report = json.loads(draft.path(sides["report.json"].name).read_text())
    assert report["columns"][0]["unit"] == "K"
    assert report["columns"][0]["definition"]["fr"] == "Moyenne pondérée."
    assert (report["report"], report["attributes"]["history"]) == ({"gamma": 2}, HISTORY)


def test_the_preview_of_a_table_has_its_rows_and_a_map_of_its_places(draft):
    sides = sides_of(draft, zones(), geojson, formats.GEOJSON)
    told = json.loads(draft.path(sides["preview.json"].name).read_text())
    assert (told["kind"], told["columns"], told["rows"]) == ("table", ["zone", "tas_mean"], [["a", 281.5], ["b", None]])
    picture = told["map"]
    codes = np.frombuffer(base64.b64decode(picture["cells"]["data"]), "<u2").reshape(picture["cells"]["shape"])
    middle = codes[codes.shape[0] // 2]
    at_5, at_15 = (int(np.abs(np.array(picture["x"]["values"]) - degrees).argmin()) for degrees in (5, 15))
    assert (middle[at_5] > 0, middle[at_15] > 0) == (True, False)
    assert (picture["minimum"], picture["variable"]["units"]) == (281.5, "K")


def test_the_styles_of_a_table_colour_what_is_shown(draft):
    sides = sides_of(draft, zones(), csv, formats.CSV)
    qml, sld = (ET.parse(draft.path(sides[ending].name)).getroot() for ending in ("qml", "sld"))
    (only,) = qml.iter("range")
    assert (only.attrib["lower"], only.attrib["upper"], only.attrib["label"]) == ("281.5", "281.5", "281.5 … 281.5 K")
    ogc = {"ogc": "http://www.opengis.net/ogc"}
    assert {each.text for each in sld.iterfind(".//ogc:PropertyName", ogc)} == {"tas_mean"}
    assert len(sld.findall(".//ogc:PropertyIsNull", ogc)) == 1


def test_a_picture_is_its_own_preview(draft):
    sides = sides_of(draft, zones(), png, formats.PNG)
    assert set(sides) == {"preview.json", "report.json"}
    assert json.loads(draft.path(sides["preview.json"].name).read_text())["kind"] == "image"


def gridded():
    return xr.Dataset(
        {"tas": (("lat", "lon"), [[1.0, 2.0], [3.0, 4.0]], {"units": "K", "long_name": "Air"})},
        coords={
            "lat": ("lat", [10.0, 0.0], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 10.0], {"units": "degrees_east"}),
        },
    )


def test_csv_of_a_grid_has_the_units_of_its_columns_beside_it(draft):
    sides = sides_of(draft, gridded(), csv, formats.CSV)
    report = json.loads(draft.path(sides["report.json"].name).read_text())
    assert {each["name"]: each.get("unit") for each in report["columns"]} == {
        "latitude": "degrees_north", "longitude": "degrees_east", "tas": "K",
    }  # fmt: skip


def test_a_geotiff_is_shown_as_a_map(draft):
    sides = sides_of(draft, gridded(), geotiff, formats.GEOTIFF)
    told = json.loads(draft.path(sides["preview.json"].name).read_text())
    assert (told["kind"], told["minimum"], told["maximum"]) == ("map", 1, 4)
    assert told["variable"]["units"] == "K"
