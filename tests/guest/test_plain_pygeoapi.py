"""
Our processes in a pygeoapi that is not ours: its own program and routes, our manager and processor, no server of ours.

Broker, recorder, worker and depot are real; beside our processes stands one of pygeoapi's own, under a manager of its own.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import yaml

from gaia_config.demo.federation import free_ports
from rig import HOST, Rig
from wire import ASYNC, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

PROCESSOR = "gaia_server.guest.processor.GaiaProcessor"
MAKE_OPENAPI = "import sys, yaml; from pygeoapi.openapi import get_oas; print(yaml.safe_dump(get_oas(yaml.safe_load(open(sys.argv[1])))))"


def configuration(port: int, folder: Path, manager: dict[str, Any]) -> dict[str, Any]:
    named = {
        "title": "a guest",
        "description": "a guest",
        "keywords": ["guest"],
        "terms_of_service": "none",
        "url": "none",
    }
    return {
        "server": {
            "bind": {"host": HOST, "port": port},
            "url": f"http://{HOST}:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US", "fr-FR"],
            "map": {"url": "none", "attribution": "none"},
            "manager": manager,
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": named | {"keywords_type": "theme"},
            "license": {"name": "none", "url": "none"},
            "provider": {"name": "none", "url": "none"},
            "contact": {"name": "none", "url": "none"},
        },
        "resources": {
            "echo": {"type": "process", "processor": {"name": PROCESSOR, "process": "echo"}},
            "cut": {"type": "process", "processor": {"name": PROCESSOR, "process": "subset"}},
            "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
        },
    }


@contextmanager
def plain_pygeoapi(rig: Rig, folder: Path, manager: dict[str, Any]) -> Iterator[Client]:
    """Run pygeoapi as its operators do: with gunicorn, from a configuration and an OpenAPI document in files."""
    (port,) = free_ports(1, HOST)
    config, openapi = folder / "config.yml", folder / "openapi.yml"
    config.write_text(yaml.safe_dump(configuration(port, folder, manager)))
    env = rig.env | {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    make = [sys.executable, "-W", "ignore", "-c", MAKE_OPENAPI, str(config)]
    openapi.write_text(subprocess.run(make, env=env, capture_output=True, text=True, check=True).stdout)
    serve = ["-m", "gunicorn", "--workers", "1", "--threads", "4", "--bind", f"{HOST}:{port}", "pygeoapi.flask_app:APP"]
    client = Client(f"http://{HOST}:{port}")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, *serve], env=env, stdout=log, stderr=log) as web,
    ):
        try:
            wait_for(client)
            yield client
        finally:
            web.terminate()


def wait_for(client: Client) -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            assert client.get("/processes?f=json").status == 200
        except OSError:
            assert time.monotonic() < give_up
            time.sleep(0.2)
        else:
            return


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("guest") / "home", webs=()) as rig:
        file = rig.home / "field.nc"
        with netCDF4.Dataset(file, "w") as dataset:
            for name, values, units in (
                ("lat", [0.0, 10.0, 20.0], "degrees_north"),
                ("lon", [0.0, 10.0], "degrees_east"),
            ):
                dataset.createDimension(name, len(values))
                axis = dataset.createVariable(name, "f8", (name,))
                axis[:], axis.units = values, units
            dataset.createVariable("t", "f4", ("lat", "lon"))[:] = np.arange(6.0).reshape(3, 2)
        rig.publish("north", file)
        yield rig


@pytest.fixture(scope="module")
def client(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("pygeoapi")
    others = {"name": "TinyDB", "connection": str(folder / "theirs.json"), "output_dir": str(folder)}
    manager = {"name": "gaia_server.guest.manager.CeleryManager", "others": others}
    with plain_pygeoapi(rig, folder, manager) as client:
        yield client


def test_our_processes_are_listed_and_described_in_both_languages(client: Client) -> None:
    listed = client.get("/processes?f=json").json["processes"]
    assert [each["id"] for each in listed] == ["cut", "echo", "hello-world"]
    english, french = (client.get(f"/processes/cut?f=json&lang={lang}").json for lang in ("en-US", "fr-FR"))
    assert (english["title"], french["title"]) == ("Subset", "Extraction d'un sous-ensemble")
    assert english["inputs"]["bbox"]["schema"] == french["inputs"]["bbox"]["schema"]
    assert client.get("/processes/cut?f=html").status == 200
    assert client.get("/openapi?f=json").status == 200


def test_a_request_is_answered_at_once_with_what_our_workers_made(client: Client, tmp_path: Path) -> None:
    assert client.execute("echo", {"inputs": {"message": "from a guest"}}).content == b"from a guest"
    cut = client.execute("cut", {"inputs": {"dataset": "field", "bbox": [0, 5, 10, 15]}})
    assert (cut.status, cut.headers["Content-Type"]) == (200, "application/x-netcdf")
    (tmp_path / "cut.nc").write_bytes(cut.content)
    with netCDF4.Dataset(tmp_path / "cut.nc") as dataset:
        assert dataset["t"][:].tolist() == [[2.0, 3.0]]


def test_a_job_is_followed_to_its_result(client: Client) -> None:
    job = client.job("echo", {"inputs": {"message": "later"}})
    ended = client.end_of(job)
    assert (ended["status"], ended["processID"], ended["progress"]) == ("successful", "echo", 100)
    assert client.get(f"{job}/results?f=json").content == b"later"
    assert ended["jobID"] in {each["jobID"] for each in client.get("/jobs?f=json").json["jobs"]}


def test_pages_of_the_list_go_on_where_the_last_one_ended(client: Client) -> None:
    made = [client.job("echo", {"inputs": {"message": f"page {number}"}}).rpartition("/")[2] for number in range(4)]
    pages = [client.get(f"/jobs?f=json&limit=2&offset={offset}").json for offset in (0, 2)]
    assert {each["jobID"] for page in pages for each in page["jobs"]} == set(made)
    assert [any(link["rel"] == "next" for link in page["links"]) for page in pages] == [True, True]


def test_what_is_wrong_is_refused_before_anything_is_queued(client: Client) -> None:
    refused = client.execute("cut", {"inputs": {"dataset": "fields", "bbox": [0, 5, 10]}})
    assert refused.status == 400
    told = refused.json
    assert told["type"].endswith("/invalid-input")
    assert "/inputs/bbox" in told["description"]
    assert "Did you mean field" in told["description"]


def test_a_job_that_fails_says_why(client: Client, rig: Rig) -> None:
    file = rig.home / "gone.nc"
    shutil.copy(rig.home / "field.nc", file)
    request = {"inputs": {"dataset": rig.publish("north", file)}}
    next(rig.home.glob("centres/north/data/**/gone.nc")).unlink()
    refused = client.execute("cut", request)
    assert refused.status == 500
    assert refused.json["type"].endswith("/dataset-gone")
    job = client.job("cut", request)
    ended = client.end_of(job)
    assert ended["status"] == "failed"
    assert ended["message"] == refused.json["description"]
    assert ended["processID"] == "cut"  # as this pygeoapi calls it
    assert client.get(f"{job}/results?f=json").status == 400


def test_a_dismissed_job_is_stopped(client: Client, rig: Rig) -> None:
    job = client.job("echo", {"inputs": {"message": "stop me", "pause": 60}})
    while client.get(f"{job}?f=json").json["status"] != "running":
        time.sleep(0.1)
    assert client.send("DELETE", job).json["status"] == "dismissed"
    assert client.get(f"{job}?f=json").json["status"] == "dismissed"
    assert client.send("DELETE", job).status == 404
    rig.wait_until(lambda: not rig._leases(), limit_s=10)


def test_a_document_holds_every_output(client: Client) -> None:
    answer = client.execute("echo", {"inputs": {"message": "m"}, "response": "document"})
    assert answer.json == {"message": "m"}


def test_processes_of_others_stay_with_a_manager_of_their_own(client: Client) -> None:
    answer = client.execute("hello-world", {"inputs": {"name": "you"}})
    assert answer.json["value"] == "Hello you!"
    theirs = next(
        each for each in client.get("/jobs?f=json&limit=100").json["jobs"] if each["processID"] == "hello-world"
    )
    assert client.get(f"/jobs/{theirs['jobID']}/results?f=json").json["value"] == "Hello you!"


def test_nothing_is_known_of_a_job_that_never_was(client: Client) -> None:
    assert client.get("/jobs/no-such-job?f=json").status == 404
    assert client.get("/jobs/no-such-job/results?f=json").status == 404
    assert client.send("DELETE", "/jobs/no-such-job").status == 404


def test_a_job_outlives_the_pygeoapi_that_took_it(rig: Rig, tmp_path: Path) -> None:
    manager = {"name": "gaia_server.guest.manager.CeleryManager"}
    with plain_pygeoapi(rig, tmp_path, manager) as client:
        job = client.job("echo", {"inputs": {"message": "I stay", "pause": 3}}).rpartition("/")[2]
    with plain_pygeoapi(rig, tmp_path, manager) as client:
        assert client.end_of(f"/jobs/{job}")["status"] == "successful"
        assert client.get(f"/jobs/{job}/results?f=json").content == b"I stay"


def test_the_processor_serves_under_pygeoapis_own_manager_too(rig: Rig, tmp_path: Path) -> None:
    manager = {"name": "TinyDB", "connection": str(tmp_path / "jobs.json"), "output_dir": str(tmp_path)}
    with plain_pygeoapi(rig, tmp_path, manager) as client:
        assert client.execute("echo", {"inputs": {"message": "under TinyDB"}}).content == b"under TinyDB"
        job = client.execute("echo", {"inputs": {"message": "a thread of theirs"}}, **ASYNC).headers["Location"]
        assert client.end_of(job)["status"] == "successful"
