"""The life of a job, told from its record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gaia_server.jobs.records import Job, LogLine
from gaia_server.jobs.states import State
from gaia_server.jobs.story import tell, why_there
from gaia_workers.contract import OutputFile, Receipt, Result, Words

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def job(make_job) -> Job:
    """Give a job that was accepted at noon and began a second later."""
    reason = Words(en="climeri holds the data; 0 job(s) ahead", fr="climeri détient les données ; 0 tâche(s) devant")
    return replace(
        make_job(), created=NOON, started=after(1), centre="climeri", attempt=1, reason=reason, state=State.RUNNING
    )


def ended(job: Job, state: State, **members: object) -> Job:
    return replace(job, state=state, finished=after(4), duration_s=3.0, **members)  # type: ignore[arg-type]  # a test says what it changes


def lines(job: Job, *said: LogLine) -> list[str]:
    return [line.words.en for line in tell(job, said)]


def test_it_says_where_it_goes_and_why_and_when_it_began(job: Job) -> None:
    assert lines(job) == ["Accepted: climeri holds the data; 0 job(s) ahead.", "Computing began at climeri."]
    assert [line.time for line in tell(job, ())] == [NOON, after(1)]


@pytest.mark.parametrize(
    ("reason", "waiting", "running", "done"),
    [
        ("climeri holds the data", "climeri holds the data", "climeri holds the data", "climeri holds the data"),
        ("waits for climeri", "waits for climeri", "computed at climeri", "computed at climeri"),
        ("no contact with climeri", "no contact with climeri", "no contact with climeri", "computed at climeri"),
    ],
)
def test_what_a_job_waited_for_is_its_reason_only_as_long_as_it_waits(
    job: Job, reason: str, waiting: str, running: str, done: str
) -> None:
    held = replace(job, reason=Words(en=reason, fr="-"))
    stages = replace(held, state=State.ACCEPTED, started=None), held, ended(held, State.SUCCESSFUL)
    assert [(why.en if (why := why_there(each)) else None) for each in stages] == [waiting, running, done]


def test_what_was_said_stands_where_it_happened(job: Job) -> None:
    said = LogLine(time=after(2), level="warning", words=Words(en="Half of it is missing.", fr="La moitié manque."))
    done = ended(job, State.DISMISSED)
    assert lines(done, said)[2:] == ["Half of it is missing.", "Dismissed on request."]


def test_at_the_end_it_says_what_was_read_and_written_and_how_long_it_took(job: Job) -> None:
    file = OutputFile(
        output="data", name="subset-1.nc", media_type="application/x-netcdf", size_bytes=1_500_000, sha256="0" * 64,
        location="1/1/subset-1.nc", store="centre",
    )  # fmt: skip
    receipt = Receipt(bytes_read=2_000_000, cpu_s=1.25, wall_s=2.5, peak_memory_bytes=200 * 2**20)
    done = ended(job, State.SUCCESSFUL, result=Result(outputs=(file,), receipt=receipt), attempt=2)
    assert lines(done)[-1] == (
        "Done after 3.0 s, at attempt 2: read 2.0 MB, used 1.2 s of processors and at most 200 MiB of memory, "
        "wrote subset-1.nc (1.5 MB)."
    )


def test_after_several_attempts_it_does_not_claim_to_know_where_it_began(job: Job) -> None:
    assert lines(replace(job, attempt=2)) == ["Accepted.", "Computing began."]


@pytest.mark.parametrize(
    ("change", "last"),
    [
        ({}, "Given up 3.0 s after its start, at attempt 3."),
        ({"duration_s": None, "started": None}, "It never began."),
    ],
)
def test_a_failed_job_says_when_it_was_given_up(job: Job, change: dict[str, object], last: str) -> None:
    failed = replace(ended(job, State.FAILED, attempt=3), **change)  # type: ignore[arg-type]  # a test says what it changes
    assert lines(failed)[-1] == last


def test_a_job_that_shares_equal_work_says_so_and_names_nobody(job: Job) -> None:
    assert "shared" in lines(replace(job, id="a", work_id="b"))[0]


def test_every_line_is_there_in_both_languages(job: Job) -> None:
    for state in (State.SUCCESSFUL, State.FAILED, State.DISMISSED):
        assert all(line.words.en != line.words.fr for line in tell(ended(job, state), ()))
