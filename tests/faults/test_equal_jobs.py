"""Scenarios 29 and 30, as far as jobs share their work: many equal requests at once, and those who leave while others stay."""

import hashlib
import time
from collections.abc import Sequence

from rig import Rig

MANY = 500
SLACK_S = 4.0


def computed(rig: Rig, jobs: Sequence[str]) -> list[tuple[str, int]]:
    """List the attempts that workers began at the work of these jobs, from their logs."""
    works = {row.work for row in rig.rows() if row.id in set(jobs)}
    begun = [
        each for centre in rig.centres for each in rig.log(f"worker {centre}") if each.get("event") == "attempt begins"
    ]
    return [(each["job"], each["attempt"]) for each in begun if each["job"] in works]


def checksums(rig: Rig, jobs: Sequence[str]) -> set[str]:
    return {hashlib.sha256(str(rig.result(job)).encode()).hexdigest() for job in jobs}


def test_scenario_29_500_equal_requests_cause_one_computation(rig: Rig) -> None:
    begun = time.monotonic()
    jobs = rig.submit_all("busy", [{"seconds": 4, "mark": "29"}] * MANY, at_once=16)
    took_s = time.monotonic() - begun
    assert rig.ends_of(jobs) == {"successful": MANY}
    assert len(set(jobs)) == MANY
    assert len(computed(rig, jobs)) == 1
    assert len(checksums(rig, jobs[:: MANY // 20])) == 1
    told = [rig.status(job) for job in (jobs[0], jobs[-1])]
    shares = [status["gaia:computedBy"] for status in told if "gaia:computedBy" in status]
    assert shares, "all but one say that they share"
    assert not any(share in jobs for share in shares), "and never with whom"
    print(f"scenario 29: {MANY} equal requests within {took_s:.1f} s, computed {len(computed(rig, jobs))} time")


def test_scenario_29_equal_requests_whose_computation_is_killed_get_one_published_result(rig: Rig) -> None:
    jobs = rig.submit_all("busy", [{"seconds": 3, "mark": "29 killed"}] * 40)
    rig.wait_until(lambda: rig.status(jobs[0])["progress"] > 0, limit_s=30)
    rig.kill("worker north")
    rig.start("worker north")
    assert rig.ends_of(jobs) == {"successful": 40}
    assert sorted(attempt for _, attempt in computed(rig, jobs)) == [1, 2]
    assert {rig.status(job)["gaia:attempt"] for job in jobs[::10]} == {2}
    assert len(checksums(rig, jobs)) == 1
    (work,) = {row.work for row in rig.rows() if row.id in jobs}
    assert [each for each in rig.published() if each.startswith(work)] == [f"{work}/2"]


def test_scenario_30_whoever_leaves_a_shared_computation_stops_nobody_else(rig: Rig) -> None:
    jobs = rig.submit_all("busy", [{"seconds": 4, "mark": "30 shared"}] * 12)
    rig.wait_until(lambda: rig.status(jobs[0])["progress"] > 0, limit_s=30)
    (work,) = {row.work for row in rig.rows() if row.id in jobs}
    leave = {work, *jobs[:5]}
    for job in leave:
        assert rig.client().send("DELETE", f"/jobs/{job}").json["status"] == "dismissed"
    stay = [job for job in jobs if job not in leave]
    assert rig.ends_of(stay) == {"successful": len(stay)}
    assert rig.ends_of(leave) == {"dismissed": len(leave)}
    assert len(computed(rig, jobs)) == 1, "nobody had to begin again"
    assert {rig.client().get(f"/jobs/{job}/results").status for job in leave} == {410}


def test_scenario_30_a_shared_computation_ends_with_the_last_who_wants_it(rig: Rig) -> None:
    jobs = rig.submit_all("busy", [{"seconds": 60, "mark": "30 last"}] * 3)
    rig.wait_until(lambda: rig.status(jobs[0])["progress"] > 0, limit_s=30)
    (work,) = {row.work for row in rig.rows() if row.id in jobs}
    with rig.broker() as broker:
        for job in jobs[:2]:
            rig.client().send("DELETE", f"/jobs/{job}")
        time.sleep(1.2)  # a heartbeat and more: were somebody told to stop, the lease would be gone
        assert list(broker.scan_iter(f"*lease:{work}")) != []
        left = time.monotonic()
        rig.client().send("DELETE", f"/jobs/{jobs[2]}")
        rig.wait_until(lambda: not [*broker.scan_iter(f"*lease:{work}")], limit_s=2 + SLACK_S)
        print(f"scenario 30: the computation ended {time.monotonic() - left:.1f} s after the last one left")
    assert rig.ends_of(jobs) == {"dismissed": 3}


def test_scenario_34_two_servers_that_get_equal_requests_at_once_begin_one_computation(rig: Rig) -> None:
    jobs = [
        *rig.submit_all("busy", [{"seconds": 2, "mark": "34"}] * 20, web="a", at_once=4),
        *rig.submit_all("busy", [{"seconds": 2, "mark": "34"}] * 20, web="b", at_once=4),
    ]
    assert rig.ends_of(jobs) == {"successful": 40}
    assert len(computed(rig, jobs)) == 1
