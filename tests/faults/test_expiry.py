"""Scenarios 32 to 34, as far as results expire: under a download, while the sweeper is killed, and with two sweepers at work."""

import hashlib
import http.client
import random
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from rig import Rig

LIFETIME_S = 3.0
QUICK = {"GAIA_RESULT_LIFETIME_S": f"{LIFETIME_S:g}", "GAIA_SWEEP_PERIOD_S": "0.2"}
SEED = 33
KILLS = 4

type Build = Callable[..., Rig]


def keeping(rig: Rig) -> dict[str, str]:
    return {row.work: row.keeping for row in rig.rows()}


def begin(address: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, bytes]:
    """Begin a download, and stop reading after a little."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    return connection, answer, answer.read(1000)


def test_scenario_32_a_result_that_expires_while_it_is_downloaded_arrives_whole(other_rig: Build) -> None:
    rig = other_rig(more=QUICK, own={"web b": {"GAIA_REDIRECT_ABOVE_BYTES": "1000"}})
    job = rig.submit("write", {"megabytes": 40, "seed": 32})
    assert rig.end_of(job)["status"] == "successful"
    told = rig.client("a").get(f"/jobs/{job}/results?f=json").json["data"]
    path = urlsplit(told["href"]).path
    there = rig.client("b").base_url + path
    parts = urlsplit(there)
    asking = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    asking.request("GET", parts.path)
    moved = asking.getresponse()
    assert moved.status == 307
    depot = str(moved.headers["Location"])
    asking.close()
    downloads = [begin(rig.client("a").base_url + path), begin(depot)]
    rig.wait_until(lambda: keeping(rig)[job] == "gone", limit_s=LIFETIME_S + 30)
    assert rig.published() == []
    for connection, answer, head in downloads:
        content = head + answer.read()
        connection.close()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (told["gaia:sizeBytes"], told["gaia:sha256"])
    for address in (rig.client("a").base_url + path, depot):
        for headers in ({}, {"Range": "bytes=1000-1999"}):
            gone = rig.client().get(address, **headers)
            assert (gone.status, gone.json["type"].rpartition("/")[2]) == (410, "result-not-available")
    status = rig.status(job)
    assert (status["status"], "expired" in status["message"], "gaia:expires" in status) == ("successful", True, False)


def ups(rig: Rig) -> int:
    """Count how often the recorder has come up."""
    return sum(each.get("event") == "recorder is up" for each in rig.log("recorder"))


def test_scenario_33_a_sweeper_killed_at_any_moment_leaves_no_job_that_leads_to_nothing(other_rig: Build) -> None:
    chosen = random.Random(SEED)
    rig = other_rig(more=QUICK)
    jobs = rig.submit_all("echo", [{"message": f"33 {number}"} for number in range(120)])
    assert rig.ends_of(jobs) == {"successful": 120}
    for kills in range(KILLS):
        rig.wait_until(lambda: ups(rig) > kills, limit_s=60)  # noqa: B023 - it is called at once
        time.sleep(chosen.uniform(0.0, 1.2))  # at any moment of what it does first: let go, send, confirm
        rig.kill("recorder")
        there = {each.partition("/")[0] for each in rig.published()}
        states = keeping(rig)
        assert {work for work, state in states.items() if state == "kept"} <= there, "a row leads to nothing"
        print(f"scenario 33: kill {kills + 1}, seed {SEED}: {dict(Counter(states.values()))}, {len(there)} there")
        rig.start("recorder")
    rig.wait_until(lambda: set(keeping(rig).values()) == {"gone"}, limit_s=90)
    assert rig.published() == []
    assert {rig.client().get(f"/jobs/{job}/results").status for job in jobs[::12]} == {410}
    assert {rig.status(job)["status"] for job in jobs[::12]} == {"successful"}


def test_scenario_34_two_sweepers_at_once_let_each_result_go_once(other_rig: Build) -> None:
    def second(rig: Rig) -> None:
        rig.programs["recorder b"] = rig._program("recorder b", "recorder")

    rig = other_rig(more=QUICK | {"GAIA_SWEEP_PERIOD_S": "0.1"}, before=second)
    jobs = rig.submit_all("echo", [{"message": f"34 {number}"} for number in range(80)])
    assert rig.ends_of(jobs) == {"successful": 80}
    rig.wait_until(lambda: set(keeping(rig).values()) == {"gone"}, limit_s=LIFETIME_S + 40)
    told = [
        each["job"]
        for name in ("recorder", "recorder b")
        for each in rig.log(name)
        if each.get("event") == "results expired"
    ]
    assert sorted(told) == sorted(jobs)
    assert rig.published() == []
