"""A series of files along time reads as the one file would that they could have been."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from gaia_processes.aggregate.compute import compute as aggregate
from gaia_processes.errors import UnreadableData
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.shared.lazy import find_cuts
from gaia_processes.subset.compute import compute as subset
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.readers.series import find_clock, open_series
from gaia_workers.writers.netcdf import write

HADGEM = "tas_Amon_HadGEM2-ES_rcp85_r1i1p1_*.nc"
NEMO = "nemo_1m_*_grid-T.nc"


def write_days(path: Path, first: int, days: int, *, since: str = "2001-01-01", chunk: int = 4, shift: int = 0) -> Path:
    """Write days of which each cell holds the number of the day since 2001-01-01."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("lat", 2)
        file.createDimension("lon", 3)
        file.setncatts({"title": "Days", "tracking_id": path.stem, "history": f"made {path.stem}"})
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": f"days since {since}", "calendar": "standard", "standard_name": "time"})
        time[:] = np.arange(first, first + days) - shift
        for name, values, units in (("lat", [-45.0, 45.0], "degrees_north"), ("lon", [0.0, 120, 240], "degrees_east")):
            axis = file.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        tas = file.createVariable("tas", "f4", ("time", "lat", "lon"), chunksizes=(chunk, 2, 3), zlib=True)
        tas.units = "K"
        tas[:] = np.broadcast_to(np.arange(first, first + days)[:, None, None], (days, 2, 3))
    return path


@pytest.fixture
def days(tmp_path: Path) -> tuple[Path, ...]:
    """Give 10 + 7 + 5 days in three files, in chunks of four; the third counts from another day."""
    return (
        write_days(tmp_path / "a.nc", 0, 10),
        write_days(tmp_path / "b.nc", 10, 7),
        write_days(tmp_path / "c.nc", 17, 5, since="2001-01-11", shift=10),
    )


def test_steps_go_on_from_file_to_file(days: tuple[Path, ...]) -> None:
    with open_series(days) as dataset:
        assert dataset.sizes["time"] == 22
        assert dataset["time"].values.tolist() == list(range(22))
        assert dataset["tas"].values[:, 0, 0].tolist() == list(range(22))
        assert dataset["tas"].values[[21, 3, 10], 1, 2].tolist() == [21, 3, 10]
        assert dataset["tas"].values[9:18:4, 0, 1].tolist() == [9, 13, 17]


def test_what_holds_for_one_file_alone_is_left_out(days: tuple[Path, ...]) -> None:
    with open_series(days) as dataset:
        assert dataset.attrs == {"title": "Days", "tracking_id": "a b c", "history": "made a"}


def test_only_the_files_that_are_needed_are_read(days: tuple[Path, ...]) -> None:
    counter = ByteCounter()
    with open_series(days, counter=counter) as dataset:
        before = counter.total
        dataset["tas"].values  # noqa: B018 - all of it
        whole = counter.total - before
        before = counter.total
        assert dataset["tas"][12, 0, 0].values == 12
        assert 0 < counter.total - before < whole / 3


def test_chunks_begin_anew_in_every_file(days: tuple[Path, ...]) -> None:
    with open_series(days) as dataset:
        found = find_cuts(dataset.variables["tas"])
        assert found is not None
        assert found[1][0].tolist() == [0, 4, 8, 10, 14, 17, 21]


def test_many_files_are_not_all_open_at_once(tmp_path: Path) -> None:
    paths = [write_days(tmp_path / f"{at:02}.nc", at, 1) for at in range(20)]
    with open_series(paths) as dataset:
        assert dataset["tas"].values[:, 0, 0].tolist() == list(range(20))
        assert dataset["tas"].values[::-1][:, 0, 0].tolist() == list(range(20))[::-1]


def test_a_file_of_another_shape_is_refused_by_its_name(days: tuple[Path, ...], tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "odd.nc", "w") as file:
        file.createDimension("time", 1)
        file.createVariable("time", "f8", ("time",)).units = "days since 2001-01-01"
        file.createVariable("tas", "f4", ("time",))
    odd = open_series((*days, tmp_path / "odd.nc"))
    with pytest.raises(UnreadableData, match=r"odd\.nc of the series has another"), odd:
        pass


def test_times_without_a_dimension_coordinate_are_found(shared_data: Path) -> None:
    paths = sorted((shared_data / "climate").glob(NEMO))
    with open_series(paths) as dataset:
        clock = find_clock(dataset)
        assert clock is not None
        assert (clock.dim, clock.coordinates) == ("time_counter", ("time_centered", "time_centered_bounds"))
        assert dataset["tos"].shape == (3, 330, 360)
        assert np.diff(dataset["time_centered"].values).tolist() == [30 * 86400.0] * 2
        with open_dataset(paths[1]) as second:
            assert dataset["tos"][1].values.tobytes() == second["tos"][0].values.tobytes()


def merged(paths: list[Path], folder: Path) -> Path:
    target = folder / "merged.nc"
    if shutil.which("cdo") is None:
        pytest.skip("CDO is not installed")
    subprocess.run(["cdo", "-s", "--no_history", "mergetime", *map(str, paths), str(target)], check=True)
    return target


def values(path: Path) -> dict[str, tuple[tuple[int, ...], bytes]]:
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return {name: (each.shape, np.asarray(each[...]).tobytes()) for name, each in file.variables.items()}


@pytest.mark.parametrize("pattern", [HADGEM])
@pytest.mark.parametrize(
    ("process", "options"),
    [
        (subset, {"datetime": "2029/2057-03"}),
        (subset, {}),
        (aggregate, {"period": "year"}),
        (aggregate, {"period": "month", "climatology": True}),
    ],
)
def test_results_have_the_bytes_that_one_merged_file_gives(
    process: Any, options: dict[str, Any], pattern: str, shared_data: Path, tmp_path: Path
) -> None:
    paths = sorted((shared_data / "climate").glob(pattern))
    whole = merged(paths, tmp_path)
    if "datetime" in options:
        options = options | {"datetime": parse_interval(options["datetime"])}
    made = []
    for source in (paths, [whole]):
        with open_series(source) as dataset:
            result = process(dataset, warn=lambda _: None, **options)
            target = tmp_path / f"{len(made)}.nc"
            write(result, target, progress=lambda *_: None, history="test")
            made.append(values(target))
    assert made[0] == made[1]


def test_a_copy_in_one_file_with_the_same_storage_gives_the_same_file(days: tuple[Path, ...], tmp_path: Path) -> None:
    whole = write_days(tmp_path / "whole.nc", 0, 22)
    made = list[bytes]()
    for source in (days, (whole,)):
        with open_series(source) as dataset:
            result = aggregate(dataset, period="all", warn=lambda _: None)
            result.attrs = {}
            write(result, tmp_path / "made.nc", progress=lambda *_: None, history="test")
            made.append((tmp_path / "made.nc").read_bytes())
            (tmp_path / "made.nc").unlink()
    assert made[0] == made[1]
