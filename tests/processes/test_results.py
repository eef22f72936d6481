"""
Numbers may change only together with the version of their process: what was computed before answers equal requests of that version.

Small cases of each process are computed as a worker does, and compared with what was recorded for the version, to the last digit
where the processor has the same instructions as the one that recorded them: sines differ in it by what computes them.
"""

import csv
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.process import Process
from gaia_workers.contract import Order, Words
from gaia_workers.data import DataAccess
from gaia_workers.delivery import Stays
from gaia_workers.results import Results
from gaia_workers.runner import run

RECORDED = Path(__file__).parent / "golden" / "results"
UPDATE = "GAIA_UPDATE_GOLDEN"
HOW = f"{UPDATE}=1 python -m pytest tests/processes/test_results.py"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ELSEWHERE = 1e-5
"""What may differ, as a share, on another kind of processor."""

ZONES = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in {
            "slanted": [[12, 12], [75, 20], [60, 70], [12, 12]],
            "over the date line": [[170, -50], [200, -50], [200, 10], [170, 10], [170, -50]],
        }.items()
    ],
}
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"n": n}, "geometry": {"type": "Point", "coordinates": place}}
        for n, place in enumerate(([31, 46], [-59, -14], [359, 70]))
    ],
}
RECORDS = """scientificName,decimalLatitude,decimalLongitude,eventDate,individualCount
Larus argentatus,48.1,-4.5,2001-05-01,3
Larus argentatus,48.2,-4.4,2001-05-02,1
Larus fuscus,48.1,-4.5,2001-05-01,2
Rissa tridactyla,48.9,-4.1,2002-06-11,7
Sterna hirundo,43.3,5.1,2002-06-12,1
Sterna hirundo,43.3,5.2,2002-07-01,4
Sterna hirundo,0,0,2002-07-01,4
"""
COMMUNITY = "site,a,b,c,d\nnorth,1,0,4,2\nsouth,0,3,4,7\neast,5,1,1,0\n"
CASES: dict[str, tuple[dict[str, Any], ...]] = {
    "subset": (
        {"dataset": "monthly", "bbox": [-40, -20, 100, 50], "datetime": "2001-03/2001-05"},
        {"dataset": "bytes", "inclusion": "touch", "bbox": [40, -30, 130, 30]},
    ),
    "aggregate": (
        {"dataset": "monthly"},
        {"dataset": "monthly", "over": ["area"], "bbox": [-40, -20, 100, 50]},
        {"dataset": "fine", "over": ["area"]},
        {"dataset": "fine", "statistic": "std", "over": ["time", "area"]},
        {"dataset": "monthly", "statistic": "quantile", "quantile": 0.3, "period": "season"},
        {"dataset": "monthly", "period": "month", "climatology": True, "over": ["time", "longitude"]},
    ),
    "regrid": (
        {"dataset": "monthly", "grid": "20x20", "datetime": "2001-01/2001-03"},
        {"dataset": "monthly", "grid": "24x20", "method": "conservative", "datetime": "2001-01/2001-03"},
        {"dataset": "fine", "grid": "60x60", "method": "conservative"},
        {"dataset": "bytes", "grid": "20x20", "method": "nearest"},
    ),
    "reproject": (
        {"dataset": "monthly", "crs": "EPSG:3857", "resolution": 2e6, "resampling": "bilinear", "bbox": [-40, -20, 100, 50], "datetime": "2001-03"},
        {"dataset": "bytes", "crs": "EPSG:3035", "resolution": 1e6, "resampling": "average", "bbox": [0, 30, 60, 75]},
    ),
    "zonal-statistics": (
        {
            "dataset": "fine",
            "zones": ZONES,
            "statistics": ["mean", "sum", "stdev", "median", "quantile", "min", "count"],
            "quantiles": [0.25],
        },
        {"dataset": "bytes", "zones": ZONES, "statistics": ["majority", "variety", "fractions"], "weighting": "cells"},
    ),
    "extract-points": (
        {"dataset": "monthly", "points": POINTS, "datetime": "2001-01/2001-05"},
        {"dataset": "monthly", "points": POINTS, "method": "bilinear", "datetime": "2001-03/2001-05"},
    ),
    "climate-indices": (
        {"dataset": "daily", "indices": ["FD", "SU", "TXx", "TNn", "DTR", "GSL", "WSDI"], "baseline": "2001/2002"},
        {"dataset": "daily", "indices": ["RX5day", "SDII", "CDD", "PRCPTOT"], "period": "season"},
        {"dataset": "daily", "indices": ["TX90p", "TN10p"], "baseline": "2001/2002"},
    ),
    "biodiversity-indicators": (
        {"occurrences": RECORDS, "by": "grid", "cell_size_km": 100, "indicators": ["richness", "shannon", "chao1", "hill_2"]},
        {"occurrences": RECORDS, "indicators": ["occupancy", "aoo", "eoo"]},
        {"community": COMMUNITY, "by": "site", "indicators": ["bray_curtis", "jaccard", "turnover"]},
        {"community": COMMUNITY, "by": "site", "indicators": ["shannon", "pielou", "es", "ace"], "sample_size": 5},
    ),
}  # fmt: skip


