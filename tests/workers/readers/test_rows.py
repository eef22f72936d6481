"""Features and tables as science gets them: real files of every kind, and hostile ones."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import polars as pl
import pyproj
import pytest
import shapely

from gaia_processes.errors import DataError, DatasetUnsuitable, GaiaError
from gaia_processes.inputs.sources import parse_community, parse_points, parse_zones
from gaia_processes.kinds import Role
from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_workers.readers import vector
from gaia_workers.readers.rows import open_inline, open_rows


@pytest.fixture
def opened():
    """Give a function that opens a file and keeps it open to the end of the test; what it notes stands in `notes`."""
    with ExitStack() as stack:

        def open_one(path: Path, role: Role, *, encoding: str = "utf-8") -> Any:
            return stack.enter_context(
                open_rows(path, role, encoding=encoding, note=lambda text: open_one.notes.append(text.en))
            )

        open_one.notes = []
        yield open_one


def refusal(path: Path, role: Role, kind: type[GaiaError] = DatasetUnsuitable) -> str:
    with pytest.raises(kind) as caught, open_rows(path, role, note=print) as rows:
        rows.collect()
    assert str(path.parent) not in caught.value.text.en
    assert caught.value.text.en != caught.value.text.fr
    return caught.value.text.en


# --- zones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count", "columns", "crs"),
    [
        ("france_departements.geojson", 96, ["code", "nom"], "OGC:CRS84"),
        ("lux.gpkg", 12, ["ID_1", "NAME_1", "ID_2", "NAME_2", "AREA", "POP"], "EPSG:4326"),
        ("lux_shapefile.zip", 12, ["ID_1", "NAME_1", "ID_2", "NAME_2", "AREA", "POP"], "EPSG:4326"),
        ("ne_50m_countries.gpkg", 241, ["NAME", "ISO_A3", "CONTINENT", "POP_EST"], "EPSG:4326"),
        ("edge_cases.geojson", 27, ["case", "expect"], "OGC:CRS84"),
    ],
)
def test_zones_keep_their_columns_their_order_and_their_system(opened, shared_data, name, count, columns, crs):
    zones = opened(shared_data / "vector" / name, "zones")
    assert isinstance(zones, gpd.GeoDataFrame)
    assert (len(zones), list(zones.columns)) == (count, [*columns, "geometry"])
    assert zones.crs.to_string() == crs


def test_zones_of_any_reference_system_keep_it(opened, shared_data):
    assert opened(shared_data / "vector" / "nc_counties_nad27.gpkg", "zones").crs.to_epsg() == 4267
    assert opened(shared_data / "vector" / "rasterstats_polygons.gpkg", "zones").crs.is_projected
    assert opened(shared_data / "bad" / "crs_member_lambert93.geojson", "zones").crs.to_epsg() == 2154


def test_geoparquet_gives_what_its_geopackage_gives(opened, shared_data, tmp_path):
    zones = opened(shared_data / "vector" / "lux.gpkg", "zones")
    zones.to_parquet(tmp_path / "lux.parquet")
    read = opened(tmp_path / "lux.parquet", "zones")
    assert read.geometry.geom_equals(zones.geometry).all()
    assert list(read["NAME_2"]) == list(zones["NAME_2"])


def test_geojson_that_is_too_large_for_our_parser_gives_the_same(opened, shared_data, monkeypatch):
    small = opened(shared_data / "vector" / "france_regions.geojson", "zones")
    monkeypatch.setattr(vector, "PARSED_BYTES", 0)
    large = opened(shared_data / "vector" / "france_regions.geojson", "zones")
    assert large.geometry.geom_equals(small.geometry).all()
    assert (list(large["nom"]), large.crs) == (list(small["nom"]), small.crs)


def test_an_unknown_system_is_refused_in_large_geojson_too(shared_data, monkeypatch):
    monkeypatch.setattr(vector, "PARSED_BYTES", 0)
    assert "999999" in refusal(shared_data / "bad" / "crs_member_unknown.geojson", "zones")
    assert "600000" in refusal(shared_data / "bad" / "projected_without_crs.geojson", "zones").replace(
        "600,000", "600000"
    )


def test_a_zone_without_a_place_keeps_its_row(opened, shared_data):
    zones = opened(shared_data / "bad" / "null_geometry.geojson", "zones")
    assert list(zones.geometry.isna()) == [True, False]


def test_whole_numbers_stay_whole_where_some_are_missing(opened, tmp_path):
    features = [{"type": "Feature", "properties": {"n": n, "tags": ["a"]}, "geometry": None} for n in (1, None, 3)]
    (tmp_path / "z.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    zones = opened(tmp_path / "z.geojson", "zones")
    assert str(zones["n"].dtype) == "Int64"
    assert list(zones["tags"]) == ['["a"]'] * 3


@pytest.mark.slow
def test_a_million_positions_are_read(opened, shared_data, tmp_path):
    import lzma

    packed = shared_data / "bad" / "polygon_1e6_vertices.geojson.xz"
    (tmp_path / "big.geojson").write_bytes(lzma.decompress(packed.read_bytes()))
    assert shapely.get_num_coordinates(opened(tmp_path / "big.geojson", "zones").geometry[0]) == 1_000_001


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unclosed_ring.geojson", "not closed"),
        ("ring_too_short.geojson", "ring of 3 positions"),
        ("empty_collection.geojson", "no features"),
        ("points_as_zones.geojson", 'geometry "Point"'),
        ("crs_member_unknown.geojson", "999999"),
        ("projected_without_crs.geojson", "longitude 600000"),
        ("nan_literal.geojson", "NaN"),
        ("infinite_coordinate.geojson", "finite"),
        ("truncated.geojson", "not valid JSON (line 1, column"),
        ("deep_nesting.geojson", "nested too deeply"),
        ("shapefile_no_prj.zip", "no .prj"),
        ("raw_local_file.vrt", "GDAL VRT"),
        ("vrt_renamed.tif", "GDAL VRT"),
        ("http_source.vrt", "GDAL VRT"),
        ("python_pixel_function.vrt", "GDAL VRT"),
        ("self_reference.vrt", "GDAL VRT"),
        ("local_table.vrt", "OGR VRT"),
        ("kerchunk_reference.json", "not GeoJSON"),
        ("no_crs.tif", "this input takes zones"),
    ],
)
def test_hostile_files_of_zones_are_refused_in_words(shared_data, name, words):
    assert words in refusal(shared_data / "bad" / name, "zones")


def test_a_geopackage_that_is_cut_short_is_damaged(shared_data):
    assert "truncated or damaged" in refusal(shared_data / "bad" / "truncated.gpkg", "zones", DataError)


@pytest.mark.parametrize("name", ["bom.geojson", "name with spaces & accents é.geojson", "self_intersecting.geojson"])
def test_files_that_are_only_odd_are_read(opened, shared_data, name):
    assert len(opened(shared_data / "bad" / name, "zones")) == 1


def test_a_shapefile_without_properties_is_read_and_says_so(opened, shared_data):
    assert len(opened(shared_data / "bad" / "shapefile_no_dbf.zip", "zones")) == 2
    assert opened.notes == ["The shapefile has no .dbf: its features have no properties."]


def test_kml_is_refused(tmp_path):
    (tmp_path / "a.kml").write_text('<kml xmlns="http://www.opengis.net/kml/2.2"><NetworkLink/></kml>')
    assert "KML" in refusal(tmp_path / "a.kml", "zones")


def test_a_geopackage_whose_tables_are_made_by_code_is_refused(shared_data, tmp_path):
    shutil.copy(shared_data / "vector" / "lux.gpkg", tmp_path / "z.gpkg")
    (tmp_path / "z.gpkg").chmod(0o600)
    with sqlite3.connect(tmp_path / "z.gpkg") as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('table', 't', 't', 0, "
            "'CREATE VIRTUAL TABLE t USING VirtualOGR(''/etc/passwd'')')"
        )
    connection.close()
    assert "virtual tables" in refusal(tmp_path / "z.gpkg", "zones")


def test_a_geopackage_of_several_layers_is_refused_with_their_names(shared_data, tmp_path):
    zones = gpd.read_file(shared_data / "vector" / "lux.gpkg")
    for layer in ("a", "b"):
        zones.to_file(tmp_path / "z.gpkg", layer=layer)
    assert "2 layers of features (a, b)" in refusal(tmp_path / "z.gpkg", "zones")


# --- points -----------------------------------------------------------------------------------------------------------


def test_points_are_made_of_columns_of_coordinates(opened, shared_data):
    points = opened(shared_data / "biodiversity" / "bradypus.csv", "points")
    assert (len(points), list(points.columns)) == (116, ["species", "lon", "lat", "geometry"])
    assert points.geometry[0] == shapely.Point(points["lon"][0], points["lat"][0])


def test_decimal_commas_and_semicolons_are_read(opened, shared_data):
    points = opened(shared_data / "bad" / "semicolon_decimal_comma.csv", "points")
    assert list(points.geometry) == [shapely.Point(-1.6, 48.1), shapely.Point(-1.7, 47.9)]
    assert list(points["abondance"]) == [3, 2]


def test_rows_whose_coordinates_are_none_keep_their_place(opened, shared_data):
    points = opened(shared_data / "bad" / "dirty_coordinates.csv", "points")
    assert list(points["occurrenceID"])[:3] == list(points["occurrenceID"])[:3]
    nowhere = [(row.decimalLatitude, row.decimalLongitude) for row in points.itertuples() if row.geometry.is_empty]
    assert ("48N", "2") in [(str(y), str(x)) for y, x in nowhere] or len(nowhere) >= 2
    assert len(points) == 10


def test_texts_that_only_look_like_numbers_stay_texts(opened, tmp_path):
    (tmp_path / "p.csv").write_text("code,n,lon,lat\n007,1,2.0,48\n012,,3,49\n")
    points = opened(tmp_path / "p.csv", "points")
    assert list(points["code"]) == ["007", "012"]
    assert str(points["n"].dtype) == "Int64"


def test_points_of_a_request_are_the_same_as_those_of_a_file():
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [10, 91]}},
            {"type": "Feature", "properties": {"a": 2}, "geometry": {"type": "Point", "coordinates": [10, 9]}},
            {"type": "Feature", "properties": {"a": 3}, "geometry": {"type": "Point", "coordinates": []}},
            {"type": "Feature", "properties": {"a": 4}, "geometry": None},
        ],
    }
    with open_inline(parse_points(collection), "points") as points:
        assert list(points.geometry.is_empty) == [True, False, True, True]
    with open_inline(parse_points("lon,lat\n10,91\n10,9\n"), "points") as points:
        assert list(points.geometry.is_empty) == [True, False]


def test_zones_of_a_request_are_features():
    with open_inline(
        parse_zones({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}), "zones"
    ) as zones:
        assert zones.geometry[0].area == 0.5


def test_a_table_without_coordinates_is_refused_with_its_columns(shared_data):
    assert "there are: species, count" in refusal(shared_data / "bad" / "no_coordinates.csv", "points")


# --- occurrences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rows", "first"),
    [
        ("obis_south_atlantic.tsv", 6924, "decimalLongitude"),
        ("pampa_reef_fish.csv", 2611, "observation.unit"),
        ("pontaurus_dwca.zip", 1534, "id"),
    ],
)
def test_occurrences_are_lazy_and_keep_the_names_of_their_columns(opened, shared_data, name, rows, first):
    table = opened(shared_data / "biodiversity" / name, "occurrences")
    assert isinstance(table, pl.LazyFrame)
    assert table.collect_schema().names()[0] == first
    assert table.select(pl.len()).collect().item() == rows


def test_an_archive_in_a_folder_has_darwin_core_terms_as_columns(opened, shared_data):
    table = opened(shared_data / "biodiversity" / "pontaurus_dwca.zip", "occurrences").collect()
    assert {"scientificName", "decimalLatitude", "decimalLongitude", "country"} <= set(table.columns)
    assert table["decimalLatitude"].cast(pl.Float64, strict=False).is_between(30, 45).all()


def test_a_table_in_another_encoding_is_refused_by_byte_and_row_and_read_where_it_is_named(opened, shared_data):
    path = shared_data / "biodiversity" / "acaule.csv"
    assert "byte 0xE9 in row 53" in refusal(path, "occurrences")
    table = opened(path, "occurrences", encoding="iso-8859-1").collect()
    assert len(table) == 594
    assert table["locality"].str.contains("é").any()


def test_a_table_in_utf_16_is_read_where_that_is_named(opened, shared_data, tmp_path):
    path = shared_data / "bad" / "utf16.csv"
    assert "say `utf-16` in the input `encoding`" in refusal(path, "occurrences")
    told = path.read_bytes().decode("utf-16").splitlines()
    table = opened(path, "occurrences", encoding="utf-16").collect()
    assert [table["species"][0], str(table["decimalLatitude"][0])] == told[1].split(",")[:2]
    torn = tmp_path / "torn.csv"
    torn.write_bytes("espèce,decimalLatitude\nêtre,1\n".encode("utf-16") + b"\x00\xdc")  # half a pair
    with pytest.raises(DatasetUnsuitable, match="byte 0x00 in row 3"):
        opened(torn, "occurrences", encoding="utf-16")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_encoding.csv", "byte 0xEA in row 2"),
        ("ragged.csv", "2 row(s) of the table have not the 3 values of its header (row: values): 2: 2, 3: 4"),
        ("header_only.csv", "a header and no rows"),
        ("nul_byte.csv", "binary content"),
        ("utf16.csv", "UTF-16"),
        ("dwca_traversal.zip", "leads out of it"),
        ("dwca_meta_traversal.zip", "outside of the archive"),
        ("dwca_symlink.zip", "link among its members"),
        ("dwca_xxe.zip", "document type (DOCTYPE)"),
        ("dwca_billion_laughs.zip", "document type (DOCTYPE)"),
        ("dwca_zipbomb.zip", "1027 times what it has"),
        ("dwca_no_meta.zip", "no meta.xml"),
        ("dwca_core_missing.zip", "'occurrence.txt' is not in it"),
    ],
)
def test_hostile_files_of_occurrences_are_refused_in_words(shared_data, name, words):
    assert words in refusal(shared_data / "bad" / name, "occurrences")


def test_an_archive_of_taxa_is_no_archive_of_occurrences(shared_data):
    assert "'Taxon'" in refusal(shared_data / "biodiversity" / "dwca_star_small.zip", "occurrences")


def test_parquet_that_is_cut_short_is_damaged(shared_data):
    assert "truncated or damaged" in refusal(shared_data / "bad" / "truncated.parquet", "occurrences", DataError)


def test_values_of_a_spreadsheet_stay_text(opened, shared_data):
    table = opened(shared_data / "bad" / "formula_injection.csv", "occurrences").collect()
    assert table["species"][0] == '=HYPERLINK("http://127.0.0.1:9/","x")'


def test_geoparquet_of_occurrences_has_columns_of_coordinates(opened, tmp_path):
    points = gpd.GeoDataFrame({"scientificName": ["a", "b"]}, geometry=[shapely.Point(1, 2), None], crs="OGC:CRS84")
    points.to_parquet(tmp_path / "o.parquet")
    table = opened(tmp_path / "o.parquet", "occurrences").collect()
    assert table.to_dict(as_series=False) == {
        "scientificName": ["a", "b"], "decimalLongitude": [1.0, None], "decimalLatitude": [2.0, None],
    }  # fmt: skip


def test_parquet_of_occurrences_can_be_read_as_it_lies_there(opened, tmp_path):
    path = tmp_path / "o.parquet"
    pl.DataFrame({"scientificName": ["a"], "decimalLongitude": [1.0], "decimalLatitude": [2.0]}).write_parquet(path)
    rows = opened(path, "occurrences")
    assert isinstance(rows, ParquetRows)
    assert (rows.path, rows.table.collect()["scientificName"].to_list()) == (path, ["a"])


def archive(path: Path, meta: str, core: str, **others: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("meta.xml", meta)
        made.writestr("occurrence.txt", core)
        for name, content in others.items():
            made.writestr(f"{name}.txt", content)
    return path


META = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
<core encoding="{encoding}" fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
<files><location>occurrence.txt</location></files><id index="0"/>
<field index="0" term="http://rs.tdwg.org/dwc/terms/occurrenceID"/>
<field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
<field index="2" default="HumanObservation" term="http://rs.tdwg.org/dwc/terms/basisOfRecord"/>
<field default="WGS84" term="http://rs.tdwg.org/dwc/terms/geodeticDatum"/>
</core>
<extension rowType="http://rs.gbif.org/terms/1.0/Multimedia"><files><location>media.txt</location></files></extension>
</archive>"""


