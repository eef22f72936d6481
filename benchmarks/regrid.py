"""
How fast and how large `regrid` is beside CDO, with and without stored weights, in one run.

    python benchmarks/regrid.py [--steps 730 2190] [--rounds 5] [--quick] [--write]

It generates daily maps (144 x 192, float32), uncompressed and compressed, brings them to 1 degree by linear interpolation and
conservatively, and prints the least and the median time of each tool, their ratios and peak memory. Ours run warm: a process
each, imported before; CDO is a program, a process each time; rounds go from tool to tool. Results are compared cell by cell
between the outermost rows of the source. Nothing is asserted about speed.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import netCDF4
import numpy as np
from page import PAGE, write_section
from subset import COLUMNS, ROOT, ROWS, Measure, generate

TARGET = "gridtype=lonlat\nxsize=360\nysize=180\nxfirst=0.5\nxinc=1\nyfirst=-89.5\nyinc=1\n"
METHODS = {"bilinear": "bil", "conservative": "con"}
STORAGES = ("uncompressed", "compressed (shuffle, deflate 1)")
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


def run_cdo(tool: str, source: Path, target: Path, method: str, folder: Path) -> None:
    """Run CDO; with stored weights, they are made in the first round."""
    packed = ["-z", "zip_1"] if source.name.startswith("packed") else []
    grid = folder / "grid.txt"
    operator = f"remap{METHODS[method]},{grid}"
    if tool == STORED:
        weights = folder / f"{METHODS[method]}.nc"
        if not weights.exists():
            subprocess.run(
                ["cdo", "-s", f"gen{METHODS[method]},{grid}", "-seltimestep,1", source, weights],
                check=True,
                capture_output=True,
            )
        operator = f"remap,{grid},{weights}"
    subprocess.run(
        ["cdo", "-s", "-O", "-f", "nc4", *packed, operator, "-selname,tas", source, target],
        check=True,
        capture_output=True,
    )


def serve() -> None:
    """Carry out what is asked on the standard input, one line of JSON a run, and answer with its time and memory."""
    for line in sys.stdin:
        asked = json.loads(line)
        start = perf_counter()
        run_gaia(Path(asked["source"]), Path(asked["target"]), asked["method"])
        time_s = perf_counter() - start
        status = Path("/proc/self/status").read_text()
        peak = next(int(each.split()[1]) for each in status.splitlines() if each.startswith("VmHWM"))
        print(json.dumps({"time_s": time_s, "peak_bytes": peak * 1024}), flush=True)


def measure(folder: Path, source: Path, method: str, tools: list[str], rounds: int) -> dict[str, Measure]:
    """Time every tool; the first round only warms up."""
    places = os.pathsep.join(str(ROOT / room) for room in ("processes", "workers"))
    found = {tool: Measure(times_s=[], peak_bytes=0) for tool in tools}
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": places},
    ) as ours:  # fmt: skip
        for round_ in range(rounds + 1):
            for at, tool in enumerate(tools):
                target = folder / f"out{at}.nc"
                answer = _ask(ours, source, target, method) if tool == GAIA else _time_cdo(tool, source, target, method)
                if round_:
                    found[tool].times_s.append(answer["time_s"])
                found[tool].peak_bytes = max(found[tool].peak_bytes, answer["peak_bytes"])
        assert ours.stdin is not None
        ours.stdin.close()
    _compare(folder, len(tools))
    return found


def _ask(process: subprocess.Popen[str], source: Path, target: Path, method: str) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"source": str(source), "target": str(target), "method": method}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def _time_cdo(tool: str, source: Path, target: Path, method: str) -> dict[str, float]:
    import resource

    start = perf_counter()
    run_cdo(tool, source, target, method, target.parent)
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"time_s": perf_counter() - start, "peak_bytes": peak_bytes}


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


def table(results: dict[int, dict[str, Measure]]) -> list[str]:
    """Write a table of tools and numbers of steps."""
    heads = " | ".join(f"{steps} steps: s, least (median)" for steps in results)
    lines = [f"| tool | {heads} | peak MB | of CDO with stored weights |", "| --- " * (len(results) + 3) + "|"]
    for tool in next(iter(results.values())):
        cells = [f"{r[tool].least_s:.3f} ({statistics.median(r[tool].times_s):.3f})" for r in results.values()]
        peaks = ", ".join(f"{r[tool].peak_bytes / 1e6:.0f}" for r in results.values())
        ratios = ", ".join(f"{r[tool].least_s / r[STORED].least_s:.2f}" for r in results.values() if STORED in r)
        lines.append(f"| {tool} | {' | '.join(cells)} | {peaks} | {ratios or 'not compared'} |")
    return lines


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
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve()
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
        (folder / "grid.txt").write_text(TARGET)
        sources = {steps: make_sources(folder, steps) for steps in steps_list}
        for storage in STORAGES:
            for method in METHODS:
                by_steps = {s: measure(folder, sources[s][storage], method, tools, rounds) for s in steps_list}
                lines += ["", f"### {method.capitalize()}, {storage}", "", *table(by_steps)]
    made = ", ".join(f"{method} {time_ms:.2f} ms" for method, time_ms in weights_ms().items())
    lines += ["", f"Weights alone, {ROWS} x {COLUMNS} to 1 degree: {made}."]
    lines += ["", f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}. {versions()}."]
    print("\n".join(lines))
    if asked.write:
        write_section("Regrid", lines)


if __name__ == "__main__":
    main()
