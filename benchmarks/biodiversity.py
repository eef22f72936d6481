"""
Indicators of biodiversity beside a query of polars and one of DuckDB, written by hand, over the same Parquet table; beside vegan; and as jobs.

    .venv/bin/python benchmarks/biodiversity.py [--rows 1e6 1e7] [--jobs 1e6 1e7 1e8] [--runs 3] [--folder FOLDER] [--write]

N, S, Shannon, Simpson, Chao1 and ES(50) of cells of one degree. Each measurement is a process of its own, with the libraries imported
and the loops loaded before the clock starts, as in the process that tasks are forked from. `checked` is ours with all cleaning checks,
which the peers do not make. vegan (R) needs a matrix of sites by species, so it gets cells of three degrees, counted before its clock starts,
and ours counts the same cells from the records. `--jobs` are orders with all checks that a fork carries out as at a centre, watched,
under 4 GiB; what is told is its receipt.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from memory import carry_order_out
from page import PAGE, write_section
from scipy.special import gammaln

import gaia_processes.biodiversity_indicators.making  # noqa: F401 - imported before the clock starts, as all libraries are
from gaia_processes.biodiversity_indicators.compute import compute, warm
from gaia_processes.biodiversity_indicators.names import CHECKS
from gaia_workers.agent import warm_up
from gaia_workers.contract import Receipt
from gaia_workers.loops import make_loops
from gaia_workers.readers.rows import open_rows

SPECIES = 5000
SIZE = 50
VEGAN_CELL_DEG = 3
MEMORY_LIMIT_BYTES = 4 * 2**30
ASKED_OF_PEER, ASKED_OF_VEGAN = 0.4, 30
PEERS = ("polars", "duckdb")
NAMES = {
    "gaia": "gaia, no checks", "checked": "gaia, all checks", "polars": "polars by hand", "duckdb": "DuckDB by hand",
    "coarse": "gaia, no checks", "vegan": "vegan",
}  # fmt: skip
INDICATORS = ("richness", "shannon", "gini_simpson", "es", "chao1")


def write_records(path: Path, rows: int) -> None:
    """Write records of species whose places and abundances are uneven."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, SPECIES + 1) ** 0.8
    names = np.array([f"Genus{code // 5} species{code}" for code in range(SPECIES)])
    middle_lat, middle_lon = rng.uniform(-60, 70, SPECIES), rng.uniform(-180, 180, SPECIES)
    schema = pa.schema({"species": pa.string(), "decimalLatitude": pa.float64(), "decimalLongitude": pa.float64()})
    with pa.parquet.ParquetWriter(path, schema, compression="snappy") as writer:
        for start in range(0, rows, 1_000_000):
            count = min(1_000_000, rows - start)
            codes = rng.choice(SPECIES, count, p=weights / weights.sum()).astype(np.int32)
            latitude = np.clip(middle_lat[codes] + rng.normal(0, 12, count), -89, 89)
            longitude = (middle_lon[codes] + rng.normal(0, 25, count) + 180) % 360 - 180
            species = pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
            writer.write_table(pa.table([species, latitude, longitude], schema=schema))


def ours(path: Path, checks: tuple[str, ...] = (), size_deg: float = 1.0) -> Any:
    """Compute them as a job does."""
    with open_rows(path, "occurrences", note=lambda _: None) as rows:
        table = compute(
            rows, by="grid", cell_size_degrees=size_deg, indicators=INDICATORS, sample_size=(SIZE,), checks=checks,
            warn=lambda _: None, note=lambda _: None,
        )  # fmt: skip
    return np.concatenate([block[["n_records", *INDICATORS]].to_numpy(dtype=float) for block in table.frames()])


def checked(path: Path) -> Any:
    """Compute them with all checks."""
    return ours(path, CHECKS)


def coarse(path: Path) -> Any:
    """Compute them of the cells that vegan gets."""
    return ours(path, size_deg=VEGAN_CELL_DEG)


def polars_by_hand(path: Path) -> Any:
    """Count with polars, and compute with numpy."""
    cell = (
        (pl.col("decimalLatitude").floor().cast(pl.Int32) + 90) * 360
        + pl.col("decimalLongitude").floor().cast(pl.Int32)
        + 180
    )
    counts = (
        pl.scan_parquet(path)
        .select(cell.alias("cell"), "species")
        .group_by("cell", "species")
        .len()
        .sort("cell")
        .collect()
    )
    return _metrics(counts["cell"].to_numpy(), counts["len"].to_numpy().astype(float))


