"""
How fast and how large `subset` is beside CDO, ncks, a direct netCDF4 slice and plain xarray, in one run.

    python benchmarks/subset.py [--years 2 10 30] [--rounds 5] [--write]

It generates daily CMIP6-like files (144 x 192, chunks of a day, shuffle and deflate 1), cuts a box of 40 x 25 degrees
and the middle half of the time out of each, and prints the least and the median time of each tool, their ratios and
peak memory. Python tools run warm: a process each, imported before, and the rounds go from tool to tool. CDO and ncks
are programs: a process each time. All results are compared cell by cell. Nothing is asserted about speed.
"""

import argparse
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from page import PAGE, write_section
from warm import ROOT, Measure, Step, load_words, measure, serve, table, worst

ROWS, COLUMNS = 144, 192
WEST, SOUTH, EAST, NORTH = 10.0, 35.0, 50.0, 60.0
FIRST_YEAR = 2001
KEPT_RATIO = 0.5
STORAGES = {"uncompressed": 0, "like the source (shuffle, deflate 1)": 1}


def generate(path: Path, years: int) -> None:
    """Write a file whose bytes compress about as well as those of a real model (60 %)."""
    random = np.random.default_rng(years)
    latitude, longitude = np.linspace(-89.375, 89.375, ROWS), np.arange(COLUMNS) * 360.0 / COLUMNS
    calm = 288 - 40 * np.sin(np.radians(latitude))[:, None] ** 2 + 3 * np.cos(np.radians(longitude))[None, :]
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", None), ("lat", ROWS), ("lon", COLUMNS), ("bnds", 2)):
            file.createDimension(name, size)
        _axis(file, "lat", latitude, 1.25 / 2, units="degrees_north", standard_name="latitude", axis="Y")
        _axis(file, "lon", longitude, 1.875 / 2, units="degrees_east", standard_name="longitude", axis="X")
        days = np.arange(365 * years) + 0.5
        _axis(
            file, "time", days, 0.5, units=f"days since {FIRST_YEAR}-01-01", calendar="noleap", standard_name="time",
            axis="T",
        )  # fmt: skip
        tas = file.createVariable(
            "tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, shuffle=True, chunksizes=(1, ROWS, COLUMNS),
            fill_value=np.float32(1e20),
        )  # fmt: skip
        tas.setncatts({"units": "K", "standard_name": "air_temperature", "cell_methods": "time: mean"})
        for start in range(0, len(days), 365):
            season = 10 * np.cos(2 * np.pi * days[start : start + 365] / 365)[:, None, None]
            noise = random.normal(0, 2, (len(season), ROWS, COLUMNS))
            tas[start : start + 365] = np.round((calm + season + noise) * 1024) / 1024


def _axis(file: Any, name: str, values: Any, half: float, **attributes: str) -> None:
    axis = file.createVariable(name, "f8", (name,))
    axis.setncatts({**attributes, "bounds": f"{name}_bnds"})
    axis[:] = values
    file.createVariable(f"{name}_bnds", "f8", (name, "bnds"))[:] = np.stack([values - half, values + half], 1)


# --- the tools ------------------------------------------------------------------------------------------------------


def _years(steps: tuple[int, int]) -> tuple[str, str]:
    """Give the first and the last day of some steps; the years have 365 days."""
    month_ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

    def text(day: int) -> str:
        year, rest = divmod(day, 365)
        month = int(np.searchsorted(month_ends, rest, side="right"))
        first = 0 if month == 0 else int(month_ends[month - 1])
        return f"{FIRST_YEAR + year}-{month + 1:02d}-{rest - first + 1:02d}"

    return text(steps[0]), text(steps[1] - 1)


