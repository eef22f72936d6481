"""
Lets works out of their lanes as room comes free, and sends their orders.

`room_in` is pure. Several dispatchers may be at work at once, in the recorder and in every web process: the store lets each work
out once.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_server.errors import StoreDown
from gaia_server.jobs.lanes import Length, Room
from gaia_server.jobs.orders import order_of
from gaia_server.jobs.paces import Pace
from gaia_server.jobs.records import Work
from gaia_server.jobs.sent import SentOrders
from gaia_server.jobs.store import Store
from gaia_workers.contract import BadMessage, Failure, Load, Transport, TransportDown, Words, utc_now

AHEAD_S = 0.2
"""Twice as long as reports gather (`service.GATHER_S`). So much work lies at the broker beyond what runs, so that no slot waits for the next order to travel."""
MOST_AHEAD = 32
"""Orders for each slot at most, however short they are."""
LOOK_S = 1.0

_log = structlog.get_logger()


def slots_in(centre: Centre, queue: str, load: Load) -> int:
    """Tell how many works of a lane can run at once: its share of the slots of the workers that are there."""
    shares = {each.name: each.concurrency for each in centre.queues}
    return max(load.slots * shares.get(queue, 0) // sum(shares.values()), 1)


def room_in(centre: Centre, queue: str, load: Load, *, mean_s: float | None) -> int:
    """
    Tell how many works of a lane may be out at once.

    Parameters
    ----------
    load : Load
        While its broker does not answer nothing is let out; while no worker is there, as much as one would begin with.
    mean_s : float or None
        How long works of this lane take on average, s: short ones are sent ahead, long ones never wait behind another at a
        worker. None where none was measured.
    """
    if not load.reachable:
        return 0
    slots = slots_in(centre, queue, load) if load.slots else slots_in(centre, queue, replace(load, slots=_all(centre)))
    ahead = 0 if mean_s is None else min(int(AHEAD_S / max(mean_s, 1e-6)), MOST_AHEAD)
    return slots * (1 + ahead)


def _all(centre: Centre) -> int:
    return sum(queue.concurrency for queue in centre.queues)


def mean_of(paces: Mapping[tuple[str, str, str], Pace], centre: str, queue: str) -> float | None:
    """Tell how long the works of a lane took on average, s, whatever their process."""
    here = [pace for (at, lane, _), pace in paces.items() if (at, lane) == (centre, queue)]
    weight = sum(pace.weight for pace in here)
    return sum(pace.took for pace in here) / weight if weight else None


class Rooms:
    """How much each lane takes at the moment; how long works take is looked up once a second."""

    def __init__(self, *, settings: Settings, store: Store, centres: Mapping[str, Centre]) -> None:
        self._settings = settings
        self._store = store
        self._centres = centres
        self._paces: tuple[float, dict[tuple[str, str, str], Pace]] = (-LOOK_S, {})

    def of(self, centre: str, queue: str, load: Load) -> Room:
        """Tell how much a lane takes."""
        mean_s = mean_of(self._known_paces(), centre, queue)
        places = room_in(self._centres[centre], queue, load, mean_s=mean_s)
        return Room(places=places, each=self._settings.max_running)

    def _known_paces(self) -> dict[tuple[str, str, str], Pace]:
        seen, paces = self._paces
        if time.monotonic() - seen > LOOK_S:
            paces = self._store.lanes.paces()
            self._paces = (time.monotonic(), paces)
        return paces


class Dispatcher:
    """Lets out and sends."""

    def __init__(
        self, *, settings: Settings, store: Store, transport: Transport, centres: Mapping[str, Centre]
    ) -> None:
        self._settings = settings
        self._store = store
        self._transport = transport
        self._centres = centres
        self._rooms = Rooms(settings=settings, store=store, centres=centres)
        self._loads: dict[str, tuple[float, Load]] = {}
        self._sent = SentOrders(store)

    def fill_all(self) -> None:
        """Let out what there is room for, at every centre."""
        for centre in self._centres:
            self.fill(centre)

    def fill(self, centre: str) -> None:
        """Let out what there is room for at a centre; what the broker does not take waits in the outbox."""
        for queue, room in self.rooms(centre).items():
            self.send(self._store.lanes.release(centre, queue, room, now=utc_now()))

    def rooms(self, centre: str) -> dict[str, Room]:
        """Tell how much each lane of a centre takes."""
        load = self._load(centre)
        return {queue.name: self._rooms.of(centre, queue.name, load) for queue in self._centres[centre].queues}

    def send(self, released: Iterable[Work]) -> None:
        """Send the orders of works of one centre that were let out; what the broker does not take waits in the outbox."""
        works = tuple(released)
        if not works:
            return
        try:
            self._transport.send(*(order_of(work, self._settings) for work in works))
        except TransportDown:
            _log.warning("orders wait in the outbox: the broker is away", count=len(works), centre=works[0].centre)
        except BadMessage as error:
            if len(works) == 1:
                self._give_up(works[0], error)
                return
            for work in works:  # it is one of them, and none was sent
                self.send((work,))
        else:
            for work in works:
                self._sent.note(work.id, work.attempt)

    def _give_up(self, work: Work, error: BadMessage) -> None:
        """Let a work fail whose order can never be sent."""
        _log.error("an order that can never be sent", job=work.id, reason=str(error))
        self._store.fail(work, unsendable())

    def _load(self, centre: str) -> Load:
        seen, load = self._loads.get(centre, (-LOOK_S, Load(alive=False, reachable=False)))
        if time.monotonic() - seen > LOOK_S:
            try:
                load = self._transport.load(centre)
            except TransportDown:
                load = Load(alive=False, reachable=False)
            self._loads[centre] = (time.monotonic(), load)
        return load


def unsendable() -> Failure:
    """Say that no message can carry an order."""
    return Failure(
        code="internal-error",
        words=Words(
            en="The order is larger than a message to a centre may be.",
            fr="L'ordre est plus grand que ne peut l'être un message à un centre.",
        ),
    )


def with_lengths(loads: Mapping[str, Load], centres: Mapping[str, Centre], store: Store) -> dict[str, Load]:
    """Complete what the brokers say of the centres by what waits in the store, of which they know nothing."""
    try:
        lengths = store.lanes.lengths()
    except StoreDown:
        _log.warning("how long the queues are is not known: the job store does not answer")
        return dict(loads)
    return {name: _with_lengths(load, centres[name], lengths) for name, load in loads.items()}


def _with_lengths(load: Load, centre: Centre, lengths: Mapping[tuple[str, str], Length]) -> Load:
    here = {queue.name: lengths.get((centre.id, queue.name), Length()) for queue in centre.queues}
    return replace(
        load,
        waiting={name: length.waiting for name, length in here.items()},
        running_in={name: length.running for name, length in here.items()},
        slots_in={name: slots_in(centre, name, load) if load.slots else 0 for name in here},
    )
