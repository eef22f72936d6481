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
from gaia_processes.catalogue import known_processes
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.references import NamedReference, references_in
from gaia_processes.reading import read_inputs
from gaia_server import routing
from gaia_server.errors import StoreDown
from gaia_server.holders import holders_of
from gaia_server.jobs.dispatcher import unsendable
from gaia_server.jobs.orders import order_of
from gaia_server.jobs.records import Work
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
LEASES_SILENT, LEASES_LEFT = 2, 8
"""After so many leases an order is sent again that no worker has, and one that a worker left and said why."""
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


def decide(work: Work, seen: Seen, *, lease_s: float, attempts: int) -> Decision:
    """
    Decide about one unfinished job.

    Parameters
    ----------
    work : Work
    seen : Seen
    lease_s : float
        How long a worker may be silent.
    attempts : int
        How many attempts may die.
    """
    if seen.now >= work.deadline:
        return Fail(failure=_past_deadline(work))
    if not seen.load.reachable:
        return Wait(reason=_no_contact(work))
    if not seen.load.understands and seen.trace.claimed < work.attempt:
        return Wait(reason=_other_version(work.centre))
    if work.released is None and work.sent is None:
        return _about_kept(work, seen)
    if work.sent is None or seen.trace.leased:
        return Wait()  # the outbox, or the worker, has it
    if seen.trace.claimed >= work.attempt:
        return _about_claimed(work, seen, lease_s=lease_s, attempts=attempts)
    return _about_unclaimed(work, seen, lease_s=lease_s)


def _about_kept(work: Work, seen: Seen) -> Decision:
    """Decide about what waits in its lane."""
    if seen.load.alive:
        return Wait()
    reason = _in_trouble(work.centre) if seen.load.trouble else routing.waits_for(work.centre)
    return Resend(lost=False, reason=reason) if seen.elsewhere else Wait(reason=reason)


def _about_claimed(work: Work, seen: Seen, *, lease_s: float, attempts: int) -> Decision:
    silent = not seen.load.alive or 0 < seen.unleased_s <= seen.load.silent_s
    if silent and not seen.elsewhere:
        return Wait(reason=_no_contact(work))  # the centre may be cut off and still at work
    if seen.unleased_s < lease_s / HEARTBEATS_A_LEASE + seen.load.behind_s:
        return Wait()  # what it reported before it let go may still have to be written down
    if work.lost + 1 >= attempts:
        return Fail(failure=_worker_lost(work))
    return Resend(
        lost=True,
        reason=Words(
            en=f"attempt {work.attempt} died with its worker at {work.centre}; the next one follows",
            fr=f"la tentative {work.attempt} a disparu avec son processus à {work.centre} ; la suivante prend le relais",
        ),
    )


def _about_unclaimed(work: Work, seen: Seen, *, lease_s: float) -> Decision:
    if seen.trace.sent < work.attempt:
        if work.state is State.RUNNING and seen.unleased_s < lease_s:
            return Wait()  # a worker that lives renews its lease in a broker that has forgotten it
        return Resend(
            lost=False,
            reason=Words(
                en="the broker had lost the order; it was sent again",
                fr="le courtier de messages avait perdu l'ordre ; il a été renvoyé",
            ),
        )
    if not seen.load.alive:
        reason = _in_trouble(work.centre) if seen.load.trouble else routing.waits_for(work.centre)
        return Resend(lost=False, reason=reason) if seen.elsewhere else Wait(reason=reason)
    why_left = _why_left(work)
    patience_s = lease_s * (LEASES_LEFT if why_left else LEASES_SILENT)
    silent = work.sent is not None and seen.now - work.sent > timedelta(seconds=patience_s)
    if silent and not seen.load.waiting.get(work.queue, 0) and seen.load.running < seen.load.slots:
        return Resend(
            lost=False,
            reason=why_left
            or Words(
                en="the order had left the queue without reaching a worker; it was sent again",
                fr="l'ordre avait quitté la file sans atteindre de processus ; il a été renvoyé",
            ),
        )
    return Wait()


def _why_left(work: Work) -> Words | None:
    """Give what a worker said that left an order which it could not take; None where nobody said anything of it."""
    heard = work.sent is not None and work.seen is not None and work.seen >= work.sent
    return work.reason if heard else None


