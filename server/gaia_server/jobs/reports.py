"""What workers report, written: from which state each report may come, and what follows from it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, update

from gaia_server.jobs.callbacks import PROGRESS_GAP_S
from gaia_server.jobs.moves import (
    LIVING,
    Waiting,
    call_for,
    change_living,
    end_jobs,
    fail,
    find_waiting,
    retry,
    say,
    this_attempt,
)
from gaia_server.jobs.paces import note_pace
from gaia_server.jobs.parts import give_to_whole, tell_whole
from gaia_server.jobs.records import Keeping, Work
from gaia_server.jobs.rows import (
    PLAIN_WORKS,
    RESULT,
    read_plain_work,
)
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, jobs, works
from gaia_server.jobs.works import confirm, judge_held, let_parts_go, put_out, take_order_out
from gaia_workers.contract import Failure, Kind, Report, Result, Words, utc_now

_FIND_LIVING = Statement(PLAIN_WORKS.where(*LIVING).with_for_update())
_BEGUN = bindparam("begun", type_=Moment)
_START_WAITING = (
    update(jobs)
    .where(jobs.c.work_id == bindparam("this_work"), jobs.c.state == State.ACCEPTED.value)
    .values(
        state=State.RUNNING.value,
        started=func.coalesce(jobs.c.started, case((jobs.c.created > _BEGUN, jobs.c.created), else_=_BEGUN)),
        updated=bindparam("now", type_=Moment),
    )
)
DONE = Words(en="The job is done.", fr="La tâche est terminée.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """
    What holds for all reports of a batch.

    Attributes
    ----------
    attempts : int
        How often a work is tried.
    kept_for : timedelta
        How long what it made is kept.
    brief : frozenset of tuple
        Attempts, as work and number, that begin and end well within the batch.
    """

    attempts: int
    kept_for: timedelta
    brief: frozenset[tuple[str, int]]


def find_brief(reports: Iterable[Report]) -> frozenset[tuple[str, int]]:
    """Find the attempts that begin and end well in one batch: nobody could read that they run, so that need not be written."""
    said: dict[tuple[str, int], list[Report]] = {}
    for report in reports:
        said.setdefault((report.job_id, report.attempt), []).append(report)
    return frozenset(key for key, each in said.items() if _is_brief(each))


def _is_brief(said: Sequence[Report]) -> bool:
    *before, last = said
    ends_well = last.kind is Kind.FINISHED and last.result is not None
    return ends_well and all(report.kind in (Kind.STARTED, Kind.LOG) for report in before)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A work that goes on, and the jobs that wait for it, as they are in this transaction."""

    work: Work
    waiting: tuple[Waiting, ...]

    wholes: tuple[str, ...] = ()
    """Ids of the jobs that wait for the whole of which it is a part."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the jobs that change with it."""
        return (*(each.id for each in self.waiting), *self.wholes)


def apply_report(
    connection: Connection, report: Report, rules: Rules, known: dict[tuple[str, int], Held]
) -> tuple[str, ...]:
    """
    Write a report, and give the ids of the jobs that changed.

    Parameters
    ----------
    known : dict of Held
        Works that began in the same batch or had a line logged, by work and attempt, as they are now: their end often follows
        at once.
    """
    if report.kind is Kind.REMOVED:
        confirm(connection, report.job_id, report.attempt, report.centre)
        return ()
    if report.kind is Kind.HELD:
        judge_held(connection, report.job_id, report.attempt, report.centre, utc_now())
        return ()
    held = known.pop((report.job_id, report.attempt), None) or _hold(connection, report)
    if held is None or held.work.centre != report.centre:
        _refuse_late(connection, report)
        return ()
    starts = (
        held.work.state is State.ACCEPTED and report.kind is not Kind.WAITING
    )  # its own report may have been lost with the broker
    if starts:
        brief = (report.job_id, report.attempt) in rules.brief and held.work.whole is None
        held = _begin(held, report) if brief else _start(connection, held, report)
    if (report.kind is Kind.STARTED and starts) or report.kind is Kind.LOG:
        known[report.job_id, report.attempt] = held
    if report.kind is Kind.STARTED and starts:
        return held.ids
    handler = {
        Kind.WAITING: _waits,
        Kind.STARTED: _progressed,  # it runs already: the next attempt does
        Kind.PROGRESS: _progressed,
        Kind.LOG: _logged,
        Kind.FINISHED: _finished,
        Kind.FAILED: _failed,
    }[report.kind]
    return held.ids if handler(connection, held, report, rules) else ()


def _hold(connection: Connection, report: Report) -> Held | None:
    """Read the work of a report and the jobs that wait for it, where that attempt still goes on."""
    row = _FIND_LIVING.first(connection, this_attempt(report.job_id, report.attempt))
    if row is None:
        return None
    work = read_plain_work(row)
    wholes = () if work.whole is None else tuple(each.id for each in find_waiting(connection, work.whole))
    return Held(work=work, waiting=find_waiting(connection, report.job_id), wholes=wholes)


