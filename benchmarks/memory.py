"""
Peak memory and time of the gridded processes on records that are 1, 10 and 100 times as long, as a worker does them.

    .venv/bin/python benchmarks/memory.py [--times 1 10 100] [--only aggregate …] [--storages sparse deflated] [--write]

The longest record has 21 GB of values: 192 x 384 cells in float32, 730 days a time. `sparse` is one NetCDF-4 variable that
lies in one piece, most of it a hole of the file, so that it takes no room; `deflated` has a chunk a day, some of its cells
missing, and the same stored bytes for many days; `zarr` is a Zarr store (v2, blosc) of the same days. Each job is an order that a fork of the warm parent carries out under
the 2 GiB of the batch lane, watched as at a centre; what is told is its receipt.
"""

import argparse
import math
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import netCDF4
import numpy as np
import zarr
from page import PAGE, write_section

from gaia_config.centres import Centre, Queue
from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.process import Limits
from gaia_workers.agent import warm_up
from gaia_workers.contract import Failure, Order, Receipt, Result
from gaia_workers.errands import Errand
from gaia_workers.forks import Forks
from gaia_workers.limits import Allowance, Guard
from gaia_workers.results import Results

ROOT = Path(__file__).resolve().parents[1]
ROWS, COLUMNS, DAYS = 192, 384, 730
LIMIT_BYTES = 2 * 2**30
SEVERAL = (1, 10, 100)
KEPT_MEMORY, KEPT_TIME = 1.1, 1.3
NAMES = {"sparse": "one piece, sparse", "deflated": "deflated chunks of a day", "zarr": "Zarr, blosc chunks of a day"}
TIME_LIMIT_S = 7200.0


def _zones() -> dict[str, Any]:
    """Make 24 zones of 30 x 40 degrees."""
    corners = [(west, south) for west in range(-180, 180, 60) for south in range(-80, 80, 40)]
    rings = [[[w, s], [w + 30, s], [w + 30, s + 40], [w, s + 40], [w, s]] for w, s in corners]
    features = [
        {"type": "Feature", "properties": {"id": at}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for at, ring in enumerate(rings)
    ]
    return {"type": "FeatureCollection", "features": features}


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "aggregate": ("aggregate", {"period": "month-of-year"}, "netcdf"),
    "aggregate, monthly": ("aggregate", {"period": "month"}, "netcdf"),
    "aggregate, area": ("aggregate", {"over": ["area"]}, "csv"),
    "subset": ("subset", {"bbox": [0, 30, 45, 60]}, "netcdf"),
    "regrid": ("regrid", {"grid": "5x5", "method": "conservative"}, "netcdf"),
    "zonal-statistics": ("zonal-statistics", {"zones": _zones(), "statistics": ["mean"]}, "csv"),
    "climate-indices": ("climate-indices", {"indices": ["SU", "TXx"], "period": "month"}, "netcdf"),
    "climate-indices, percentiles": ("climate-indices", {"indices": ["TX90p"], "baseline": "1801/1802"}, "netcdf"),
}
"""Process, inputs beside the dataset, format."""


# --- the records ----------------------------------------------------------------------------------------------------


def write_record(path: Path, times: int, storage: str) -> None:
    """Write a record of daily maxima that is `times` as long as two years."""
    steps = DAYS * times
    if storage == "zarr":
        _write_store(path, steps)
        return
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", steps), ("lat", ROWS), ("lon", COLUMNS), ("bnds", 2)):
            file.createDimension(name, size)
        _axis(
            file,
            "lat",
            np.linspace(-90, 90, ROWS * 2 + 1)[1::2],
            90 / ROWS,
            units="degrees_north",
            standard_name="latitude",
        )
        _axis(
            file,
            "lon",
            np.arange(COLUMNS) * 360 / COLUMNS,
            180 / COLUMNS,
            units="degrees_east",
            standard_name="longitude",
        )
        days = np.arange(steps) + 0.5
        _axis(file, "time", days, 0.5, units="days since 1801-01-01", calendar="noleap", standard_name="time")
        stored = {"contiguous": True} if storage == "sparse" else {
            "zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, ROWS, COLUMNS),
        }  # fmt: skip
        fill = False if storage == "sparse" else np.float32(1e20)
        variable = file.createVariable("tasmax", "f4", ("time", "lat", "lon"), fill_value=fill, **stored)
        variable.setncatts({"units": "K", "standard_name": "air_temperature", "cell_methods": "time: maximum"})
        if storage == "sparse":
            variable[steps - 1] = 0.0  # the last step makes the file as long as it says
        else:
            for step, values in enumerate(_some_days()):
                variable[step] = values
    if storage == "deflated":
        _repeat(path, steps)


