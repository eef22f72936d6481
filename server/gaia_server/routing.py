"""Where a job runs: a pure function of where the data lie and how the centres are. No clock, store or broker in here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gaia_processes.process import Estimate
from gaia_workers.contract import Load, Words

INTERACTIVE_READ_BYTES = 10 * 10**9
INTERACTIVE_WRITTEN_BYTES = 10**9
"""Work that reads or writes more than this goes to the batch lane."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """
    A centre where the work could be done.

    Attributes
    ----------
    queues : tuple of str
        Its lanes, the first is the default.
    holds_data : bool
        Whether the data lie there (a process without data can run anywhere).
    """

    centre: str
    queues: tuple[str, ...]
    holds_data: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Bringing:
    """What comes from which centre to the one that does the work."""

    dataset: str
    centre: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Where to, and why."""

    centre: str
    queue: str
    reason: Words


def choose_centre(places: Sequence[Place], loads: Mapping[str, Load], *, lane: str) -> Choice | None:
    """
    Choose the live centre with the shortest queue for the work; ties go by name.

    Parameters
    ----------
    places : sequence of Place
        The centres that could do it.
    loads : mapping of Load
        By centre; one that is not named counts as not alive.
    lane : str
        Queue that the work belongs to; where a centre has none of that name, its first one serves.

    Returns
    -------
    Choice or None
        None where there is no place at all. Where no centre is alive the work waits at the first one, and the reason says so.
    """
    if not places:
        return None
    alive = [place for place in places if place.centre in loads and loads[place.centre].alive]
    if not alive:
        place = min(places, key=lambda each: each.centre)
        return Choice(centre=place.centre, queue=_queue_of(place, lane), reason=waits_for(place.centre))
    ranked = sorted(alive, key=lambda each: (_queue_length(loads[each.centre], _queue_of(each, lane)), each.centre))
    best = ranked[0]
    queue = _queue_of(best, lane)
    return Choice(
        centre=best.centre,
        queue=queue,
        reason=_reason(best, ranked, _ahead(loads[best.centre], queue)),
    )


def choose_lane(cost: Estimate, *, limit_s: float = math.inf) -> str:
    """
    Choose the lane: `interactive` for small work, `batch` for large.

    Parameters
    ----------
    limit_s : float
        Work that takes longer is large.
    """
    small = cost.bytes_read <= INTERACTIVE_READ_BYTES and cost.bytes_written <= INTERACTIVE_WRITTEN_BYTES
    return "interactive" if small and cost.seconds <= limit_s else "batch"


def with_brought(choice: Choice, brought: Sequence[Bringing]) -> Choice:
    """Say in the reason of a choice what comes from other centres."""
    if not brought:
        return choice
    en = ", ".join(f"{each.dataset} from {each.centre}" for each in brought)
    fr = ", ".join(f"{each.dataset} depuis {each.centre}" for each in brought)
    reason = Words(
        en=f"{choice.reason.en}; what it lacks is brought: {en}",
        fr=f"{choice.reason.fr} ; ce qui lui manque y est apporté : {fr}",
    )
    return replace(choice, reason=reason)


def waits_for(centre: str) -> Words:
    """Say that a job waits for a centre that gives no sign of life."""
    return Words(
        en=f"waits for {centre}, which holds the data but gives no sign of life at the moment",
        fr=f"attend {centre}, qui détient les données mais ne donne pas signe de vie pour le moment",
    )


def _queue_of(place: Place, lane: str) -> str:
    return lane if lane in place.queues else place.queues[0]


def _queue_length(load: Load, queue: str) -> float:
    """Works ahead in the lane for each of its slots: what a new one waits for."""
    return _ahead(load, queue) / max(load.slots_in.get(queue, load.slots), 1)


def _ahead(load: Load, queue: str) -> int:
    return load.waiting.get(queue, 0) + load.running_in.get(queue, load.running)


def _reason(best: Place, ranked: Sequence[Place], count: int) -> Words:
    ahead = _ahead_words(count)
    data = (
        Words(en="holds the data", fr="détient les données") if best.holds_data else Words(en="is up", fr="est actif")
    )
    if len(ranked) == 1:
        return Words(en=f"{best.centre} {data.en}; {ahead.en}", fr=f"{best.centre} {data.fr} ; {ahead.fr}")
    return Words(
        en=f"{best.centre} {data.en}; of {len(ranked)} centres its queue is the shortest: {ahead.en}",
        fr=f"{best.centre} {data.fr} ; de {len(ranked)} centres, sa file est la plus courte : {ahead.fr}",
    )


def _ahead_words(count: int) -> Words:
    if count == 0:
        return Words(en="no job is ahead", fr="aucune tâche devant")
    if count == 1:
        return Words(en="1 job is ahead", fr="1 tâche devant")
    return Words(en=f"{count} jobs are ahead", fr=f"{count} tâches devant")
