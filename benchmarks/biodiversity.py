"""
Indicators of biodiversity beside a query of polars and one of DuckDB, written by hand, over the same Parquet table.

`.venv/bin/python benchmarks/biodiversity.py` prints seconds (least of the runs), peak memory and ratios: N, S, Shannon, Simpson, Chao1
and ES(50) of cells of one degree. Each measurement is a process of its own, with the libraries imported before the clock starts.
`checked` is ours with all cleaning checks, which the peers do not make.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from scipy.special import gammaln

import gaia_processes.biodiversity_indicators.making  # noqa: F401 - imported before the clock starts, as all libraries are
from gaia_processes.biodiversity_indicators.compute import compute
from gaia_processes.biodiversity_indicators.names import CHECKS
from gaia_workers.readers.rows import open_rows

SPECIES = 5000
SIZE = 50
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


def ours(path: Path, checks: tuple[str, ...] = ()) -> Any:
    """Compute them as a job does."""
    with open_rows(path, "occurrences", note=lambda _: None) as rows:
        table = compute(
            rows, by="grid", cell_size_degrees=1.0, indicators=INDICATORS, sample_size=(SIZE,), checks=checks,
            warn=lambda _: None, note=lambda _: None,
        )  # fmt: skip
    return np.concatenate([block[["n_records", *INDICATORS]].to_numpy(dtype=float) for block in table.frames()])


def checked(path: Path) -> Any:
    """Compute them with all checks."""
    return ours(path, CHECKS)


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
    "gaia": ours, "checked": checked, "polars": polars_by_hand, "duckdb": duckdb_by_hand,
}  # fmt: skip


def _measured(way: str, path: Path, told: Any) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    made = WAYS[way](path)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    told.send(
        (seconds, cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, np.nansum(made, axis=0), len(made))
    )


def measure(way: str, path: Path, runs: int) -> tuple[float, float, float, Any, int]:
    """Run in processes of their own; least seconds and CPU, largest peak."""
    results = []
    for _ in range(runs):
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=_measured, args=(way, path, there))
        process.start()
        results.append(here.recv())
        process.join()
    seconds, cpu, peak, sums, cells = zip(*results, strict=True)
    return min(seconds), min(cpu), max(peak), sums[0], cells[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for rows in asked.rows:
            path = Path(folder, "records.parquet")
            write_records(path, int(rows))
            found = {way: measure(way, path, asked.runs) for way in asked.ways}
            peers = [found[way][0] for way in ("polars", "duckdb") if way in found]
            for way, (seconds, cpu, peak, sums, cells) in found.items():
                ratio = f"{seconds / min(peers):.2f} of the better peer" if peers else ""
                print(
                    f"{rows:.0e} rows  {way:8}  {seconds:7.2f} s  {cpu:7.2f} s CPU  {peak:6.0f} MB  {cells} cells  {ratio}"
                )
                if "gaia" in found:
                    apart = np.max(np.abs(sums / found["gaia"][3] - 1)) if way != "checked" else np.nan
                    print(f"{'':11}  sums of all cells apart by {apart:.1e}")


if __name__ == "__main__":
    main()
