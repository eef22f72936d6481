"""Which datasets inputs name, at any depth."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from gaia_processes.cube import Cube
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.inputs.dataset import CatalogueRef, UnknownDataset, UploadRef
from gaia_processes.inputs.fields import DatasetField, LikeInput
from gaia_processes.inputs.references import map_references, references_in
from gaia_processes.judging import cube_of_dataset, validate_request
from gaia_processes.process import STRICT, Estimate, Process
from gaia_processes.reading import dump_inputs, pin_versions, read_inputs
from gaia_processes.text import Text

UPLOAD = "upload:7b2f4c10-5a8e-4c1d-9a53-2d6f1f2f3f4e"


class Layer(BaseModel):
    """A variable of a dataset."""

    model_config = STRICT

    dataset: DatasetField
    variable: str | None = None


class Inputs(BaseModel):
    """Datasets in all places."""

    model_config = STRICT

    dataset: Annotated[tuple[DatasetField, ...], Field(min_length=1)]
    like: LikeInput = None
    environment: tuple[Layer, ...] = ()


def cube(name: str) -> Cube:
    return Cube.from_stac(
        {
            "cube:dimensions": {"time": {"type": "temporal"}},
            "cube:variables": {name: {"dimensions": ["time"], "type": "data"}},
        }
    )


def process(**kept: Any) -> Process:
    return Process(
        id="together", version="1", title=Text(en="t", fr="t"), description=Text(en="d", fr="d"), inputs=Inputs,
        outputs={}, package="together", estimate=lambda *_: Estimate(bytes_read=0, bytes_written=0, seconds=0), **kept,
    )  # fmt: skip


RAW = {"dataset": ["a", "b@2"], "like": "c", "environment": [{"dataset": "d", "variable": "tas"}, {"dataset": UPLOAD}]}


def test_every_dataset_is_found_with_its_place() -> None:
    named = references_in(read_inputs(process(), RAW))
    assert {each.pointer: str(each.reference) for each in named} == {
        "/inputs/dataset/0": "a",
        "/inputs/dataset/1": "b@2",
        "/inputs/like": "c",
        "/inputs/environment/0/dataset": "d",
        "/inputs/environment/1/dataset": UPLOAD,
    }
    assert [each.key for each in named][-1] == "environment/1/dataset"
    assert references_in(None) == ()


def test_versions_are_pinned_at_any_depth() -> None:
    pinned = pin_versions(read_inputs(process(), RAW), version_of=lambda each: each.version or "7")
    written = dump_inputs(pinned)
    assert written["dataset"] == ["a@7", "b@2"]
    assert written["like"] == "c@7"
    assert written["environment"] == [{"dataset": "d@7", "variable": "tas"}, {"dataset": UPLOAD}]


def test_what_is_opened_stands_in_the_place_of_its_reference() -> None:
    inputs = read_inputs(process(), RAW)
    opened = {name: map_references(value, lambda each: f"opened {each}") for name, value in inputs}
    assert opened["dataset"] == ("opened a", "opened b@2")
    assert opened["environment"][0].dataset == "opened d"
    assert opened["environment"][0].variable == "tas"


def test_cubes_of_an_array_are_joined_and_further_ones_come_by_their_place() -> None:
    seen: dict[str, Any] = {}

    def check(_inputs: Any, joined: Cube) -> tuple[Fault, ...]:
        seen["joined"] = joined.data_variables
        return ()

    def check_others(_inputs: Any, cubes: Any) -> tuple[Fault, ...]:
        seen["others"] = sorted(cubes)
        return ()

    def find(reference: CatalogueRef | UploadRef) -> Cube | None:
        return cube(reference.id) if isinstance(reference, CatalogueRef) else None

    inputs = validate_request(process(check=check, check_others=check_others), RAW, find_cube=find)
    assert seen["joined"] == ("a", "b")
    assert seen["others"] == ["dataset/0", "dataset/1", "environment/0/dataset", "like"]
    joined = cube_of_dataset(inputs, find)
    assert joined is not None
    assert joined.data_variables == ("a", "b")


def test_of_an_array_with_an_upload_no_cube_is_known() -> None:
    inputs = read_inputs(process(), {"dataset": ["a", UPLOAD]})
    assert cube_of_dataset(inputs, lambda each: cube("a") if isinstance(each, CatalogueRef) else None) is None


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"dataset": ["a", "nowhere"]}, "/inputs/dataset/1"),
        ({"dataset": "nowhere"}, "/inputs/dataset"),
        ({"dataset": "a", "environment": [{"dataset": "nowhere"}]}, "/inputs/environment/0/dataset"),
    ],
)
def test_an_unknown_dataset_is_pointed_at(raw: dict[str, Any], pointer: str) -> None:
    def find(reference: CatalogueRef | UploadRef) -> Cube:
        if isinstance(reference, CatalogueRef) and reference.id == "nowhere":
            raise UnknownDataset(reference, known=["a"])
        return cube("a")

    with pytest.raises(InvalidInputs) as caught:
        validate_request(process(), raw, find_cube=find)
    (fault,) = caught.value.faults
    assert (fault.pointer, fault.given) == (pointer, "nowhere")
    assert fault.input == pointer.split("/")[2]


def test_of_equal_names_the_first_dataset_counts() -> None:
    def find(reference: CatalogueRef | UploadRef) -> Cube:
        known = cube("tas")
        tas = known.variables["tas"].model_copy(update={"unit": str(reference)})
        return known.model_copy(update={"variables": {"tas": tas}})

    inputs = read_inputs(process(), {"dataset": ["a", "b"]})
    joined = cube_of_dataset(inputs, find)
    assert joined is not None
    assert joined.variables["tas"].unit == "a"
