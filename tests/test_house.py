"""The house keeps its rules: what import-linter cannot see, what is pinned, what a wheel holds."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement

HOUSE = Path(__file__).parents[1]
ROOMS = {"processes": "gaia_processes", "config": "gaia_config", "workers": "gaia_workers", "server": "gaia_server"}
SCIENCE = ("xarray", "dask", "rasterio", "geopandas", "polars", "netCDF4", "h5py", "cf_xarray")
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
PINS = (HOUSE / "constraints.txt").read_text(encoding="utf-8")


def packages() -> dict[str, Path]:
    return {package: HOUSE / room / package for room, package in ROOMS.items()}


def modules() -> list[Path]:
    return [path for folder in packages().values() for path in folder.rglob("*.py")]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


def test_the_server_runs_where_no_science_is_installed():
    """Imports in a fresh interpreter, with each scientific package made impossible to import."""
    done = run(
        f"import sys\nfor name in {SCIENCE!r}: sys.modules[name] = None\n"
        "import gaia_server.web, gaia_server.app, gaia_server.services, gaia_server.jobs.service\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_server_imports_no_science_where_it_is_installed():
    done = run(
        "import sys, gaia_server.web, gaia_server.app, gaia_server.services, gaia_server.jobs.service\n"
        f"print([name for name in {SCIENCE!r} if name in sys.modules])\n"
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_descriptions_are_light():
    done = run(
        "import sys\nfrom gaia_processes.catalogue import all_processes\nassert all_processes()\n"
        f"print([name for name in {(*SCIENCE, 'celery', 'flask')!r} if name in sys.modules])\n"
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_init_is_empty():
    assert [str(path) for path in modules() if path.name == "__init__.py" and path.read_bytes()] == []


def test_every_folder_of_a_room_is_a_package():
    folders = {path.parent for path in modules()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_module_is_named_for_what_it_holds():
    assert [str(path) for path in modules() if path.stem in {"utils", "util", "helpers", "common", "misc"}] == []


def test_tests_are_no_packages():
    assert list((HOUSE / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("group", [*PROJECT["project"]["entry-points"]])
def test_every_entry_point_of_ours_can_be_loaded(group):
    names = PROJECT["project"]["entry-points"][group]
    found = {point.name: point for point in entry_points(group=group)}
    assert set(names) <= set(found), "install the project again: its entry points have changed"
    assert all(callable(found[name].load()) for name in names)


def test_every_dependency_is_pinned():
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    wanted += [each for extra in project["optional-dependencies"].values() for each in extra]
    pinned = {name.lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", PINS, flags=re.MULTILINE)}
    missing = [each for each in wanted if Requirement(each).name.lower().replace("_", "-") not in pinned]
    assert missing == [], "resolve the pins again: make pins"


def test_every_pin_has_hashes_and_names_no_index():
    pins = re.split(r"^(?=\S)", PINS, flags=re.MULTILINE)[1:]
    assert [pin for pin in pins if not pin.startswith("#") and "--hash=sha256:" not in pin] == []
    assert "://" not in PINS
    assert "--index" not in PINS


def test_a_wheel_holds_the_rooms_and_nothing_else(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=HOUSE, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in names} == set(ROOMS.values())
    here = {
        path.relative_to(folder.parent).as_posix() for folder in packages().values() for path in folder.rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == here


def test_the_environment_says_clearly_when_it_finds_no_python(tmp_path):
    (tmp_path / ".ci").mkdir()
    for name in (".ci/environment", "pyproject.toml", "constraints.txt"):
        shutil.copy(HOUSE / name, tmp_path / name)
    done = subprocess.run(
        [tmp_path / ".ci" / "environment"],
        env={"PATH": os.environ["PATH"], "PYTHON": "/nowhere/python"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("gaia: PYTHON=/nowhere/python does not run or is older than 3.12; name a Python")
