"""
How fast and how large `subset` of a Zarr store is beside zarr-python and xarray, in one run.

    python benchmarks/subset_zarr.py [--steps 240 480] [--rounds 3] [--write]

It generates ERA5-like Zarr v2 stores (721 x 1440, hourly, float32, blosc lz4) in two chunkings, cuts a box of 100 x 161
cells and the middle half of the time out of each, and prints the least and the median time of each tool, their ratios and
peak memory. Each tool runs warm, in a process of its own, and writes uncompressed NetCDF-4; the rounds go from tool to tool.
All results are compared cell by cell. Nothing is asserted about speed.
"""

import argparse
import os
import platform
import statistics
import tempfile
from pathlib import Path

import netCDF4
import numpy as np
from page import PAGE, write_section
from warm import ROOT, Measure, Step, best, load_words, measure, serve, worst

ROWS, COLUMNS = 721, 1440
CHUNKS = {"a step a chunk": (1, ROWS, COLUMNS), "chunks of 24 x 90 x 180": (24, 90, 180)}
PEER, KEPT_RATIO = "zarr-python slice", 0.7
TOP, LEFT, HEIGHT, WIDTH = 120, 680, 100, 161


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


TOOLS: dict[str, Step] = {"gaia": run_gaia, PEER: run_zarr, "xarray": run_xarray}


def measure_all(folder: Path, source: Path, steps: int, rounds: int, *, synced: bool) -> dict[str, Measure]:
    """Time every tool on one store."""
    targets = {tool: folder / f"out{at}.nc" for at, tool in enumerate(TOOLS)}
    found = measure(__file__, source, targets, steps, rounds=rounds, synced=synced)
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


def report(results: dict[bool, dict[str, dict[str, Measure]]]) -> list[str]:
    """Write the section of the page; results by whether the file is brought onto the disk."""
    import numcodecs
    import xarray as xr
    import zarr

    lines = [
        f"Zarr v2, hourly float32 {ROWS} x {COLUMNS}, blosc lz4; box of {HEIGHT} x {WIDTH} cells, middle half of the time; uncompressed",
        "NetCDF-4 out. All tools run warm (the time is open, compute, write), each in a process that does only this; peak memory",
        "is that of the process, its imports included. All results were equal cell by cell. Bringing a result onto the disk (fsync) is",
        "the duty of who publishes it, not of a writer; so the first table is without it, and in the second every tool does it.",
    ]
    for synced, by_store in results.items():
        lines += ["", "### With the result brought onto the disk" if synced else "### Reading and writing", ""]
        lines += [
            "| store | tool | s, least (median) | processor s | peak MB | of zarr-python | by processor time |",
            "| --- " * 7 + "|",
        ]
        for store, measures in by_store.items():
            time_s, processor_s = best(measures, {PEER})
            for tool, each in measures.items():
                times = f"{each.least_s:.3f} ({statistics.median(each.times_s):.3f}) | {each.least_processor_s:.3f}"
                ratios = f"{each.least_s / time_s:.2f} | {each.least_processor_s / processor_s:.2f}"
                lines.append(f"| {store} | {tool} | {times} | {each.peak_bytes / 1e6:.0f} | {ratios} |")
        lines += ["", f"- {worst(by_store, {PEER}, KEPT_RATIO)}"]
    versions = (
        f"zarr {zarr.__version__}, numcodecs {numcodecs.__version__}, xarray {xr.__version__}, numpy {np.__version__}"
    )
    return [
        *lines,
        "",
        load_words(),
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
        serve(TOOLS[asked.serve])
        return
    results: dict[bool, dict[str, dict[str, Measure]]] = {False: {}, True: {}}
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        folder = Path(name)
        for words, chunks in CHUNKS.items():
            for steps in asked.steps:
                source = folder / f"{steps}-{chunks[0]}.zarr"
                generate(source, steps, chunks)
                for synced, found in results.items():
                    found[f"{steps} steps, {words}"] = measure_all(folder, source, steps, asked.rounds, synced=synced)
    lines = report(results)
    print("\n".join(lines))
    if asked.write:
        write_section("Subset of Zarr", lines)


if __name__ == "__main__":
    main()
