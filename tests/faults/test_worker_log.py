"""What a person and an operator can follow: progress, the log of a job, and the job's id in what every program logs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from rig import FINAL, Rig

TEN_S = {"megabytes": 6, "seed": 10, "seconds": 10}
RING = [[0, 0], [14, 1], [13, 12], [0, 0]]
ZONES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"n": f"{x} {y}"},
            "geometry": {"type": "Polygon", "coordinates": [[[x + dx, y + dy] for dx, dy in RING]]},
        }
        for x in range(-170, 160, 15)
        for y in range(-80, 75, 15)
    ],
}
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"n": n}, "geometry": {"type": "Point", "coordinates": [n * 7 % 359 - 179, n % 170 - 85]}}
        for n in range(400)
    ],
}  # fmt: skip
REAL: dict[str, dict[str, Any]] = {
    "subset": {"dataset": "months", "bbox": [-170, -80, 170, 80]},
    "aggregate": {"dataset": "months", "statistic": "quantile", "quantile": 0.5},
    "regrid": {"dataset": "months", "grid": "1.5x1.5", "method": "conservative"},
    "reproject": {"dataset": "months", "crs": "EPSG:3857", "bbox": [-170, -70, 170, 70], "datetime": "1981/1983"},
    "zonal-statistics": {"dataset": "months", "zones": ZONES, "statistics": ["mean", "median", "stdev"]},
    "extract-points": {"dataset": "months", "points": POINTS},
    "climate-indices": {"dataset": "days", "indices": ["FD", "SU", "TX90p", "TN10p", "WSDI"], "baseline": "1981/1986"},
    "biodiversity-indicators": {"dataset": "records", "by": "grid", "cell_size_km": 100, "indicators": ["richness", "chao1"]},
}  # fmt: skip


def seen_while_it_runs(rig: Rig, job: str) -> list[int]:
    """Poll the progress of a job until it has ended."""
    seen = []
    while (status := rig.status(job))["status"] not in FINAL:
        seen.append(status["progress"])
        time.sleep(0.1)
    assert status["status"] == "successful", status
    return seen


def test_a_job_of_ten_seconds_shows_five_values_of_progress_that_never_go_back(rig: Rig) -> None:
    seen = seen_while_it_runs(rig, rig.submit("write", TEN_S, Cache_Control="no-cache"))
    between = sorted({value for value in seen if 1 <= value <= 99})
    print(f"progress of a job of 10 s: {between}")
    assert len(between) >= 5
    assert seen == sorted(seen)


def lay_on_the_earth(path: Path, steps: int, rows: int, columns: int, *, step_days: int, **names: str) -> None:
    """Write variables of noise, which deflates badly, one map a chunk."""
    chance = np.random.default_rng(5)
    with netCDF4.Dataset(path, "w") as data:
        for name, size in (("time", steps), ("lat", rows), ("lon", columns)):
            data.createDimension(name, size)
        axes = {"time": np.arange(steps) * step_days, "lat": 90 - 180 / rows * (np.arange(rows) + 0.5),
                "lon": 360 / columns * np.arange(columns)}  # fmt: skip
        units = {"time": "days since 1981-01-01", "lat": "degrees_north", "lon": "degrees_east"}
        for name, values in axes.items():
            axis = data.createVariable(name, "f8", (name,))
            axis.units, axis[:] = units[name], values
        data["time"].calendar = "noleap"
        for name, way in names.items():
            shape = {"zlib": True, "complevel": 1, "chunksizes": (1, rows, columns)}
            variable = data.createVariable(name, "f4", ("time", "lat", "lon"), **shape)
            variable.units, variable.standard_name, variable.cell_methods = "K", "air_temperature", f"time: {way}"
            for step in range(steps):
                variable[step] = 280 + 10 * chance.standard_normal((rows, columns), dtype="f4")


def write_records(path: Path, count: int) -> None:
    chance = np.random.default_rng(5)
    with path.open("w") as file:
        file.write("scientificName,decimalLatitude,decimalLongitude,eventDate\n")
        for _ in range(count // 10_000):
            kinds, lats, lons = chance.integers(0, 3000, 10_000), *chance.uniform(-80, 80, (2, 10_000))
            file.writelines(
                f"Species n{kind},{lat:.4f},{2 * lon:.4f},2001-05-01\n"
                for kind, lat, lon in zip(kinds, lats, lons, strict=True)
            )


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_real_work_of_every_process_shows_five_values_of_progress_that_never_go_back(
    other_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = other_rig(webs=("a",))
    lay_on_the_earth(tmp_path / "months.nc", 1200, 180, 360, step_days=30, tas="mean")
    lay_on_the_earth(tmp_path / "days.nc", 365 * 6, 60, 120, step_days=1, tasmax="maximum", tasmin="minimum")
    write_records(tmp_path / "records.csv", 1_000_000)
    for file in ("months.nc", "days.nc", "records.csv"):
        dataset = rig.publish("north", tmp_path / file)
        rig.wait_until(lambda: rig.client().get(f"/collections/{dataset}").status == 200, limit_s=30)  # noqa: B023 - it is called at once
    for process, inputs in REAL.items():
        begun = time.monotonic()
        seen = seen_while_it_runs(rig, rig.submit(process, inputs))
        took_s, between = time.monotonic() - begun, sorted({value for value in seen if 1 <= value <= 99})
        print(f"progress of {process} ({took_s:.0f} s): {between}")
        assert seen == sorted(seen), process
        assert len(between) >= 5 or took_s < 5, process


def test_the_log_of_a_retried_job_can_be_read_and_its_id_stands_in_every_programs_log(rig: Rig) -> None:
    job = rig.submit("crash", {"seconds": 0.1, "mark": "log"})
    assert rig.end_of(job)["status"] == "failed"
    told = rig.client().get(f"/jobs/{job}/log").content.decode()
    print(told)
    lines = [line.split(maxsplit=2) for line in told.splitlines()]
    assert [level for _, level, _ in lines] == ["info", "info", "warning", "warning", "error", "info"]
    assert [time for time, _, _ in lines] == sorted(time for time, _, _ in lines)
    words = [text for _, _, text in lines]
    assert words[0].startswith("Accepted")
    assert "Attempt 2 follows" in words[2]
    assert "Attempt 3 follows" in words[3]
    assert "attempt 3" in words[4]
    for program in ("web a", "recorder", "worker north"):
        assert events(rig, program, job), f"{program} logged nothing of it"
    assert events(rig, "web a", job)[0] == "job accepted"
    assert events(rig, "worker north", job).count("attempt begins") == 3
    assert events(rig, "recorder", job).count("end of an attempt recorded") == 3


def events(rig: Rig, program: str, job: str) -> list[Any]:
    return [line["event"] for line in rig.log(program) if line.get("job") == job]