def test_an_archive_says_what_stands_where_a_record_says_nothing(opened, tmp_path):
    path = archive(
        tmp_path / "a.zip", META.format(encoding="UTF-8"), 'id\tname\tbasis\n1\tQ. "robur\t\n2\tFagus\tFossil\n'
    )
    table = opened(path, "occurrences").collect()
    assert table.to_dict(as_series=False) == {
        "occurrenceID": ["1", "2"], "scientificName": ['Q. "robur', "Fagus"],
        "basisOfRecord": ["HumanObservation", "Fossil"], "geodeticDatum": ["WGS84", "WGS84"],
    }  # fmt: skip
    assert opened.notes == ["Extensions of the archive are not read: Multimedia."]


def test_an_encoding_that_nobody_knows_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", META.format(encoding="klingon"), "id\tname\tbasis\n1\ta\tb\n")
    assert "klingon" in refusal(path, "occurrences")


# --- communities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shape"), [("bci", (50, 226)), ("dune", (20, 31)), ("mite", (70, 36))])
def test_a_community_table_has_sites_and_counts(opened, shared_data, name, shape):
    table = opened(shared_data / "biodiversity" / f"{name}.csv", "community")
    assert isinstance(table, pl.DataFrame)
    assert table.shape == shape
    assert all(kind.is_numeric() for kind in table.dtypes[1:])


