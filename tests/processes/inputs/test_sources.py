"""Inputs that are features or tables: each way in which they are given."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.dataset import CatalogueRef, UnknownDataset, UploadRef
from gaia_processes.inputs.fields import MatchTimeInput, OccurrencesInput, PointsInput, Told, ZoneIdInput, ZonesInput
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import (
    InlineFeatures,
    InlineTable,
    column_inputs,
    parse_community,
    parse_occurrences,
    parse_points,
    parse_zones,
    role_of,
)
from gaia_processes.judging import constrain_request, validate_request
from gaia_processes.process import STRICT, Estimate, Process
from gaia_processes.reading import dump_inputs, read_inputs
from gaia_processes.rows import RowColumn, Rows
from gaia_processes.text import Text

ZONE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "29", "nom": "Finistère"},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        }
    ],
}
UPLOAD = "upload:00000000-0000-4000-8000-000000000001"
POINTS = "site,lon,lat,seen\nBrest,-4.5,48.4,2001-05-01\n"


class Inputs(BaseModel):
    model_config = STRICT

    zones: ZonesInput
    zone_id: ZoneIdInput = None
    points: Annotated[PointsInput | None, Told(title=Text(en="p", fr="p"), description=Text(en="p", fr="q"))] = None
    match_time: MatchTimeInput = None
    occurrences: OccurrencesInput = None


PROCESS = Process(
    id="places", version="1", title=Text(en="p", fr="p"), description=Text(en="p", fr="p"), inputs=Inputs, outputs={},
    package="places", estimate=lambda _inputs, _cube: Estimate(bytes_read=0, bytes_written=0, seconds=0),
)  # fmt: skip


def no_cube(reference: object) -> None:
    raise AssertionError(f"nobody asked for the grid of {reference}")


def test_zones_are_features_an_upload_or_a_dataset():
    assert isinstance(parse_zones(ZONE), InlineFeatures)
    assert isinstance(parse_zones(UPLOAD), UploadRef)
    assert parse_zones("parks@2") == CatalogueRef(id="parks", version="2")


def test_features_may_come_as_text_as_forms_send_them():
    assert parse_zones('\ufeff{"type": "Polygon", "coordinates": []}') == parse_zones(
        {"type": "Polygon", "coordinates": []}
    )


def test_points_may_be_a_table_as_text():
    table = parse_points("Site;Longitude;Latitude\nBrest;-4,5;48,4\n")
    assert isinstance(table, InlineTable)
    assert table.columns == ("Site", "Longitude", "Latitude")


@pytest.mark.parametrize(
    ("parse", "value", "words"),
    [
        (parse_zones, "../parks.gpkg", "is a path"),
        (parse_zones, 7, "GeoJSON by value"),
        (parse_zones, '{"type":', "not valid JSON (line 1, column 9)"),
        (parse_points, "site,where\nBrest,here\n", "no columns of coordinates"),
        (parse_points, "lon,lat\n1,2,3\n", "Row 2 of the table has 3 values, its header 2"),
        (parse_points, "lon,lat\n1,\x002\n", "NUL"),
        (parse_community, "site\nBrest\n", "one column"),
        (parse_occurrences, {"type": "FeatureCollection"}, "right are CSV by value"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(complaint, parse, value, words):
    assert words in complaint(parse, value)


def test_each_input_says_what_it_takes():
    assert [role_of(Inputs, name) for name in ("zones", "points", "occurrences", "zone_id")] == [
        "zones", "points", "occurrences", "grid",
    ]  # fmt: skip
    assert column_inputs(Inputs) == {"zone_id": ("zones",), "match_time": ("points",)}


def test_inputs_are_written_down_as_they_are_read():
    raw = {"zones": ZONE, "points": POINTS, "occurrences": UPLOAD}
    inputs = read_inputs(PROCESS, raw)
    assert dump_inputs(inputs) == raw
    assert read_inputs(PROCESS, dump_inputs(inputs)) == inputs


def test_a_schema_says_both_ways_and_both_kinds_of_readers_understand_it():
    schema = input_schemas(Inputs)["zones"]
    features, named = schema["oneOf"]
    assert features["allOf"][0] == {"format": "geojson-feature-collection"}
    assert named == {"type": "string", "format": "gaia-dataset"}


def find_rows(reference: Any, role: str) -> Rows | None:
    if reference == CatalogueRef(id="parks"):
        assert role == "zones"
        return Rows(kind="geopackage", columns=(RowColumn(name="code"),), geometry=("Polygon",))
    if isinstance(reference, UploadRef):
        return None
    raise UnknownDataset(reference, known=["parks"])


def refusals(raw: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputs) as caught:
        validate_request(PROCESS, raw, find_cube=no_cube, find_rows=find_rows)
    return [(fault.pointer, fault.problem.en) for fault in caught.value.faults]


def test_a_column_of_the_zones_can_be_named():
    for zones, name in (("parks", "code"), (ZONE, "nom"), (UPLOAD, "whatever")):
        assert validate_request(
            PROCESS, {"zones": zones, "zone_id": name}, find_cube=no_cube, find_rows=find_rows
        ).zone_id == name  # fmt: skip


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    ((pointer, problem),) = refusals({"zones": ZONE, "zone_id": "cod"})
    assert pointer == "/inputs/zone_id"
    assert problem == 'There is no column "cod". Did you mean code? Columns are: code, nom.'


def test_the_columns_are_what_is_left_to_choose_from():
    allowed = constrain_request(PROCESS, {"zones": "parks", "points": POINTS}, find_cube=no_cube, find_rows=find_rows)
    assert allowed["zone_id"].values == ("code",)
    assert allowed["match_time"].values == ("site", "lon", "lat", "seen")


def test_a_dataset_of_zones_that_is_not_there_is_refused():
    assert refusals({"zones": "perks"})[0][0] == "/inputs/zones"
