"""
How fast and how large `regrid` is beside CDO, with and without stored weights, in one run.

    python benchmarks/regrid.py [--steps 730 2190] [--rounds 5] [--quick] [--write]

It generates daily maps (144 x 192, float32), uncompressed and compressed, brings them to 1 degree by linear interpolation and
conservatively, and prints the least and the median time of each tool, their ratios and peak memory. Ours run warm: a process
each, imported before; CDO is a program, a process each time; rounds go from tool to tool. Results are compared cell by cell
between the outermost rows of the source. Nothing is asserted about speed.
"""

import argparse
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import COLUMNS, ROWS, generate
from warm import ROOT, Measure, Step, load_words, measure, serve, table, worst

TARGET = "gridtype=lonlat\nxsize=360\nysize=180\nxfirst=0.5\nxinc=1\nyfirst=-89.5\nyinc=1\n"
METHODS = {"bilinear": "bil", "conservative": "con"}
STORAGES = ("uncompressed", "compressed (shuffle, deflate 1)")
GRID = "grid.txt"
GAIA, STORED, FRESH = "gaia", "CDO, stored weights", "CDO"
SHARE_BAR = 0.4
_DAYS_A_YEAR = 365


def make_sources(folder: Path, steps: int) -> dict[str, Path]:
    """Write the same maps in both storages."""
    whole, packed, plain = folder / "whole.nc", folder / f"packed{steps}.nc", folder / f"plain{steps}.nc"
    generate(whole, -(-steps // _DAYS_A_YEAR))
    for target, packing in ((packed, {"zlib": True, "complevel": 1, "chunksizes": (1, ROWS, COLUMNS)}), (plain, {})):
        with netCDF4.Dataset(whole) as source, netCDF4.Dataset(target, "w") as made:
            for name, dimension in source.dimensions.items():
                made.createDimension(name, steps if name == "time" else len(dimension))
            for name, variable in source.variables.items():
                own = packing if name == "tas" else {}
                fill = getattr(variable, "_FillValue", None)
                copy = made.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill, **own)
                copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
                copy[:] = variable[:steps] if "time" in variable.dimensions else variable[:]
    whole.unlink()
    return dict(zip(STORAGES, (plain, packed), strict=True))


def run_gaia(source: Path, target: Path, method: str) -> None:
    """Open, compute and write as a worker does."""
    from gaia_processes.inputs.resolution import parse_resolution
    from gaia_processes.regrid.compute import compute
    from gaia_workers.readers.netcdf import open_dataset
    from gaia_workers.writers.netcdf import write

    with open_dataset(source) as dataset:
        made = compute(dataset, method=method, grid=parse_resolution("1x1"), variables=("tas",), warn=print)  # type: ignore[arg-type]
        write(made, target, progress=lambda *_: None, history="benchmark")


def run_cdo(source: Path, target: Path, method: str) -> None:
    """Run CDO; the weights are made anew."""
    _remap(source, target, f"remap{METHODS[method]},{target.with_name(GRID)}")


def run_cdo_stored(source: Path, target: Path, method: str) -> None:
    """Run CDO with stored weights; they are made in the first round."""
    grid, weights = target.with_name(GRID), target.with_name(f"{METHODS[method]}.nc")
    if not weights.exists():
        command = ["cdo", "-s", f"gen{METHODS[method]},{grid}", "-seltimestep,1", source, weights]
        subprocess.run(command, check=True, capture_output=True)
    _remap(source, target, f"remap,{grid},{weights}")


def _remap(source: Path, target: Path, operator: str) -> None:
    packed = ["-z", "zip_1"] if source.name.startswith("packed") else []
    command = ["cdo", "-s", "-O", "-f", "nc4", *packed, operator, "-selname,tas", source, target]
    subprocess.run(command, check=True, capture_output=True)


TOOLS: dict[str, Step] = {GAIA: run_gaia, STORED: run_cdo_stored, FRESH: run_cdo}


def measure_all(folder: Path, source: Path, method: str, tools: list[str], rounds: int) -> dict[str, Measure]:
    """Time every tool on one file."""
    targets = {tool: folder / f"out{at}.nc" for at, tool in enumerate(tools)}
    found = measure(__file__, source, targets, method, rounds=rounds)
    _compare(folder, len(tools))
    return found


def _compare(folder: Path, count: int) -> None:
    """Refuse results that differ by more than float32 rounding: a fast wrong answer is no answer."""
    results = []
    for at in range(count):
        with netCDF4.Dataset(folder / f"out{at}.nc") as file:
            results.append(np.asarray(file["tas"][:, 2:-2], dtype="f8"))
    for other in results[1:]:
        if np.abs(other - results[0]).max() > 1e-4:
            raise SystemExit(f"the results differ by {np.abs(other - results[0]).max():g} K")


def weights_ms(rounds: int = 20) -> dict[str, float]:
    """Time the making of weights alone, the least of some rounds."""
    from gaia_processes.inputs.resolution import parse_resolution
    from gaia_processes.shared import rectilinear
    from gaia_processes.shared.targets import target_of_resolution

    source, target = (target_of_resolution(parse_resolution(text)).grid for text in ("1.875x1.25", "1x1"))
    found = {}
    for method in METHODS:
        times = []
        for _ in range(rounds):
            start = perf_counter()
            getattr(rectilinear, method)(source, target)
            times.append(1e3 * (perf_counter() - start))
        found[method] = min(times)
    return found


def versions() -> str:
    """Name what was measured."""
    import scipy

    own = {"Python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    if shutil.which("cdo"):
        said = subprocess.run(["cdo", "--version"], capture_output=True, text=True, check=False)
        words = (said.stdout + said.stderr).replace("version", " ").split()
        own["cdo"] = next((word for word in words if word[0].isdigit() and "." in word), "?")
    return ", ".join(f"{name} {version}" for name, version in own.items())


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[730, 2190])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one small file, once: does it run?")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(TOOLS[asked.serve], is_program=asked.serve != GAIA)
        return
    steps_list, rounds = ([73], 1) if asked.quick else (asked.steps, asked.rounds)
    tools = [GAIA, *((STORED, FRESH) if shutil.which("cdo") else ())]
    lines = [
        f"Daily float32 {ROWS} x {COLUMNS} to 1 degree, by file and method; the time of ours is open, compute and write in a warm process,",
        "that of CDO a process each time. Results were equal to 1e-4 K between the outermost rows of the source. The bar is "
        f"{SHARE_BAR} of the time of CDO with stored weights.",
    ]
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        folder = Path(name)
        (folder / GRID).write_text(TARGET)
        sources = {steps: make_sources(folder, steps) for steps in steps_list}
        for storage in STORAGES:
            for method in METHODS:
                found = {
                    f"{steps} steps": measure_all(folder, sources[steps][storage], method, tools, rounds)
                    for steps in steps_list
                }
                lines += ["", f"### {method.capitalize()}, {storage}", ""]
                lines += table(found, beside="CDO with stored weights", peers={STORED})
                if STORED in tools:
                    lines += ["", f"- {worst(found, {STORED}, SHARE_BAR)}"]
    made = ", ".join(f"{method} {time_ms:.2f} ms" for method, time_ms in weights_ms().items())
    lines += ["", f"Weights alone, {ROWS} x {COLUMNS} to 1 degree: {made}."]
    lines += ["", load_words()]
    lines += ["", f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}. {versions()}."]
    print("\n".join(lines))
    if asked.write:
        write_section("Regrid", lines)


if __name__ == "__main__":
    main()
