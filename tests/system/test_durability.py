"""What users of such services complain about most: lost, hanging and never-ending jobs. Here real processes are killed."""

import hashlib
import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PERIODS = [f"{first}/{first + 9}" for first in range(1870, 1920)]


@pytest.fixture(autouse=True)
def healed(box) -> Iterator[None]:
    """Begin and end each test with a box that is up: it heals itself, and that is part of the proof."""
    box.wait_until(box.is_up, limit_s=60)
    yield
    box.wait_until(box.is_up, limit_s=60)


def submit(box, process: str, inputs: dict[str, Any]) -> str:
    """Ask for a job, and give its address."""
    request = urllib.request.Request(
        f"{box.base_url}/processes/{process}/execution",
        data=json.dumps({"inputs": inputs}).encode(),
        headers={"Content-Type": "application/json", "Prefer": "respond-async"},
    )
    with DIRECT.open(request, timeout=20) as answer:
        assert answer.status == 201
        return str(answer.headers["Location"])


def status_of(address: str) -> dict[str, Any]:
    with DIRECT.open(address, timeout=20) as answer:
        status: dict[str, Any] = json.load(answer)
    return status


def end_of(address: str, *, limit_s: float = 120) -> dict[str, Any]:
    """Wait until a job has ended."""
    give_up = time.monotonic() + limit_s
    while (status := status_of(address))["status"] in {"accepted", "running"}:
        assert time.monotonic() < give_up, status
        time.sleep(0.1)
    return status


def wait_for(address: str, state: str, *, limit_s: float = 20) -> None:
    give_up = time.monotonic() + limit_s
    while status_of(address)["status"] != state:
        assert time.monotonic() < give_up, status_of(address)
        time.sleep(0.05)


def fetch(address: str) -> tuple[bytes, str]:
    """Fetch the one output of a job, and the sha256 that the results document states."""
    with DIRECT.open(f"{address}/results?f=json", timeout=20) as answer:
        (link,) = json.load(answer).values()
    with DIRECT.open(link["href"], timeout=60) as answer:
        return answer.read(), link["gaia:sha256"]


def expected(path: Path, period: str) -> np.ndarray:
    """Read with another library what a subset of two decades must hold."""
    first, last = map(int, period.split("/"))
    with netCDF4.Dataset(path) as data:
        data.set_auto_maskandscale(False)
        time_axis = data["time"]
        years = np.array([date.year for date in netCDF4.num2date(time_axis[:], time_axis.units, time_axis.calendar)])
        longitudes, latitudes = data["longitude"][:] - 360, data["latitude"][:]
        steps = (years >= first) & (years <= last)
        columns, rows = (longitudes >= -110) & (longitudes <= -80), (latitudes >= 30) & (latitudes <= 50)
        return np.asarray(data["air_temperature"][:])[np.ix_(steps, rows, columns)]


def values_of(content: bytes) -> np.ndarray:
    with netCDF4.Dataset("result.nc", memory=content) as data:
        data.set_auto_maskandscale(False)
        return np.asarray(data["air_temperature"][:])


def test_a_hundred_jobs_and_a_killed_worker_lose_none_and_each_has_the_right_cells(box) -> None:
    source = box.centre_folder("climeri") / "data"
    wanted = [(dataset, period) for period in PERIODS for dataset in ("a1b-north-america", "e1-north-america")]

    def ask(one: tuple[str, str]) -> str:
        return submit(box, "subset", {"dataset": one[0], "bbox": [-110, 30, -80, 50], "datetime": one[1]})

    with ThreadPoolExecutor(8) as pool:
        addresses = list(pool.map(ask, wanted))
    os.kill(box.worker_pid("climeri"), signal.SIGKILL)
    ends = [end_of(address) for address in addresses]
    assert Counter(end["status"] for end in ends) == {"successful": 100}
    assert {end["gaia:centre"] for end in ends} == {"climeri"}
    for (dataset, period), address in list(zip(wanted, addresses, strict=True))[::7]:
        content, digest = fetch(address)
        assert hashlib.sha256(content).hexdigest() == digest
        np.testing.assert_array_equal(values_of(content), expected(source / f"{dataset}.nc", period))


def test_a_worker_killed_at_work_is_followed_by_another_attempt(box) -> None:
    address = submit(box, "echo", {"message": "again", "pause": 3})
    wait_for(address, "running")
    centre = status_of(address)["gaia:centre"]
    os.kill(box.worker_pid(centre), signal.SIGKILL)
    end = end_of(address, limit_s=60)
    assert end["status"] == "successful"
    assert end["gaia:attempt"] in (2, 3)  # the third where the machine stood still for a lease, which is short here


def test_a_dead_broker_is_started_again_and_what_was_accepted_meanwhile_runs(box) -> None:
    os.kill(box.processes()["broker"], signal.SIGKILL)
    address = submit(box, "echo", {"message": "in the outbox"})
    assert end_of(address)["status"] == "successful"


def test_a_dismissed_job_is_gone_from_the_machine_within_two_seconds(box) -> None:
    address = submit(box, "echo", {"message": "never mind", "pause": 60})
    wait_for(address, "running")
    at_work = box.pids()
    request = urllib.request.Request(address, method="DELETE")
    begun = time.monotonic()
    with DIRECT.open(request, timeout=10) as answer:
        assert json.load(answer)["status"] == "dismissed"
    box.wait_until(lambda: len(at_work - box.pids()) == 1, limit_s=2)
    assert time.monotonic() - begun < 2
    assert status_of(address)["status"] == "dismissed"


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same grid for 1, 10 and 100 times as many days."""
    folder = tmp_path_factory.mktemp("series")
    return [write_days(folder / f"days-{days}.nc", days) for days in (60, 600, 6000)]


def write_days(path: Path, days: int) -> Path:
    with netCDF4.Dataset(path, "w") as data:
        for name, size in (("time", None), ("lat", 96), ("lon", 144)):
            data.createDimension(name, size)
        for name, values, units in (
            ("lat", np.linspace(-89, 89, 96), "degrees_north"),
            ("lon", np.arange(0, 360, 2.5), "degrees_east"),
            ("time", np.arange(days), "days since 1900-01-01"),
        ):
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        field = data.createVariable(
            "tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, chunksizes=(1, 96, 144)
        )
        for day in range(days):
            field[day] = np.float32(day % 100) + np.arange(144, dtype="f4")
    return path


def test_the_memory_of_a_task_does_not_grow_with_the_file(box, series: list[Path]) -> None:
    peaks = []
    for path in series:
        done = box.run("catalogue", "add", str(path), "--centre", "theia")
        assert done.returncode == 0, done.stderr
        box.wait_until(lambda path=path: path.stem in dataset_ids(box), limit_s=5)
        end = end_of(submit(box, "subset", {"dataset": path.stem, "bbox": [-40, -30, 60, 70]}))
        assert end["status"] == "successful", end
        peaks.append(end["gaia:receipt"]["peakMemoryBytes"])
    assert max(peaks) <= 1.1 * min(peaks), peaks


def dataset_ids(box) -> list[str]:
    """What the running server offers as a dataset."""
    ids: list[str] = box.get("/processes/subset")["inputs"]["dataset"]["schema"]["enum"]
    return ids