def test_a_count_that_is_none_is_refused_by_its_place():
    opening = open_inline(parse_community("site,Quercus,Fagus\na,1,2\nb,3,many\n"), "community")
    with pytest.raises(DatasetUnsuitable, match="'Fagus' of the community table has 'many' in row 2"):
        opening.__enter__()


def test_an_absent_count_is_missing_and_a_comma_may_be_a_point():
    with open_inline(parse_community("site;Quercus;Fagus\na;1,5;\nb;3;2\n"), "community") as table:
        assert table.rows() == [("a", 1.5, None), ("b", 3.0, 2.0)]


def test_numbers_of_records_may_have_blanks_around(opened, tmp_path):
    (tmp_path / "r.csv").write_text("species, decimalLatitude, decimalLongitude, year\na, 1.5 , 2, 2001\n")
    table = opened(tmp_path / "r.csv", "occurrences").collect()
    assert table.row(0) == ("a", "1.5", "2", "2001")


# --- rows of another length than their header -------------------------------------------------------------------------

SOME_RAGGED = (
    "scientificName,decimalLongitude,decimalLatitude\nParus major,2,48\nParus major,2\nTurdus merula,2,48\na,b,c,d\n"
)


def test_occurrences_that_can_be_read_are_and_the_others_are_named(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text(SOME_RAGGED)
    with open_rows(path, "occurrences", note=print, tolerant=True) as rows:
        table = rows.collect()
    assert table["gaia:unread"].to_list() == [None, None, "3: 2", "5: 4"]
    assert table["scientificName"].to_list() == ["Parus major", "Turdus merula", None, None]


def test_where_all_rows_can_be_read_nothing_is_said_of_others(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text("scientificName,year\nParus major,2001\n")
    with open_rows(path, "occurrences", note=print, tolerant=True) as rows:
        assert rows.collect_schema().names() == ["scientificName", "year"]


def test_a_ragged_table_is_refused_where_it_is_published_or_means_points(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text(SOME_RAGGED)
    assert "2 row(s)" in refusal(path, "occurrences")
    with pytest.raises(DatasetUnsuitable), open_rows(path, "points", note=print, tolerant=True):
        pass


def test_a_table_of_ragged_rows_alone_is_refused(tmp_path):
    path = tmp_path / "records.csv"
    path.write_text("a,b\n1\n")
    with pytest.raises(DatasetUnsuitable, match="2: 1"), open_rows(path, "occurrences", note=print, tolerant=True):
        pass


@pytest.mark.parametrize("name", ["own.gpkg", "own.parquet"])  # WKT and PROJJSON
def test_zones_in_a_system_of_nobody_keep_it(opened, tmp_path, name):
    own = pyproj.CRS("+proj=laea +lat_0=46 +lon_0=2 +ellps=GRS80 +units=m")
    written = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(0, 0, 1e5, 1e5)], crs=own)
    (written.to_file if name.endswith("gpkg") else written.to_parquet)(tmp_path / name)
    zones = opened(tmp_path / name, "zones")
    assert zones.crs.equals(own, ignore_axis_order=True)
    assert zones.to_crs("OGC:CRS84").total_bounds[:2] == pytest.approx([2, 46], abs=0.01)