def duckdb_by_hand(path: Path) -> Any:
    """Compute all in one statement of SQL but ES, which needs the gamma function of numpy."""
    duckdb.sql("set enable_progress_bar = false")
    counts = duckdb.sql(
        "select (floor(decimalLatitude)::int + 90) * 360 + floor(decimalLongitude)::int + 180 as cell, species, count(*)::double as x "
        f"from '{path}' group by all order by cell"
    ).fetchnumpy()
    return _metrics(np.asarray(counts["cell"]), np.asarray(counts["x"]))


def _metrics(cell: np.ndarray, x: np.ndarray) -> np.ndarray:
    firsts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))

    def sums(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, firsts)

    lengths = np.diff(np.append(firsts, len(cell)))
    n, s = sums(x), lengths.astype(float)
    each_n = np.repeat(n, lengths)
    p = x / each_n
    f1, f2 = sums((x == 1).astype(float)), sums((x == 2).astype(float))
    enough = each_n >= SIZE
    left = each_n - x
    drawn = enough & (left >= SIZE)
    absent = np.zeros_like(x)
    absent[drawn] = np.exp(
        gammaln(left[drawn] + 1)
        - gammaln(left[drawn] - SIZE + 1)
        - gammaln(each_n[drawn] + 1)
        + gammaln(each_n[drawn] - SIZE + 1)
    )
    es = np.where(n >= SIZE, sums(1 - absent), np.nan)
    return np.stack([n, s, -sums(p * np.log(p)), 1 - sums(p**2), es, s + f1 * (f1 - 1) / (2 * (f2 + 1))], axis=1)


