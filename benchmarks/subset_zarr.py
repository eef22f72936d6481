"""
How fast and how large `subset` of a Zarr store is beside zarr-python and xarray, in one run.

    python benchmarks/subset_zarr.py [--steps 240 480] [--rounds 3] [--write]

It generates ERA5-like Zarr v2 stores (721 x 1440, hourly, float32, blosc lz4) in two chunkings, cuts a box of 100 x 161
cells and the middle half of the time out of each, and prints the least and the median time of each tool, their ratios and
peak memory. Each tool runs warm, in a process of its own, and writes uncompressed NetCDF-4; the rounds go from tool to tool.
All results are compared cell by cell. Nothing is asserted about speed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import Measure, serving

ROOT = Path(__file__).resolve().parents[1]
ROWS, COLUMNS = 721, 1440
CHUNKS = {"a step a chunk": (1, ROWS, COLUMNS), "chunks of 24 x 90 x 180": (24, 90, 180)}
TOP, LEFT, HEIGHT, WIDTH = 120, 680, 100, 161

type Step = Callable[[Path, Path, int], None]


def generate(path: Path, steps: int, chunks: tuple[int, int, int]) -> None:
    """Write a store that compresses about as well as a reanalysis (to 60 %)."""
    import zarr

    random = np.random.default_rng(steps)
    latitude, longitude = np.linspace(90, -90, ROWS), np.arange(COLUMNS) * 0.25
    axes = {
        "latitude": (latitude, {"units": "degrees_north", "standard_name": "latitude"}),
        "longitude": (longitude, {"units": "degrees_east", "standard_name": "longitude"}),
        "time": (
            np.arange(steps),
            {"units": "hours since 2001-01-01", "calendar": "standard", "standard_name": "time"},
        ),
    }
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for name, (values, attributes) in axes.items():
        group.create_array(name, data=values, attributes={**attributes, "_ARRAY_DIMENSIONS": [name]})
    t2m = group.create_array(
        "t2m", shape=(steps, ROWS, COLUMNS), dtype="f4", chunks=chunks, fill_value=np.nan,
        compressors={"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
        attributes={"units": "K", "standard_name": "air_temperature", "_ARRAY_DIMENSIONS": ["time", "latitude", "longitude"]},
    )  # fmt: skip
    calm = 288 - 40 * np.sin(np.radians(latitude))[:, None] ** 2 + 3 * np.cos(np.radians(longitude))[None, :]
    for start in range(0, steps, 24):
        noise = random.normal(0, 2, (min(24, steps - start), ROWS, COLUMNS)).astype("f4")
        t2m[start : start + 24] = np.round((calm.astype("f4") + noise) * 256) / 256


def _window(steps: int) -> tuple[slice, slice, slice]:
    return slice(steps // 4, steps // 4 + steps // 2), slice(TOP, TOP + HEIGHT), slice(LEFT, LEFT + WIDTH)


def run_gaia(source: Path, target: Path, steps: int) -> None:
    """Open, compute and write as a worker does."""
    from gaia_processes.inputs.bbox import Bbox
    from gaia_processes.inputs.interval import parse_interval
    from gaia_processes.subset.compute import compute
    from gaia_workers.readers.opening import open_dataset
    from gaia_workers.writers.netcdf import write

    time, _, _ = _window(steps)
    first, last = (np.datetime64("2001-01-01T00") + np.timedelta64(at, "h") for at in (time.start, time.stop - 1))
    with open_dataset(source) as dataset:
        result = compute(
            dataset,
            variables=("t2m",),
            bbox=Bbox(
                west=LEFT * 0.25,
                south=90 - (TOP + HEIGHT - 1) * 0.25,
                east=(LEFT + WIDTH - 1) * 0.25,
                north=90 - TOP * 0.25,
            ),
            datetime=parse_interval(f"{first}:00:00Z/{last}:00:00Z"),
            warn=print,
        )
        result.variables["t2m"].encoding |= {"zlib": False, "shuffle": False}
        write(result, target, progress=lambda *_: None, history="benchmark")


def run_zarr(source: Path, target: Path, steps: int) -> None:
    """Slice with zarr-python and write what was read with the netCDF4 library."""
    import zarr

    group = zarr.open_group(source, mode="r", zarr_format=2)
    time, rows, columns = _window(steps)
    window = {"time": time, "latitude": rows, "longitude": columns}
    with netCDF4.Dataset(target, "w") as written:
        for name, places in window.items():
            written.createDimension(name, places.stop - places.start)
        for name in (*window, "t2m"):
            array = group[name]
            attributes = dict(array.attrs)
            dims = attributes.pop("_ARRAY_DIMENSIONS")
            fill = np.float32(np.nan) if name == "t2m" else None
            made = written.createVariable(name, array.dtype, dims, fill_value=fill)
            made.setncatts(attributes)
            made.set_auto_maskandscale(False)
            made[:] = array[tuple(window[dim] for dim in dims)]


def run_xarray(source: Path, target: Path, steps: int) -> None:
    """Select and write, as a notebook does."""
    import xarray as xr

    time, rows, columns = _window(steps)
    with xr.open_zarr(source, consolidated=False, chunks=None) as dataset:
        part = dataset.isel(time=time, latitude=rows, longitude=columns)
        part.to_netcdf(target, encoding={"t2m": {"zlib": False, "chunksizes": None}})


TOOLS: dict[str, Step] = {"gaia": run_gaia, "zarr-python slice": run_zarr, "xarray": run_xarray}


def serve(tool: str) -> None:
    """Carry out what is asked on the standard input, one line of JSON a run, and answer with its time and memory."""
    step = TOOLS[tool]
    for line in sys.stdin:
        asked = json.loads(line)
        start = perf_counter()
        step(Path(asked["source"]), Path(asked["target"]), asked["steps"])
        answer = {"time_s": perf_counter() - start, "peak_bytes": _peak_bytes()}
        print(json.dumps(answer), flush=True)


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def _ask(process: subprocess.Popen[str], source: Path, target: Path, steps: int) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"source": str(source), "target": str(target), "steps": steps}) + "\n")
    process.stdin.flush()
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


def measure(folder: Path, source: Path, steps: int, rounds: int) -> dict[str, Measure]:
    """Time every tool on one store; the first round only warms up."""
    found = {tool: Measure(times_s=[], peak_bytes=0) for tool in TOOLS}
    with ExitStack() as stack:
        processes = stack.enter_context(serving(list(TOOLS), program=__file__))
        for round_ in range(rounds + 1):
            for at, tool in enumerate(TOOLS):
                answer = _ask(processes[tool], source, folder / f"out{at}.nc", steps)
                if round_:
                    found[tool].times_s.append(answer["time_s"])
                found[tool].peak_bytes = int(answer["peak_bytes"])
    _compare(folder)
    return found


def _compare(folder: Path) -> None:
    """Refuse results that differ: a fast wrong answer is no answer."""
    results = []
    for at, _ in enumerate(TOOLS):
        with netCDF4.Dataset(folder / f"out{at}.nc") as file:
            file.set_auto_maskandscale(False)
            results.append([np.asarray(file[name][:]) for name in ("t2m", "latitude", "longitude")])
    for tool, result in zip(TOOLS, results, strict=True):
        if not all(np.array_equal(a, b) for a, b in zip(results[0], result, strict=True)):
            raise SystemExit(f"{tool} gives other cells than {next(iter(TOOLS))}")


def report(results: dict[str, dict[str, Measure]]) -> list[str]:
    """Write the section of the page."""
    import numcodecs
    import xarray as xr
    import zarr

    lines = [
        f"Zarr v2, hourly float32 {ROWS} x {COLUMNS}, blosc lz4; box of {HEIGHT} x {WIDTH} cells, middle half of the time; uncompressed",
        "NetCDF-4 out. All tools run warm (the time is open, compute, write), each in a process that does only this; peak memory",
        "is that of the process, its imports included. All results were equal cell by cell.",
        "",
        "| store | tool | s, least (median) | peak MB | of zarr-python |",
        "| --- | --- | --- | --- | --- |",
    ]
    for store, measures in results.items():
        best = measures["zarr-python slice"].least_s
        for tool, each in measures.items():
            times = f"{each.least_s:.3f} ({statistics.median(each.times_s):.3f})"
            lines.append(f"| {store} | {tool} | {times} | {each.peak_bytes / 1e6:.0f} | {each.least_s / best:.2f} |")
    versions = (
        f"zarr {zarr.__version__}, numcodecs {numcodecs.__version__}, xarray {xr.__version__}, numpy {np.__version__}"
    )
    return [
        *lines,
        "",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}. Python {platform.python_version()}, {versions}.",
    ]


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[240, 480])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    results = {}
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        folder = Path(name)
        for words, chunks in CHUNKS.items():
            for steps in asked.steps:
                source = folder / f"{steps}-{chunks[0]}.zarr"
                generate(source, steps, chunks)
                results[f"{steps} steps, {words}"] = measure(folder, source, steps, asked.rounds)
    lines = report(results)
    print("\n".join(lines))
    if asked.write:
        write_section("Subset of Zarr", lines)


if __name__ == "__main__":
    main()
