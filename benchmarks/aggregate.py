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
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import COLUMNS, ROWS, generate
from warm import ROOT, Measure, Step, ask, kept, load_words, measure, serve, serving, table, worst

TASKS = {"monthly means": "month", "monthly climatology": "month-of-year"}
OPERATORS = {"month": "monmean", "month-of-year": "ymonmean"}
SEVERAL = (1, 10, 100)
KEPT_RATIO, KEPT_MEMORY = 0.35, 1.1


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


def measure_all(source: Path, period: str, tools: list[str], rounds: int) -> dict[str, Measure]:
    """Time every tool on one file."""
    targets = {tool: source.with_name(f"out{at}.nc") for at, tool in enumerate(tools)}
    found = measure(__file__, source, targets, period, rounds=rounds)
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
        with serving(__file__, ["gaia"]) as processes:
            answer = ask(processes["gaia"], long, folder / "out.nc", "month-of-year")
        found[times] = (answer["peak_bytes"], answer["time_s"])
        long.unlink()
    return found


# --- the report -----------------------------------------------------------------------------------------------------


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
        named = {f"{years} years": each for years, each in by_years.items()}
        lines += ["", f"### {task.capitalize()}", "", *table(named, beside="CDO", peers={"CDO"})]
        if "CDO" in by_years[min(by_years)]:
            lines += ["", f"- {worst(named, {'CDO'}, KEPT_RATIO)}"]
    peaks = [peak for peak, _ in memory.values()]
    lines += [
        "",
        "### Memory of a climatology, by the length of the record",
        "",
        "| times as long | peak MB | s |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {times} | {peak / 1e6:.0f} | {time_s:.2f} |" for times, (peak, time_s) in memory.items()]
    lines += ["", f"- Largest of smallest peak: {kept(max(peaks) / min(peaks), KEPT_MEMORY)}.", "", load_words()]
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
        serve(TOOLS[asked.serve], is_program=asked.serve == "CDO")
        return
    spans, rounds = ([2], 1) if asked.quick else (asked.years, asked.rounds)
    tools = [tool for tool in TOOLS if tool != "CDO" or shutil.which("cdo")]
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        files = {years: Path(name) / f"{years}.nc" for years in spans}
        for years, path in files.items():
            generate(path, years)
        results = {
            task: {years: measure_all(path, period, tools, rounds) for years, path in files.items()}
            for task, period in TASKS.items()
        }
        memory = measure_memory(Path(name), files[min(files)])
        lines = report(results, memory, {years: path.stat().st_size for years, path in files.items()})
    print("\n".join(lines))
    if asked.write:
        write_section("Aggregate", lines)


if __name__ == "__main__":
    main()