def run_gaia(source: Path, target: Path, level: int, steps: tuple[int, int]) -> None:
    """Open, compute and write as a worker does."""
    from gaia_processes.inputs.bbox import Bbox
    from gaia_processes.inputs.interval import Interval, Moment
    from gaia_processes.subset.compute import compute
    from gaia_workers.readers.netcdf import open_dataset
    from gaia_workers.writers.netcdf import write

    ends = []
    for text in _years(steps):
        year, month, day = map(int, text.split("-"))
        ends.append(Moment(year=year, month=month, day=day))
    with open_dataset(source) as dataset:
        result = compute(
            dataset,
            variables=("tas",),
            bbox=Bbox(west=WEST, south=SOUTH, east=EAST, north=NORTH),
            datetime=Interval(start=ends[0], end=ends[1]),
            warn=print,
        )
        if not level:
            result.variables["tas"].encoding |= {"zlib": False, "shuffle": False}
        write(result, target, progress=lambda *_: None, history="benchmark")


def run_netcdf4(source: Path, target: Path, level: int, steps: tuple[int, int]) -> None:
    """Slice with the netCDF4 library and write what was read."""
    with netCDF4.Dataset(source) as read, netCDF4.Dataset(target, "w") as written:
        latitude, longitude = read["lat"][:], read["lon"][:]
        window = {
            "time": slice(*steps),
            "lat": _window(latitude, SOUTH, NORTH),
            "lon": _window(longitude, WEST, EAST),
            "bnds": slice(None),
        }
        for name, dimension in read.dimensions.items():
            size = len(range(*window[name].indices(len(dimension))))
            written.createDimension(name, None if dimension.isunlimited() else size)
        for name, variable in read.variables.items():
            fill = getattr(variable, "_FillValue", None)
            packed = bool(level and name == "tas")
            made = written.createVariable(
                name, variable.dtype, variable.dimensions, fill_value=fill, zlib=packed, complevel=1
            )
            made.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
            variable.set_auto_maskandscale(False)
            made.set_auto_maskandscale(False)
            made[:] = variable[tuple(window[dim] for dim in variable.dimensions)]


def _window(values: Any, low: float, high: float) -> slice:
    inside = np.flatnonzero((values >= low) & (values <= high))
    return slice(int(inside[0]), int(inside[-1]) + 1)


def run_xarray(source: Path, target: Path, level: int, steps: tuple[int, int]) -> None:
    """Select by label and write, as a notebook does."""
    import xarray as xr

    first, last = _years(steps)
    with xr.open_dataset(source) as dataset:
        part = dataset.sel(lat=slice(SOUTH, NORTH), lon=slice(WEST, EAST), time=slice(first, last))
        packed = {"zlib": True, "complevel": level, "shuffle": True} if level else {"zlib": False, "shuffle": False}
        part.to_netcdf(target, encoding={"tas": {**packed, "chunksizes": None}})


def run_cdo(source: Path, target: Path, level: int, steps: tuple[int, int]) -> None:
    """Run CDO."""
    first, last = _years(steps)
    packed = ["-z", f"zip_{level}"] if level else []
    box = f"{WEST},{EAST},{SOUTH},{NORTH}"
    chain = [f"-sellonlatbox,{box}", f"-seldate,{first},{last}", str(source), str(target)]
    subprocess.run(["cdo", "-s", "-O", "-f", "nc4", *packed, *chain], check=True)


def run_ncks(source: Path, target: Path, level: int, steps: tuple[int, int]) -> None:
    """Run ncks; its decimal points mean degrees."""
    boxes = ["-d", f"time,{steps[0]},{steps[1] - 1}", "-d", f"lat,{SOUTH},{NORTH}", "-d", f"lon,{WEST},{EAST}"]
    subprocess.run(["ncks", "-O", "-4", "-L", str(level), *boxes, str(source), str(target)], check=True)


TOOLS: dict[str, Step] = {
    "gaia": run_gaia,
    "netCDF4 slice": run_netcdf4,
    "xarray": run_xarray,
    "CDO sellonlatbox + seldate": run_cdo,
    "ncks": run_ncks,
}
PROGRAMS = {"CDO sellonlatbox + seldate": "cdo", "ncks": "ncks"}


