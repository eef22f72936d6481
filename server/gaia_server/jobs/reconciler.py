"""
Compares what the store says of a job with what its centre's broker knows, and decides what to do about the difference.

`decide` is pure; `Reconciler` reads before and acts after it.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_processes.inputs.dataset import CatalogueRef, parse_dataset
from gaia_server import routing
from gaia_server.errors import StoreDown
from gaia_server.jobs.orders import order_of
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Outgoing, Store
from gaia_workers.contract import (
    BadMessage,
    Dismissal,
    Failure,
    Load,
    Trace,
    Transport,
    TransportDown,
    Words,
    utc_now,
)

SECOND_CHANCE_S = 2.0
HEARTBEATS_A_LEASE = 3
"""A lease that ran out is a lease's time of silence; one heartbeat more, and nobody will be heard."""
BACKOFF_S = (0.0, 2.0, 8.0, 30.0)
"""How long the next attempt waits after the first that died, the second, …; the last for all further ones."""

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Leave it; say why where there is something to say."""

    reason: Words | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resend:
    """Give it a new attempt."""

    lost: bool
    reason: Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Fail:
    """End it."""

    failure: Failure


type Decision = Wait | Resend | Fail


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """
    What is known at one moment.

    Attributes
    ----------
    unleased_s : float
        For how long no lease was seen on the attempt, where a worker has or had it.
    elsewhere : bool
        Whether another centre that is alive holds the data.
    """

    now: datetime
    trace: Trace
    load: Load
    unleased_s: float = 0.0
    elsewhere: bool = False


def decide(job: Job, seen: Seen, *, lease_s: float, attempts: int) -> Decision:
    """
    Decide about one unfinished job.

    Parameters
    ----------
    job : Job
    seen : Seen
    lease_s : float
        How long a worker may be silent.
    attempts : int
        How many attempts may die.
    """
    if seen.now >= job.deadline:
        return Fail(failure=_past_deadline(job))
    if not seen.load.reachable:
        return Wait(reason=_no_contact(job))
    if job.sent is None or seen.trace.leased:
        return Wait()  # the outbox, or the worker, has it
    if seen.trace.claimed >= job.attempt:
        return _about_claimed(job, seen, lease_s=lease_s, attempts=attempts)
    return _about_unclaimed(job, seen, lease_s=lease_s)


def _about_claimed(job: Job, seen: Seen, *, lease_s: float, attempts: int) -> Decision:
    if not seen.load.alive and not seen.elsewhere:
        return Wait(reason=_no_contact(job))  # it may be cut off and still at work
    if seen.unleased_s < lease_s / HEARTBEATS_A_LEASE + seen.load.behind_s:
        return Wait()  # what it reported before it let go may still have to be written down
    if job.lost + 1 >= attempts:
        return Fail(failure=_worker_lost(job))
    return Resend(
        lost=True,
        reason=Words(
            en=f"attempt {job.attempt} died with its worker at {job.centre}; the next one follows",
            fr=f"la tentative {job.attempt} a disparu avec son processus à {job.centre} ; la suivante prend le relais",
        ),
    )


def _about_unclaimed(job: Job, seen: Seen, *, lease_s: float) -> Decision:
    if seen.trace.sent < job.attempt:
        if job.state is State.RUNNING and seen.unleased_s < lease_s:
            return Wait()  # a worker that lives renews its lease in a broker that has forgotten it
        return Resend(
            lost=False,
            reason=Words(
                en="the broker had lost the order; it was sent again",
                fr="le courtier de messages avait perdu l'ordre ; il a été renvoyé",
            ),
        )
    if not seen.load.alive:
        reason = _in_trouble(job.centre) if seen.load.trouble else routing.waits_for(job.centre)
        return Resend(lost=False, reason=reason) if seen.elsewhere else Wait(reason=reason)
    silent = job.sent is not None and seen.now - job.sent > timedelta(seconds=2 * lease_s)
    if silent and not seen.load.waiting.get(job.queue, 0) and seen.load.running < seen.load.slots:
        return Resend(
            lost=False,
            reason=Words(
                en="the order had left the queue without reaching a worker; it was sent again",
                fr="l'ordre avait quitté la file sans atteindre de processus ; il a été renvoyé",
            ),
        )
    return Wait()


def _no_contact(job: Job) -> Words:
    since = (job.seen or job.sent or job.created).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Words(
        en=f"no contact with {job.centre} since {since}; the job waits for it",
        fr=f"aucun contact avec {job.centre} depuis {since} ; la tâche l'attend",
    )


def _in_trouble(centre: str) -> Words:
    return Words(
        en=f"waits for {centre}, which cannot read its data or write results at the moment",
        fr=f"attend {centre}, qui ne peut ni lire ses données ni écrire de résultats pour le moment",
    )


def _past_deadline(job: Job) -> Failure:
    en = f"The job had not ended when its time was over. {job.reason.en if job.reason else ''}".strip()
    fr = f"La tâche n'était pas terminée à l'échéance. {job.reason.fr if job.reason else ''}".strip()
    return Failure(code="deadline", words=Words(en=en, fr=fr))


def _worker_lost(job: Job) -> Failure:
    return Failure(
        code="worker-lost",
        words=Words(
            en=f"The worker at {job.centre} died in each of {job.attempt} attempts; the last one is given up.",
            fr=f"Le processus de calcul à {job.centre} a disparu à chacune des {job.attempt} tentatives ; abandon.",
        ),
    )


def _unsendable() -> Failure:
    return Failure(
        code="internal-error",
        words=Words(
            en="The order is larger than a message to a centre may be.",
            fr="L'ordre est plus grand que ne peut l'être un message à un centre.",
        ),
    )


def _just_accepted(outgoing: Outgoing) -> bool:
    """Tell whether the web process that accepted the job may still be sending its order itself."""
    fresh = utc_now() - outgoing.created < timedelta(seconds=SECOND_CHANCE_S)
    return outgoing.kind == "order" and outgoing.attempt == 1 and fresh


def _rests(outgoing: Outgoing, job: Job) -> bool:
    """Tell whether the next attempt still waits: what has died several times gets some time to be mended."""
    if outgoing.kind != "order" or not job.lost:
        return False
    rest_s = BACKOFF_S[min(job.lost, len(BACKOFF_S)) - 1]
    return utc_now() - outgoing.created < timedelta(seconds=rest_s)


class Reconciler:
    """Restores everything that can be lost from the store."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        transport: Transport,
        federation: Federation,
        centres: Mapping[str, Centre],
        discard: Callable[[str, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._store = store
        self._transport = transport
        self._federation = federation
        self._centres = centres
        self._discard = discard
        self._clock = clock
        self._unleased: dict[tuple[str, int], float] = {}

    def publish(self) -> None:
        """Send what waits in the outbox; a centre whose broker is away is tried again next time."""
        away: set[str] = set()
        for outgoing, job in self._store.outgoing():
            if outgoing.centre in away or _just_accepted(outgoing) or _rests(outgoing, job):
                continue
            try:
                self._send(outgoing, job)
            except TransportDown:
                away.add(outgoing.centre)
                _log.warning("the broker is away, the outbox waits", centre=outgoing.centre)
            except BadMessage as error:
                _log.error("an order that can never be sent", job=job.id, reason=str(error))
                self._store.fail(job, _unsendable())

    def _send(self, outgoing: Outgoing, job: Job) -> None:
        wanted = outgoing.attempt == job.attempt and not job.state.final
        if outgoing.centre not in self._centres:
            _log.error("the outbox names a centre that is not in the configuration", centre=outgoing.centre)
            return
        if outgoing.kind == "dismissal":
            self._discard(outgoing.job_id, outgoing.attempt)
            self._transport.dismiss(outgoing.centre, Dismissal(job_id=outgoing.job_id, attempt=outgoing.attempt))
        elif wanted:
            self._transport.send(order_of(job, self._settings))
        self._store.sent(outgoing.job_id, outgoing.attempt, kind=outgoing.kind)

    def reconcile(self) -> tuple[str, ...]:
        """Look at every unfinished job once, and give the ids of those that changed."""
        unfinished = self._store.unfinished()
        loads = {centre: self._load(centre) for centre in self._centres}
        traces = self._traces(unfinished, loads)
        self._forget(unfinished)
        return tuple(job.id for job in unfinished if self._attend(job, loads, traces))

    def _attend(self, job: Job, loads: dict[str, Load], traces: dict[str, Trace]) -> bool:
        """Look at one job; whatever goes wrong with it must not keep the others waiting."""
        try:
            return self._act(job, self._seen(job, loads, traces), loads)
        except StoreDown:
            raise
        except Exception:  # noqa: BLE001 - the reconciler must live, and come to every job
            _log.exception("a job could not be looked at", job=job.id)
            return False

    def _load(self, centre: str) -> Load:
        try:
            return self._transport.load(centre)
        except TransportDown:
            return Load(alive=False, reachable=False)

    def _traces(self, jobs: tuple[Job, ...], loads: dict[str, Load]) -> dict[str, Trace]:
        at: defaultdict[str, list[str]] = defaultdict(list)
        for job in jobs:
            at[job.centre].append(job.id)
        traces: dict[str, Trace] = {}
        for centre, ids in at.items():
            if centre in loads and loads[centre].reachable:
                try:
                    traces |= self._transport.trace(centre, tuple(ids))
                except TransportDown:
                    loads[centre] = Load(alive=False, reachable=False)
        return traces

    def _seen(self, job: Job, loads: dict[str, Load], traces: dict[str, Trace]) -> Seen:
        trace = traces.get(job.id, Trace())
        key = (job.id, job.attempt)
        if not trace.leased and (trace.claimed >= job.attempt or job.state is State.RUNNING):
            since = self._unleased.setdefault(key, self._clock())
        else:
            self._unleased.pop(key, None)
            since = self._clock()
        return Seen(
            now=utc_now(),
            trace=trace,
            load=loads.get(job.centre, Load(alive=False)),
            unleased_s=self._clock() - since,
            elsewhere=any(loads[place.centre].alive for place in self._places(job) if place.centre != job.centre),
        )

    def _places(self, job: Job) -> tuple[routing.Place, ...]:
        """Where the job could run: the centres with its dataset, or all where it needs none."""
        named = job.demand.inputs.get("dataset")
        holders = set(self._centres)
        if isinstance(named, str):
            reference = parse_dataset(named)
            dataset = (
                self._federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
            )
            holders = {replica.centre for replica in dataset.replicas} if dataset else {job.centre}
        return tuple(
            routing.Place(centre=centre.id, queues=tuple(queue.name for queue in centre.queues))
            for centre in self._centres.values()
            if centre.id in holders
        )

    def _act(self, job: Job, seen: Seen, loads: dict[str, Load]) -> bool:
        decision = decide(job, seen, lease_s=self._settings.lease_s, attempts=self._settings.attempts)
        match decision:
            case Wait(reason=reason):
                if reason is not None and reason != job.reason:
                    self._store.explain(job, reason)
                    return True
                return False
            case Resend(lost=lost, reason=reason):
                choice = routing.choose_centre(self._places(job), loads, lane=job.queue)
                centre, queue = (choice.centre, choice.queue) if choice else (job.centre, job.queue)
                _log.warning("job sent again", job=job.id, attempt=job.attempt + 1, centre=centre, reason=reason.en)
                return self._store.resend(job, lost=lost, centre=centre, queue=queue, reason=reason)
            case Fail(failure=failure):
                _log.error("job given up", job=job.id, code=failure.code, state=State.FAILED.value)
                return self._store.fail(job, failure)

    def _forget(self, unfinished: tuple[Job, ...]) -> None:
        living = {(job.id, job.attempt) for job in unfinished}
        for key in self._unleased.keys() - living:
            del self._unleased[key]
