"""
How fast and how large `aggregate` is beside CDO and plain xarray, in one run: monthly means and a monthly climatology.

    python benchmarks/aggregate.py [--years 2 10 30] [--rounds 5] [--quick] [--write]

It generates the files of `benchmarks/subset.py` (daily, CMIP6-like), and prints the least and the median time of each tool,
their ratios and peak memory. Python tools run warm: a process each, imported before, and the rounds go from tool to tool;
CDO is a program, a process each time. Beside them stands the limit: inflating every chunk in two threads, and nothing
else. Ours and CDO's results are compared bit by bit. A last table aggregates one record that is 1, 10 and 100 times as
long, many days being the same stored bytes, in a fresh process each: its peak memory is to stay the same.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import h5py
import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import COLUMNS, ROWS, generate

ROOT = Path(__file__).resolve().parents[1]
TASKS = {"monthly means": "month", "monthly climatology": "month-of-year"}
OPERATORS = {"month": "monmean", "month-of-year": "ymonmean"}
SEVERAL = (1, 10, 100)
KEPT_RATIO, KEPT_MEMORY = 0.35, 1.1

type Step = Callable[[Path, Path, str], None]


def run_gaia(source: Path, target: Path, period: str) -> None:
    """Open, compute and write as a worker does."""
    from gaia_processes.aggregate.compute import compute
    from gaia_workers.readers.netcdf import open_dataset
    from gaia_workers.writers.netcdf import write

    with open_dataset(source) as dataset:
        result = compute(dataset, variables=("tas",), period=period, warn=print)
        write(result, target, progress=lambda *_: None, history="benchmark")


def run_cdo(source: Path, target: Path, period: str) -> None:
    """Run CDO; its result is deflated as ours."""
    packed = ["-f", "nc4", "-z", "zip_1"]
    subprocess.run(["cdo", "-s", "-O", *packed, OPERATORS[period], str(source), str(target)], check=True)


def run_xarray(source: Path, target: Path, period: str) -> None:
    """Group by month and write, as a notebook does."""
    import xarray as xr

    with xr.open_dataset(source, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as dataset:
        tas = dataset["tas"]
        mean = tas.groupby("time.month").mean("time") if period == "month-of-year" else tas.resample(time="MS").mean()
        mean.to_netcdf(target, encoding={"tas": {"zlib": True, "complevel": 1, "shuffle": True}})


def run_limit(source: Path, target: Path, period: str) -> None:  # noqa: ARG001 - the signature of every tool
    """Inflate every chunk of the variable in two threads, and do nothing with it."""
    import deflate

    with h5py.File(source) as file:
        found: list[tuple[int, int]] = []
        file["tas"].id.chunk_iter(lambda chunk: found.append((chunk.byte_offset, chunk.size)))
    descriptor = os.open(source, os.O_RDONLY)
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(
            lambda at: deflate.zlib_decompress(os.pread(descriptor, at[1], at[0]), ROWS * COLUMNS * 4), found
        ):
            pass
    os.close(descriptor)


TOOLS: dict[str, Step] = {"gaia": run_gaia, "CDO": run_cdo, "xarray": run_xarray, "limit: inflate alone": run_limit}


# --- a process a tool -----------------------------------------------------------------------------------------------


def serve(tool: str) -> None:
    """Carry out what is asked on the standard input, one line of JSON a run, and answer with its time and memory."""
    for line in sys.stdin:
        asked = json.loads(line)
        start = perf_counter()
        TOOLS[tool](Path(asked["source"]), Path(asked["target"]), asked["period"])
        answer = {"time_s": perf_counter() - start, "peak_bytes": _peak_bytes(tool)}
        print(json.dumps(answer), flush=True)


def _peak_bytes(tool: str) -> int:
    import resource

    if tool == "CDO":
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


@contextmanager
def serving(tools: list[str]) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Start a process for each tool, and end them."""
    places = os.pathsep.join(str(ROOT / room) for room in ("processes", "workers"))
    environment = {**os.environ, "PYTHONPATH": places}
    command = [sys.executable, __file__, "--serve"]
    started = {
        tool: subprocess.Popen(
            [*command, tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for tool in tools
    }
    try:
        yield started
    finally:
        for process in started.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=60)


def ask(process: subprocess.Popen[str], source: Path, target: Path, period: str) -> Any:
    """Let a tool do a task, and give its time and memory."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"source": str(source), "target": str(target), "period": period}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@dataclass(kw_only=True)
class Measure:
    """What one tool took for one file."""

    times_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def least_s(self) -> float:
        """The shortest time."""
        return min(self.times_s)


def measure(source: Path, period: str, tools: list[str], rounds: int) -> dict[str, Measure]:
    """Time every tool on one file; the first round only warms up."""
    found = {tool: Measure() for tool in tools}
    targets = {tool: source.with_name(f"out{at}.nc") for at, tool in enumerate(tools)}
    with serving(tools) as processes:
        for round_ in range(rounds + 1):
            for tool in tools:
                answer = ask(processes[tool], source, targets[tool], period)
                if round_:
                    found[tool].times_s.append(answer["time_s"])
                found[tool].peak_bytes = answer["peak_bytes"]
    if "CDO" in tools:
        _compare(targets["gaia"], targets["CDO"])
    return found


def _compare(ours: Path, theirs: Path) -> None:
    """Refuse results that differ in a single bit: a fast wrong answer is no answer."""
    with netCDF4.Dataset(ours) as first, netCDF4.Dataset(theirs) as second:
        if not np.array_equal(np.asarray(first["tas"][:]), np.asarray(second["tas"][:])):
            raise SystemExit("gaia and CDO give other means")


# --- memory ---------------------------------------------------------------------------------------------------------


def lengthen(source: Path, target: Path, times: int) -> None:
    """
    Write a record that is `times` as long as another.

    Its chunks are the stored bytes of the shorter one, over and over, so that it takes a second and not an hour.
    """
    with netCDF4.Dataset(source) as short, netCDF4.Dataset(target, "w") as long:
        steps = len(short.dimensions["time"])
        for name, dimension in short.dimensions.items():
            long.createDimension(name, times * steps if name == "time" else len(dimension))
        for name, variable in short.variables.items():
            fill = getattr(variable, "_FillValue", None)
            packed = (
                {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, ROWS, COLUMNS)}
                if name == "tas"
                else {}
            )
            made = long.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill, **packed)
            made.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
            if name.startswith("time"):
                made[:] = np.concatenate([variable[:] + steps * again for again in range(times)])
            elif name != "tas":
                made[:] = variable[:]
    with h5py.File(source) as short, h5py.File(target, "r+") as long:
        for step in range(steps):
            _, data = short["tas"].id.read_direct_chunk((step, 0, 0))
            for again in range(times):
                long["tas"].id.write_direct_chunk((step + again * steps, 0, 0), data)


def measure_memory(folder: Path, source: Path) -> dict[int, tuple[int, float]]:
    """Give peak memory and time of a climatology of records of several lengths, a fresh process for each."""
    found = {}
    for times in SEVERAL:
        long = folder / f"long{times}.nc"
        lengthen(source, long, times)
        with serving(["gaia"]) as processes:
            answer = ask(processes["gaia"], long, folder / "out.nc", "month-of-year")
        found[times] = (answer["peak_bytes"], answer["time_s"])
        long.unlink()
    return found


# --- the report -----------------------------------------------------------------------------------------------------


def _table(results: dict[int, dict[str, Measure]]) -> list[str]:
    years = " | ".join(f"{each} years: s, least (median)" for each in results)
    lines = [f"| tool | {years} | peak MB | of CDO |", "| --- " * (len(results) + 3) + "|"]
    for tool in next(iter(results.values())):
        cells = [f"{r[tool].least_s:.3f} ({statistics.median(r[tool].times_s):.3f})" for r in results.values()]
        peaks = ", ".join(f"{r[tool].peak_bytes / 1e6:.0f}" for r in results.values())
        ratios = ", ".join(f"{r[tool].least_s / r['CDO'].least_s:.2f}" if "CDO" in r else "-" for r in results.values())
        lines.append(f"| {tool} | {' | '.join(cells)} | {peaks} | {ratios} |")
    return lines


def _kept(value: float, most: float) -> str:
    return f"{value:.2f} ({'kept' if value <= most else '**not kept**'}: at most {most})"


def report(
    results: dict[str, dict[int, dict[str, Measure]]], memory: dict[int, tuple[int, float]], sizes: dict[int, int]
) -> list[str]:
    """Write the section of the page."""
    files = ", ".join(f"{years} years {size / 1e6:.0f} MB" for years, size in sizes.items())
    lines = [
        f"Daily float32 {ROWS} x {COLUMNS}, chunks of a day, shuffle and deflate 1 ({files}); NetCDF-4 out, deflated. Python",
        "tools run warm (the time is open, compute, write), CDO is a program (a process each time). Peak memory is that of a",
        "process that does only this, its imports included, in the order of the files. Ours and CDO's results are bit-equal.",
    ]
    for task, by_years in results.items():
        lines += ["", f"### {task.capitalize()}", "", *_table(by_years)]
        worst = max((r["gaia"].least_s / r["CDO"].least_s for r in by_years.values() if "CDO" in r), default=None)
        if worst is not None:
            lines += ["", f"- Of CDO's time, at worst: {_kept(worst, KEPT_RATIO)}."]
    peaks = [peak for peak, _ in memory.values()]
    lines += [
        "",
        "### Memory of a climatology, by the length of the record",
        "",
        "| times as long | peak MB | s |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {times} | {peak / 1e6:.0f} | {time_s:.2f} |" for times, (peak, time_s) in memory.items()]
    lines += ["", f"- Largest of smallest peak: {_kept(max(peaks) / min(peaks), KEPT_MEMORY)}."]
    return lines


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[2, 10, 30])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two years, one round")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    spans, rounds = ([2], 1) if asked.quick else (asked.years, asked.rounds)
    tools = [tool for tool in TOOLS if tool != "CDO" or shutil.which("cdo")]
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        files = {years: Path(name) / f"{years}.nc" for years in spans}
        for years, path in files.items():
            generate(path, years)
        results = {
            task: {years: measure(path, period, tools, rounds) for years, path in files.items()}
            for task, period in TASKS.items()
        }
        memory = measure_memory(Path(name), files[min(files)])
        lines = report(results, memory, {years: path.stat().st_size for years, path in files.items()})
    print("\n".join(lines))
    if asked.write:
        write_section("Aggregate", lines)


if __name__ == "__main__":
    main()
