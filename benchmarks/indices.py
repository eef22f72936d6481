"""
How fast and how large `climate-indices` is beside bare xclim, and beside CDO where it is installed, in one run.

    .venv/bin/python benchmarks/indices.py [--years 5 20] [--runs 2] [--write]

Daily maxima, minima and precipitation on 72 x 96 cells (float32, chunks of a day, shuffle and deflate 1) in one file; each tool
reads it and writes FD, SU, TXx, RX5day and CDD of each year as NetCDF, and then TX90p against the percentiles of all its
years. xclim runs on arrays in memory, and on dask with chunks of a year, as its users do. CDO makes an index a call
(`eca_tx90p` a value for all years, of percentiles by `ydrunpctl`). Each measurement is a process of its own, with the libraries
imported before the clock starts; all results are compared.
"""

import argparse
import multiprocessing
import os
import platform
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
import xclim
from page import PAGE, write_section
from xclim import indices
from xclim.core.calendar import percentile_doy

from gaia_processes.climate_indices.compute import compute
from gaia_processes.inputs.years import Years
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.netcdf import write

ROWS, COLUMNS = 72, 96
IDS = ("FD", "SU", "TXx", "RX5day", "CDD")
OF_CDO = {
    "FD": "etccdi_fd -selname,tasmin", "SU": "etccdi_su -selname,tasmax", "TXx": "yearmax -subc,273.15 -selname,tasmax",
    "RX5day": "etccdi_rx5day,50 -runsum,5 -selname,pr", "CDD": "etccdi_cdd -selname,pr",
}  # fmt: skip
QUANTITIES = {
    "tasmax": ("K", "air_temperature", "time: maximum"),
    "tasmin": ("K", "air_temperature", "time: minimum"),
    "pr": ("mm day-1", "lwe_precipitation_rate", "time: mean"),
}

FIRST_YEAR = 1981
SPELLS_APART = 0.05
"""CDO gives a spell over New Year to the year in which it begins, we cut it there: so rarely may the longest be such a one."""
TX90P_DAYS_APART = 4
"""CDO leaves windows out that are not whole: of the first and last two days of the year, percentiles differ."""

type Tool = Callable[[Path, Path], None]


