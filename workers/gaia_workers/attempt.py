"""One order at a centre, seen from the agent: claim it, let a fork compute, keep the lease, tell the recorder, end it in time."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog
from structlog.contextvars import bound_contextvars

from gaia_config.centres import Centre
from gaia_processes.catalogue import known_processes
from gaia_processes.errors import DatasetUnsuitable, GaiaError
from gaia_processes.text import Text
from gaia_workers.contract import (
    MESSAGE_LIMIT_BYTES,
    BadMessage,
    Failure,
    Kind,
    Order,
    Report,
    Result,
    TransportDown,
    Words,
    size_bytes_of,
)
from gaia_workers.delegation import Begun, Delegation
from gaia_workers.errands import Errand, Progress, Said, failure_of
from gaia_workers.forks import Fork, Forks
from gaia_workers.holdings import Holdings
from gaia_workers.limits import Allowance, Guard, failure_of_end, over_time
from gaia_workers.results import Results
from gaia_workers.slurm import SchedulerDown, Slurm
from gaia_workers.transport import Claim, Line

HEARTBEAT_S = 1.0
LOOK_S = 0.1
FIRST_BEAT_S = 0.3
"""So long the start of a task waits for its end, to travel with it and to be recorded at once; who watches a longer one hears of it then."""
OVERTIME_S = 30.0
"""A delegated task watches its own time; so long after that the agent ends it."""

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """
    What an agent carries out orders with.

    Attributes
    ----------
    lease_s : float
        How long an attempt is held without a heartbeat.
    cpu_limit_s, scratch_limit_bytes : float
        What this centre lets one task use of processors and disk.
    weights_limit_bytes : float
        How much of the weights between grids is kept for further tasks.
    output_limit_bytes : float
        The largest grid that is made, as it is in memory.
    schedulers : mapping of Slurm
        By queue, those whose work the site's scheduler runs.
    """

    centre: Centre
    line: Line
    holdings: Holdings
    results: Results
    server_url: str | None
    lease_s: float
    forks: Forks = field(default_factory=Forks)
    cpu_limit_s: float = math.inf
    scratch_limit_bytes: float = math.inf
    weights_limit_bytes: float = 0.0
    output_limit_bytes: float = math.inf
    schedulers: Mapping[str, Slurm] = field(default_factory=dict)


class Attempt:
    """
    One attempt at one order.

    Parameters
    ----------
    claim : Claim or None
        That of this attempt, where it was claimed when its order was taken; else it is claimed here.
    """

    def __init__(
        self,
        order: Order,
        bench: Bench,
        *,
        claim: Claim | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._order = order
        self._claim = claim
        self._bench = bench
        self._clock = clock
        self._unwanted = threading.Event()
        self._outbox: list[tuple[float, Report]] = []
        self._slurm = bench.schedulers.get(order.queue)
        self._done_well: Fork | None = None

    @property
    def order(self) -> Order:
        """What is carried out."""
        return self._order

    def stop(self) -> None:
        """End it: nobody wants it any more."""
        self._unwanted.set()

    def carry_out(self) -> None:
        """
        Do all of it. When this returns, the order may be forgotten.

        Raises
        ------
        TransportDown
            If the broker went away before the claim; the order then comes again.
        """
        with bound_contextvars(job=self._order.job_id, attempt=self._order.attempt):
            self._carry_out()

    def _carry_out(self) -> None:
        order = self._order
        if not self._claimed():
            _log.info("order not taken: dismissed, or taken before")
            return
        _log.info("attempt begins", process=order.process_id)
        if self._slurm is None:
            self._note(Kind.STARTED, words=_begun(order))  # it goes with the first heartbeat, or with an earlier end
        outcome = self._compute()
        try:
            self._conclude(outcome)
        finally:
            if self._done_well is not None:  # whoever waits for the result hears of it first
                self._bench.forks.take_back(self._done_well)

    def _claimed(self) -> bool:
        order, line = self._order, self._bench.line
        if self._claim is not None:
            return line.confirm(self._claim)
        return line.claim(order.job_id, order.attempt, self._bench.lease_s)

    def _compute(self) -> Result | Failure | None:
        """Let a fork do the work; None where it was stopped because nobody wants it."""
        try:
            errand = self._prepare()
        except GaiaError as error:
            return failure_of(error, self._order)
        if self._slurm is not None:
            return self._delegate(errand, self._slurm)
        fork, outcome = self._bench.forks.send_out(errand), None
        try:
            outcome = self._watch(fork, errand.allowance)
        finally:
            if isinstance(outcome, Result):
                self._done_well = fork
            else:
                self._bench.forks.end(fork)
        return outcome

    def _delegate(self, errand: Errand, slurm: Slurm) -> Result | Failure | None:
        """Let the site's scheduler have the work run; None where it was stopped because nobody wants it."""
        try:
            delegation = Delegation.hand_over(errand, slurm)
        except SchedulerDown as error:
            _log.error("the scheduler did not take the work", reason=str(error))
            return _not_taken(self._order)
        try:
            return self._await(delegation, errand.allowance)
        finally:
            delegation.end()

    def _await(self, delegation: Delegation, allowance: Allowance) -> Result | Failure | None:
        """Hold the lease while it waits and runs; its limits count from when it begins."""
        beat, told, give_up = self._clock(), None, math.inf
        while True:
            try:
                news = delegation.hear(LOOK_S)
            except EOFError:
                return self._died()
            match news:
                case Result() | Failure():
                    return news
                case Begun():
                    give_up = self._clock() + allowance.time_s + OVERTIME_S
                    self._note(Kind.STARTED, words=_begun(self._order))
                case Progress() | Said():
                    self._pass_on(news)
            if self._clock() >= beat:
                beat = self._clock() + min(HEARTBEAT_S, self._bench.lease_s / 3)
                if give_up == math.inf and (reason := delegation.waits_for()) and reason != told:
                    told = reason
                    self._note(Kind.WAITING, words=reason)
                self._beat()
            if self._unwanted.is_set():
                return None
            if self._clock() > give_up:
                return over_time(allowance.time_s)

    def _prepare(self) -> Errand:
        """Find what the fork needs; an order of a process that is not installed here is refused in words."""
        order, bench = self._order, self._bench
        process = known_processes().get(order.process_id)
        if process is None:
            raise DatasetUnsuitable(
                Text(
                    en=f"{order.centre} does not have the process {order.process_id}.",
                    fr=f"{order.centre} n'a pas le traitement {order.process_id}.",
                )
            )
        return Errand(
            order=order,
            allowance=Allowance.of(
                order, process.limits, cpu_s=bench.cpu_limit_s, scratch_bytes=bench.scratch_limit_bytes
            ),
            files=bench.holdings.locate_all(process, order.inputs, brought=[each.reference for each in order.brought]),
            results=bench.results.root,
            centre=bench.centre,
            server_url=bench.server_url,
            weights_limit_bytes=bench.weights_limit_bytes,
            output_limit_bytes=bench.output_limit_bytes,
        )

    def _watch(self, fork: Fork, allowance: Allowance) -> Result | Failure | None:
        guard = Guard(
            allowance, fork.family, written_bytes=self._written_bytes, cpu_before_s=fork.cpu_before_s, clock=self._clock
        )
        beat, look = self._clock() + min(FIRST_BEAT_S, self._bench.lease_s / 3), self._clock() + LOOK_S
        while True:
            try:
                news = fork.hear(LOOK_S)
            except EOFError:
                return failure_of_end(fork.exit_code(), allowance, ran_out=fork.ran_out) or self._died(fork.exit_code())
            if isinstance(news, Result | Failure):
                return news
            if news is not None:
                self._pass_on(news)
            now = self._clock()
            if now >= beat:
                beat = now + min(HEARTBEAT_S, self._bench.lease_s / 3)
                self._beat()
            if self._unwanted.is_set():
                return None
            if now >= look:
                look = now + LOOK_S
                if over := guard.find_broken():
                    return over

    def _beat(self) -> None:
        """Renew the lease, send what waits, and look whether the work is still wanted; a broker that is away changes nothing."""
        order, line = self._order, self._bench.line
        try:
            if not line.renew(order.job_id, order.attempt, self._bench.lease_s):
                self._unwanted.set()
            self._flush()
        except TransportDown as error:
            _log.warning("no heartbeat", reason=str(error))

    def _pass_on(self, news: Progress | Said) -> None:
        match news:
            case Progress(percent=percent, words=words):
                self._say(Kind.PROGRESS, progress=percent, words=words)
            case Said(words=words, level=level):
                self._note(Kind.LOG, words=words, level=level)  # a line can wait for the next heartbeat

    def _written_bytes(self) -> int:
        return self._bench.results.drafted_bytes(self._order.job_id, self._order.attempt)

    def _died(self, exit_code: int | None = None) -> Failure:
        _log.error("the task's process died", exit_code=exit_code)
        return Failure(
            code="worker-lost",
            words=Words(
                en=f"The process that computed died (attempt {self._order.attempt}).",
                fr=f"Le processus de calcul s'est arrêté brutalement (tentative {self._order.attempt}).",
            ),
            retry=True,
        )

    def _conclude(self, outcome: Result | Failure | None) -> None:
        match outcome:
            case Result():
                _log.info("attempt done", cpu_s=outcome.receipt.cpu_s, wall_s=outcome.receipt.wall_s)
                self._note(Kind.FINISHED, result=outcome)
            case Failure():
                _log.info("attempt failed", code=outcome.code, retry=outcome.retry)
                self._clean()
                self._note(Kind.FAILED, failure=outcome)
            case None:
                self._clean()
                _log.info("attempt stopped: no longer wanted")
        self._end_until_heard()

    def _clean(self) -> None:
        """Remove what was written; where the disk refuses that too, the next start of an agent does."""
        try:
            self._bench.results.remove(self._order.job_id, self._order.attempt)
        except OSError as error:
            _log.warning("what the attempt wrote could not be removed", reason=os.strerror(error.errno or 0))

    def _say(self, kind: Kind, **members: object) -> None:
        self._note(kind, **members)
        with suppress(TransportDown):  # kept, and sent with the next heartbeat
            self._flush()

    def _note(self, kind: Kind, **members: object) -> None:
        order = self._order
        report = Report(
            job_id=order.job_id, part=order.part, attempt=order.attempt, centre=order.centre, kind=kind,
            **members,  # type: ignore[arg-type]  # members of Report, checked by its own constructor
        )  # fmt: skip
        self._outbox.append((self._clock(), report))

    def _flush(self) -> None:
        """Send what waits."""
        if self._outbox:
            self._put()

    def _end(self) -> None:
        """Send what waits and let go of the lease: both, or neither."""
        self._put(release=(self._order.job_id, self._order.attempt))

    def _put(self, release: tuple[str, int] | None = None) -> None:
        now = self._clock()
        reports = [replace(report, age_s=round(now - then, 3)) for then, report in self._outbox]
        try:
            self._bench.line.put_reports(reports, release=release)
        except BadMessage:
            _log.exception("a report is too large to travel")
            self._bench.line.put_reports([_that_fits(report) for report in reports], release=release)
        self._outbox.clear()

    def _end_until_heard(self) -> None:
        """
        Keep the lease and try until the broker is back or the job is too old: a result is worth waiting for.

        Where there is nothing to say it is tried once: the lease runs out by itself.
        """
        order = self._order
        give_up = self._clock() + (order.queue_deadline - order.accepted).total_seconds()  # by no clock of this machine
        while True:
            try:
                self._end()
            except TransportDown:
                if not self._outbox or self._clock() >= give_up:
                    return
                time.sleep(HEARTBEAT_S)
                self._beat()
            else:
                return


def _that_fits(report: Report) -> Report:
    """Put a failure in the place of what no message can carry, so that the job ends with a reason; others stay."""
    if size_bytes_of(report) < MESSAGE_LIMIT_BYTES:
        return report
    words = Words(
        en="What the work has to say is larger than a message may be.",
        fr="Ce que le calcul doit dire est plus grand que ne peut l'être un message.",
    )
    if report.kind is Kind.LOG:
        return replace(report, words=words)
    return replace(report, kind=Kind.FAILED, result=None, failure=Failure(code="internal-error", words=words))


def _not_taken(order: Order) -> Failure:
    return Failure(
        code="worker-lost",
        words=Words(
            en=f"The scheduler of {order.centre} did not take the work.",
            fr=f"L'ordonnanceur de {order.centre} n'a pas pris le calcul en charge.",
        ),
        retry=True,
    )


def _begun(order: Order) -> Words:
    return Words(en=f"Computing at {order.centre}.", fr=f"Calcul en cours à {order.centre}.")
