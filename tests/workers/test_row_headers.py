"""What the catalogue knows of features and tables, from real files."""

import geopandas as gpd
import pytest
import shapely

from gaia_processes.rows import Rows
from gaia_workers.readers.recognising import recognise
from gaia_workers.row_headers import RowsHeader, read_rows_header


def header(path) -> RowsHeader:
    return read_rows_header(path, recognise(path))


@pytest.mark.parametrize(
    ("name", "kind", "count", "geometry", "columns"),
    [
        ("vector/lux.gpkg", "geopackage", 12, ("Polygon",), ("ID_1", "NAME_1", "ID_2", "NAME_2", "AREA", "POP")),
        (
            "vector/lux_shapefile.zip",
            "shapefile",
            12,
            ("Polygon",),
            ("ID_1", "NAME_1", "ID_2", "NAME_2", "AREA", "POP"),
        ),
        ("vector/france_regions.geojson", "geojson", 13, ("MultiPolygon", "Polygon"), ("code", "nom")),
        ("biodiversity/bradypus.csv", "csv", 116, (), ("species", "lon", "lat")),
    ],
)
def test_columns_rows_and_geometries_are_known(shared_data, name, kind, count, geometry, columns):
    rows = header(shared_data / name).rows
    assert (rows.kind, rows.count, rows.geometry, rows.names) == (kind, count, geometry, columns)
    assert Rows.from_stac(rows.to_stac()) == rows


def test_what_lies_on_the_earth_has_a_box_in_degrees(shared_data):
    west, south, east, north = header(shared_data / "vector" / "lux.gpkg").bbox
    assert (west, south, east, north) == pytest.approx((5.744, 49.45, 6.528, 50.18), abs=0.01)
    west, _, _, north = header(shared_data / "vector" / "nc_counties_nad27.gpkg").bbox
    assert (west, north) == pytest.approx((-84.32, 36.59), abs=0.01)


def test_an_archive_of_occurrences_has_darwin_core_columns(shared_data):
    found = header(shared_data / "biodiversity" / "pontaurus_dwca.zip")
    assert {"scientificName", "decimalLatitude"} <= set(found.rows.names)
    assert found.bbox is not None
    assert found.bbox[0] > 25


def test_dates_of_records_are_for_the_search(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("scientificName,eventDate\na,2001-05-02\nb,1999\nc,2003-02-30\nd,2002-07/2002-08\n")
    assert header(path).interval == ("1999-01-01T00:00:00Z", "2002-07-01T00:00:00Z")


def test_a_file_of_points_is_known_as_points(tmp_path):
    points = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(2, 48)], crs="EPSG:4326")
    points.to_file(tmp_path / "p.gpkg")
    rows = header(tmp_path / "p.gpkg").rows
    assert rows.geometry == ("Point",)
    assert (rows.fits("points"), rows.fits("zones"), rows.fits("occurrences")) == (True, False, False)
    assert rows.columns[0].type == "int64"
