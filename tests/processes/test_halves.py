"""The two halves of every process hold together: what is described is computed."""

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest

from gaia_processes.catalogue import CATALOGUE
from gaia_processes.inputs.fields import Told
from gaia_processes.process import Process
from gaia_processes.reading import read_inputs

OFFERED_BY_THE_RUNNER = {"cache", "warn", "progress", "note"}
HEAVY = ("xarray", "dask", "rasterio", "geopandas", "polars", "pandas")


def compute_of(process: Process) -> Any:
    return importlib.import_module(f"{process.package}.compute").compute


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_every_described_input_is_a_parameter_of_compute(process: Process) -> None:
    parameters = set(inspect.signature(compute_of(process)).parameters)
    assert parameters - OFFERED_BY_THE_RUNNER == set(process.inputs.model_fields)


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_the_defaults_are_the_same_on_both_sides(process: Process) -> None:
    parameters = inspect.signature(compute_of(process)).parameters
    for name, field in process.inputs.model_fields.items():
        if not field.is_required():
            assert parameters[name].default == field.default, name


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_every_input_is_told_in_both_languages(process: Process) -> None:
    for name, field in process.inputs.model_fields.items():
        (told,) = [each for each in field.metadata if isinstance(each, Told)]
        assert told.title.en, name
        assert told.description.en != told.description.fr, name


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_the_example_of_every_input_is_right(process: Process) -> None:
    examples = {
        name: next(each for each in field.metadata if isinstance(each, Told)).example
        for name, field in process.inputs.model_fields.items()
    }
    given = {name: value for name, value in examples.items() if value is not None}
    read_inputs(process, {"dataset": "sst"} | given if "dataset" in process.inputs.model_fields else given)


def test_every_output_of_echo_is_produced() -> None:
    (echo,) = [process for process in CATALOGUE if process.id == "echo"]
    inputs = read_inputs(echo, {"message": "m", "values": [1], "area": [1, 2, 3, 4]})
    made = compute_of(echo)(**dict(inputs), progress=lambda _done, _total: None)
    assert set(made) == set(echo.outputs)


@pytest.mark.parametrize("name", ["subset", "aggregate", "regrid"])
def test_a_gridded_process_makes_its_one_output(name: str) -> None:
    (gridded,) = [process for process in CATALOGUE if process.id == name]
    assert list(gridded.outputs) == ["data"]
    assert inspect.signature(compute_of(gridded)).return_annotation.__name__ == "Dataset"


def test_the_descriptions_are_light() -> None:
    code = (
        "import sys; import gaia_processes.catalogue as catalogue; catalogue.all_processes(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], "
        "[name for name in sys.modules if name.endswith('.compute') and name.startswith('gaia')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] []"