def some(*shape: int, step: int = 7) -> np.ndarray:
    """Make values that look like none in particular, the same on every machine."""
    places = np.arange(np.prod(shape), dtype="i8").reshape(shape)
    return (places * places * step + places * 31) % 101


def monthly() -> xr.Dataset:
    """Two years of months on 12 columns and six rows, some cells missing."""
    values = 273 + some(24, 6, 12).astype("f4") / 7
    values[some(24, 6, 12, step=3) % 11 == 0] = 1e20
    return on_a_grid("tas", values, unit="K", missing=np.float32(1e20), times=30 * np.arange(24) + 15.0)


def classes() -> xr.Dataset:
    """One map of bytes, of few values, the greatest among them."""
    return on_a_grid("cover", np.where(some(6, 12) % 5 == 4, 255, some(6, 12) % 5).astype("u1"))


def on_a_grid(
    name: str,
    values: np.ndarray,
    *,
    unit: str = "1",
    missing: object = None,
    times: np.ndarray | None = None,
    degrees: float = 30,
) -> xr.Dataset:
    """Lay values over the earth, from north to south and from Greenwich to the east, in cells of so many degrees."""
    attributes = {"units": unit} | ({} if missing is None else {"_FillValue": missing})
    time = {} if times is None else {"time": ("time", times, {"units": "days since 2001-01-01", "calendar": "360_day"})}
    return xr.Dataset(
        {name: ((*time, "lat", "lon"), values, attributes)},
        coords={
            **time,
            "lat": ("lat", 90 - degrees * (np.arange(180 / degrees) + 0.5), {"units": "degrees_north"}),
            "lon": ("lon", degrees * np.arange(360 / degrees), {"units": "degrees_east"}),
        },
    )


def daily() -> xr.Dataset:
    """Two years of days of two cells: temperatures that come and go with the year, and rain on some days."""
    day = np.arange(730)
    warm = np.abs((day % 365) - 182)[:, None, None]
    highest = 303 - warm / 8 + some(730, 1, 2) / 13
    lowest = highest - 4 - some(730, 1, 2, step=5) / 20
    rain = np.maximum(some(730, 1, 2, step=11) - 60, 0) / 86400 / 2
    axes = ("time", "lat", "lon")
    variables = {"tasmax": (highest, "K"), "tasmin": (lowest, "K"), "pr": (rain, "kg m-2 s-1")}
    names = {"tasmax": "air_temperature", "tasmin": "air_temperature", "pr": "precipitation_flux"}
    ways = {"tasmax": "time: maximum", "tasmin": "time: minimum", "pr": "time: mean"}
    return xr.Dataset(
        {
            name: (
                axes,
                values.astype("f4"),
                {"units": unit, "standard_name": names[name], "cell_methods": ways[name]},
            )
            for name, (values, unit) in variables.items()
        },
        coords={
            "time": (
                "time",
                day + 0.5,
                {"units": "days since 2001-01-01", "calendar": "noleap", "standard_name": "time"},
            ),
            "lat": ("lat", [45.0], {"units": "degrees_north"}),
            "lon": ("lon", [5.0, 6.0], {"units": "degrees_east"}),
        },
    )


def fine() -> xr.Dataset:
    """Five maps of so many cells that the order in which they are added up shows in the last digits."""
    values = 250 + some(5, 60, 120).astype("f4") / 13
    return on_a_grid("tas", values, unit="K", times=30 * np.arange(5) + 15.0, degrees=3)


