"""
Statistics of zones beside exactextract: a series (its steps as bands of one call, and its loop), rasters, and very many zones.

`.venv/bin/python benchmarks/zonal.py` prints for each case seconds of the processor (least of the runs: of a machine that others
use, they say more than time), seconds, peak memory, and the ratio of ours to theirs. Each measurement is a process of its own,
with the libraries imported and the loops compiled before the clock starts. `--cases` chooses; sizes are options.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
from rasterio.windows import Window

from gaia_processes.zonal_statistics.compute import compute, warm
from gaia_workers.readers.geotiff import open_dataset

STATISTICS = ("mean", "sum", "count", "min", "max")
GRID_CELLS = 360
TILE_CELLS = 512


def make_zones(count: int, size: float, *, seed: int = 1) -> gpd.GeoDataFrame:
    """Make irregular polygons of 40 corners that overlap and cover the square about once."""
    rng = np.random.default_rng(seed)
    reach = size / np.sqrt(count) * 0.7
    rings = []
    for x, y in rng.uniform(reach, size - reach, (count, 2)):
        angle, radius = np.sort(rng.uniform(0, 2 * np.pi, 40)), reach * rng.uniform(0.6, 1.0, 40)
        rings.append(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1))
    return gpd.GeoDataFrame({"id": np.arange(count)}, geometry=shapely.polygons(np.stack(rings)), crs="EPSG:32631")


def make_tessellation(count: int, size: float) -> gpd.GeoDataFrame:
    """Make about so many hexagons that cover the square, each pulled out of shape but still meeting its neighbours."""
    rows = int(np.sqrt(count * np.sqrt(0.75)))
    columns = count // rows
    wide, high = size / (columns + 0.5), size / (rows + 1 / 3)
    rng = np.random.default_rng(5)
    # Corners lie on lines of half a width by a third of a height; each is moved once, for all that share it.
    moved = rng.uniform(-0.12, 0.12, (3 * rows + 2, 2 * columns + 2, 2)) * (wide, high)
    row, column = (each.ravel() for each in np.mgrid[:rows, :columns])
    across = 2 * column + row % 2
    corners = [(3 * row + up, across + right) for up, right in ((1, 0), (0, 1), (1, 2), (3, 2), (4, 1), (3, 0))]
    rings = np.stack([
        np.stack([across * wide / 2, down * high / 3], 1) + moved[down, across]
        for down, across in ((np.minimum(down, 3 * rows + 1), across) for down, across in corners)
    ], 1)  # fmt: skip
    return gpd.GeoDataFrame(
        {"id": np.arange(len(rings))}, geometry=shapely.polygons(np.clip(rings, 0, size)), crs="EPSG:32631"
    )


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a case took."""

    processor_s: float
    seconds: float
    peak_mb: float


def measure(name: str, work: Callable[..., np.ndarray], *arguments: Any, runs: int) -> tuple[Measured, np.ndarray]:
    """Give the least of some runs, and the result; each in a process of its own."""
    found: list[Measured] = []
    for _ in range(runs):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            one, result = pool.apply(_once, (work, arguments))
        found.append(one)
    least = Measured(
        processor_s=min(each.processor_s for each in found),
        seconds=min(each.seconds for each in found),
        peak_mb=max(each.peak_mb for each in found),
    )
    print(json.dumps({"case": name} | {key: round(value, 2) for key, value in asdict(least).items()}), flush=True)
    return least, result


