"""The box with a real PostgreSQL in the place of its file: jobs with and without data, lists, and a recorder that dies."""

import os
import signal
from collections.abc import Callable

from real_box import START_LIMIT_S, Box
from wire import Client


def test_a_box_on_postgresql_does_what_a_box_does(other_box: Callable[..., Box], fresh_postgres: str) -> None:
    box = other_box(more={"GAIA_STORE_URL": fresh_postgres})
    box.wait_until(box.is_up, limit_s=START_LIMIT_S)
    assert not (box.home / "store" / "jobs.sqlite").exists()
    client = Client(box.base_url)
    subset = client.job("subset", {"inputs": {"dataset": "a1b-north-america", "datetime": "1990/1999"}})
    echoes = [client.job("echo", {"inputs": {"message": f"number {number}", "pause": 0.5}}) for number in range(5)]
    os.kill(box.processes()["recorder"], signal.SIGKILL)
    assert [client.end_of(job)["status"] for job in (subset, *echoes)] == ["successful"] * 6
    assert client.get(f"{subset}/results").content[1:4] == b"HDF"
    assert [client.get(f"{job}/results?f=json").json["message"] for job in echoes] == [
        f"number {number}" for number in range(5)
    ]
    assert client.count_jobs() == 6
    assert len(client.get("/jobs?limit=2&status=successful").json["jobs"]) == 2