def _other_version(centre: str) -> Words:
    return Words(
        en=f"waits until {centre} is upgraded: its workers are of a version that this server does not work with",
        fr=f"attend la mise à jour de {centre} : ses processus sont d'une version avec laquelle ce serveur ne travaille pas",
    )


def _no_contact(work: Work) -> Words:
    since = (work.seen or work.sent or work.created).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Words(
        en=f"no contact with {work.centre} since {since}; the job waits for it",
        fr=f"aucun contact avec {work.centre} depuis {since} ; la tâche l'attend",
    )


def _in_trouble(centre: str) -> Words:
    return Words(
        en=f"waits for {centre}, which cannot read its data or write results at the moment",
        fr=f"attend {centre}, qui ne peut ni lire ses données ni écrire de résultats pour le moment",
    )


def _past_deadline(work: Work) -> Failure:
    en = f"The job had not ended when its time was over. {work.reason.en if work.reason else ''}".strip()
    fr = f"La tâche n'était pas terminée à l'échéance. {work.reason.fr if work.reason else ''}".strip()
    return Failure(code="deadline", words=Words(en=en, fr=fr))


def _worker_lost(work: Work) -> Failure:
    return Failure(
        code="worker-lost",
        words=Words(
            en=f"The worker at {work.centre} died in each of {work.attempt} attempts; the last one is given up.",
            fr=f"Le processus de calcul à {work.centre} a disparu à chacune des {work.attempt} tentatives ; abandon.",
        ),
    )


def _just_accepted(outgoing: Outgoing) -> bool:
    """Tell whether whoever let the work out may still be sending its order itself."""
    fresh = utc_now() - outgoing.created < timedelta(seconds=SECOND_CHANCE_S)
    return outgoing.kind == "order" and outgoing.attempt == 1 and fresh


