"""A link as the body that a POST would send."""

import pytest

from gaia_processes.echo.describe import ECHO
from gaia_processes.subset.describe import SUBSET
from gaia_server.errors import BadQuery
from gaia_server.kvp import read_link

CRS = "http://www.opengis.net/def/crs/EPSG/0/4326"


def read(process=ECHO, **parameters):
    values = {name: each if isinstance(each, list) else [each] for name, each in parameters.items()}
    return read_link(process, values, max_depth=8)


def inputs(process=ECHO, **parameters):
    return read(process, **parameters).body["inputs"]


def faults_of(**parameters):
    with pytest.raises(BadQuery) as caught:
        read(**parameters)
    return {fault.input: fault for fault in caught.value.faults}


@pytest.mark.parametrize("text", ["hello", "[1]", "{", "a,b", "true", "", "2.5"])
def test_text_stays_text(text):
    assert inputs(message=text) == {"message": text}


@pytest.mark.parametrize("given", ["1,2", "[1,2]", " [1, 2]", ["1", "2"]])
def test_an_array_comes_with_commas_as_json_or_again_and_again(given):
    assert [int(each) for each in inputs(values=given)["values"]] == [1, 2]


def test_a_box_comes_as_numbers_as_json_or_with_its_system():
    assert inputs(area="1,2,3,4") == {"area": ["1", "2", "3", "4"]}
    assert inputs(area='{"bbox": [1, 2, 3, 4]}') == {"area": {"bbox": [1, 2, 3, 4]}}
    named = inputs(**{"area": "1,2,3,4", "area[crs]": CRS})
    assert named == {"area": {"bbox": ["1", "2", "3", "4"], "crs": CRS}}
    assert inputs(**{"area[crs]": CRS, "area": '{"bbox": [1, 2, 3, 4]}'})["area"]["crs"] == CRS


def test_yes_and_no_are_read():
    assert inputs(SUBSET, mask_outside="false", drop_halo="TRUE", nearest_level="perhaps") == {
        "mask_outside": False,
        "drop_halo": True,
        "nearest_level": "perhaps",
    }


def test_a_reference_and_a_qualified_value_come_by_their_qualifiers():
    link = {"href": "https://data.example.org/v", "type": "text/plain"}
    assert inputs(**{f"message[{name}]": value for name, value in link.items()}) == {"message": link}
    assert inputs(**{"message": "x", "message[mediaType]": "text/plain"}) == {
        "message": {"value": "x", "mediaType": "text/plain"}
    }


def test_inputs_that_there_are_not_are_left_to_validation():
    assert inputs(mesage="x", f="json", lang="fr") == {"mesage": "x"}


def test_without_a_word_all_outputs_come_in_a_document():
    body = read(message="x").body
    assert (list(body["outputs"]), body["response"]) == (["message", "values", "area"], "document")


def test_one_output_comes_as_it_is():
    body = read(**{"message": "x", "message[include]": "true"}).body
    assert (body["outputs"], body["response"]) == ({"message": {}}, "raw")
    assert read(SUBSET, dataset="x").body["response"] == "raw"


def test_what_follows_include_is_about_the_output():
    body = read(**{"message[include]": "true", "message[mediaType]": "text/plain", "message": "x"}).body
    assert body["outputs"] == {"message": {"format": {"mediaType": "text/plain"}}}
    assert body["inputs"] == {"message": "x"}


def test_an_output_that_is_not_included_is_left_out():
    assert read(**{"message[include]": "false", "values[include]": "1"}).body["outputs"] == {"values": {}}


@pytest.mark.parametrize("name", ["response[f]", "response[format]", "f"])
def test_the_format_is_chosen_by_its_name_or_type(name):
    for wished in ("netcdf", "application/x-netcdf"):
        body = read(SUBSET, **{"dataset": "x", name: wished}).body
        assert body["outputs"] == {"data": {"format": {"mediaType": "application/x-netcdf"}}}
        assert body["response"] == "raw"
    assert read(SUBSET, **{"dataset": "x", name: "json"}).body == {
        "inputs": {"dataset": "x"},
        "outputs": {"data": {}},
        "response": "document",
    }


def test_response_is_read_as_in_a_body():
    assert read(message="x", response="raw").body["response"] == "raw"


def test_preferences_may_stand_in_the_link():
    assert read(**{"message": "x", "response[prefer]": "wait=3;return=minimal"}).prefer == ("wait=3;return=minimal",)


def test_all_that_cannot_be_read_is_said_at_once():
    faults = faults_of(
        **{
            "message[color]": "red",
            "[x]": "1",
            "values": "[1,",
            "area": "[NaN,1,2,3]",
            "values[include]": "maybe",
            "response[x]": "y",
        }
    )
    assert set(faults) == {"message[color]", "[x]", "values", "area", "values[include]", "response[x]"}
    assert "[href]" in faults["message[color]"].problem.en
    assert "NaN is not a number" in faults["area"].problem.en
    assert all(fault.problem.fr != fault.problem.en for fault in faults.values())


@pytest.mark.parametrize("parameter", ["response[f]", "f"])
def test_a_format_is_for_one_output(parameter):
    assert set(faults_of(message="a", **{parameter: "xml"})) == {parameter}
    one = read(message="a", **{parameter: "text", "message[include]": "true"})
    assert one.body["outputs"] == {"message": {"format": {"mediaType": "text/plain"}}}
