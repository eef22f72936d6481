"""What the catalogue says of the inputs of a request."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.cube import Cube
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.inputs.constraints import Constraint, VariableConstraint
from gaia_processes.inputs.dataset import CatalogueRef, UnknownDataset, UnusableUpload, UploadRef, explain_absent
from gaia_processes.inputs.fields import DatasetInput, VariablesInput
from gaia_processes.judging import validate_request
from gaia_processes.process import accept_any
from gaia_processes.reading import dump_inputs

ECHO, SUBSET = by_id(CATALOGUE)["echo"], by_id(CATALOGUE)["subset"]


def pointers(faults: tuple[Fault, ...]) -> list[str]:
    return [fault.pointer for fault in faults]


def find(cube: Cube) -> Any:
    def find_cube(reference: CatalogueRef) -> Cube:
        if reference != CatalogueRef(id="sst"):
            raise UnknownDataset(reference, known=["sst", "tas"])
        return cube

    return find_cube


def test_inputs_are_judged_against_the_dataset_and_given_back(cube: Cube) -> None:
    inputs = validate_request(SUBSET, {"dataset": "sst", "datetime": "2001"}, find_cube=find(cube))
    assert dump_inputs(inputs)["datetime"] == "2001"


def test_what_is_wrong_in_itself_and_for_the_dataset_is_said_together(cube: Cube) -> None:
    raw = {"dataset": "sst", "variables": "pr", "datetime": "1990", "bbox": [1, 2, 3], "levels": "850 hPa"}
    with pytest.raises(InvalidInputs) as caught:
        validate_request(SUBSET, raw, find_cube=find(cube))
    assert pointers(caught.value.faults) == ["/inputs/bbox", "/inputs/variables/0", "/inputs/datetime"]


def test_an_unknown_dataset_is_a_fault(cube: Cube) -> None:
    with pytest.raises(InvalidInputs) as caught:
        validate_request(SUBSET, {"dataset": "sts"}, find_cube=find(cube))
    (fault,) = caught.value.faults
    assert (fault.input, fault.pointer, fault.allowed) == ("dataset", "/inputs/dataset", ("sst", "tas"))


UPLOAD = "upload:8f14e45f-ceea-467f-a8e3-2f0d3f3f2d11"


def test_results_of_other_jobs_cannot_be_named_yet(cube: Cube) -> None:
    with pytest.raises(InvalidInputs, match="There is no result job:"):
        validate_request(SUBSET, {"dataset": UPLOAD.replace("upload", "job")}, find_cube=find(cube))


def test_an_upload_of_which_nothing_is_known_is_left_to_the_work() -> None:
    inputs = validate_request(SUBSET, {"dataset": UPLOAD, "variables": ["whatever"]}, find_cube=lambda _: None)
    assert str(inputs.dataset) == UPLOAD  # type: ignore[attr-defined]  # of the process' own type


@pytest.mark.parametrize(
    ("process", "inputs", "wrong"),
    [
        ("regrid", {"longitudes": [0, 20, 10], "latitudes": [0, 10]}, ["longitudes"]),
        ("regrid", {"grid": "1x1", "nearest_valid_km": 5}, ["nearest_valid_km"]),
        ("regrid", {"grid": "no grid"}, ["grid"]),
        ("reproject", {}, ["crs"]),
        ("aggregate", {"statistic": "quantile", "ddof": 1}, ["quantile", "ddof"]),
    ],
)
def test_what_is_wrong_whatever_the_data_is_said_of_an_upload_too(
    process: str, inputs: dict[str, Any], wrong: list[str]
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        validate_request(by_id(CATALOGUE)[process], {"dataset": UPLOAD, **inputs}, find_cube=lambda _: None)
    assert [fault.input for fault in caught.value.faults] == wrong


def test_a_fault_of_the_inputs_is_said_once_where_the_dataset_is_known(cube: Cube) -> None:
    with pytest.raises(InvalidInputs) as caught:
        validate_request(by_id(CATALOGUE)["regrid"], {"dataset": "sst"}, find_cube=lambda _: cube)
    assert [fault.input for fault in caught.value.faults] == ["grid"]


def test_an_upload_that_is_not_there_is_a_fault_of_the_input() -> None:
    def none(reference: CatalogueRef | UploadRef) -> Cube:
        assert isinstance(reference, UploadRef)
        raise UnusableUpload(explain_absent(reference))

    with pytest.raises(InvalidInputs, match="There is no upload") as caught:
        validate_request(SUBSET, {"dataset": UPLOAD}, find_cube=none)
    (fault,) = caught.value.faults
    assert fault.pointer == "/inputs/dataset"


def test_a_process_without_a_dataset_needs_no_catalogue(cube: Cube) -> None:
    inputs = validate_request(ECHO, {"message": "m"}, find_cube=find(cube))
    assert dump_inputs(inputs) == {"message": "m"}
    assert accept_any(inputs, cube) == ()


class _Two(BaseModel):
    dataset: DatasetInput
    variables: VariablesInput = None
    method: str


def test_what_is_missing_keeps_nobody_from_judging_the_rest(cube: Cube) -> None:
    process = replace(SUBSET, inputs=_Two, constraints=_variables)
    with pytest.raises(InvalidInputs) as caught:
        validate_request(process, {"dataset": "sst", "variables": ["pr"]}, find_cube=lambda _: cube)
    assert pointers(caught.value.faults) == ["/inputs/method", "/inputs/variables/0"]


def _variables(inputs: _Two, cube: Cube) -> dict[str, Constraint]:
    return {"variables": VariableConstraint(known=cube.data_variables)}