def _write_store(path: Path, steps: int) -> None:
    """Write a Zarr store; days that are the same are one file under many names."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    axes = {
        "time": (np.arange(steps) + 0.5, {"units": "days since 1801-01-01", "calendar": "noleap"}),
        "lat": (np.linspace(-90, 90, ROWS * 2 + 1)[1::2], {"units": "degrees_north"}),
        "lon": (np.arange(COLUMNS) * 360 / COLUMNS, {"units": "degrees_east"}),
    }
    for name, (values, attributes) in axes.items():
        group.create_array(name, data=values, attributes={**attributes, "_ARRAY_DIMENSIONS": [name]})
    told = {"units": "K", "standard_name": "air_temperature", "cell_methods": "time: maximum"}
    stored = group.create_array(
        "tasmax", shape=(steps, ROWS, COLUMNS), dtype="f4", chunks=(1, ROWS, COLUMNS), fill_value=np.float32(1e20),
        compressors={"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
        attributes={**told, "_ARRAY_DIMENSIONS": ["time", "lat", "lon"]},
    )  # fmt: skip
    for step, values in enumerate(_some_days()):
        stored[step] = values
    for step in range(5, steps):
        (path / "tasmax" / f"{step}.0.0").hardlink_to(path / "tasmax" / f"{step % 5}.0.0")


def _axis(file: Any, name: str, values: Any, half: float, **attributes: str) -> None:
    axis = file.createVariable(name, "f8", (name,))
    axis.setncatts({**attributes, "bounds": f"{name}_bnds"})
    axis[:] = values
    file.createVariable(f"{name}_bnds", "f8", (name, "bnds"))[:] = np.stack([values - half, values + half], 1)


def _some_days() -> list[Any]:
    """Make a few days of smooth fields that deflate well, with cells that are missing."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    days = []
    for day in range(5):
        field = np.round(285 + 15 * np.sin(rows / 30 + day) + 5 * np.cos(columns / 40)).astype("f4")
        field[(rows + columns + day) % 7 == 0] = np.float32(1e20)
        days.append(field)
    return days


def _repeat(path: Path, steps: int) -> None:
    """Store the bytes of the first days again for all others."""
    with h5py.File(path, "r+") as file:
        chunks = [file["tasmax"].id.read_direct_chunk((day, 0, 0))[1] for day in range(5)]
        for step in range(5, steps):
            file["tasmax"].id.write_direct_chunk((step, 0, 0), chunks[step % 5])


# --- the jobs -------------------------------------------------------------------------------------------------------


def carry_out(case: str, record: Path, folder: Path) -> tuple[Receipt, int]:
    """Let a fresh fork carry a case out; give its receipt and the size of its result."""
    process_id, inputs, format_id = CASES[case]
    dataset: Any = ["record"] if process_id == "climate-indices" else "record"
    return carry_order_out(
        process_id, {"dataset": dataset, **inputs}, format_id, record, folder, memory_limit_bytes=LIMIT_BYTES
    )


def carry_order_out(
    process_id: str, inputs: dict[str, Any], format_id: str, record: Path, folder: Path, *, memory_limit_bytes: int
) -> tuple[Receipt, int]:
    """
    Let a fresh fork carry an order out as at a centre, watched as there; give its receipt and the size of its result.

    Parameters
    ----------
    record : Path
        The file of the dataset `record`.
    folder : Path
        For the result, which is removed.
    """
    process = by_id(CATALOGUE)[process_id]
    now = datetime.now(UTC)
    (output,) = process.outputs
    order = Order(
        job_id=str(uuid4()), part=0, attempt=1, process_id=process_id, process_version=process.version, inputs=inputs,
        formats={output: format_id}, accepted=now, queue_deadline=now + timedelta(hours=3), time_limit_s=TIME_LIMIT_S,
        memory_limit_bytes=memory_limit_bytes, centre="here", queue="batch",
    )  # fmt: skip
    results = Results(folder)
    results.prepare()
    allowance = Allowance.of(order, Limits(), cpu_s=math.inf, scratch_bytes=math.inf)
    errand = Errand(
        order=order,
        allowance=allowance,
        files={"record": (record,)},
        results=folder,
        centre=_centre(folder),
        server_url=None,
    )
    outcome = _watch(errand)
    if not isinstance(outcome, Result):
        raise SystemExit(f"{process_id}: {outcome}")
    size = sum(each.size_bytes for each in outcome.outputs)
    results.remove(order.job_id, order.attempt)
    return outcome.receipt, size


