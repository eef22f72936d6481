"""The memory of a job does not grow with the record that it reads; `benchmarks/memory.py` measures the same up to 20 GB."""

import ctypes
import gc
from contextlib import ExitStack
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.climate_indices import compute as indices
from gaia_processes.formats import CSV, NETCDF, Format
from gaia_processes.process import read_inputs
from gaia_processes.zonal_statistics import statistics as zonal
from gaia_workers.contract import Words
from gaia_workers.data import DataAccess
from gaia_workers.runner import compute, write_value

YEARS = 10
LEEWAY_KIB = 32 * 1024  # the nine more years are 237 MiB
SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [60, 0], [60, 60], [0, 60], [0, 0]]]}}
    ],
}  # fmt: skip


class Quiet:
    def warn(self, words: Words) -> None: ...

    def note(self, words: Words) -> None: ...

    def progress(self, percent: int, words: Words | None = None) -> None: ...


def write_years(path: Path, years: int) -> Path:
    """Write daily maxima in one piece, of which all but the last day is a hole of the file: 27 MB of values a year."""
    steps = 365 * years
    with netCDF4.Dataset(path, "w") as file:
        for name, values, unit in (
            ("time", np.arange(steps) + 0.5, "days since 1901-01-01"),
            ("lat", np.linspace(-90, 90, 193)[1::2], "degrees_north"),
            ("lon", np.arange(192) * 1.875, "degrees_east"),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f8", (name,))
            axis[:] = values
            axis.units = unit
        file["time"].calendar = "noleap"
        tasmax = file.createVariable("tasmax", "f4", ("time", "lat", "lon"), contiguous=True, fill_value=False)
        tasmax.setncatts({"units": "K", "standard_name": "air_temperature", "cell_methods": "time: maximum"})
        tasmax[steps - 1] = 0.0
    return path


def peak_kib(*, reset: bool = False) -> int:
    """Give the peak of resident memory since it was last set back to what is resident now, all that is free given back."""
    if reset:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # else what an earlier run has freed would hide what the next one needs
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def run(process_id: str, inputs: dict[str, object], record: Path, file_format: Format) -> int:
    """Carry out a request as a worker does, and give by how much memory rose, in KiB."""
    process = by_id(CATALOGUE)[process_id]
    read = read_inputs(process, {"dataset": "record", **inputs})
    before = peak_kib(reset=True)
    with ExitStack() as opened:
        data = DataAccess({"record": (record,)})
        made = compute(process, read, data=data, say=Quiet(), opened=opened, progress=lambda *_: None)
        (value,) = made.outputs.values()
        write_value(value, record.with_suffix(".out"), file_format, history="a test", progress=lambda *_: None)
    return peak_kib() - before


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is set back by Linux alone")
@pytest.mark.parametrize(
    ("process_id", "inputs", "file_format"),
    [
        pytest.param("aggregate", {"period": "month-of-year"}, NETCDF, id="aggregate over time"),
        pytest.param("aggregate", {"over": ["area"]}, CSV, id="aggregate over area"),
        pytest.param("subset", {"bbox": [0, 30, 90, 60]}, NETCDF, id="subset"),
        pytest.param("regrid", {"grid": "5x5", "method": "conservative"}, NETCDF, id="regrid"),
        pytest.param("zonal-statistics", {"zones": SQUARE, "statistics": ["mean"]}, CSV, id="zonal-statistics"),
        pytest.param("climate-indices", {"indices": ["SU", "TXx"], "period": "month"}, NETCDF, id="climate-indices"),
    ],
)
def test_ten_years_need_no_more_memory_than_one(process_id, inputs, file_format, tmp_path, monkeypatch):
    # What is small enough to be held would grow with a record as short as these.
    monkeypatch.setattr(indices, "HELD_BYTES", 0)
    monkeypatch.setattr(zonal, "HELD_BYTES", 0)
    short = run(process_id, inputs, write_years(tmp_path / "short.nc", 1), file_format)
    record = write_years(tmp_path / "long.nc", YEARS)
    # What threads and allocators hold by chance differs from run to run; what grows with the record does so each time.
    assert any(run(process_id, inputs, record, file_format) - short < LEEWAY_KIB for _ in range(3))
