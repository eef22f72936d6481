"""From a validated demand to a recorded job whose order is on its way; and waiting for it, and dismissing it."""

import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import structlog
from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_processes.inputs.references import references_in
from gaia_processes.process import Estimate, Process
from gaia_processes.text import Text
from gaia_server import routing
from gaia_server.demands import Understood, estimate
from gaia_server.errors import (
    CostOverLimit,
    Forbidden,
    InputsTooLarge,
    NoCentre,
    NoSuchJob,
    QueueFull,
    StoreDown,
    TooManyQueued,
)
from gaia_server.events import Wakes
from gaia_server.holders import datasets_in
from gaia_server.identity import may_read
from gaia_server.jobs.dispatcher import Rooms, with_lengths
from gaia_server.jobs.lanes import Room
from gaia_server.jobs.orders import order_of
from gaia_server.jobs.records import Demand, Job, Once, Work
from gaia_server.jobs.sent import SentOrders
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.repeats import require_same
from gaia_server.staging import Bringing, find_sites
from gaia_workers.contract import MESSAGE_LIMIT_BYTES, Dismissal, Load, Transport, TransportDown, size_bytes_of, utc_now

LOAD_AGE_S = 1.0
NEAR = 0.8
"""From this share of the limit on the queue is counted for each request."""
MARGIN_BYTES = 1024
BRINGING_BYTES = 1024
"""So much at most an order says of each dataset that is brought."""
_POLL_S, _LONGEST_POLL_S = 0.5, 4.0

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Where a demand runs, and where what it lacks there is made ready."""

    choice: routing.Choice
    brings: tuple[tuple[Bringing, routing.Choice], ...] = ()

    @property
    def bytes_moved(self) -> int:
        """Bytes that travel between centres, about."""
        return sum(each.cost.bytes_written for each, _ in self.brings)


class Submission:
    """What one web process does with demands."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        transport: Transport,
        federation: Federation,
        centres: Mapping[str, Centre],
    ) -> None:
        self._settings = settings
        self._store = store
        self._transport = transport
        self._federation = federation
        self._centres = centres
        self._loads: tuple[float, dict[str, Load]] = (-LOAD_AGE_S, {})
        self._lookers = ThreadPoolExecutor(max(len(centres), 1), thread_name_prefix="load")
        self._changes = Changes(transport)
        self._looking = threading.Lock()
        self._rooms = Rooms(settings=settings, store=store, centres=centres)
        self._sent = SentOrders(store)

    def submit(
        self,
        process: Process,
        understood: Understood,
        *,
        owner: str,
        synchronous: bool,
        fresh: bool = False,
        once: Once | None = None,
    ) -> Job:
        """
        Choose the centre, record the job and send its order; or let it share equal work, in flight or done.

        Parameters
        ----------
        fresh : bool
            Whether it is to be computed anew in any case.
        once : Once or None
            What makes a repeated request the same one: then the job of the first is given.

        Raises
        ------
        NoCentre
            If no centre can do it at all.
        StoreDown
            If the job could not be recorded; nothing was accepted then.
        QueueFull
            If too many jobs wait.
        TooManyQueued
            If too many jobs of this owner wait.
        InputsTooLarge
            If no order could carry the inputs.
        CostOverLimit
            If it would read or write more than any job may.
        KeyReused
            If its `Idempotency-Key` came with another request before.
        Forbidden
            If the owner may not read the dataset, and so not share what others computed of it.
        """
        demand, inputs = understood.demand, understood.inputs
        _check_right(owner, inputs)
        cost = self._cost(process, understood)
        self._check_cost(cost)
        self._check_queues(owner)
        plan = self._plan(process, inputs, cost)
        for bringing, _ in plan.brings:
            self._check_cost(bringing.cost)
        choice = plan.choice
        now = utc_now()
        job = Job(
            id=str(uuid4()),
            owner=owner,
            process_id=process.id,
            process_version=process.version,
            demand=demand,
            content_key=content_key(process, demand, owner=owner),
            accepted=now,
            synchronous=synchronous,
            state=State.ACCEPTED,
            created=now,
            updated=now,
            deadline=now + timedelta(seconds=self._settings.job_deadline_s),
            centre=choice.centre,
            queue=choice.queue,
            reason=choice.reason,
            cost_s=cost.seconds,
            once=once,
        )
        parts = tuple(_part_of(job, *each) for each in plan.brings)
        self._check_size(job, brings=len(parts))
        accepted = self._store.accept(
            job,
            fresh=fresh,
            reuse_s=process.reuse_s(inputs),
            room=self._room(job.centre, job.queue),
            parts=tuple((part, self._room(part.centre, part.queue)) for part in parts),
        )
        if once and accepted.id != job.id:
            return require_same(accepted, once)
        if accepted.shares:
            _log.info("job accepted, shares equal work", job=job.id, process=process.id, work=accepted.work_id)
            return accepted
        _log.info("job accepted", job=job.id, process=process.id, centre=job.centre, queue=job.queue)
        self._count_in(accepted)
        for work in self._store.parts(accepted.work_id) if parts else (accepted.work,):
            if work.released is not None:
                self._send(work)
        return accepted

    def choose(self, process: Process, understood: Understood) -> Plan:
        """
        Say where a demand would run and why, and what would be brought there, without running it.

        Raises
        ------
        NoCentre
            If no centre can do it at all.
        """
        return self._plan(process, understood.inputs, self._cost(process, understood))

    def find_once(self, once: Once, *, owner: str) -> Job | None:
        """
        Find the job that an earlier request with this `Idempotency-Key` made, if there is one.

        Raises
        ------
        KeyReused
            If that was another request.
        """
        earlier = self._store.find_once(once.key, owner=owner)
        return None if earlier is None else require_same(earlier, once)

    @property
    def changes(self) -> "Changes":
        """Who hears, in this web process, which jobs change."""
        return self._changes

    def wait(self, job_id: str, *, owner: str, timeout_s: float) -> Job:
        """Wait until a job is final or the time is over, and give it as it is then."""
        give_up, pause_s = time.monotonic() + timeout_s, _POLL_S
        with self._changes.of(job_id) as changed:
            while True:
                job = self._store.find(job_id, owner=owner)
                if job is None:
                    raise NoSuchJob
                left_s = give_up - time.monotonic()
                if job.state.final or left_s <= 0:
                    return job
                changed.wait(min(left_s, pause_s))
                changed.clear()
                pause_s = min(2 * pause_s, _LONGEST_POLL_S)

    def go_on(self, job: Job) -> Job:
        """Let a synchronous run that was waited for long enough go on as any job does; from now on it is listed."""
        try:
            self._store.turn_asynchronous(job)
        except StoreDown as error:  # whoever waited must hear of the job, listed or not
            _log.warning("a job stays out of lists", job=job.id, reason=str(error))
            return job
        return replace(job, synchronous=False)

    def dismiss(self, job_id: str, *, owner: str) -> Job | None:
        """
        Dismiss a job, or remove what an ended one left; None where the owner has no such job.

        Raises
        ------
        AlreadyDismissed
            At the second call.
        """
        job = self._store.dismiss(job_id, owner=owner)
        if job is not None:
            _log.info("job dismissed", job=job.id, work=job.work_id, centre=job.centre, stopped=job.abandoned)
            self._tell(job)
        return job

    def loads(self) -> dict[str, Load]:
        """See how all centres are, not older than a second; one whose broker is silent must not hold up the look at the next."""
        seen, loads = self._loads
        if time.monotonic() - seen > LOAD_AGE_S:
            seen_loads = dict(zip(self._centres, self._lookers.map(self._load, self._centres), strict=True))
            loads = with_lengths(seen_loads, self._centres, self._store)
            self._loads = (time.monotonic(), loads)
        return loads

    def last_loads(self) -> dict[str, Load]:
        """See how all centres were a moment ago; whoever only tells of it waits for no broker."""
        seen, loads = self._loads
        if time.monotonic() - seen > LOAD_AGE_S and self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_again, name="loads", daemon=True).start()
        return loads

    def _look_again(self) -> None:
        try:
            self.loads()
        finally:
            self._looking.release()

    def _count_in(self, job: Job) -> None:
        """Let the next request see this one in its queue: until the centres are looked at again, nobody else says so."""
        seen, loads = self._loads
        if job.centre in loads:
            load = loads[job.centre]
            longer = dict(load.waiting) | {job.queue: load.waiting.get(job.queue, 0) + 1}
            self._loads = (seen, loads | {job.centre: replace(load, waiting=longer)})

    def _cost(self, process: Process, understood: Understood) -> Estimate:
        """Tell what a demand costs; what became a file after it was understood is fetched, which counts too."""
        demand = understood.demand
        return estimate(process, understood.inputs, demand, self._federation) if demand.uploads else understood.estimate

    def _load(self, centre: str) -> Load:
        try:
            return self._transport.load(centre)
        except TransportDown:
            return Load(alive=False, reachable=False)

    def _plan(self, process: Process, inputs: BaseModel, cost: Estimate) -> Plan:
        if not datasets_in(inputs):
            return Plan(choice=self._choose(self._centres, cost, holds_data=False))
        sites = {
            site.centre: site for site in find_sites(process, inputs, self._federation, centres=self._centres.keys())
        }
        choice = self._choose(sites, cost)
        brings = tuple((each, self._choose(each.holders, each.cost)) for each in sites[choice.centre].brings)
        brought = [routing.Bringing(dataset=str(each.reference), centre=there.centre) for each, there in brings]
        return Plan(choice=routing.with_brought(choice, brought), brings=brings)

    def _choose(self, centres: Iterable[str], cost: Estimate, *, holds_data: bool = True) -> routing.Choice:
        places = [_place(self._centres[each], holds_data=holds_data) for each in centres if each in self._centres]
        choice = routing.choose_centre(places, self.loads(), lane=self._lane(cost))
        if choice is None:
            raise NoCentre
        return choice

    def _lane(self, cost: Estimate) -> str:
        return routing.choose_lane(cost, limit_s=self._settings.interactive_limit_s)

    def _room(self, centre: str, queue: str) -> Room:
        """Tell what a lane takes at the moment."""
        load = self._loads[1].get(centre, Load(alive=False, reachable=False))
        return self._rooms.of(centre, queue, load)

    def _check_queues(self, owner: str) -> None:
        """Refuse what would wait behind too many others."""
        if self._queued() >= self._settings.queue_limit:
            raise QueueFull
        most = self._settings.max_queued
        if most is not None and self._store.queued_of(owner, most=most) >= most:
            raise TooManyQueued(most)

    def _queued(self) -> int:
        """Count what waits: exactly where the limit is near, else as it was seen a moment ago."""
        waiting = sum(sum(load.waiting.values()) for load in self.loads().values())
        return waiting if waiting < self._settings.queue_limit * NEAR else self._store.queued()

    def _check_size(self, job: Job, *, brings: int) -> None:
        """Refuse what could be recorded and never sent; a later attempt has a longer number, and says what was brought."""
        size_bytes = size_bytes_of(order_of(job.work, self._settings)) + brings * BRINGING_BYTES
        limit_bytes = MESSAGE_LIMIT_BYTES - MARGIN_BYTES
        if size_bytes > limit_bytes:
            raise InputsTooLarge(size_bytes, limit_bytes=limit_bytes)

    def _send(self, work: Work) -> None:
        """Send at once; where the broker is away the order stays in the outbox, and the reconciler sends it."""
        there = self._loads[1].get(work.centre)
        if there is not None and not there.reachable:
            _log.warning("order waits in the outbox: the broker was away a moment ago", job=work.id, centre=work.centre)
            return  # whoever asked has waited for it once
        try:
            self._transport.send(order_of(work, self._settings))
        except TransportDown:
            _log.warning("order waits in the outbox: the broker is away", job=work.id, centre=work.centre)
            return
        self._sent.note(work.id, work.attempt)

    def _tell(self, job: Job) -> None:
        """Tell the centre, where nobody else wants the work, and all who watch the job."""
        try:
            if job.abandoned:
                self._transport.dismiss(job.centre, Dismissal(job_id=job.work_id, attempt=job.attempt))
                self._tell_parts(job)
            self._transport.announce((job.id,))
        except TransportDown:
            _log.warning("dismissal waits in the outbox: the broker is away", job=job.id, centre=job.centre)
            return
        if job.abandoned:
            self._store.sent(job.work_id, job.attempt, kind="dismissal")

    def _tell_parts(self, job: Job) -> None:
        """Tell the centres where parts of the work may still be at work; the outbox tells those again that do not hear it."""
        for part in self._store.parts(job.work_id) if job.has_parts else ():
            self._transport.dismiss(part.centre, Dismissal(job_id=part.id, attempt=part.attempt))

    def _check_cost(self, cost: Estimate) -> None:
        """Refuse what no job may do."""
        limits = self._settings.input_limit, self._settings.output_limit
        if cost.bytes_read > limits[0] or cost.bytes_written > limits[1]:
            raise CostOverLimit(cost, read_limit_bytes=limits[0], written_limit_bytes=limits[1])