def _once(work: Callable[..., np.ndarray], arguments: tuple[Any, ...]) -> tuple[Measured, np.ndarray]:
    begun, used = time.perf_counter(), time.process_time()
    result = work(*arguments)
    made = Measured(
        processor_s=time.process_time() - used,
        seconds=time.perf_counter() - begun,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    return made, result


def apart(mine: np.ndarray, yours: np.ndarray) -> float:
    """Give the largest relative difference."""
    return float(np.nanmax(np.abs(mine / yours - 1)))


def warm_up() -> None:
    """Import what is imported late, and compile the loops."""
    warm()
    with tempfile.TemporaryDirectory() as folder:
        series, raster = Path(folder) / "series.npy", Path(folder) / "raster.tif"
        write_series(series, 4)
        write_raster(raster, 64)
        ours_of_series(series, make_zones(4, float(GRID_CELLS)))
        theirs_of_series(series, make_zones(4, float(GRID_CELLS)), 4)
        ours_of_raster(raster, make_zones(4, 64.0))
        theirs_of_raster(raster, make_zones(4, 64.0), "raster-sequential")


# --- what is measured -----------------------------------------------------------------------------------------------


def write_series(path: Path, steps: int) -> None:
    """Write a cube, some steps at a time."""
    rng = np.random.default_rng(2)
    cube = np.lib.format.open_memmap(path, "w+", np.float32, (steps, GRID_CELLS, GRID_CELLS))
    for at in range(0, steps, 100):
        cube[at : at + 100] = rng.normal(280, 5, cube[at : at + 100].shape)
    cube.flush()


def write_raster(path: Path, size: int, *, is_flat: bool = False) -> None:
    """Write a raster in tiles, deflated with a predictor, as such data are kept; a flat one has patches of one value."""
    rng = np.random.default_rng(3)
    profile = {
        "driver": "GTiff", "height": size, "width": size, "count": 1, "dtype": "float32", "crs": "EPSG:32631",
        "transform": from_origin(0, size, 1, 1), "tiled": True, "blockxsize": TILE_CELLS, "blockysize": TILE_CELLS,
        "compress": "deflate", "predictor": 3, "zlevel": 1 if is_flat else 6, "bigtiff": "if_safer",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for row in range(0, size, TILE_CELLS):
            rows = np.arange(row, min(row + TILE_CELLS, size))
            if is_flat:
                patches = rng.integers(0, 4000, size // 64 + 1).repeat(64)[:size]
                band = np.broadcast_to(patches, (len(rows), size))
            else:
                smooth = np.add.outer(np.sin(rows / 300), np.cos(np.arange(size) / 200)) * 50 + 280
                band = smooth + rng.integers(0, 64, smooth.shape) / 64
            target.write(band.astype("f4"), 1, window=Window(0, row, size, len(rows)))


def run_series(folder: Path, told: argparse.Namespace) -> None:
    """Measure series of several lengths and numbers of zones."""
    for steps in told.steps:
        path = folder / "series.npy"
        write_series(path, steps)
        bands = min(told.bands, steps)
        for count in told.zones:
            zones = make_zones(count, float(GRID_CELLS))
            name = f"series, {steps} steps, {count} zones"
            ours, mine = measure(f"{name}: ours", ours_of_series, path, zones, runs=told.runs)
            part, yours = measure(
                f"{name}: exactextract, {bands} as bands", theirs_of_series, path, zones, bands, runs=told.runs
            )
            loop, _ = measure(f"{name}: exactextract, 5 in a loop", theirs_by_loop, path, zones, 5, runs=told.runs)
            whole, each = part.processor_s * steps / bands, loop.processor_s / 5 * steps
            same = mine.reshape(count, -1)[:, :bands]
            print(
                f"  of their processor time: as bands {ours.processor_s / whole:.3f}, in a loop 1/{each / ours.processor_s:.0f};"
                f" apart by {apart(same, yours.reshape(count, bands)):.0e}",
                flush=True,
            )


def compare_rasters(name: str, path: Path, zones: gpd.GeoDataFrame, runs: int) -> None:
    """Measure one raster beside both of their strategies."""
    ours, mine = measure(f"{name}: ours", ours_of_raster, path, zones, runs=runs)
    best = np.inf
    for strategy in ("feature-sequential", "raster-sequential"):
        their, yours = measure(f"{name}: exactextract {strategy}", theirs_of_raster, path, zones, strategy, runs=runs)
        best = min(best, their.processor_s)
    print(f"  of their processor time {ours.processor_s / best:.3f}; apart by {apart(mine, yours):.0e}", flush=True)


def run_raster(folder: Path, told: argparse.Namespace) -> None:
    """Measure rasters of several sizes."""
    for size in told.sizes:
        write_raster(folder / "raster.tif", size)
        for count in told.zones:
            zones = make_zones(count, float(size))
            compare_rasters(f"raster {size}, {count} zones", folder / "raster.tif", zones, told.runs)


def run_many(folder: Path, told: argparse.Namespace) -> None:
    """Measure very many zones over a raster, and over a field on a grid with few steps."""
    size = told.sizes[-1]
    write_raster(folder / "raster.tif", size)
    zones = make_tessellation(told.many, float(size))
    compare_rasters(f"raster {size}, {len(zones)} zones that tile it", folder / "raster.tif", zones, 1)
    zones = make_tessellation(told.many, float(GRID_CELLS))
    write_series(folder / "field.npy", 12)
    name = f"field of 12 steps, {len(zones)} zones that tile it"
    ours, mine = measure(f"{name}: ours", ours_of_series, folder / "field.npy", zones, runs=1)
    their, yours = measure(f"{name}: exactextract, as bands", theirs_of_series, folder / "field.npy", zones, 12, runs=1)
    print(f"  of their processor time {ours.processor_s / their.processor_s:.3f}; apart by {apart(mine, yours):.0e}")


def run_large(folder: Path, told: argparse.Namespace) -> None:
    """Measure a raster that is larger than memory."""
    write_raster(folder / "large.tif", told.large, is_flat=True)
    zones = make_zones(told.zones[0], float(told.large))
    compare_rasters(f"raster {told.large}, {len(zones)} zones", folder / "large.tif", zones, 1)


CASES: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "series": run_series,
    "raster": run_raster,
    "many": run_many,
    "large": run_large,
}


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    asked.add_argument("--steps", type=int, nargs="+", default=[365, 1095, 3650])
    asked.add_argument("--zones", type=int, nargs="+", default=[200, 2000])
    asked.add_argument("--sizes", type=int, nargs="+", default=[1000, 2000, 4000])
    asked.add_argument("--many", type=int, default=100_000, help="zones that tile a raster and a field")
    asked.add_argument("--large", type=int, default=40_000, help="rows and columns of the largest raster")
    asked.add_argument(
        "--bands", type=int, default=73, help="steps that exactextract is measured on; its time is linear in them"
    )
    asked.add_argument("--runs", type=int, default=2)
    told = asked.parse_args()
    warm_up()
    for case in told.cases:
        with tempfile.TemporaryDirectory() as folder:
            CASES[case](Path(folder), told)


if __name__ == "__main__":
    main()
