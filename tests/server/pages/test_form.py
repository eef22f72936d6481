"""What a form shows, and what a filled form means."""

import json
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from werkzeug.datastructures import MultiDict

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.echo.describe import ECHO
from gaia_processes.inputs.constraints import Allowed
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.process import Beside
from gaia_server.descriptions import description
from gaia_server.pages.form import kind_of, make_form, read_form, write_form

SUBSET, AGGREGATE, EXTRACT, BIODIVERSITY = (
    by_id(CATALOGUE)[id] for id in ("subset", "aggregate", "extract-points", "biodiversity-indicators")
)
UPLOAD = "upload:11111111-1111-4111-8111-111111111111"
AREA = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}


class Odd(BaseModel):
    """Inputs as another package may have them."""

    zones: dict[str, object] = Field(json_schema_extra={"format": "geojson-feature-collection"})
    parts: list[dict[str, int]] = []
    statistics: list[Literal["mean", "sum"]] = []
    share: float = 0.5


ODD = type(ECHO)(**{name: getattr(ECHO, name) for name in ECHO.__dataclass_fields__} | {"inputs": Odd})


def read(process, *pairs):
    return read_form(process, input_schemas(process.inputs), MultiDict(pairs))


def made(process, *pairs, allowed=None):
    described = description(process, "en", "https://example.org", ("tas-monthly",))
    form = make_form(process, described, MultiDict(pairs), language="en", allowed=allowed or {})
    return {field.name: field for field in form.fields}


@pytest.mark.parametrize(
    ("process", "name", "kind"),
    [
        (SUBSET, "dataset", "dataset"),
        (SUBSET, "variables", "list"),
        (SUBSET, "bbox", "box"),
        (SUBSET, "datetime", "interval"),
        (SUBSET, "levels", "levels"),
        (SUBSET, "inclusion", "choice"),
        (SUBSET, "mask_outside", "flag"),
        (ECHO, "message", "text"),
        (ECHO, "pause", "number"),
        (ECHO, "values", "list"),
        (ECHO, "area", "box"),
        (ODD, "zones", "geojson"),
        (ODD, "parts", "json"),
        (ODD, "statistics", "choices"),
        (ODD, "share", "number"),
    ],
)
def test_an_input_has_the_control_that_fits_it(process, name, kind):
    assert kind_of(process, name, input_schemas(process.inputs)[name]) == kind


def test_an_empty_form_asks_for_nothing():
    assert read(SUBSET, ("dataset", ""), ("bbox.west", " "), ("levels", ""), ("datetime.begin", "")) == {"inputs": {}}


@pytest.mark.parametrize(
    ("pairs", "name", "value"),
    [
        ([("bbox.west", "-10"), ("bbox.south", "35.5"), ("bbox.east", "20"), ("bbox.north", "60")], "bbox", [-10, 35.5, 20, 60]),
        ([("bbox", "-10, 35,20,60")], "bbox", [-10, 35, 20, 60]),
        ([("bbox.west", "\N{MINUS SIGN}10"), ("bbox.north", "60")], "bbox", [-10, "", "", 60]),
        ([("datetime.begin", "1990"), ("datetime.end", "1999-06")], "datetime", "1990/1999-06"),
        ([("datetime.begin", "1990"), ("datetime.end", "")], "datetime", "1990/.."),
        ([("datetime.begin", ""), ("datetime.end", "1990")], "datetime", "../1990"),
        ([("datetime.begin", "1990"), ("datetime.end", "1990")], "datetime", "1990"),
        ([("datetime", "1990/..")], "datetime", "1990/.."),
        ([("variables", "tas, pr"), ("variables", "psl")], "variables", ["tas", "pr", "psl"]),
        ([("mask_outside", "false")], "mask_outside", False),
        ([("mask_outside", "perhaps")], "mask_outside", "perhaps"),
    ],
)  # fmt: skip
def test_what_is_filled_in_becomes_an_input(pairs, name, value):
    assert read(SUBSET, *pairs) == {"inputs": {name: value}}


def test_numbers_are_numbers_and_what_is_none_is_left_to_be_refused():
    assert read(ECHO, ("message", "12"), ("pause", "2.5"), ("values", "1 2;x")) == {
        "inputs": {"message": "12", "pause": 2.5, "values": [1, 2, "x"]}
    }
    assert read(ECHO, ("pause", "inf"))["inputs"] == {"pause": "inf"}


def test_pasted_geojson_is_read_and_broken_text_is_left_to_be_refused():
    assert read(ODD, ("zones", json.dumps(AREA)))["inputs"] == {"zones": AREA}
    assert read(ODD, ("zones", '{"type":'))["inputs"] == {"zones": '{"type":'}
    assert read(ODD, ("zones", "[" * 100_000))["inputs"] == {"zones": "[" * 100_000}


def test_outputs_and_formats_are_asked_for_by_name():
    body = read(ECHO, ("message", "x"), ("gaia.outputs", "message"), ("gaia.outputs", "area"))
    assert body["outputs"] == {"message": {}, "area": {}}
    body = read(SUBSET, ("gaia.format.data", "application/x-netcdf"))
    assert body["outputs"] == {"data": {"format": {"mediaType": "application/x-netcdf"}}}