def _part_of(job: Job, bringing: Bringing, there: routing.Choice) -> Work:
    """Make the part of a job's work that makes a dataset ready for it."""
    id = str(uuid4())
    return Work(
        id=id,
        owner=job.owner,
        process_id=bringing.process.id,
        process_version=bringing.process.version,
        inputs=bringing.inputs,
        formats=bringing.formats,
        content_key=hashlib.sha256(id.encode()).hexdigest(),
        joinable=False,
        accepted=job.accepted,
        state=State.ACCEPTED,
        created=job.created,
        updated=job.updated,
        deadline=job.deadline,
        centre=there.centre,
        queue=there.queue,
        reason=there.reason,
        cost_s=bringing.cost.seconds,
        whole=job.id,
        brings=str(bringing.reference),
    )


def _place(centre: Centre, *, holds_data: bool = True) -> routing.Place:
    return routing.Place(centre=centre.id, queues=tuple(queue.name for queue in centre.queues), holds_data=holds_data)


def _check_right(owner: str, inputs: BaseModel) -> None:
    for named in map(str, (each.reference for each in references_in(inputs))):
        if not may_read(owner, named):
            raise Forbidden(
                Text(
                    en=f"You may not read the dataset {named}; ask its owners for the right.",
                    fr=f"Vous n'avez pas le droit de lire le jeu de données {named} ; demandez-le à ses propriétaires.",
                )
            )


