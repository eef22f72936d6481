"""Datasets of one request that lie at different centres, over HTTP: what is needed of them is brought to where the work is done."""

import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from gaia_config.demo.samples import geotiff

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

INDICATORS = "biodiversity-indicators"
WEST, NORTH, CELL = -30, 75, 0.5
CLASSES = (1, 2, 3)


def write_climate(path: Path) -> None:
    """Write three years of a temperature that rises from north to south, on a grid of the whole earth from 0 to 360."""
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (
            ("time", [196.0, 561.0, 926.0], "days since 1999-12-20"),
            ("lat", np.arange(-88.75, 90, 2.5), "degrees_north"),
            ("lon", np.arange(1.25, 360, 2.5), "degrees_east"),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f8", (name,))
            axis[:], axis.units, axis.standard_name = (
                values,
                units,
                {"lat": "latitude", "lon": "longitude"}.get(name, name),
            )
        for name in ("tas", "other"):
            field = file.createVariable(name, "f4", ("time", "lat", "lon"))
            field.units, field.standard_name = "K", "air_temperature"
            year, south, east = np.meshgrid(range(3), range(72), range(144), indexing="ij")
            field[:] = 300 - 0.8 * south + 0.1 * (east % 7) + year
        file.Conventions = "CF-1.8"


def write_cover(path: Path) -> None:
    """Write classes of land cover of Europe, which nobody observed."""
    rows = [[CLASSES[(row // 9 + column // 11) % 3] for column in range(200)] for row in range(90)]
    path.write_bytes(geotiff(rows, west_deg=WEST, north_deg=NORTH, cell_deg=CELL, no_data=-1))


@pytest.fixture(scope="module")
def published(box, tmp_path_factory) -> None:
    """Publish climate at climeri and land cover at theia, and the same of both at pndb under other names."""
    folder = tmp_path_factory.mktemp("apart")
    for name, write, centre in (
        ("climate.nc", write_climate, "climeri"), ("cover.tif", write_cover, "theia"),
    ):  # fmt: skip
        write(folder / name)
        id = f"apart-{name.partition('.')[0]}"
        for place, called in ((centre, id), ("pndb", f"{id}-here")):
            done = box.run("catalogue", "add", str(folder / name), "--centre", place, "--id", called)
            assert done.returncode == 0, done.stderr
            box.wait_until(lambda called=called: box.get(f"/collections/{called}?f=json")["id"] == called, limit_s=20)


def environment(ending: str = "", **more: object) -> list[dict[str, Any]]:
    climate = {"dataset": f"apart-climate{ending}", "variable": "tas", "bins": [240, 260, 280, 300], **more}
    return [climate, {"dataset": f"apart-cover{ending}"}]


def asking(ending: str = "", **more: object) -> dict[str, Any]:
    inputs = {
        "dataset": "occurrences-demo",
        "by": "environment",
        "environment": environment(ending),
        "indicators": ["richness"],
    }
    return {"inputs": inputs | more}


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_species_by_climate_and_land_cover_of_other_centres(client, box, published):
    job = client.job(INDICATORS, asking())
    status = client.end_of(job)
    assert status["status"] == "successful", status
    assert status["gaia:centre"] == "pndb"
    parts = {each["dataset"].partition("@")[0]: each for each in status["gaia:parts"]}
    assert {name: part["gaia:centre"] for name, part in parts.items()} == {
        "apart-climate": "climeri", "apart-cover": "theia",
    }  # fmt: skip
    assert status["gaia:receipt"]["bytesMoved"] == sum(part["sizeBytes"] for part in parts.values())
    content = client.get(f"{job}/results/indicators").content
    assert len(rows_of(content)) > 3
    here = client.execute(INDICATORS, asking("-here"))
    assert (here.status, here.content) == (200, content), "the same as where all lies at one centre"

    used = {str(each.get("identifier")): each for each in client.get(f"{job}/provenance").json["@graph"]}
    providers = {
        name.partition("@")[0]: each["provider"]["@id"].rpartition("/")[2]
        for name, each in used.items() if "provider" in each
    }  # fmt: skip
    assert providers == {"occurrences-demo": "pndb", "apart-climate": "climeri", "apart-cover": "theia"}
    log = client.get(f"{job}/log").content.decode()
    assert "Opened apart-climate" in log


def test_what_was_made_ready_is_removed_afterwards(client, box, published):
    def kept() -> set[Path]:
        depot = box.centre_folder("theia") / "results"
        pushed = box.home / "store-results"
        return {path for folder in (depot, pushed) for path in folder.glob("*/*/*") if path.name.startswith("subset-")}

    before = kept()  # results of others who share the box
    job = client.job(INDICATORS, asking(indicators=["shannon"]))
    assert client.end_of(job)["status"] == "successful"
    box.wait_until(lambda: kept() <= before, limit_s=20)


def test_only_what_lies_around_the_records_is_brought(client, published):
    answer = client.send(
        "POST", f"/processes/{INDICATORS}/estimate",
        json.dumps(asking(bbox=[5, 45, 10, 50])).encode(), Content_Type="application/json",
    )  # fmt: skip
    assert answer.status == 200, answer.content
    told = answer.json
    sizes = {part["dataset"].partition("@")[0]: part["sizeBytes"] for part in told["gaia:parts"]}
    assert told["gaia:estimate"]["bytesMoved"] == sum(sizes.values())
    assert sizes["apart-climate"] < 72 * 144 * 3 * 4 / 10
    assert told["gaia:centre"] == "pndb"
    assert "brought" in told["gaia:reason"]


def test_zones_of_another_centre_come_to_the_raster(client, box, published, tmp_path):
    square = {"type": "Polygon", "coordinates": [[[0, 40], [10, 40], [10, 50], [0, 50], [0, 40]]]}
    zones = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": square, "properties": {"name": "a"}}],
    }
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps(zones))
    done = box.run("catalogue", "add", str(path), "--centre", "pndb", "--id", "apart-zones")
    assert done.returncode == 0, done.stderr
    box.wait_until(lambda: box.get("/collections/apart-zones?f=json")["id"] == "apart-zones", limit_s=20)
    inputs = {"dataset": "apart-cover", "statistics": ["count"]}
    apart = client.execute("zonal-statistics", {"inputs": inputs | {"zones": "apart-zones"}})
    by_value = client.execute("zonal-statistics", {"inputs": inputs | {"zones": zones}})
    assert (apart.status, apart.content) == (200, by_value.content)


def test_a_centre_that_is_away_is_waited_for_in_words_and_lost_is_nothing(client, box, published):
    with frozen(box.worker_pid("theia")):
        job = client.job(INDICATORS, asking(indicators=["simpson_dominance"]))
        box.wait_until(
            lambda: "apart-cover" in (reason := client.get(job).json["gaia:reason"]) and "no sign of life" in reason,
            limit_s=40,
        )
        status = client.get(job).json
        assert status["status"] == "accepted"
        assert "gaia:queuePosition" not in status
        given_up = client.job(INDICATORS, asking(indicators=["hill_2"]))
        assert client.send("DELETE", given_up).status == 200
    assert client.end_of(job)["status"] == "successful"
    assert client.get(given_up).json["status"] == "dismissed"
