"""
Statistics of zones beside exactextract: a series (its steps as bands of one call, and its loop), and one raster.

`.venv/bin/python benchmarks/zonal.py` prints seconds (least of the runs), peak memory and ratios. Each measurement is a
process of its own, with the libraries imported and the loops compiled before the clock starts.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from rasterio.transform import from_origin

from gaia_processes.zonal_statistics.compute import compute, warm
from gaia_workers.readers.geotiff import open_dataset

STATISTICS = ("mean", "sum", "count", "min", "max")


def make_zones(count: int, size: float, *, seed: int = 1) -> gpd.GeoDataFrame:
    """Make irregular polygons of 40 corners that overlap and cover the square about once."""
    rng = np.random.default_rng(seed)
    reach = size / np.sqrt(count) * 0.7
    rings = []
    for x, y in rng.uniform(reach, size - reach, (count, 2)):
        angle, radius = np.sort(rng.uniform(0, 2 * np.pi, 40)), reach * rng.uniform(0.6, 1.0, 40)
        rings.append(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1))
    return gpd.GeoDataFrame({"id": np.arange(count)}, geometry=shapely.polygons(np.stack(rings)), crs="EPSG:32631")


def cube_of(values: np.ndarray) -> xr.Dataset:
    """Make a series on a projected grid of cells of 1 by 1."""
    steps, rows, columns = values.shape
    return xr.Dataset(
        {
            "v": (("time", "y", "x"), values, {"grid_mapping": "crs"}),
            "crs": ((), 0, {"grid_mapping_name": "transverse_mercator", "crs_wkt": rasterio.crs.CRS.from_epsg(32631).to_wkt()}),
        },
        coords={
            "x": ("x", np.arange(columns) + 0.5, {"standard_name": "projection_x_coordinate", "units": "m"}),
            "y": ("y", np.arange(rows)[::-1] + 0.5, {"standard_name": "projection_y_coordinate", "units": "m"}),
            "time": ("time", np.arange(steps, dtype="f8"), {"units": "days since 2001-01-01", "standard_name": "time"}),
        },
    )  # fmt: skip


def ours_of_series(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Ours: means of every step."""
    table = compute(cube_of(np.load(path, mmap_mode="r")), zones, statistics=("mean",), weighting="cells", warn=print)
    return np.concatenate([block["v_mean"].to_numpy() for block in table.frames()])


def theirs_of_series(path: Path, zones: gpd.GeoDataFrame, steps: int) -> np.ndarray:
    """Theirs, the steps as bands of one call."""
    values = np.load(path, mmap_mode="r")[:steps]
    size = values.shape[1]
    bands = [
        NumPyRasterSource(np.asarray(each), xmin=0, ymin=0, xmax=size, ymax=size, name=f"b{at}")
        for at, each in enumerate(values)
    ]
    found = exact_extract(bands, zones, ["mean"], output="pandas")
    return found.to_numpy().reshape(-1)


def theirs_by_loop(path: Path, zones: gpd.GeoDataFrame, steps: int) -> np.ndarray:
    """Theirs, a call for each step."""
    return np.concatenate([theirs_of_series_at(path, zones, at) for at in range(steps)])


def theirs_of_series_at(path: Path, zones: gpd.GeoDataFrame, at: int) -> np.ndarray:
    """Theirs, one step."""
    values = np.asarray(np.load(path, mmap_mode="r")[at])
    source = NumPyRasterSource(values, xmin=0, ymin=0, xmax=values.shape[1], ymax=values.shape[0])
    return exact_extract(source, zones, ["mean"], output="pandas")["mean"].to_numpy()