def measure_all(folder: Path, years: int, level: int, tools: list[str], rounds: int) -> dict[str, Measure]:
    """Time every tool on one file."""
    steps = (365 * years // 4, 365 * years // 4 + 365 * years // 2)
    targets = {tool: folder / f"out{at}.nc" for at, tool in enumerate(tools)}
    found = measure(__file__, folder / f"{years}.nc", targets, level, steps, rounds=rounds)
    _compare(folder, tools)
    return found


def _compare(folder: Path, tools: list[str]) -> None:
    """Refuse results that differ: a fast wrong answer is no answer."""
    results = []
    for at, _ in enumerate(tools):
        with netCDF4.Dataset(folder / f"out{at}.nc") as file:
            results.append([np.asarray(file[name][:]) for name in ("tas", "lat", "lon", "time")])
    for tool, result in zip(tools, results, strict=True):
        if not all(np.array_equal(a, b) for a, b in zip(results[0], result, strict=True)):
            raise SystemExit(f"{tool} gives other cells than {tools[0]}")


# --- the report -----------------------------------------------------------------------------------------------------


def _versions() -> str:
    import deflate
    import h5py
    import xarray as xr

    own = {"Python": platform.python_version(), "xarray": xr.__version__, "netCDF4": netCDF4.__version__,
           "netCDF-C": netCDF4.__netcdf4libversion__, "h5py": h5py.__version__, "deflate": deflate.__version__,
           "numpy": np.__version__}  # fmt: skip
    for program in ("cdo", "ncks"):
        if shutil.which(program):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            words = (said.stdout + said.stderr).replace("version", " ").split()
            own[program] = next((word for word in words if word[0].isdigit() and "." in word), "?")
    return ", ".join(f"{name} {version}" for name, version in own.items())


def report(results: dict[str, dict[int, dict[str, Measure]]], absent: list[str], sizes: dict[int, int]) -> list[str]:
    """Write the section of the page."""
    files = ", ".join(f"{years} years {size / 1e6:.0f} MB" for years, size in sizes.items())
    lines = [
        f"Daily float32 {ROWS} x {COLUMNS}, chunks of a day, shuffle and deflate 1 ({files}); box of 40 x 25 degrees, middle half of",
        "the time; NetCDF-4 out. Python tools run warm (the time is open, compute, write), CDO and ncks are programs (a",
        "process each time). Peak memory is that of a process that does only this, its imports included, in the order of",
        "the files. All results were equal cell by cell.",
    ]
    for storage, by_years in results.items():
        named = {f"{years} years": each for years, each in by_years.items()}
        peers = set(by_years[min(by_years)]) - {"gaia"}
        lines += ["", f"### Written {storage}", "", *table(named, beside="the best peer", peers=peers)]
        lines += ["", f"- {worst(named, peers, KEPT_RATIO)}"]
    if absent:
        lines += ["", f"Not installed, so not compared: {', '.join(absent)}."]
    lines += ["", load_words()]
    lines += ["", f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}. {_versions()}."]
    return lines


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[2, 10, 30])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(TOOLS[asked.serve], is_program=asked.serve in PROGRAMS)
        return
    tools = [tool for tool in TOOLS if tool not in PROGRAMS or shutil.which(PROGRAMS[tool])]
    absent = [tool for tool in TOOLS if tool not in tools]
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        folder = Path(name)
        for years in asked.years:
            generate(folder / f"{years}.nc", years)
        results = {
            storage: {years: measure_all(folder, years, level, tools, asked.rounds) for years in asked.years}
            for storage, level in STORAGES.items()
        }
        lines = report(results, absent, {years: (folder / f"{years}.nc").stat().st_size for years in asked.years})
    print("\n".join(lines))
    if asked.write:
        write_section("Subset", lines)


if __name__ == "__main__":
    main()
