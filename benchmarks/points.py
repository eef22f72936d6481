"""
A million points against xarray's own vectorised selection, time and memory each in a process of its own.

    python benchmarks/points.py [points]

A grid of 721 x 1440 cells with 24 steps in chunks of 6 x 181 x 360 (compressed) is made in a temporary folder. Ours give the
nearest cell with distance and status, or interpolate across the seam; xarray gives values alone.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import netCDF4
import numpy as np
import xarray as xr

STEPS, ROWS, COLUMNS = 24, 721, 1440
CHUNKS = (6, 181, 360)


def make_file(path: Path) -> None:
    """Write the data."""
    rng = np.random.default_rng(1)
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (
            ("time", np.arange(STEPS), "hours since 2001-01-01"),
            ("lat", np.linspace(90, -90, ROWS), "degrees_north"),
            ("lon", np.arange(COLUMNS) * 0.25, "degrees_east"),
        ):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
            file[name].units = units
        made = file.createVariable("t2m", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, chunksizes=CHUNKS)
        for step in range(STEPS):
            made[step] = 280 + rng.normal(size=(ROWS, COLUMNS)).round(2)


def cloud(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give longitudes and latitudes within the grid, and hours."""
    rng = np.random.default_rng(2)
    return rng.uniform(0, 359.7, count), rng.uniform(-89, 89, count), rng.integers(0, STEPS, count)


def ours(path: Path, count: int, method: str, *, matched: bool) -> float:
    """Take values by the process, and walk all the rows."""
    from gaia_processes.extract_points.compute import compute
    from gaia_workers.readers.netcdf import open_dataset

    x, y, hours = cloud(count)
    seen = np.datetime64("2001-01-01T00", "s") + hours * np.timedelta64(3600, "s")
    points = gpd.GeoDataFrame({"seen": seen}, geometry=gpd.points_from_xy(x, y), crs="OGC:CRS84")
    start = time.perf_counter()
    with open_dataset(path) as dataset:
        table = compute(dataset, points, method=method, match_time="seen" if matched else None, warn=print)
        rows = sum(len(block) for block in table.frames())
    assert rows == count * (1 if matched else STEPS)
    return time.perf_counter() - start


def theirs(path: Path, count: int, method: str, *, matched: bool) -> float:
    """Take values by xarray."""
    x, y, hours = cloud(count)
    lon, lat, at = (xr.DataArray(each, dims="p") for each in (x, y, hours))
    start = time.perf_counter()
    with xr.open_dataset(path) as dataset:
        field = dataset["t2m"]
        if method == "nearest":
            step = {"time": dataset["time"].to_numpy()[hours]} if matched else {}
            chosen = {"time": xr.DataArray(step["time"], dims="p")} if matched else {}
            values = field.load().sel(lon=lon, lat=lat, method="nearest", **chosen).to_numpy()
        else:
            values = field.load().interp(lon=lon, lat=lat)
            values = (values.isel(time=at) if matched else values).to_numpy()
    assert values.size == count * (1 if matched else STEPS)
    return time.perf_counter() - start


WAYS: dict[str, Callable[..., float]] = {"gaia": ours, "xarray": theirs}


def measure(path: Path, count: int, way: str, method: str, matched: str) -> dict[str, float]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--one", str(path), str(count), way, method, matched]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    found: dict[str, float] = json.loads(said)
    return found


def main() -> None:
    """Measure all ways."""
    if sys.argv[1:2] == ["--one"]:
        path, count, way, method, matched = sys.argv[2:]
        WAYS[way](Path(path), 10, method, matched=matched == "matched")  # what is imported late is not what is measured
        used = time.process_time()
        seconds = WAYS[way](Path(path), int(count), method, matched=matched == "matched")
        used = time.process_time() - used
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": round(seconds, 2), "processor_s": round(used, 2), "peak_mb": round(peak_mb)}))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "era.nc"
        make_file(path)
        for method, matched in (("nearest", "matched"), ("bilinear", "matched"), ("nearest", "all")):
            points = count if matched == "matched" else count // STEPS
            for way in WAYS:
                found = measure(path, points, way, method, matched)
                print(
                    f"{way:7} {method:9} {matched:8} {points:9} points: {found['seconds']:7.2f} s "
                    f"({found['processor_s']:6.2f} of processor), {found['peak_mb']:5} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
