"""GeoJSON in requests: what is right is kept, what is wrong is named by feature and place."""

import json
from pathlib import Path
from typing import Any

import pytest

from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.geojson import POINTS, POLYGONS, Collection, read_collection

SQUARE = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]


def collection(*geometries: Any, properties: Any = None, **members: Any) -> dict[str, Any]:
    features = [{"type": "Feature", "properties": properties or {}, "geometry": each} for each in geometries]
    return {"type": "FeatureCollection", "features": features, **members}


def polygon(coordinates: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": coordinates}


def read(value: object, types: tuple[str, ...] = POLYGONS) -> Collection:
    return read_collection(value, types=types, most_vertices=1000)


def faults(value: object, types: tuple[str, ...] = POLYGONS) -> list[tuple[str, str]]:
    with pytest.raises(BadValue) as caught:
        read(value, types)
    return [(fault.pointer, fault.problem.en) for fault in caught.value.faults]


def test_a_feature_keeps_its_id_its_properties_and_its_geometry():
    feature = {"type": "Feature", "id": 7, "properties": {"code": "29"}, "geometry": polygon(SQUARE), "style": {}}
    read_back = read({"type": "FeatureCollection", "features": [feature]})
    assert read_back.columns == ("code",)
    assert read_back.features == (
        {"type": "Feature", "id": 7, "geometry": polygon(SQUARE), "properties": {"code": "29"}},
    )


def test_a_lone_feature_and_a_bare_geometry_are_collections_of_one():
    assert len(read({"type": "Feature", "properties": None, "geometry": polygon(SQUARE)}).features) == 1
    assert len(read(polygon(SQUARE)).features) == 1


def test_a_feature_without_a_place_keeps_its_row():
    assert [each["geometry"] for each in read(collection(None, polygon([]))).features] == [None, polygon([])]


@pytest.mark.parametrize(
    ("geometry", "pointer", "words"),
    [
        (polygon([[[0, 0], [1, 0], [1, 1], [0, 1]]]), "/features/0/geometry/coordinates/0", "not closed"),
        (polygon([[[0, 0], [1, 0], [0, 0]]]), "/features/0/geometry/coordinates/0", "ring of 3 positions"),
        (polygon([[[600000, 6800000]] * 4]), "/features/0/geometry/coordinates/0/0", "longitude 600000"),
        (polygon([[[2, 91]] * 4]), "/features/0/geometry/coordinates/0/0", "latitude 91"),
        (polygon([[[0, 0], ["1", 0], [1, 1], [0, 0]]]), "/features/0/geometry/coordinates/0/1", '["1", 0]'),
        (polygon([[[0, 0], [float("inf"), 0], [1, 1], [0, 0]]]), "/features/0/geometry/coordinates/0/1", "finite"),
        (polygon("all"), "/features/0/geometry/coordinates", "no array"),
        ({"type": "Point", "coordinates": [0, 0]}, "/features/0/geometry/type", "Polygon, MultiPolygon"),
        ({"type": ["Polygon"]}, "/features/0/geometry/type", "Polygon, MultiPolygon"),
    ],
)
def test_what_is_wrong_with_a_zone_is_said_with_its_place_and_its_name(geometry, pointer, words):
    ((at, problem),) = faults(collection(geometry, properties={"nom": "Brest"}))
    assert at == pointer
    assert problem.startswith('Feature 0 ("Brest")')
    assert words in problem


def test_all_features_that_are_wrong_are_named_at_once():
    wrong = polygon([[[0, 0], [1, 0], [1, 1], [0, 1]]])
    assert [at.split("/")[2] for at, _ in faults(collection(wrong, polygon(SQUARE), wrong))] == ["0", "2"]


def test_points_that_are_nowhere_keep_their_row():
    assert len(read(collection({"type": "Point", "coordinates": [10, 91]}), POINTS).features) == 1


def test_a_collection_may_name_the_reference_system_of_the_older_geojson():
    metres = polygon([[[600000, 6800000], [600010, 6800000], [600010, 6800010], [600000, 6800000]]])
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    assert read(collection(metres, crs=crs)).epsg == 2154
    assert read(read(collection(metres, crs=crs)).as_document()).epsg == 2154
    assert read(collection(polygon(SQUARE), crs={"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}})).epsg is None


def test_a_reference_system_that_does_not_exist_is_refused_by_its_code():
    ((at, problem),) = faults(collection(polygon(SQUARE), crs={"properties": {"name": "EPSG:999999"}}))
    assert (at, "EPSG:999999" in problem) == ("/crs", True)


def test_too_many_positions_are_refused_once():
    long = [[[i / 1000, 0] for i in range(1200)]]
    assert ["over 1000" in problem for _, problem in faults(collection(polygon(long), polygon(long)))] == [True]


def test_an_empty_collection_is_refused():
    assert faults(collection()) == [("/features", "The FeatureCollection has no features; at least one is needed.")]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unclosed_ring", "not closed"),
        ("ring_too_short", "ring of 3 positions"),
        ("points_as_zones", 'geometry "Point"'),
        ("crs_member_unknown", "EPSG"),
        ("projected_without_crs", "longitude 600000"),
        ("infinite_coordinate", "finite"),
        ("empty_collection", "no features"),
    ],
)
def test_hostile_features_are_refused_in_words(shared_data: Path, name, words):
    content = json.loads((shared_data / "bad" / f"{name}.geojson").read_text())
    assert any(words in problem for _, problem in faults(content))


@pytest.mark.parametrize("name", ["null_geometry", "crs_member_lambert93", "latlon_swapped", "self_intersecting"])
def test_what_is_only_odd_is_taken(shared_data: Path, name):
    assert read(json.loads((shared_data / "bad" / f"{name}.geojson").read_text())).features


def test_zones_of_every_odd_shape_are_taken(shared_data: Path):
    content = json.loads((shared_data / "vector" / "edge_cases.geojson").read_text())
    assert len(read(content).features) == len(content["features"])