WAYS: dict[str, Callable[[Path], Any]] = {
    "gaia": ours, "checked": checked, "polars": polars_by_hand, "duckdb": duckdb_by_hand, "coarse": coarse,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way cost: least of the runs, and the largest peak above what there was before; sums over all cells of each column, and how many cells."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    sums: Any
    cells: int


def _measured(way: str, path: Path, told: Any) -> None:
    warm()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    began, cpu = time.perf_counter(), time.process_time()
    made = WAYS[way](path)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    told.send(Cost(seconds, cpu_s, _resident("VmHWM") - before, np.nansum(made, axis=0), len(made)))


def _resident(field: str) -> int:
    """Read memory of this process, in bytes: what is resident, or the most that was."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def measure(way: str, path: Path, runs: int) -> Cost:
    """Run in processes of their own."""
    costs = []
    for _ in range(runs):
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=_measured, args=(way, path, there))
        process.start()
        costs.append(here.recv())
        process.join()
    return _least(costs)


def _least(costs: list[Cost]) -> Cost:
    return Cost(
        min(each.wall_s for each in costs), min(each.cpu_s for each in costs), max(each.peak_bytes for each in costs),
        costs[0].sums, costs[0].cells,
    )  # fmt: skip


# --- vegan ------------------------------------------------------------------------------------------------------------

VEGAN = f"""
suppressMessages(library(vegan))
counts <- read.csv(commandArgs(TRUE)[1])
began <- proc.time()
sites <- matrix(0, max(counts$cell), max(counts$species))
sites[cbind(counts$cell, counts$species)] <- counts$n
n <- rowSums(sites)
es <- suppressWarnings(rarefy(sites[n >= {SIZE}, , drop = FALSE], {SIZE}))
made <- c(
  sum(n), sum(specnumber(sites)), sum(diversity(sites, "shannon")), sum(diversity(sites, "simpson")), sum(es),
  sum(estimateR(sites)["S.chao1", ])
)
spent <- proc.time() - began
cat(spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]], length(n), format(made, digits = 17))
"""


def measure_vegan(path: Path, folder: Path, runs: int) -> Cost | None:
    """Let vegan compute what was counted before; None where there is no R."""
    if (program := shutil.which("Rscript")) is None:
        return None
    size = VEGAN_CELL_DEG
    column, row = ((pl.col(f"decimal{name}") / size).floor() for name in ("Longitude", "Latitude"))
    counts = pl.scan_parquet(path).group_by((row * 360 + column).alias("cell"), "species").len("n")
    numbered = counts.with_columns(pl.col("cell", "species").rank("dense"))
    numbered.collect().write_csv(folder / "counts.csv")
    (folder / "vegan.R").write_text(VEGAN)
    costs = []
    for _ in range(runs):
        began = [program, folder / "vegan.R", folder / "counts.csv"]
        with subprocess.Popen(began, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = process.stdout.read().split()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("vegan failed")
        sums = np.array([float(each) for each in told[3:]])
        costs.append(Cost(float(told[0]), float(told[1]), used.ru_maxrss * 1024, sums, int(told[2])))
    return _least(costs)


# --- the report -------------------------------------------------------------------------------------------------------


def compare(rows: int, asked: argparse.Namespace, folder: Path) -> list[str]:
    """Measure all ways on so many rows; gives lines of the table."""
    path = folder / "records.parquet"
    write_records(path, rows)
    found = {way: measure(way, path, asked.runs) for way in asked.ways if way in ("gaia", "checked", *PEERS)}
    peers = [found[way] for way in PEERS if way in found]
    lines = [_line(rows, way, cost, peers, found.get("gaia")) for way, cost in found.items()]
    if "vegan" in asked.ways and (vegan := measure_vegan(path, folder, min(asked.runs, 2))) is not None:
        own = measure("coarse", path, asked.runs)
        lines += [_line(rows, way, cost, [vegan], own) for way, cost in (("coarse", own), ("vegan", vegan))]
    return lines


def _line(rows: int, way: str, cost: Cost, peers: list[Cost], own: Cost | None) -> str:
    ratios = ""
    if peers:
        wall, cpu = min(each.wall_s for each in peers), min(each.cpu_s for each in peers)
        ratios = f"{cost.wall_s / wall:.3g} ({cost.cpu_s / cpu:.3g})"
    apart = "" if own is None or way == "checked" else f"{np.max(np.abs(cost.sums / own.sums - 1)):.0e}"
    line = (
        f"| {rows:.0e} | {NAMES[way]} | {cost.cells} | {cost.wall_s:.2f} ({cost.cpu_s:.2f}) | {cost.peak_bytes / 2**20:.0f} | "
        f"{ratios} | {apart} |"
    )
    print(line, flush=True)
    return line


def carry_out(rows: int, folder: Path) -> str:
    """Let a worker carry out a job of so many rows with all checks; gives a line of the table."""
    path = folder / "records.parquet"
    write_records(path, rows)
    inputs = {"dataset": "record", "by": "grid", "cell_size_degrees": 1.0, "indicators": list(INDICATORS)}
    receipt, size = carry_order_out(
        "biodiversity-indicators", inputs, "csv", path, folder / "results", memory_limit_bytes=MEMORY_LIMIT_BYTES
    )
    line = _job_line(rows, receipt, size)
    print(line, flush=True)
    return line


def _job_line(rows: int, receipt: Receipt, size: int) -> str:
    return (
        f"| {rows:.0e} | {receipt.wall_s:.1f} ({receipt.cpu_s:.1f}) | {receipt.cpu_s / rows * 1e6:.2f} | "
        f"{receipt.peak_memory_bytes / 2**20:.0f} | {size / 1e6:.1f} |"
    )


def report(compared: list[str], jobs: list[str], runs: int) -> list[str]:
    """Write the section of the page."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("polars", "duckdb", "numpy", "numba", "pyarrow"))
    return [
        f"`benchmarks/biodiversity.py`, {versions}, Python {platform.python_version()}; N, S, Shannon, Simpson, Chao1 and ES(50) of cells of one degree, "
        f"{SPECIES} species named by text; least of {runs} runs on two cores that other work shared, so that processor time says more than time. "
        "Libraries were imported and loops loaded before. The peers make none of the checks.",
        f"vegan had cells of {VEGAN_CELL_DEG} degrees that were counted before, and was measured without reading them (least of two runs at most; its memory is all of it); ours counted the same cells from the records.",
        f"Asked: at most {ASKED_OF_PEER} of the better peer at 10⁷ rows, and at least {ASKED_OF_VEGAN} times as fast as vegan.",
        "",
        "| rows | | cells | s (of processor) | MiB more at most | of the better peer | sums of all cells apart |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *compared,
        "",
        f"As jobs with all checks, CSV out, each in a fresh fork of the warm parent, watched as at a centre under {MEMORY_LIMIT_BYTES / 2**30:.0f} GiB; by its receipt:",
        "",
        "| rows | s (of processor) | µs of processor a row | peak MiB | MB made |",
        "| --- | --- | --- | --- | --- |",
        *jobs,
    ]  # fmt: skip


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="*", default=[1e6, 1e7])
    parser.add_argument("--jobs", type=float, nargs="*", default=[1e6, 1e7])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=["gaia", "checked", *PEERS, "vegan"])
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    asked = parser.parse_args()
    make_loops()
    warm_up()
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-", dir=asked.folder) as name:
        jobs = [carry_out(int(rows), Path(name)) for rows in asked.jobs]
        compared = [line for rows in asked.rows for line in compare(int(rows), asked, Path(name))]
    if asked.write:
        write_section("Biodiversity indicators", report(compared, jobs, asked.runs))


if __name__ == "__main__":
    main()