def ours_of_raster(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Ours, through the reader of GeoTIFFs."""
    with open_dataset(path) as dataset:
        table = compute(dataset, zones, statistics=STATISTICS, weighting="cells", warn=print)
        return np.concatenate([block["band_1_mean"].to_numpy() for block in table.frames()])


def theirs_of_raster(path: Path, zones: gpd.GeoDataFrame, strategy: str) -> np.ndarray:
    """Theirs, from the file."""
    found = exact_extract(str(path), zones, list(STATISTICS), strategy=strategy, output="pandas")
    return found["mean"].to_numpy()


def measure(name: str, work: Callable[..., np.ndarray], *arguments: Any, runs: int) -> tuple[float, float, np.ndarray]:
    """Give the least seconds of some runs, the peak in MB, and the result; in a process of its own."""
    best, peak, result = np.inf, 0.0, np.zeros(0)
    for _ in range(runs):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            seconds, megabytes, result = pool.apply(_once, (work, arguments))
        best, peak = min(best, seconds), max(peak, megabytes)
    print(json.dumps({"case": name, "seconds": round(best, 3), "peak_mb": round(peak)}), flush=True)
    return best, peak, result


def _once(work: Callable[..., np.ndarray], arguments: tuple[Any, ...]) -> tuple[float, float, np.ndarray]:
    begun = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result


def write_raster(path: Path, size: int) -> None:
    """Write a raster in tiles, deflated with a predictor, as such data are kept."""
    rng = np.random.default_rng(3)
    profile = {
        "driver": "GTiff", "height": size, "width": size, "count": 1, "dtype": "float32", "crs": "EPSG:32631",
        "transform": from_origin(0, size, 1, 1), "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "predictor": 3,
    }  # fmt: skip
    smooth = np.add.outer(np.sin(np.arange(size) / 300), np.cos(np.arange(size) / 200)) * 50 + 280
    with rasterio.open(path, "w", **profile) as target:
        target.write((smooth + rng.integers(0, 64, (size, size)) / 64).astype("f4"), 1)


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--steps", type=int, default=3650)
    asked.add_argument("--zones", type=int, nargs="+", default=[200, 2000])
    asked.add_argument("--size", type=int, default=4000)
    asked.add_argument(
        "--bands", type=int, default=365, help="steps that exactextract is measured on; its time is linear in them"
    )
    asked.add_argument("--runs", type=int, default=2)
    told = asked.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as folder:
        series, raster = Path(folder) / "series.npy", Path(folder) / "raster.tif"
        np.save(series, np.random.default_rng(2).normal(280, 5, (told.steps, 360, 360)).astype("f4"))
        write_raster(raster, told.size)
        for count in told.zones:
            zones = make_zones(count, 360.0)
            ours, _, mine = measure(
                f"series, {told.steps} steps, {count} zones: ours", ours_of_series, series, zones, runs=told.runs
            )
            part, _, yours = measure(
                f"series, {told.bands} steps as bands: exactextract",
                theirs_of_series,
                series,
                zones,
                told.bands,
                runs=1,
            )
            loop, _, _ = measure("series, 5 steps in a loop: exactextract", theirs_by_loop, series, zones, 5, runs=1)
            whole = part * told.steps / told.bands
            same = mine.reshape(count, -1)[:, : told.bands]
            apart = float(np.abs(same / yours.reshape(count, told.bands) - 1).max())
            print(
                f"  ratio to bands {ours / whole:.4f}, to the loop 1/{loop / 5 * told.steps / ours:.0f}; apart by {apart:.1e}"
            )
        for count in told.zones:
            zones = make_zones(count, float(told.size))
            ours, _, mine = measure(
                f"raster {told.size}, {count} zones: ours", ours_of_raster, raster, zones, runs=told.runs
            )
            best = np.inf
            for strategy in ("feature-sequential", "raster-sequential"):
                seconds, _, yours = measure(
                    f"raster {told.size}, {count} zones: exactextract {strategy}",
                    theirs_of_raster,
                    raster,
                    zones,
                    strategy,
                    runs=told.runs,
                )
                best = min(best, seconds)
            print(f"  ratio {ours / best:.3f}; apart by {float(np.abs(mine / yours - 1).max()):.1e}")


if __name__ == "__main__":
    main()