MAKES: dict[str, Callable[[], xr.Dataset]] = {"monthly": monthly, "fine": fine, "bytes": classes, "daily": daily}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ...]]:
    """Write what the cases are about."""
    folder = tmp_path_factory.mktemp("data")
    for name, make in MAKES.items():
        make().to_netcdf(folder / f"{name}.nc")
    return {name: (folder / f"{name}.nc",) for name in MAKES}


class Silent:
    """Hears what is said."""

    def progress(self, percent: int, words: Words | None = None) -> None:
        """Hear how far it is."""

    def warn(self, words: Words) -> None:
        """Hear a warning."""

    def note(self, words: Words) -> None:
        """Hear a note."""


def compute(process: Process, inputs: dict[str, Any], files: dict[str, tuple[Path, ...]], folder: Path) -> Path:
    """Carry a case out as a worker does; give the file."""
    offered = {each.id for each in process.outputs[next(iter(process.outputs))].formats}
    results = Results(folder)
    results.prepare()
    order = Order(
        job_id="11111111-1111-4111-8111-111111111111", part=0, attempt=1, process_id=process.id,
        process_version=process.version, inputs=inputs, accepted=NOON, queue_deadline=NOON, time_limit_s=60.0,
        formats={next(iter(process.outputs)): "csv" if process.id in TABLES else "netcdf"}, memory_limit_bytes=2**31,
        centre="climeri", queue="q",
    )  # fmt: skip
    assert set(order.formats.values()) <= offered
    (output,) = run(order, data=DataAccess(files), results=results, say=Silent(), deliver=Stays()).outputs
    return results.root / output.location


TABLES = {"zonal-statistics", "extract-points", "biodiversity-indicators"}


def read_numbers(path: Path) -> dict[str, list[Any]]:
    """Read all that a result holds, by variable or column, as it is stored."""
    if path.suffix == ".csv":
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        return {name: [_number(row[at]) for row in rows] for at, name in enumerate(header)}
    with xr.open_dataset(path, decode_cf=False) as data:
        return {str(name): np.asarray(each.values).ravel().tolist() for name, each in data.variables.items()}


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def instructions() -> list[str]:
    """Name what numpy's loops may use of this processor."""
    return list(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))


def plain(numbers: Any) -> Any:
    """Write numbers as JSON does, and read them again."""
    return json.loads(json.dumps(numbers).replace("NaN", "null"))


def agree(here: Any, recorded: Any) -> bool:
    """Tell whether numbers are those that another kind of processor recorded, but for the last digits."""
    if isinstance(here, dict):
        return here.keys() == recorded.keys() and all(agree(here[name], recorded[name]) for name in here)
    if isinstance(here, list):
        return len(here) == len(recorded) and all(map(agree, here, recorded))
    if isinstance(here, float) and isinstance(recorded, float):
        return abs(here - recorded) <= ELSEWHERE * max(abs(here), abs(recorded))
    return bool(here == recorded)


@pytest.mark.parametrize("process", [each for each in CATALOGUE if each.id != "echo"], ids=lambda process: process.id)
def test_changed_numbers_have_a_new_version(
    process: Process, files: dict[str, tuple[Path, ...]], tmp_path: Path
) -> None:
    cases = enumerate(CASES[process.id])
    now = plain([read_numbers(compute(process, inputs, files, tmp_path / str(at))) for at, inputs in cases])
    file = RECORDED / f"{process.id}.json"
    then = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    if then is not None and then["version"] == process.version:
        same = now == then["results"]
        if same or (then["instructions"] != instructions() and agree(now, then["results"])):
            return
        pytest.fail(
            f"{process.id} gives other numbers than it did, but its version is still {process.version}. If they are right, give it "
            f"a new version where it is described, say so in the changelog, then run: {HOW}"
        )
    if UPDATE not in os.environ:
        pytest.fail(f"{process.id} {process.version} is new; if its numbers are right, run: {HOW}")
    file.parent.mkdir(exist_ok=True)
    told = {"version": process.version, "instructions": instructions(), "results": now}
    file.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def test_every_process_with_numbers_has_cases_and_every_record_a_process() -> None:
    assert {file.stem for file in RECORDED.glob("*.json")} == CASES.keys() == by_id(CATALOGUE).keys() - {"echo"}
