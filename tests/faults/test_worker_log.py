"""What a person and an operator can follow: progress, the log of a job, and the job's id in what every program logs."""

import time
from typing import Any

from rig import FINAL, Rig

TEN_S = {"megabytes": 6, "seed": 10, "seconds": 10}


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