def _watch(errand: Errand) -> Result | Failure | None:
    forks = Forks()
    fork = forks.send_out(errand)
    guard = Guard(errand.allowance, fork.family, written_bytes=lambda: 0)
    try:
        while True:
            news = fork.hear(0.1)
            if isinstance(news, Result | Failure):
                return news
            if (broken := guard.find_broken()) is not None:
                return broken
    finally:
        fork.end()
        forks.close()


def _centre(folder: Path) -> Centre:
    return Centre(
        id="here", title="Here", broker_url="", prefix="", key=b"", delivery="serve", public_url=None,
        queues=(Queue(name="batch", concurrency=1, executor="process"),),
        catalogue=folder, data=folder, results=folder,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What one job cost."""

    receipt: Receipt
    result_bytes: int


def measure(cases: list[str], several: list[int], storage: str, folder: Path) -> dict[str, dict[int, Found]]:
    """Carry all cases out on records of all lengths."""
    found: dict[str, dict[int, Found]] = {case: {} for case in cases}
    for times in several:
        record = folder / f"{storage}{times}{'.zarr' if storage == 'zarr' else '.nc'}"
        write_record(record, times, storage)
        for case in cases:
            receipt, size = carry_out(case, record, folder / "results")
            found[case][times] = Found(receipt=receipt, result_bytes=size)
            print(
                f"{storage:8} {case:20} {times:4}: {receipt.peak_memory_bytes / 2**20:6.0f} MiB, {receipt.wall_s:7.1f} s, "
                f"{receipt.cpu_s:7.1f} s of processor, {receipt.bytes_read / 1e9:.2f} GB read, {size / 1e6:.1f} MB made",
                flush=True,
            )
        shutil.rmtree(record) if record.is_dir() else record.unlink()
    return found


# --- the report -----------------------------------------------------------------------------------------------------


def _kept(value: float, most: float) -> str:
    return f"{value:.2f}" if value <= most else f"**{value:.2f}**"


def report(found: dict[str, dict[str, dict[int, Found]]], several: list[int]) -> list[str]:
    """Write the section of the page."""
    size = DAYS * ROWS * COLUMNS * 4
    sizes = ", ".join(f"{size * times / 1e9:.1f}" for times in several)
    lines = [
        f"`benchmarks/memory.py`: daily maxima, {ROWS} x {COLUMNS} cells, {sizes} GB of values; each job a fresh fork of the warm parent",
        "under 2 GiB of resident memory, what it used by its receipt. Memory: largest of smallest peak, asked: at most",
        f"{KEPT_MEMORY}. Time: of a byte at the longest record, of that of the one before it; 1 is linear, {KEPT_TIME} is taken for it.",
    ]
    head = " | ".join(f"{times}x: MiB, s (of processor)" for times in several)
    for storage, cases in found.items():
        lines += [
            "",
            f"### {NAMES[storage].capitalize()}",
            "",
            f"| job | {head} | memory | time |",
            "| --- " * (len(several) + 3) + "|",
        ]
        for case, by_times in cases.items():
            receipts = [by_times[times].receipt for times in several]
            cells = " | ".join(f"{r.peak_memory_bytes / 2**20:.0f}, {r.wall_s:.1f} ({r.cpu_s:.1f})" for r in receipts)
            peaks = [receipt.peak_memory_bytes for receipt in receipts]
            memory = _kept(max(peaks) / min(peaks), KEPT_MEMORY)
            growth = "-"
            if len(several) > 1:
                longer = several[-1] / several[-2]
                growth = _kept(receipts[-1].wall_s / receipts[-2].wall_s / longer, KEPT_TIME)
            lines.append(f"| {case} | {cells} | {memory} | {growth} |")
    lines += [
        "",
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, numpy {np.__version__}.",
    ]
    return lines


def main() -> None:
    """Write records, carry out, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, nargs="+", default=list(SEVERAL))
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES), metavar="CASE")
    parser.add_argument("--storages", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-", dir=asked.folder) as name:
        found = {storage: measure(asked.only, asked.times, storage, Path(name)) for storage in asked.storages}
    lines = report(found, asked.times)
    print("\n".join(lines))
    if asked.write:
        write_section("Memory, by the length of the record", lines)


if __name__ == "__main__":
    sys.exit(main())