def content_key(process: Process, demand: Demand, *, owner: str) -> str:
    """
    Identify the work: sha256 of the process with its version, the canonical inputs (dataset versions pinned) and the formats.

    A user's own file counts by its content, and for its owner alone: nobody learns that somebody else has the same.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    outputs = sorted((output.id, output.format) for output in demand.outputs)
    inputs = json.dumps(_with_plain_places(demand.inputs), sort_keys=True)
    for upload in demand.uploads:
        inputs = inputs.replace(json.dumps(upload.reference), json.dumps(f"{owner} {upload.sha256}"))
    work = {"process": process.id, "version": process.version, "inputs": inputs, "outputs": outputs}
    return hashlib.sha256(json.dumps(work, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _with_plain_places(value: Any, *, place: bool = False) -> Any:
    """Write the numbers of GeoJSON coordinates in one way only: 1 and 1.0 are the same place, and the same to whatever computes."""
    match value:
        case Mapping():
            return {name: _with_plain_places(each, place=name == "coordinates") for name, each in value.items()}
        case list():
            return [_with_plain_places(each, place=place) for each in value]
        case int() if place and not isinstance(value, bool):
            return float(value)
    return value


class Changes:
    """Wakes those who wait for a job when it changes; one subscription for a web process, started with the first wait."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._waiting: dict[str, set[Wakes]] = {}
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None

    def of(self, job_id: str) -> "_Waiting":
        """Give an event, as a context, that is set whenever the job changes."""
        return _Waiting(self, job_id)

    def enter(self, job_id: str, event: Wakes) -> None:
        """Begin to tell an event of a job's changes."""
        with self._lock:
            self._waiting.setdefault(job_id, set()).add(event)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="changes", daemon=True)
                self._listener.start()

    def leave(self, job_id: str, event: Wakes) -> None:
        """Stop telling it."""
        with self._lock:
            events = self._waiting.get(job_id, set())
            events.discard(event)
            if not events:
                self._waiting.pop(job_id, None)

    def _listen(self) -> None:
        for job_ids in self._transport.changes():
            with self._lock:
                events = [event for job_id in job_ids for event in self._waiting.get(job_id, ())]
            for event in events:
                event.set()


class _Waiting:
    def __init__(self, changes: Changes, job_id: str) -> None:
        self._changes = changes
        self._job_id = job_id
        self._event = threading.Event()

    def __enter__(self) -> threading.Event:
        self._changes.enter(self._job_id, self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        self._changes.leave(self._job_id, self._event)