def _rests(outgoing: Outgoing, work: Work | None) -> bool:
    """Tell whether the next attempt still waits: what has died several times gets some time to be mended."""
    if outgoing.kind != "order" or work is None or not work.lost:
        return False
    rest_s = BACKOFF_S[min(work.lost, len(BACKOFF_S)) - 1]
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
        self._processes = known_processes()
        self._names: dict[str, tuple[NamedReference, ...] | None] = {}
        self._unconfigured: frozenset[str] = frozenset()

    def publish(self) -> None:
        """Send what waits in the outbox; a centre whose broker is away is tried again next time."""
        waiting = self._store.outgoing()
        self._tell_unconfigured(frozenset(outgoing.centre for outgoing, _ in waiting) - self._centres.keys())
        away: set[str] = set()
        for outgoing, work in waiting:
            if outgoing.centre not in self._centres:
                continue
            if outgoing.centre in away or _just_accepted(outgoing) or _rests(outgoing, work):
                continue
            try:
                self._send(outgoing, work)
            except TransportDown:
                away.add(outgoing.centre)
                _log.warning("the broker is away, the outbox waits", centre=outgoing.centre)
            except BadMessage as error:
                _log.error("a message that can never be sent", job=outgoing.job_id, reason=str(error))
                if work is not None:
                    self._store.fail(work, unsendable())

    def _tell_unconfigured(self, centres: frozenset[str]) -> None:
        """Say once of each centre that the outbox names and the configuration does not, and again when it comes back."""
        for centre in sorted(centres - self._unconfigured):
            _log.error("the outbox names a centre that is not in the configuration", centre=centre)
        self._unconfigured = centres

    def _send(self, outgoing: Outgoing, work: Work | None) -> None:
        if outgoing.kind != "order":
            aside = outgoing.kind == "aside"
            if not aside:
                self._discard(outgoing.job_id, outgoing.attempt)
            told = Dismissal(job_id=outgoing.job_id, attempt=outgoing.attempt, aside=aside)
            self._transport.dismiss(outgoing.centre, told)
        elif work is not None and outgoing.attempt == work.attempt and not work.state.final:
            self._transport.send(order_of(work, self._settings))
        self._store.sent(outgoing.job_id, outgoing.attempt, kind=outgoing.kind)

    def reconcile(self) -> tuple[str, ...]:
        """Look at every unfinished work once, and give the ids of the jobs that changed."""
        for id in self._store.restore_orders():
            _log.error("an order was in no outbox and is again", job=id)
        loads = {centre: self._load(centre) for centre in self._centres}
        unfinished = self._store.to_attend(
            alive=[id for id, load in loads.items() if load.alive and load.understands], now=utc_now()
        )
        traces = self._traces(unfinished, loads)
        self._forget(unfinished)
        return self._store.askers([work.id for work in unfinished if self._attend(work, loads, traces)])

    def _attend(self, work: Work, loads: dict[str, Load], traces: dict[str, Trace]) -> bool:
        """Look at one job; whatever goes wrong with it must not keep the others waiting."""
        try:
            return self._act(work, self._seen(work, loads, traces), loads)
        except StoreDown:
            raise
        except Exception:  # noqa: BLE001 - the reconciler must live, and come to every job
            _log.exception("a job could not be looked at", job=work.id)
            return False

    def _load(self, centre: str) -> Load:
        try:
            return self._transport.load(centre)
        except TransportDown:
            return Load(alive=False, reachable=False)

    def _traces(self, works: tuple[Work, ...], loads: dict[str, Load]) -> dict[str, Trace]:
        at: defaultdict[str, list[str]] = defaultdict(list)
        for work in works:
            at[work.centre].append(work.id)
        traces: dict[str, Trace] = {}
        for centre, ids in at.items():
            if centre in loads and loads[centre].reachable:
                try:
                    traces |= self._transport.trace(centre, tuple(ids))
                except TransportDown:
                    loads[centre] = Load(alive=False, reachable=False)
        return traces

    def _seen(self, work: Work, loads: dict[str, Load], traces: dict[str, Trace]) -> Seen:
        trace = traces.get(work.id, Trace())
        key = (work.id, work.attempt)
        load = loads.get(work.centre, Load(alive=False))
        # A broker that is away shows no lease; its workers have a lease's time to renew theirs once it is back.
        if load.reachable and not trace.leased and (trace.claimed >= work.attempt or work.state is State.RUNNING):
            since = self._unleased.setdefault(key, self._clock())
        else:
            self._unleased.pop(key, None)
            since = self._clock()
        return Seen(
            now=utc_now(),
            trace=trace,
            load=load,
            unleased_s=self._clock() - since,
            elsewhere=any(loads[place.centre].alive for place in self._places(work) if place.centre != work.centre),
        )

    def _places(self, work: Work) -> tuple[routing.Place, ...]:
        """Where the job could run: the centres with all its datasets, or all where it needs none; with parts, where it was to."""
        named = self._named(work)
        if named is None:
            holders = {work.centre}
        else:
            holders = set(holders_of(named, self._federation) or {work.centre}) if named else set(self._centres)
        return tuple(
            routing.Place(centre=centre.id, queues=tuple(queue.name for queue in centre.queues))
            for centre in self._centres.values()
            if centre.id in holders
        )

    def _named(self, work: Work) -> tuple[NamedReference, ...] | None:
        """Give the datasets that a work names, read once; None where this server does not know its process."""
        if work.id not in self._names:
            process = self._processes.get(work.process_id)
            try:
                self._names[work.id] = None if process is None else references_in(read_inputs(process, work.inputs))
            except InvalidInputs:  # of another version of the process
                self._names[work.id] = None
        return self._names[work.id]

    def _act(self, work: Work, seen: Seen, loads: dict[str, Load]) -> bool:
        decision = decide(work, seen, lease_s=self._settings.lease_s, attempts=self._settings.attempts)
        match decision:
            case Wait(reason=reason):
                if reason is not None and reason != work.reason:
                    self._store.explain(work, reason)
                    return True
                return False
            case Resend(lost=lost, reason=reason):
                choice = routing.choose_centre(self._places(work), loads, lane=work.queue)
                centre, queue = (choice.centre, choice.queue) if choice else (work.centre, work.queue)
                _log.warning("job sent again", job=work.id, attempt=work.attempt + 1, centre=centre, reason=reason.en)
                return self._store.resend(work, lost=lost, centre=centre, queue=queue, reason=reason)
            case Fail(failure=failure):
                _log.error("job given up", job=work.id, code=failure.code, state=State.FAILED.value)
                return self._store.fail(work, failure)

    def _forget(self, unfinished: tuple[Work, ...]) -> None:
        living = {(work.id, work.attempt) for work in unfinished}
        for key in self._unleased.keys() - living:
            del self._unleased[key]
        for id in self._names.keys() - {work.id for work in unfinished}:
            del self._names[id]
