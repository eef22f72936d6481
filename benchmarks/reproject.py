"""
How fast and how large `reproject` is beside GDAL's warper (what gdalwarp runs), in one run.

    .venv/bin/python benchmarks/reproject.py [--sizes 1000 4000 8000] [--runs 3] [--write]

A raster in tiles of 512 cells (float32, deflated) goes from UTM to Web Mercator, by nearest and bilinear, and is written as
a Cloud Optimized GeoTIFF: by gaia as a worker does it, and by `rasterio.warp.reproject` from file to file and GDAL's own COG
driver. GDAL warps exactly (as gaia does) and with the error of an eighth of a cell that gdalwarp allows. Each measurement is
a process of its own, with the libraries imported before the clock starts. Processor time is told beside time: other work on
the machine disturbs it less.
"""

import argparse
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dask.array  # xarray imports it with the first lazy variable; the warm parent of tasks has it
import numpy as np
import rasterio
import rasterio.shutil
import rasterio.warp
from page import PAGE, write_section
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.windows import Window

from gaia_processes.reproject.compute import compute
from gaia_workers.readers.geotiff import open_dataset
from gaia_workers.writers.geotiff import write

__all__ = ["dask"]

CRS = "EPSG:3857"
TILED = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
METHODS = ("nearest", "bilinear")

type Tool = Callable[[Path, Path, str], None]


def write_raster(path: Path, size: int) -> None:
    """Write a raster of cells of 30 m about 45 degrees north."""
    rng = np.random.default_rng(3)
    across = np.cos(np.arange(size) / 200)
    with rasterio.open(
        path, "w", driver="GTiff", height=size, width=size, count=1, dtype="float32", crs="EPSG:32631", nodata=-9999,
        transform=from_origin(300e3, 5.1e6, 30, 30), **TILED,
    ) as target:  # fmt: skip
        for top in range(0, size, 512):  # a large raster need not lie in memory to be written
            rows = np.arange(top, min(top + 512, size))
            smooth = np.add.outer(np.sin(rows / 300), across) * 50 + 280
            values = (smooth + rng.integers(0, 64, smooth.shape) / 64).astype("f4")
            target.write(values, 1, window=Window(0, top, size, len(rows)))


def ours(source: Path, target: Path, method: str) -> None:
    """Open, compute and write as a worker does."""
    with open_dataset(source) as dataset:
        result = compute(dataset, crs=CRS, resampling=method, warn=print)  # type: ignore[arg-type]  # one of METHODS
        write(result, target, progress=lambda *_: None, history="benchmark")


def _theirs(tolerance: float) -> Tool:
    def run(source: Path, target: Path, method: str) -> None:
        warped = target.with_suffix(".warped.tif")
        with rasterio.Env(GDAL_CACHEMAX=64), rasterio.open(source) as opened:
            transform, width, height = rasterio.warp.calculate_default_transform(
                opened.crs, CRS, opened.width, opened.height, *opened.bounds
            )
            profile = opened.profile | {"crs": CRS, "transform": transform, "width": width, "height": height}
            with rasterio.open(warped, "w", **profile) as made:
                rasterio.warp.reproject(
                    rasterio.band(opened, 1), rasterio.band(made, 1), resampling=Resampling[method], tolerance=tolerance,
                    num_threads=2, warp_mem_limit=64,
                )  # fmt: skip
            rasterio.shutil.copy(warped, target, driver="COG", compress="deflate", blocksize=512)
        warped.unlink()

    return run


TOOLS: dict[str, Tool] = {"gaia": ours, "GDAL, exact": _theirs(0.0), "GDAL as gdalwarp": _theirs(0.125)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def _once(tool: str, source: Path, target: Path, method: str) -> Cost:
    Path("/proc/self/clear_refs").write_text("5")
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    TOOLS[tool](source, target, method)
    status = Path("/proc/self/status").read_text()
    return Cost(
        wall_s=time.perf_counter() - wall_s,
        cpu_s=time.process_time() - cpu_s,
        peak_bytes=1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")),
    )


def measure(tool: str, source: Path, target: Path, method: str, runs: int) -> Cost:
    """Give the least times of some runs and the largest peak, each in a process of its own."""
    costs = []
    for _ in range(runs):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            costs.append(pool.apply(_once, (tool, source, target, method)))
    least = Cost(
        wall_s=min(each.wall_s for each in costs),
        cpu_s=min(each.cpu_s for each in costs),
        peak_bytes=max(each.peak_bytes for each in costs),
    )
    print(
        f"{source.stem:>6} {method:9} {tool:18} {least.wall_s:7.2f} s, {least.cpu_s:6.2f} s of processor, {least.peak_bytes / 2**20:5.0f} MiB",
        flush=True,
    )
    return least


def report(found: dict[str, dict[str, dict[int, Cost]]], sizes: list[int]) -> list[str]:
    """Write the section of the page."""
    lines = [
        f"`benchmarks/reproject.py`: float32 in tiles of 512, UTM to Web Mercator, as a Cloud Optimized GeoTIFF, {', '.join(f'{s} x {s}' for s in sizes)} cells;",
        "seconds (of processor), peak MiB, and our processor time beside that of GDAL's exact warp.",
    ]
    for method, tools in found.items():
        head = " | ".join(f"{size}: s (of processor), MiB" for size in sizes)
        lines += ["", f"### {method.capitalize()}", "", f"| tool | {head} |", "| --- " * (len(sizes) + 1) + "|"]
        for tool, costs in tools.items():
            cells = " | ".join(f"{c.wall_s:.1f} ({c.cpu_s:.1f}), {c.peak_bytes / 2**20:.0f}" for c in costs.values())
            lines.append(f"| {tool} | {cells} |")
        ratios = ", ".join(f"{tools['gaia'][size].cpu_s / tools['GDAL, exact'][size].cpu_s:.2f}" for size in sizes)
        lines += ["", f"- Ours of GDAL's: {ratios}."]
    lines += [
        "",
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, GDAL {rasterio.__gdal_version__}.",
    ]
    return lines


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4000, 8000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    asked = parser.parse_args()
    found: dict[str, dict[str, dict[int, Cost]]] = {method: {tool: {} for tool in TOOLS} for method in METHODS}
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        for size in asked.sizes:
            source = Path(name) / f"{size}.tif"
            write_raster(source, size)
            for method in METHODS:
                for tool in TOOLS:
                    found[method][tool][size] = measure(tool, source, Path(name) / "out.tif", method, asked.runs)
    lines = report(found, asked.sizes)
    print("\n".join(lines))
    if asked.write:
        write_section("Reproject", lines)


if __name__ == "__main__":
    main()
