"""`gaia run`, as somebody types it."""

import signal
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from typer.testing import CliRunner

from gaia_config.cli import application, commands
from gaia_processes.echo.describe import ECHO
from gaia_processes.subset.describe import SUBSET
from gaia_workers import here
from gaia_workers.here import read_arguments

GAIA = CliRunner()


def gaia_run(*arguments: str):
    return GAIA.invoke(application(commands()["run"]), arguments)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twelve columns and six rows: 100 * row + column."""
    path = tmp_path / "grid.nc"
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("lat", 6)
        data.createDimension("lon", 12)
        for name, values, units in (
            ("lat", np.arange(75, -76, -30.0), "degrees_north"),
            ("lon", np.arange(0, 360, 30.0), "degrees_east"),
        ):
            axis = data.createVariable(name, "f8", (name,))
            axis.units, axis.standard_name = units, {"lat": "latitude", "lon": "longitude"}[name]
            axis[:] = values
        field = data.createVariable("tas", "f4", ("lat", "lon"))
        field.units = "K"
        field[:] = 100 * np.arange(6)[:, None] + np.arange(12)
    return path


def test_a_box_over_greenwich_of_a_local_file(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.nc"
    result = gaia_run("subset", "-i", f"dataset={file}", "-i", "bbox=-40,-20,40,50", "--output", str(output))
    assert result.exit_code == 0, result.output
    with netCDF4.Dataset(output) as data:
        assert data["lon"][:].tolist() == [-30, 0, 30]
        assert data["tas"][0].tolist() == [111, 100, 101]


def test_every_wrong_input_is_named_and_nothing_is_written(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.nc"
    result = gaia_run("subset", "-i", f"dataset={file}", "-i", "bbox=1,2,3", "-i", "variables=nope", "-o", str(output))
    assert result.exit_code == 2
    assert "bbox: " in result.output
    assert "variables: " in result.output
    assert "tas" in result.output
    assert list(tmp_path.glob("*out*")) == []


def test_a_file_that_is_no_data_fails_readably(tmp_path: Path) -> None:
    broken = tmp_path / "login.nc"
    broken.write_text("<html>please log in</html>")
    result = gaia_run("subset", "-i", f"dataset={broken}", "-o", str(tmp_path / "out.nc"))
    assert result.exit_code == 1
    assert str(tmp_path) not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "no process 'nope'"),
        (["subset", "-i", "dataset"], "name=value"),
        (["subset", "-i", "dataset=missing.nc"], "no such file"),
        (["subset", "-i", "dataset=a", "-i", "dataset=b"], "twice"),
        (["echo", "-i", "message=@missing"], "cannot be read"),
        (["echo", "-i", "message=hi", "-o", "out.xyz"], "ending"),
        (["echo", "-i", "message=hi", "--format", "xyz"], "not offered"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(arguments: list[str], said: str) -> None:
    result = gaia_run(*arguments)
    assert said in str(result.exception) + result.output


def test_a_folder_that_is_no_store_is_called_a_folder(tmp_path: Path) -> None:
    (tmp_path / "store.zarr").mkdir()
    result = gaia_run("subset", "-i", f"dataset={tmp_path}/store.zarr", "-o", str(tmp_path / "out.nc"))
    assert "this is a folder, and no Zarr store" in str(result.exception)


def test_a_file_that_is_there_is_replaced_only_by_force(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.nc"
    output.write_text("precious")
    ask = ("subset", "-i", f"dataset={file}", "-o", str(output))
    assert "this file exists; name another, or replace it with --force" in str(gaia_run(*ask).exception)
    assert output.read_text() == "precious"
    assert gaia_run(*ask, "--force").exit_code == 0
    assert output.read_bytes()[:3] != b"pre"


@pytest.mark.parametrize("name", ["grid.nc", "again.nc", "../{folder}/grid.nc"])
def test_what_is_read_is_never_replaced_whatever_it_is_called(file: Path, tmp_path: Path, name: str) -> None:
    before = file.read_bytes()
    (tmp_path / "again.nc").symlink_to(file)
    output = str(tmp_path / name.format(folder=tmp_path.name))
    result = gaia_run("subset", "-i", f"dataset={file}", "-o", output, "--force")
    assert "the run reads this file" in str(result.exception)
    assert file.read_bytes() == before


@pytest.mark.parametrize(("output", "said"), [("absent/out.nc", "there is no folder"), (".", "this is a folder")])
def test_an_output_that_cannot_be_is_said_before_anything_runs(
    file: Path, tmp_path: Path, output: str, said: str
) -> None:
    assert said in str(gaia_run("subset", "-i", f"dataset={file}", "-o", str(tmp_path / output)).exception)


def test_a_format_that_cannot_hold_the_result_is_said_before_anything_runs(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with netCDF4.Dataset(file, "a") as data:
        data.createVariable("pr", "f4", ("lat", "lon")).units = "mm"
    monkeypatch.setattr(here, "compute", lambda *_, **__: pytest.fail("it ran"))
    result = gaia_run("regrid", "-i", f"dataset={file}", "-i", "grid=30x30", "-o", str(tmp_path / "map.png"))
    assert result.exit_code == 1
    assert "name one in `variables`" in result.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_no_draft(
    file: Path, tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: object, draft: Path, *__: object, **___: object) -> None:
        draft.write_text("half of it")
        signal.raise_signal(number)

    monkeypatch.setattr(here, "write_value", write)
    result = gaia_run("subset", "-i", f"dataset={file}", "-o", str(tmp_path / "out.nc"))
    assert (result.exit_code, "stopped; nothing was written" in result.output) == (128 + number, True)
    assert [path.name for path in tmp_path.iterdir()] == ["grid.nc"]


def test_echo_prints_what_it_gives_back() -> None:
    result = gaia_run("echo", "-i", "message=hello")
    assert (result.exit_code, result.output) == (0, "hello\n")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("bbox=-10,35,20,60", [-10, 35, 20, 60]),
        ("bbox=[-10,35,20,60]", [-10, 35, 20, 60]),
        ('bbox={"bbox":[1,2,3,4]}', {"bbox": [1, 2, 3, 4]}),
        ("variables=tas,pr", ["tas", "pr"]),
        ("variables=tas", ["tas"]),
        ('variables=["tas"]', ["tas"]),
        ("datetime=1990", "1990"),
        ("datetime=1990/2000", "1990/2000"),
        ("levels=1000,850 hPa", "1000,850 hPa"),
        ("levels=850", "850"),
        ("inclusion=touch", "touch"),
        ("mask_outside=false", False),
    ],
)
def test_values_are_read_as_they_are_meant(argument: str, expected: object) -> None:
    raw, files = read_arguments(SUBSET, [argument])
    assert list(raw.values()) == [expected] or [str(each) for each in raw.values()] == [expected]
    assert files == {}


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("from a file")
    raw, _ = read_arguments(ECHO, [f"message=@{tmp_path}/words.txt"])
    assert raw == {"message": "from a file"}