def write_record(path: Path, years: int) -> None:
    """Write a record whose bytes compress about as well as those of a model."""
    rng = np.random.default_rng(years)
    steps = 365 * years
    with netCDF4.Dataset(path, "w") as file:
        for name, values, attrs in (
            (
                "time",
                np.arange(steps) + 0.5,
                {"units": f"days since {FIRST_YEAR}-01-01", "calendar": "noleap", "standard_name": "time"},
            ),
            ("lat", np.linspace(-88.75, 88.75, ROWS), {"units": "degrees_north", "standard_name": "latitude"}),
            ("lon", np.arange(COLUMNS) * 3.75, {"units": "degrees_east", "standard_name": "longitude"}),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f8", (name,))
            axis[:] = values
            axis.setncatts(attrs)
        for name, (units, standard_name, methods) in QUANTITIES.items():
            made = file.createVariable(
                name, "f4", ("time", "lat", "lon"), zlib=True, complevel=1, shuffle=True, chunksizes=(1, ROWS, COLUMNS)
            )
            made.setncatts({"units": units, "standard_name": standard_name, "cell_methods": methods})
            for at in range(0, steps, 365):
                season = 12 * np.cos(2 * np.pi * np.arange(365) / 365)[:, None, None]
                noise = rng.normal(0, 4, (365, ROWS, COLUMNS))
                values = (
                    np.maximum(noise, 0) * 3 if name == "pr" else 288 + (4 if name == "tasmax" else -4) - season + noise
                )
                made[at : at + 365] = np.round(values * 256) / 256


def run_gaia(source: Path, target: Path) -> None:
    """Open, compute and write as a worker does."""
    with open_dataset(source) as dataset:
        made = compute((dataset,), indices=IDS, warn=print)
        write(made, target, progress=lambda *_: None, history="benchmark")


def _of_xclim(data: xr.Dataset) -> xr.Dataset:
    return xr.Dataset(
        {
            "FD": indices.frost_days(data["tasmin"], freq="YS"),
            "SU": indices.tx_days_above(data["tasmax"], thresh="25 degC", freq="YS"),
            "TXx": indices.tx_max(data["tasmax"], freq="YS") - 273.15,
            "RX5day": indices.max_n_day_precipitation_amount(data["pr"], window=5, freq="YS"),
            "CDD": indices.maximum_consecutive_dry_days(data["pr"], freq="YS", resample_before_rl=True),
        }
    )


def run_xclim(source: Path, target: Path) -> None:
    """Compute on arrays in memory."""
    with xr.open_dataset(source, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as data:
        _of_xclim(data.load()).to_netcdf(target)


def run_xclim_dask(source: Path, target: Path) -> None:
    """Compute chunk by chunk: a year of all cells."""
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    with xr.open_dataset(source, decode_times=coder, chunks={"time": 365}) as data:
        _of_xclim(data).to_netcdf(target)


def run_cdo(source: Path, target: Path) -> None:
    """Compute an index a call."""
    for name, chain in OF_CDO.items():
        out = target.with_suffix(f".{name}.nc")
        _cdo("--timestat_date", "last", *chain.split(), str(source), str(out))


def _cdo(*chain: str, bins: int = 101) -> None:
    # With more bins than values, percentiles are of the values themselves.
    environment = os.environ | {"CDO_PCTL_NBINS": str(bins)}
    subprocess.run(["cdo", "-s", "-O", *chain], check=True, env=environment, stderr=subprocess.DEVNULL)


def _years_of(source: Path) -> int:
    with netCDF4.Dataset(source) as file:
        return len(file.dimensions["time"]) // 365


def run_gaia_percentiles(source: Path, target: Path) -> None:
    """Open, compute and write as a worker does."""
    base = Years(first=FIRST_YEAR, last=FIRST_YEAR + _years_of(source) - 1)
    with open_dataset(source) as dataset:
        made = compute((dataset,), indices=("TX90p",), baseline=base, warn=print)
        write(made, target, progress=lambda *_: None, history="benchmark")


def run_xclim_percentiles(source: Path, target: Path) -> None:
    """Compute on arrays in memory."""
    with xr.open_dataset(source, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as data:
        tasmax = data["tasmax"].load()
        limits = percentile_doy(tasmax, window=5, per=90).sel(percentiles=90)
        indices.tx90p(tasmax, limits, freq="YS").rename("TX90p").to_netcdf(target)


def run_cdo_percentiles(source: Path, target: Path) -> None:
    """Make percentiles of Hyndman and Fan's type 8, and the index of them."""
    tasmax, limits = ("-selname,tasmax", str(source)), str(target.with_suffix(".limits.nc"))
    bins = max(101, 5 * _years_of(source) + 1)
    chain = ("ydrunpctl,90,5", *tasmax, "-ydrunmin,5", *tasmax, "-ydrunmax,5", *tasmax, limits)
    _cdo("--percentile", "rtype8", *chain, bins=bins)
    _cdo("eca_tx90p", *tasmax, limits, str(target))


TOOLS: dict[str, Tool] = {
    "gaia": run_gaia,
    "xclim in memory": run_xclim,
    "xclim on dask": run_xclim_dask,
    "CDO": run_cdo,
    "gaia, TX90p": run_gaia_percentiles,
    "xclim in memory, TX90p": run_xclim_percentiles,
    "CDO, TX90p": run_cdo_percentiles,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a tool took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def _once(tool: str, source: Path, target: Path) -> Cost:
    Path("/proc/self/clear_refs").write_text("5")
    wall_s, before = time.perf_counter(), _cpu_s()
    TOOLS[tool](source, target)
    status = Path("/proc/self/status").read_text()
    peak = 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    children = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Cost(wall_s=time.perf_counter() - wall_s, cpu_s=_cpu_s() - before, peak_bytes=max(peak, children))


def _cpu_s() -> float:
    return sum(
        use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(tool: str, source: Path, target: Path, runs: int) -> Cost:
    """Give the least times of some runs and the largest peak, each in a process of its own."""
    costs = []
    for _ in range(runs):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            costs.append(pool.apply(_once, (tool, source, target)))
    least = Cost(
        wall_s=min(each.wall_s for each in costs),
        cpu_s=min(each.cpu_s for each in costs),
        peak_bytes=max(each.peak_bytes for each in costs),
    )
    print(
        f"{source.stem:>4} years, {tool:16} {least.wall_s:7.2f} s, {least.cpu_s:6.2f} s of processor, {least.peak_bytes / 1e6:5.0f} MB",
        flush=True,
    )
    return least


def _compare(ours: Path, theirs: Path, cdo: Path | None) -> None:
    """Refuse results that differ: a fast wrong answer is no answer."""
    with netCDF4.Dataset(ours) as first, netCDF4.Dataset(theirs) as second:
        for name in IDS:
            np.testing.assert_allclose(_values(first[name]), _values(second[name]), rtol=1e-5, atol=1e-3, err_msg=name)
        for name in IDS if cdo else ():
            with netCDF4.Dataset(cdo.with_suffix(f".{name}.nc")) as third:
                apart = ~np.isclose(_values(first[name]), _values(_only(third)), rtol=1e-5, atol=1e-3)
            if apart.mean() > (SPELLS_APART if name == "CDD" else 0):
                raise SystemExit(f"{name} of CDO is another in {100 * apart.mean():.2g} % of the years and cells")


def _compare_percentiles(ours: Path, theirs: Path, cdo: Path | None) -> None:
    """Refuse shares that differ by more than a day a year (rounding of float32), of CDO by the days that it knows less of."""
    with netCDF4.Dataset(ours) as first, netCDF4.Dataset(theirs) as second:
        shares, days = _values(first["TX90p"]), _values(second["TX90p"])
    np.testing.assert_allclose(shares, days / 3.65, atol=1.1 / 3.65, err_msg="TX90p")
    if cdo is not None:
        with netCDF4.Dataset(cdo) as third:
            made = _values(_only(third))[0]
        np.testing.assert_allclose(shares.mean(axis=0), made, atol=TX90P_DAYS_APART / 3.65, err_msg="TX90p of CDO")


def _only(file: Any) -> Any:
    """Give the first variable of a file that lies on time and cells."""
    return next(each for each in file.variables.values() if each.ndim == 3)


def _values(variable: Any) -> Any:
    values = np.ma.filled(variable[:].astype("f8"), np.nan)
    return np.moveaxis(values, variable.dimensions.index("time"), 0)


def report(found: dict[str, dict[int, Cost]], years: list[int]) -> list[str]:
    """Write the section of the page."""
    head = " | ".join(f"{each} years: s (of processor), MB" for each in years)
    lines = [
        f"`benchmarks/indices.py`: {', '.join(IDS)} of each year, {ROWS} x {COLUMNS} cells, of daily maxima, minima and precipitation in one file;",
        "seconds (of processor) and peak memory of a process with its imports; TX90p of the percentiles of all years. All results",
        "are equal: shares to a day a year, those of CDO (`etccdi_*`, `ydrunpctl`, `eca_tx90p`) but for the first and last two days of",
        "the year, whose windows it leaves out, and for dry spells over New Year, which it gives to the year of their begin.",
        "",
        f"| tool | {head} | processor time of ours |",
        "| --- " * (len(years) + 2) + "|",
    ]
    for tool, costs in found.items():
        cells = " | ".join(f"{c.wall_s:.1f} ({c.cpu_s:.1f}), {c.peak_bytes / 1e6:.0f}" for c in costs.values())
        own = found["gaia, TX90p" if tool.endswith("TX90p") else "gaia"]
        ratios = ", ".join(f"{costs[each].cpu_s / own[each].cpu_s:.2f}" for each in years)
        lines.append(f"| {tool} | {cells} | {ratios} |")
    cdo = _version_of_cdo() if "CDO" in found else "no CDO"
    versions = f"{cdo}, xclim {xclim.__version__}, xarray {xr.__version__}, numpy {np.__version__}"
    return [*lines, "", f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {versions}."]


def _version_of_cdo() -> str:
    said = subprocess.run(["cdo", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version ([0-9.]+)", said.stdout + said.stderr)
    return f"CDO {version[1]}" if version else "CDO"


def main() -> None:
    """Write records, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    asked = parser.parse_args()
    has_cdo = shutil.which("cdo") is not None
    tools = [tool for tool in TOOLS if has_cdo or not tool.startswith("CDO")]
    found: dict[str, dict[int, Cost]] = {tool: {} for tool in tools}
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        for years in asked.years:
            source = Path(name) / f"{years}.nc"
            write_record(source, years)
            targets = {tool: Path(name) / f"made-{at}.nc" for at, tool in enumerate(tools)}
            for tool in tools:
                found[tool][years] = measure(tool, source, targets[tool], asked.runs)
            _compare(targets["gaia"], targets["xclim in memory"], targets.get("CDO"))
            _compare_percentiles(targets["gaia, TX90p"], targets["xclim in memory, TX90p"], targets.get("CDO, TX90p"))
    lines = report(found, asked.years)
    print("\n".join(lines))
    if asked.write:
        write_section("Climate indices", lines)


if __name__ == "__main__":
    main()
