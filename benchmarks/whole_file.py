"""
How fast `subset` of a whole file is, whose chunks are handed over, beside making them anew and a copy with netCDF4.

    python benchmarks/whole_file.py [--years 10] [--rounds 3] [--write]

It generates the daily file of `subset.py`, takes all of it, and prints the least and the median time, processor time and
peak memory of each way, each in a process of its own. All results are compared cell by cell. Nothing is asserted about speed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import COLUMNS, ROWS, generate

ROOT = Path(__file__).resolve().parents[1]


def run_gaia(source: Path, target: Path) -> None:
    """Open, compute and write as a worker does."""
    from gaia_processes.subset.compute import compute
    from gaia_workers.readers.netcdf import open_dataset
    from gaia_workers.writers.netcdf import write

    with open_dataset(source) as dataset:
        write(compute(dataset, warn=print), target, progress=lambda *_: None, history="benchmark")


def run_anew(source: Path, target: Path) -> None:
    """Do the same, but make every chunk anew."""
    from gaia_workers.writers import netcdf

    netcdf.find_handover = lambda *_: None
    run_gaia(source, target)


def run_netcdf4(source: Path, target: Path) -> None:
    """Copy with the netCDF4 library, a year at a time."""
    with netCDF4.Dataset(source) as read, netCDF4.Dataset(target, "w") as written:
        for name, dimension in read.dimensions.items():
            written.createDimension(name, None if dimension.isunlimited() else len(dimension))
        for name, variable in read.variables.items():
            fill = getattr(variable, "_FillValue", None)
            packed = {"zlib": True, "complevel": 1, "chunksizes": variable.chunking()} if name == "tas" else {}
            made = written.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill, **packed)
            made.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
            for each in (variable, made):
                each.set_auto_maskandscale(False)
            for start in range(0, len(variable), 365):
                made[start : start + 365] = variable[start : start + 365]


TOOLS: dict[str, Callable[[Path, Path], None]] = {
    "gaia, chunks handed over": run_gaia,
    "gaia, chunks made anew": run_anew,
    "netCDF4 copy": run_netcdf4,
}


def serve(tool: str, source: Path, target: Path, rounds: int) -> None:
    """Run one tool some times, once before to warm up, and print its times and memory."""
    runs = []
    for _ in range(rounds + 1):
        wall, processor = perf_counter(), process_time()
        TOOLS[tool](source, target)
        runs.append((perf_counter() - wall, process_time() - processor))
    status = Path("/proc/self/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024
    print(json.dumps({"runs": runs[1:], "peak_bytes": peak}))


def _measure(tool: str, source: Path, target: Path, rounds: int) -> dict[str, list[float]]:
    places = os.pathsep.join(str(ROOT / room) for room in ("processes", "workers"))
    said = subprocess.run(
        [sys.executable, __file__, "--serve", tool, str(source), str(target), "--rounds", str(rounds)],
        env={**os.environ, "PYTHONPATH": places}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(said.stdout)
    walls, processors = zip(*found["runs"], strict=True)
    return {"wall": list(walls), "processor": list(processors), "peak": [found["peak_bytes"]]}


def _compare(targets: list[Path]) -> None:
    results = []
    for target in targets:
        with netCDF4.Dataset(target) as file:
            file.set_auto_maskandscale(False)
            results.append(np.asarray(file["tas"][:]))
    if not all(np.array_equal(results[0], each) for each in results):
        raise SystemExit("the results differ")


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve[0], Path(asked.serve[1]), Path(asked.serve[2]), asked.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        source = Path(name) / "source.nc"
        generate(source, asked.years)
        targets = [Path(name) / f"{at}.nc" for at, _ in enumerate(TOOLS)]
        found = {
            tool: _measure(tool, source, target, asked.rounds) for tool, target in zip(TOOLS, targets, strict=True)
        }
        _compare(targets)
        size = source.stat().st_size
    lines = [
        f"All of {asked.years} years of daily float32 {ROWS} x {COLUMNS}, chunks of a day, shuffle and deflate 1 ({size / 1e6:.0f} MB), NetCDF-4 out.",
        "Warm, each in a process of its own; all results were equal cell by cell.",
        "",
        "| way | s, least (median) | processor s, least | peak MB |",
        "| --- | --- | --- | --- |",
    ]
    for tool, each in found.items():
        wall = f"{min(each['wall']):.2f} ({statistics.median(each['wall']):.2f})"
        lines.append(f"| {tool} | {wall} | {min(each['processor']):.2f} | {each['peak'][0] / 1e6:.0f} |")
    print("\n".join(lines))
    if asked.write:
        write_section("Subset of a whole file", lines)


if __name__ == "__main__":
    main()
