"""Scenarios 34 to 37: two of everything, stores that are migrated, versions that differ, orders that say too much."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from alembic import command
from alembic.script import ScriptDirectory

from gaia_server.jobs import engine as database
from gaia_workers.contract import CONTRACT, Order, unseal
from rig import Program, Rig

OLDER = [each.revision for each in ScriptDirectory.from_config(database.migrations()).walk_revisions()][1:]


def busy(mark: str, seconds: float = 0.2) -> dict[str, Any]:
    return {"seconds": seconds, "mark": mark}


@pytest.mark.soak
def test_scenario_34_two_recorders_and_two_servers_do_nothing_twice(other_rig: Callable[..., Rig]) -> None:
    def add_recorder(rig: Rig) -> None:
        rig.programs["recorder 2"] = Program(name="recorder 2", command=("gaia", "recorder"))

    rig = other_rig(before=add_recorder)
    first = rig.submit_all("busy", [busy(f"34 a {number}") for number in range(30)], web="a")
    second = rig.submit_all("busy", [busy(f"34 b {number}") for number in range(30)], web="b")
    rig.kill("worker north")
    rig.start("worker north")
    assert rig.ends_of([*first, *second], limit_s=90) == {"successful": 60}
    rows = {row.id: row for row in rig.rows()}
    assert max(rows[job].attempt for job in (*first, *second)) <= 2
    done = Counter(each["job"] for each in rig.log("worker north") if each.get("event") == "attempt done")
    assert max(done.values()) == 1
    lost = [row for row in rows.values() if row.lost]
    assert len(lost) <= rig.slots
    for row in lost:
        lines = rig.client().get(f"/jobs/{row.id}/log").content.decode().splitlines()
        assert len([line for line in lines if "died with its worker" in line]) <= 1


@pytest.mark.soak
def test_scenario_35_a_store_of_any_older_version_is_migrated_while_20_jobs_run(other_rig: Callable[..., Rig]) -> None:
    """Servers and recorder are killed, the store is taken back to the version before, and the next start brings it up again."""
    rig = other_rig(webs=("a",), slots=20)
    jobs = rig.submit_all("busy", [busy(f"35 {number}", 12 + 8 * len(OLDER)) for number in range(20)])
    for job in jobs:
        rig.wait_for(job, "running", limit_s=60)
    for revision in OLDER:
        rig.kill("web a", "recorder")
        engine = database.open_engine(rig.store_url)
        config = database.migrations()
        with database.writing(engine) as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
            assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == revision
        engine.dispose()
        rig.start("web a", "recorder")
        rig.wait_until(rig.is_up, limit_s=60)
        assert {rig.status(job)["status"] for job in jobs} <= {"running", "successful"}
    assert rig.ends_of(jobs, limit_s=120) == {"successful": 20}
    assert [rig.result(job) for job in jobs] == [f"busy 35 {number}" for number in range(20)]


SERVERS = ("web a", "web b", "recorder")
WORKERS = ("worker north",)


@pytest.mark.parametrize("older", [WORKERS, SERVERS], ids=["older worker", "older server"])
def test_scenario_36_a_server_and_a_worker_a_version_apart_work_together(rig: Rig, older: tuple[str, ...]) -> None:
    with rig.otherwise(*older, TEST_CONTRACT=str(CONTRACT - 1)):
        rig.wait_until(rig.is_up, limit_s=60)
        jobs = rig.submit_all("busy", [busy(f"36 {older} {number}") for number in range(6)])
        assert rig.ends_of(jobs) == {"successful": 6}
        gone = rig.submit("busy", busy("36 gone", 30))
        rig.wait_for(gone, "running")
        rig.client().send("DELETE", f"/jobs/{gone}")
        rig.wait_until(lambda: not rig.violations(), limit_s=10)


def test_scenario_36_a_worker_two_versions_behind_gets_no_work_until_it_is_upgraded(rig: Rig) -> None:
    with rig.otherwise("worker north", TEST_CONTRACT=str(CONTRACT - 2)):
        rig.wait_until(lambda: not rig.is_up(), limit_s=30)
        job = rig.submit("busy", busy("36 waits"))
        rig.wait_until(lambda: "waits until north is upgraded" in rig.status(job).get("gaia:reason", ""), limit_s=30)
        assert rig.status(job)["status"] == "accepted"
    rig.start("worker north")
    assert rig.end_of(job)["status"] == "successful"


def test_scenario_36_a_job_waits_for_a_worker_whose_process_is_older(rig: Rig) -> None:
    with rig.otherwise("worker north", TEST_PROCESS_VERSION="0.9"):
        rig.wait_until(rig.is_up, limit_s=60)
        job = rig.submit("busy", busy("36 newer process"))
        words = "waits until north is upgraded: it has version 0.9 of busy, version 1.0 was asked"
        rig.wait_until(lambda: rig.status(job).get("gaia:reason") == words, limit_s=30)
        assert rig.status(job)["status"] == "accepted"
        assert rig.end_of(rig.submit("echo", {"message": "what has not changed goes on"}))["status"] == "successful"
    rig.start("worker north")
    assert rig.end_of(job)["status"] == "successful"
    assert rig.result(job) == "busy 36 newer process"


def test_scenario_36_a_job_that_waited_through_an_upgrade_is_done_by_the_newer_process_and_shared_with_nobody(
    rig: Rig,
) -> None:
    with rig.otherwise("worker north", TEST_PROCESS_VERSION="1.1"):
        rig.wait_until(rig.is_up, limit_s=60)
        first, second = (rig.submit("busy", busy("36 older process")) for _ in range(2))
        assert rig.ends_of([first, second]) == {"successful": 2}
        later = rig.submit("busy", busy("36 older process"))
        assert rig.end_of(later)["status"] == "successful"
        assert "gaia:computedBy" not in rig.status(later)
        assert "Version 1.1 of busy does this" in rig.client().get(f"/jobs/{first}/log").content.decode()


ALTERED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "an unknown process": lambda order: order | {"process_id": "nobody"},
    "an unknown member": lambda order: order | {"on_the_moon": True},
    "a member that is missing": lambda order: {name: value for name, value in order.items() if name != "inputs"},
}


@pytest.mark.parametrize("what", ALTERED)
def test_scenario_37_an_order_that_its_worker_does_not_understand_fails_once_and_in_words(rig: Rig, what: str) -> None:
    """The worker is away while the order waits, and is altered by somebody who has the centre's key."""
    rig.kill("worker north")
    job = rig.submit("busy", busy(f"37 {what}"))
    alter_waiting_order(rig, ALTERED[what])
    rig.start("worker north")
    end = rig.end_of(job)
    assert (end["status"], end["gaia:attempt"]) == ("failed", 1)
    assert "north" in rig.problem(job)["detail"]


def alter_waiting_order(rig: Rig, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    key = yaml.safe_load((rig.home / "centres.yml").read_text())["centres"][0]["key"].encode()
    queue = "gaia:north:north.interactive"
    with rig.broker() as broker:
        rig.wait_until(lambda: broker.llen(queue) == 1, limit_s=10)
        message = json.loads(str(broker.rpop(queue)))
        (envelope,), *rest = json.loads(base64.b64decode(message["body"]))
        unseal(envelope, key, Order)
        forged = Altered(json.dumps(change(json.loads(envelope["body"]))))
        message["body"] = base64.b64encode(json.dumps([[forged.sealed(key)], *rest]).encode()).decode()
        broker.lpush(queue, json.dumps(message))


class Altered:
    """A body under a signature that fits."""

    def __init__(self, body: str) -> None:
        self._body = body

    def sealed(self, key: bytes) -> dict[str, Any]:
        from gaia_workers import contract

        return {
            "contract": CONTRACT,
            "kind": "order",
            "body": self._body,
            "signature": contract._sign(key, CONTRACT, "order", self._body),
        }
