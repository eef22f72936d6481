"""The same request gives the same bytes: fast reading or plain, one thread or two, whatever the chunks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from gaia_processes.aggregate.compute import compute
from gaia_processes.inputs.bbox import parse_bbox
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.inputs.years import parse_years
from gaia_processes.shared import chunk_sums, reduction
from gaia_workers.readers import netcdf, zarr
from gaia_workers.readers.series import open_series
from gaia_workers.writers.netcdf import write
from gaia_workers.writers.zarr import write as write_zarr

type Numbers = np.ndarray[Any, Any]
DAYS, ROWS, COLUMNS = 730, 24, 36

REQUESTS: dict[str, dict[str, Any]] = {
    "months": {"period": "month"},
    "climatology": {"period": "month", "climatology": True},
    "anomalies": {"period": "month", "baseline": parse_years("2001/2002")},
    "pooled": {"period": "day-of-year", "statistic": "std"},
    "area": {"over": ("area",)},
    "zonal months": {"over": ("longitude", "time"), "period": "month"},
    "quantile": {"statistic": "quantile", "quantile": 0.9, "period": "season"},
}


@pytest.fixture(scope="module")
def make_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[int, ...] | None], Path]:
    """Give a function that writes two years of days, some cells missing, in chunks of a shape."""
    folder = tmp_path_factory.mktemp("daily")
    values = np.random.default_rng(1).normal(280, 10, (DAYS, ROWS, COLUMNS)).astype("f4")
    values[100:110, 3:5] = 1e20

    def make(chunks: tuple[int, ...] | None) -> Path:
        path = folder / f"{'x'.join(map(str, chunks)) if chunks else 'plain'}.nc"
        if path.exists():
            return path
        with netCDF4.Dataset(path, "w") as file:
            axes = {
                "time": (np.arange(DAYS) + 0.5, "days since 2001-01-01"),
                "lat": (np.linspace(-86, 86, ROWS), "degrees_north"),
                "lon": (np.arange(COLUMNS) * 10.0, "degrees_east"),
            }
            for name, (numbers, units) in axes.items():
                file.createDimension(name, len(numbers))
                file.createVariable(name, "f8", (name,))[:] = numbers
                file[name].units = units
            file["time"].calendar = "noleap"
            packed = {"zlib": True, "shuffle": True, "complevel": 1, "chunksizes": chunks} if chunks else {}
            tas = file.createVariable("tas", "f4", ("time", "lat", "lon"), fill_value=np.float32(1e20), **packed)
            tas.units = "K"
            tas[:] = values
        return path

    return make


def result_of(source: Path, target: Path, request: dict[str, Any], threads: int = 2) -> bytes:
    with netcdf.open_dataset(source, threads=threads) as dataset:
        made = compute(dataset, warn=lambda text: None, **request)
        write(made, target, progress=lambda *_: None, history="test")
    return target.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_threads_and_the_way_of_reading_change_no_byte(
    name: str, make_file: Callable[[Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, request = make_file((1, ROWS, COLUMNS)), REQUESTS[name]
    fast = result_of(source, tmp_path / "a.nc", request)
    assert result_of(source, tmp_path / "b.nc", request, threads=1) == fast
    monkeypatch.setattr(netcdf, "find_layout", lambda dataset: None)
    assert result_of(source, tmp_path / "c.nc", request) == fast


@pytest.mark.slow
@pytest.mark.parametrize("chunks", [None, (50, 8, 7)], ids=str)
@pytest.mark.parametrize("name", REQUESTS)
def test_the_chunks_of_the_source_change_no_value(
    name: str, chunks: tuple[int, ...] | None, make_file: Callable[[Any], Path], tmp_path: Path
) -> None:
    result_of(make_file((1, ROWS, COLUMNS)), tmp_path / "maps.nc", REQUESTS[name])
    result_of(make_file(chunks), tmp_path / "other.nc", REQUESTS[name])
    with netCDF4.Dataset(tmp_path / "maps.nc") as maps, netCDF4.Dataset(tmp_path / "other.nc") as other:
        np.testing.assert_array_equal(maps["tas"][:].filled(), other["tas"][:].filled())


@pytest.mark.parametrize("over", [("area",), ("area", "time")], ids=str)
def test_quantiles_of_more_than_is_held_are_the_same(
    over: tuple[str, ...], make_file: Callable[[Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_file((1, ROWS, COLUMNS))
    request = {"statistic": "quantile", "quantile": 0.25, "over": over, "datetime": parse_interval("2001-04")}
    held = result_of(source, tmp_path / "a.nc", request)
    monkeypatch.setattr(reduction, "_HELD_BYTES", 1000)
    assert result_of(source, tmp_path / "b.nc", request) == held


# --- sums along the chunks ------------------------------------------------------------------------------------------

STEPS, CELLS = 90, (5, 7)
SUMMED: dict[str, dict[str, Any]] = {
    "months": {"period": "month"},
    "record": {},
    "climatology": {"period": "month-of-year"},
    "sums": {"period": "month", "statistic": "sum"},
    "most": {"period": "month", "min_valid_fraction": 0.3},
    "part": {"period": "month", "bbox": parse_bbox([15.0, -50.0, 45.0, 80.0])},
    "some days": {"min_valid_fraction": 0.1, "period": "season", "datetime": parse_interval("2001-01-20/2001-03-15")},
}
STORED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "maps": ("f4", {"chunksizes": (1, *CELLS), "zlib": True}, {}),
    "columns": ("f4", {"chunksizes": (40, 3, 4), "zlib": True}, {}),
    "packed": ("i2", {"chunksizes": (7, *CELLS), "zlib": True}, {"scale_factor": 0.01, "add_offset": 280.0}),
    "double": ("f8", {"chunksizes": (7, 5, 4), "zlib": True}, {"valid_max": 295.0}),
    "not shuffled": ("f4", {"chunksizes": (7, *CELLS), "zlib": True, "shuffle": False}, {"missing_value": 280.25}),
    "not deflated": ("i2", {"chunksizes": (7, *CELLS)}, {}),
}


def store(path: Path, stored_as: str, begin: int = 0, end: int = STEPS) -> Path:
    """Write some of 90 days of few cells, some of them missing, the last chunks never written."""
    kind, packed, told = STORED[stored_as]
    values: Numbers = np.random.default_rng(2).normal(28000, 1000, (STEPS, *CELLS))
    values = values.astype("i2") if kind == "i2" else (np.round(values / 25) / 4).astype(kind)
    values[3:9, 1:3, 2] = -999
    values[:, 4, 6] = -999
    with netCDF4.Dataset(path, "w") as file:
        axes = {"time": np.arange(begin, end) + 0.5, "lat": np.linspace(-80, 80, 5), "lon": np.arange(7) * 10.0}
        units = {"time": "days since 2001-01-01", "lat": "degrees_north", "lon": "degrees_east"}
        for name, numbers in axes.items():
            file.createDimension(name, len(numbers))
            file.createVariable(name, "f8", (name,))[:] = numbers
            file[name].units = units[name]
        tas = file.createVariable("tas", kind, ("time", "lat", "lon"), fill_value=-999, **packed)
        tas.set_auto_maskandscale(False)
        tas.setncatts({"units": "K", **told})
        written = min(end, STEPS - 20)
        tas[: written - begin] = values[begin:written]
    return path


def means_of(path: Path, request: dict[str, Any], threads: int = 2) -> Numbers:
    with netcdf.open_dataset(path, threads=threads) as dataset:
        made = compute(dataset, warn=lambda text: None, **request)
        return np.asarray(made["tas"].values)


def hold_to_plain_way(read: Callable[[dict[str, Any], int], Numbers], monkeypatch: pytest.MonkeyPatch) -> None:
    """See that requests are answered along the chunks, with one thread and two, as with steps laid out."""
    passes: list[chunk_sums.ChunkSums | None] = []
    plan = chunk_sums.plan_sums

    def plan_anyhow(*asked: Any) -> chunk_sums.ChunkSums | None:
        passes.append(plan(*asked))
        return passes[-1]

    plain = {name: read(request, 2) for name, request in SUMMED.items()}
    monkeypatch.setattr(chunk_sums, "_WORTH_BYTES", 0)
    monkeypatch.setattr(chunk_sums, "_CELLS_A_CALL", 1)
    monkeypatch.setattr(reduction, "plan_sums", plan_anyhow)
    for name, request in SUMMED.items():
        for threads in (1, 2):
            np.testing.assert_array_equal(read(request, threads), plain[name], err_msg=name)
    assert passes
    assert all(passes)


@pytest.mark.parametrize("stored_as", STORED)
def test_sums_along_the_chunks_are_those_of_steps_laid_out(
    stored_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store(tmp_path / "a.nc", stored_as)
    hold_to_plain_way(lambda request, threads: means_of(path, request, threads), monkeypatch)


@pytest.mark.parametrize("stored_as", ["maps", "packed"])
def test_chunks_of_zarr_are_added_up_in_the_same_way(
    stored_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with netcdf.open_dataset(store(tmp_path / "a.nc", stored_as)) as dataset:
        write_zarr(dataset, tmp_path / "a.zarr.zip", progress=lambda *_: None, history="test")

    def read(request: dict[str, Any], threads: int) -> Numbers:
        with zarr.open_dataset(tmp_path / "a.zarr.zip", threads=threads) as dataset:
            return np.asarray(compute(dataset, warn=lambda text: None, **request)["tas"].values)

    hold_to_plain_way(read, monkeypatch)


def test_chunks_of_a_series_are_added_up_file_after_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = store(tmp_path / "a.nc", "packed")
    days = ((0, 30), (30, 44), (44, STEPS))
    parts = [store(tmp_path / f"{begin}.nc", "packed", begin, end) for begin, end in days]

    def read(request: dict[str, Any], threads: int) -> Numbers:
        with open_series(parts, threads=threads) as dataset:
            return np.asarray(compute(dataset, warn=lambda text: None, **request)["tas"].values)

    hold_to_plain_way(read, monkeypatch)
    for request in SUMMED.values():
        np.testing.assert_array_equal(read(request, 2), means_of(whole, request))


def test_weights_that_are_no_whole_numbers_are_added_step_by_step(tmp_path: Path) -> None:
    path = store(tmp_path / "a.nc", "maps")
    with netcdf.open_dataset(path) as dataset:
        asked = chunk_sums.Wanted(
            statistic="mean", places=[np.arange(3), np.arange(5), np.arange(7)], owners=np.zeros(3, np.int64),
            weights=np.array([1.0, 0.1, 1.0]), lengths=None, whole=np.array([2.1]), least=1.0,
        )  # fmt: skip
        assert chunk_sums.plan_sums(dataset.variables["tas"], asked) is None