def _refuse_late(connection: Connection, report: Report) -> None:
    """Have the files removed that an attempt made which no longer counts: nobody will ask for them."""
    if report.kind is Kind.FINISHED and not _is_published(connection, report):
        put_out(connection, "dismissal", report.job_id, report.attempt, report.centre, utc_now())


def _is_published(connection: Connection, report: Report) -> bool:
    """Tell whether this is the report of the published attempt, come twice."""
    query = select(works.c.id).where(
        works.c.id == report.job_id,
        works.c.attempt == report.attempt,
        works.c.centre == report.centre,
        works.c.keeping == Keeping.KEPT.value,
    )
    return connection.execute(query).first() is not None


def _start(connection: Connection, held: Held, report: Report) -> Held:
    """Let a work run, and all jobs that wait for it."""
    now, begun = utc_now(), _when(held.work, report)
    change = {"seen": now, "updated": now, "state": State.RUNNING.value, "started": held.work.started or begun}
    words = report.words if report.kind is Kind.STARTED else None
    change_living(connection, held.work, **change, **({"message": asdict(words)} if words else {}))
    connection.execute(_START_WAITING, {"this_work": held.work.id, "begun": begun, "now": now})
    call_for(connection, held.waiting, "inProgress")
    tell_whole(connection, held.work, None)
    return _begin(held, report)


def _begin(held: Held, report: Report) -> Held:
    """Give a work that runs from now on, with all jobs that wait for it; one that came after the start began when it came."""
    begun = _when(held.work, report)
    return replace(
        held,
        work=replace(held.work, state=State.RUNNING, started=held.work.started or begun),
        waiting=tuple(replace(each, started=each.started or max(begun, each.created)) for each in held.waiting),
    )


def _waits(connection: Connection, held: Held, report: Report, _rules: Rules) -> bool:
    """Note why what was taken has not begun; what has begun does not wait any more."""
    if held.work.state is not State.ACCEPTED or report.words is None:
        return False
    now = utc_now()
    tell_whole(connection, held.work, report.words)
    return change_living(connection, held.work, seen=now, updated=now, reason=asdict(report.words))


def _when(work: Work, report: Report) -> datetime:
    """Tell when it happened by the server's clock; never before what must have been before it."""
    return max(utc_now() - timedelta(seconds=report.age_s), work.started or work.created)


def _progressed(connection: Connection, held: Held, report: Report, _rules: Rules) -> bool:
    now = utc_now()
    change: dict[str, Any] = {"seen": now, "updated": now}
    if report.progress is not None:
        change["progress"] = max(held.work.progress, min(max(report.progress, 0), 99))
    if report.words:
        change["message"] = asdict(report.words)
    changed = change_living(connection, held.work, **change)
    if changed and report.kind is Kind.PROGRESS:
        call_for(connection, held.waiting, "inProgress", delay_s=PROGRESS_GAP_S)
    return changed


def _logged(connection: Connection, held: Held, report: Report, _rules: Rules) -> bool:
    if report.words:
        say(connection, held.work.id, report.level, report.words)
    return bool(report.words)


def _finished(connection: Connection, held: Held, report: Report, rules: Rules) -> bool:
    now, ended = utc_now(), _when(held.work, report)
    if report.result is None:
        return False  # a finished report without a result is none; the lease runs out, and the work is done again
    # What a part made ready is kept for as long as its whole goes on.
    expires = None if held.work.whole else now + rules.kept_for
    changed = change_living(
        connection, held.work, state=State.SUCCESSFUL.value, updated=now, seen=now, finished=ended, progress=100,
        started=held.work.started,
        result=RESULT.dump_python(report.result, mode="json"), message=asdict(DONE),
        keeping=Keeping.KEPT.value, expires=expires,
        **({} if _is_of_its_version(held.work, report.result) else {"joinable": False}),
        size_bytes=sum(file.size_bytes for file in report.result.files),
    )  # fmt: skip
    work = held.work
    if changed and work.started is not None and not work.lost:
        note_pace(connection, work, max((ended - work.started).total_seconds(), 0.0))
    if changed:
        take_order_out(connection, work.id, work.attempt)  # whoever sent it need not
        end_jobs(connection, held.waiting, State.SUCCESSFUL, DONE, progress=100, ended=ended)
        give_to_whole(connection, work, report.result)
    if changed and work.brought:
        let_parts_go(connection, work.id, now)
    return changed


def _is_of_its_version(work: Work, result: Result) -> bool:
    """Tell whether the version of the process did the work that its content key names; what another did is nobody else's."""
    return result.software.get(work.process_id, work.process_version) == work.process_version


def _failed(connection: Connection, held: Held, report: Report, rules: Rules) -> bool:
    work = held.work
    failure = report.failure or Failure(code="internal-error", words=Words(en="It failed.", fr="Échec."))
    if failure.retry and work.lost + 1 < rules.attempts:
        reason = Words(
            en=f"{failure.words.en} Attempt {work.attempt + 1} follows.",
            fr=f"{failure.words.fr} La tentative {work.attempt + 1} suit.",
        )
        return retry(connection, work, lost=True, centre=work.centre, queue=work.queue, reason=reason)
    return fail(connection, work.id, work.attempt, failure)
