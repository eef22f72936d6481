"""The memory of a job does not grow with the record that it reads; `benchmarks/memory.py` measures the same up to 20 GB."""

import json
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from gaia_processes.formats import CSV, NETCDF

SHORT_YEARS, LONG_YEARS = 5, 20  # the short record is several blocks already: below that, memory grows up to one block
LEEWAY_KIB = 32 * 1024  # the fifteen more years are 395 MiB
SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [60, 0], [60, 60], [0, 60], [0, 0]]]}}
    ],
}  # fmt: skip

# A process of its own for each: what tests before it have left in this one would hide or feign growth.
MEASURE = """
import ctypes, gc, json, sys
from contextlib import ExitStack
from pathlib import Path

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.climate_indices import compute as indices
from gaia_processes.formats import format_for
from gaia_processes.reading import read_inputs
from gaia_processes.zonal_statistics import statistics as zonal
from gaia_workers.data import DataAccess
from gaia_workers.runner import compute, write_value

# What is small enough to be held would grow with a record as short as these.
indices.HELD_BYTES = zonal.HELD_BYTES = 0

class Quiet:
    def warn(self, words): ...
    def note(self, words): ...
    def progress(self, percent, words=None): ...

def peak_kib():
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

def rise_kib(record):
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_kib()
    with ExitStack() as opened:
        data = DataAccess({"record": (record,)})
        made = compute(process, inputs, data=data, say=Quiet(), opened=opened, progress=lambda *_: None)
        (value,) = made.outputs.values()
        write_value(value, record.with_suffix(".out"), file_format, history="a test", progress=lambda *_: None)
    return peak_kib() - before

asked = json.loads(sys.argv[1])
process = by_id(CATALOGUE)[asked["process"]]
inputs = read_inputs(process, {"dataset": "record", **asked["inputs"]})
file_format = format_for(asked["format"])
rise_kib(Path(asked["records"][0]))  # modules, compiled loops
print(json.dumps([rise_kib(Path(record)) for record in asked["records"]]))
"""


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


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is set back by Linux alone")
@pytest.mark.parametrize(
    ("process_id", "inputs", "media_type"),
    [
        pytest.param("aggregate", {"period": "month-of-year"}, NETCDF.media_type, id="aggregate over time"),
        pytest.param("aggregate", {"over": ["area"]}, CSV.media_type, id="aggregate over area"),
        pytest.param("subset", {"bbox": [0, 30, 90, 60]}, NETCDF.media_type, id="subset"),
        pytest.param("regrid", {"grid": "5x5", "method": "conservative"}, NETCDF.media_type, id="regrid"),
        pytest.param(
            "zonal-statistics", {"zones": SQUARE, "statistics": ["mean"]}, CSV.media_type, id="zonal-statistics"
        ),
        pytest.param(
            "climate-indices", {"indices": ["SU", "TXx"], "period": "month"}, NETCDF.media_type, id="climate-indices"
        ),
    ],
)
def test_a_long_record_needs_no_more_memory_than_a_short_one(process_id, inputs, media_type, tmp_path):
    records = [str(write_years(tmp_path / f"{years}.nc", years)) for years in (SHORT_YEARS, LONG_YEARS)]
    asked = json.dumps({"process": process_id, "inputs": inputs, "format": media_type, "records": records})
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, asked], capture_output=True, text=True, check=True, timeout=100
    )
    short_kib, long_kib = json.loads(run.stdout)
    assert long_kib - short_kib < LEEWAY_KIB, (short_kib, long_kib)