def test_a_filled_form_stands_as_it_was_filled():
    fields = made(SUBSET, ("bbox", "-10,35,20,60"), ("datetime", "1990/.."), ("variables", "tas,pr"))
    assert fields["bbox"].values == ("-10", "35", "20", "60")
    assert fields["datetime"].values == ("1990", "")
    assert made(SUBSET, ("datetime", "1990"))["datetime"].values == ("1990", "1990")


def test_what_the_dataset_has_can_be_chosen():
    variables = made(SUBSET, allowed={"variables": Allowed(values=("tas", "pr"))})["variables"]
    assert (variables.kind, variables.choices) == ("choices", ("tas", "pr"))


def test_what_does_not_go_with_the_rest_is_closed():
    inclusion = made(SUBSET, allowed={"inclusion": Allowed(values=("centre",))})["inclusion"]
    assert (inclusion.choices, inclusion.closed) == (("centre", "touch"), frozenset({"touch"}))
    assert not made(SUBSET, allowed={"levels": Allowed(values=())})["levels"].usable


def test_the_datasets_are_there_to_choose_from():
    assert made(SUBSET)["dataset"].choices == ("tas-monthly",)


def test_of_several_choices_those_count_that_were_made_or_else_that_it_comes_with():
    assert made(AGGREGATE)["over"].chosen == ("time",)
    assert made(AGGREGATE, ("over", "area"), ("over", "level"))["over"].chosen == ("area", "level")
    assert made(SUBSET)["variables"].chosen == ()


def test_what_must_be_filled_in_comes_first_and_what_is_mostly_right_last():
    described = description(SUBSET, "en", "https://example.org")
    form = make_form(SUBSET, described, MultiDict(), language="en", allowed={})
    assert [field.name for field in form.required] == ["dataset"]
    assert "bbox" in [field.name for field in form.plain]
    assert "inclusion" in [field.name for field in form.fine]


def test_what_a_process_is_about_is_seen_at_once_though_it_comes_with_a_value():
    described = description(AGGREGATE, "en", "https://example.org")
    form = make_form(AGGREGATE, described, MultiDict(), language="en", allowed={})
    assert {"statistic", "over", "period", "climatology"} <= {field.name for field in form.plain}
    assert {"min_valid_fraction", "inclusion"} <= {field.name for field in form.fine}


@pytest.mark.parametrize(
    "inputs",
    [
        {"dataset": "tas-monthly@1", "bbox": [-10.0, 35.0, 20.0, 60.0], "datetime": "1990/..", "mask_outside": False},
        {"dataset": "tas-monthly", "variables": ["tas", "pr"], "levels": "850 hPa"},
    ],
)
def test_a_request_is_written_into_the_form_as_it_is_read_from_it(inputs):
    assert read(SUBSET, *write_form(SUBSET, inputs).items())["inputs"] == inputs


def test_what_is_as_it_comes_is_left_out_of_a_form():
    assert write_form(SUBSET, {"dataset": "a", "mask_outside": True, "inclusion": "centre"}) == {"dataset": "a"}


def test_a_box_with_a_reference_system_is_written_where_the_form_has_that_system():
    assert write_form(ECHO, {"area": {"bbox": [1, 2, 3, 4]}}) == {"area": "1,2,3,4"}
    assert (
        write_form(ECHO, {"area": {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/EPSG/0/2154"}}) is None
    )


def test_very_much_text_is_no_address():
    assert write_form(ECHO, {"message": "x" * 10_000}) is None


def test_a_field_takes_a_file_of_ones_own_where_an_upload_can_stand():
    fields = made(by_id(CATALOGUE)["extract-points"])
    assert {name for name, field in fields.items() if field.uploads} == {"dataset", "points"}


@pytest.mark.parametrize(
    ("process", "name", "kind"), [("extract-points", "points", "points"), ("zonal-statistics", "zones", "geojson")]
)
def test_places_are_drawn_or_pasted_or_named(process, name, kind):
    known = by_id(CATALOGUE)[process]
    assert made(known)[name].kind == kind
    assert read(known, (name, UPLOAD)) == {"inputs": {name: UPLOAD}}
    assert read(known, (name, json.dumps(AREA))) == {"inputs": {name: AREA}}


@pytest.mark.parametrize(
    ("process", "name"),
    [(EXTRACT, "points"), (BIODIVERSITY, "occurrences"), (BIODIVERSITY, "community")],
)
def test_a_table_is_pasted_line_by_line_and_read_as_it_was_typed(process, name):
    assert read(process, (name, "x,y\r\n1,2\r\n\r\n")) == {"inputs": {name: "x,y\n1,2\n"}}
    assert read(process, (name, f" {UPLOAD}\r\n")) == {"inputs": {name: UPLOAD}}


def test_what_a_list_offers_in_groups_is_shown_in_them():
    field = made(BIODIVERSITY)["indicators"]
    assert field.kind == "choices"
    assert field.groups[1:3] == (
        ("occupancy", "aoo", "eoo"),
        ("jaccard", "sorensen", "turnover", "nestedness", "bray_curtis"),
    )
    assert "richness" in field.chosen, "what it comes with is ticked"


def test_a_field_that_belongs_to_a_value_of_another_says_to_which():
    fields = made(BIODIVERSITY)
    assert (fields["zones"].beside, fields["taxa"].beside) == (Beside("by", ("zones",)), None)


def test_the_datasets_that_fit_are_named_beside_a_text():
    assert made(EXTRACT, allowed={"points": Allowed(values=("stations",))})["points"].named == ("stations",)
