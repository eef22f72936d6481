"""The agent of a centre, the command `gaia worker`: takes orders off the centre's queues, and gives signs of life."""

import multiprocessing.forkserver
import os
import socket
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from itertools import batched
from typing import Any

import structlog

from gaia_config.centres import Centre, own_centre
from gaia_config.errors import ConfigurationError
from gaia_config.garbage import leave_alone
from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_processes.catalogue import known_processes
from gaia_workers.app import make_worker
from gaia_workers.attempt import Attempt, Bench
from gaia_workers.cgroups import Groups
from gaia_workers.contract import (
    BadMessage,
    Dismissal,
    Failure,
    Kind,
    NotUnderstood,
    Order,
    Presence,
    Report,
    TransportDown,
    Words,
    unseal,
)
from gaia_workers.delegation import name_of
from gaia_workers.delivery import delivery_for
from gaia_workers.forks import Forks
from gaia_workers.holdings import Holdings
from gaia_workers.loops import have_loops_made
from gaia_workers.results import Results
from gaia_workers.slurm import Slurm
from gaia_workers.transport import AGENTS, Claim, Line, Taken
from gaia_workers.versions import is_behind, waits_for_upgrade

PRESENCE_PERIOD_S = 2.0
PAUSE_S = 1.0
WAIT_S = 1.0
"""So long the broker is asked to wait for an order, and not longer: in between an agent that is to end looks up."""
SWEEP_AFTER_LEASES = 4
STOCK_PERIOD_S = 6 * 3600.0
STOCK_AT_ONCE = 500
SETTLED_S = 3600.0
"""What was published just now is no stock yet: the server may hear of it only later."""
PROGRAM = "gaia_config.cli"
"""What the program that runs here imports first. Every fork runs that program's first lines again: with this they are cheap."""
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Libraries that start threads when they are imported, unless these say no: a fork of such a parent can hang. (Polars starts one in any case, so
that nothing here may import it before the fork.)"""

_log = structlog.get_logger()


class Agent:
    """What one worker process of a centre does."""

    def __init__(self, centre: Centre, settings: Settings) -> None:
        if centre.data is None or centre.results is None:
            raise ConfigurationError(
                f"centre {centre.id}: a worker needs its `data` and `results` folders in the centres file."
            )
        delivery_for(centre, settings.server_url)
        self._centre = centre
        self._data = centre.data
        self._results = Results(centre.results)
        self._slots = sum(queue.concurrency for queue in centre.queues)
        self._line = Line(centre)
        self._bench = Bench(
            centre=centre,
            line=self._line,
            holdings=Holdings(centre),
            results=self._results,
            server_url=settings.server_url,
            lease_s=settings.lease_s,
            forks=Forks(ready=_computed_here(centre)),
            cpu_limit_s=settings.cpu_limit_s,
            scratch_limit_bytes=settings.scratch_limit,
            weights_limit_bytes=settings.weights_limit,
            output_limit_bytes=settings.output_limit,
            schedulers={each.name: Slurm(each.options) for each in centre.queues if each.executor == "slurm"},
        )
        self._name = f"{centre.id}@{socket.gethostname()}:{os.getpid()}"
        self._running: dict[str, Attempt] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._all_served = threading.Barrier(self._slots)
        self._door = threading.Lock()
        self._turns = deque(queue.name for queue in centre.queues)
        self._trouble: str | None = None
        self._idle_drafts: frozenset[str] = frozenset()
        self._unremoved: dict[tuple[str, int], Dismissal] = {}
        self._sweep_period_s = SWEEP_AFTER_LEASES * settings.lease_s

    def run(self) -> None:
        """Work until told to stop."""
        self._bench.forks.use(Groups.find())  # before there are children: they begin where this process is
        warm_up()
        self._bench.forks.refill()
        self._self_test(sweep=True)
        threads = [
            threading.Thread(target=self._repeat, args=(self._show_presence, PRESENCE_PERIOD_S), daemon=True),
            threading.Thread(target=self._repeat, args=(self._heed_dismissals, 0.0), daemon=True),
            threading.Thread(target=self._repeat, args=(self._take_stock, STOCK_PERIOD_S), daemon=True),
            threading.Thread(target=self._repeat, args=(self._sweep_drafts, self._sweep_period_s), daemon=True),
            threading.Thread(target=have_loops_made, daemon=True),
        ]
        worker = make_worker(self._centre, slots=self._slots, serve=self._serve, close=self._closed.set)
        leave_alone()
        for thread in threads:
            thread.start()
        _log.info("worker is up", centre=self._centre.id, slots=self._slots)
        try:
            worker.start()
        finally:  # Celery may leave it by SystemExit; forks that wait would keep the process
            self._closed.set()
            self._stop.set()
            self._bench.forks.close()
            with suppress(TransportDown):
                self._line.leave(self._name)

    def _serve(self) -> None:
        """Carry out one order after the other, in one of as many threads as there are slots."""
        self._repeat(self._serve_once, 0.0, until=self._closed)
        # A warm parent that was begun by one of these threads dies with it (PR_SET_PDEATHSIG), and the tasks of the others too.
        self._all_served.wait()

    def _serve_once(self) -> None:
        if self._trouble:
            self._closed.wait(PAUSE_S)  # the orders stay in their queues, for a worker beside this one that is well
        elif taken := self._line.take_order(self._next_turn(), self._bench.lease_s) or self._wait_for_order():
            self._take(taken)

    def _wait_for_order(self) -> Taken | None:
        """
        Wait at the queues, one thread at a time: an agent that freezes or is cut off while it waits would get an order for each
        that waits, and they would be missed.
        """
        if not self._door.acquire(timeout=WAIT_S):
            return None
        try:
            return None if self._trouble else self._line.await_order(self._next_turn(), wait_s=WAIT_S)
        finally:
            self._door.release()

    def _next_turn(self) -> tuple[str, ...]:
        """Give the queues, each time another one first, so that none is always last."""
        with self._lock:
            self._turns.rotate(-1)
            return tuple(self._turns)

    def _take(self, taken: Taken) -> None:
        """Carry out what arrived, if it is believable; a forged order runs nothing."""
        order, claim = self._believed(taken), taken.claim
        if claim is not None and (order is None or (claim.job_id, claim.attempt) != (order.job_id, order.attempt)):
            self._line.undo(claim)
            claim = None
        if order is None:
            return
        if self._why_not(order) is None:
            self._carry_out(order, claim)
        elif claim is not None:
            self._line.undo(claim)  # unclaimed: the reconciler sends it again, here or elsewhere

    def _believed(self, taken: Taken) -> Order | None:
        """Read an order that was signed for this centre; None of anything else."""
        try:
            order = unseal(taken.envelope(), self._centre.key, Order)
        except NotUnderstood as error:
            _log.error("order not understood", job=error.job_id, attempt=error.attempt, reason=str(error))
            self._refuse(error)
            return None
        except BadMessage as error:
            _log.warning("order refused", reason=str(error))
            return None
        if order.centre != self._centre.id:
            _log.warning("order refused", reason="it is for another centre")
            return None
        return order

    def _why_not(self, order: Order) -> str | None:
        """Say why a genuine order is not taken; None where it is."""
        process = known_processes().get(order.process_id)
        reason = self._trouble  # it came up while we waited
        if reason is None and process is not None and is_behind(process, order):
            words = waits_for_upgrade(process, order)
            self._leave_until_upgraded(order, words)
            reason = words.en
        if reason is not None:
            _log.warning("order not taken", job=order.job_id, attempt=order.attempt, reason=reason)
        return reason

    def _leave_until_upgraded(self, order: Order, reason: Words) -> None:
        """Let the job of an order of a version that is not here yet say so."""
        waiting = self._about(order.job_id, order.attempt, Kind.WAITING)
        with suppress(TransportDown):  # it is sent again, and left again
            self._line.put_reports([replace(waiting, words=reason)])
        self._closed.wait(PAUSE_S)  # a worker beside this one, that is upgraded, gets the most of them

    def _refuse(self, error: NotUnderstood) -> None:
        """End the job of a genuine order that says what is not known here: sent again it would be no better."""
        if error.job_id is None or error.attempt is None:
            return
        failure = Failure(
            code="internal-error",
            words=Words(
                en=f"{self._centre.id} does not understand the order; its version and that of the server do not fit.",
                fr=f"{self._centre.id} ne comprend pas l'ordre ; sa version et celle du serveur ne s'accordent pas.",
            ),
        )
        report = Report(
            job_id=error.job_id,
            part=0,
            attempt=error.attempt,
            centre=self._centre.id,
            kind=Kind.FAILED,
            failure=failure,
        )
        with suppress(TransportDown):  # it comes again, and is refused again
            self._line.put_reports([report])

    def _carry_out(self, order: Order, claim: Claim | None) -> None:
        attempt = Attempt(order, self._bench, claim=claim)
        with self._lock:
            self._running[f"{order.job_id}/{order.attempt}"] = attempt
        try:
            attempt.carry_out()
        finally:
            with self._lock:
                self._running.pop(f"{order.job_id}/{order.attempt}", None)
            self._bench.forks.refill()

    # --- beside the work ---------------------------------------------------------------------------------------------

    def _repeat(self, work: Any, period_s: float, *, until: threading.Event | None = None) -> None:
        stop = until or self._stop
        while not stop.is_set():
            try:
                work()
            except TransportDown as error:
                _log.warning("tried again in a moment", reason=str(error))
                stop.wait(PAUSE_S)
            except Exception:  # noqa: BLE001 - whatever a turn meets, the agent must live
                _log.exception("a turn failed")
                stop.wait(PAUSE_S)
            if period_s:
                stop.wait(period_s)

    def _show_presence(self) -> None:
        with self._lock:
            running = tuple(self._running)
        self._line.show_presence(
            Presence(
                worker=self._name,
                centre=self._centre.id,
                queues=tuple(queue.name for queue in self._centre.queues),
                running=running,
                slots=self._slots,
                trouble=self._self_test(),
            )
        )

    def _self_test(self, *, sweep: bool = False) -> str | None:
        """Try what every order needs: the data can be read, the results written. While they cannot, no order is taken."""
        self._trouble = self._find_trouble(sweep=sweep)
        return self._trouble

    def _find_trouble(self, *, sweep: bool) -> str | None:
        try:
            next(self._data.iterdir(), None)
            self._results.prepare()
            if sweep:
                self._results.sweep(frozenset(self._leased_elsewhere()))
        except OSError as error:
            _log.error(
                "the centre's folders cannot be used", centre=self._centre.id, error=os.strerror(error.errno or 0)
            )
            return "the data folder cannot be read or the results folder cannot be written"
        return None

    def _sweep_drafts(self) -> None:
        """
        Remove drafts that nobody held at two looks in a row: one look may fall into a moment without leases, as after the
        broker was emptied, and one that began with this agent may have come while an old lease still ran.
        """
        with self._lock:
            held = {name.partition("/")[0] for name in self._running}
        held |= self._leased_elsewhere()
        idle = frozenset(folder.name for folder in self._results.drafts() if folder.name[:36] not in held)
        if abandoned := idle & self._idle_drafts:
            _log.info("drafts removed that nobody writes any more", count=len(abandoned))
            self._results.drop(abandoned)
        self._idle_drafts = idle

    def _leased_elsewhere(self) -> set[str]:
        """Jobs whose drafts belong to another agent of this centre that is at work."""
        drafts = {folder.name[:36] for folder in self._results.drafts()}
        try:
            traces = self._line.traces(tuple(drafts))
        except TransportDown:
            return drafts
        return {job_id for job_id, trace in traces.items() if trace.leased}

    def _heed_dismissals(self) -> None:
        for number, dismissal in self._line.take("dismissals", AGENTS, Dismissal, wait_s=1.0, limit=100):
            if isinstance(dismissal, BadMessage):
                _log.warning("dismissal refused", number=number, reason=str(dismissal))
            else:
                self._heed(dismissal)
            self._line.acknowledge("dismissals", AGENTS, (number,))

    def _heed(self, dismissal: Dismissal) -> None:
        with self._lock:
            attempts = [each for each in self._running.values() if each.order.job_id == dismissal.job_id]
        for attempt in attempts:
            if attempt.order.attempt <= dismissal.attempt:
                attempt.stop()
        for scheduler in self._bench.schedulers.values():  # what an agent handed over that is gone
            scheduler.cancel(name_of(dismissal.job_id, dismissal.attempt))
        self._remove(dismissal)

    def _remove(self, dismissal: Dismissal) -> None:
        """Remove what an attempt left, or put it aside, and say so; where that fails nothing is said, and it is tried again."""
        remove = self._results.set_aside if dismissal.aside else self._results.remove
        try:
            remove(dismissal.job_id, dismissal.attempt)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            _log.error("files could not be removed", job=dismissal.job_id, attempt=dismissal.attempt, error=reason)
            self._unremoved[dismissal.job_id, dismissal.attempt] = dismissal
            return
        self._line.put_reports([self._about(dismissal.job_id, dismissal.attempt, Kind.REMOVED)])

    def _remove_again(self) -> None:
        """
        Remove what could not be removed when it was asked for, as on a disk that was read-only for a while.

        An agent that dies meanwhile forgets it: then the server hears of it when stock is taken.
        """
        for key in tuple(self._unremoved):
            self._remove(self._unremoved.pop(key))

    def _take_stock(self) -> None:
        """Tell the server what lies here, so that it can say what nobody wants."""
        self._results.clear_aside()
        for some in batched(self._results.published(older_s=SETTLED_S), STOCK_AT_ONCE):
            self._line.put_reports([self._about(job_id, attempt, Kind.HELD) for job_id, attempt in some])

    def _about(self, job_id: str, attempt: int, kind: Kind) -> Report:
        return Report(job_id=job_id, part=0, attempt=attempt, centre=self._centre.id, kind=kind)


def _computed_here(centre: Centre) -> int:
    """Count the tasks that run at once on this machine; a site scheduler's run elsewhere."""
    return sum(queue.concurrency for queue in centre.queues if queue.executor == "process")


def warm_up() -> None:
    """
    Start the parent of all tasks, with the scientific stack imported.

    Call it in the main thread: the parent is tied to the thread that starts it.
    """
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    multiprocessing.set_forkserver_preload(["gaia_workers.warm", PROGRAM])
    multiprocessing.forkserver.ensure_running()


def command() -> None:
    """Work for a centre: take orders off its queues and compute beside its data."""
    settings = Settings()
    set_up_logs(settings.log_level)
    Agent(own_centre(settings), settings).run()
