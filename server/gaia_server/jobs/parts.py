"""
What a part of a work does to its whole: it says why that waits, gives it what it has made ready, and takes it along when it fails.

All happens in the transaction in which the part itself changes, so that no crash leaves a whole waiting for a part that has ended.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

from sqlalchemy import Connection, select, update

from gaia_server.jobs.records import Work
from gaia_server.jobs.rows import BROUGHT, WORKS, read_work
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import works
from gaia_workers.contract import Brought, Failure, Result, Words, utc_now


def tell_whole(connection: Connection, part: Work, reason: Words | None) -> None:
    """
    Say of a whole what one of its parts waits for; nothing where the work is no part.

    Parameters
    ----------
    reason : Words or None
        None where the part has begun.
    """
    if part.whole is None:
        return
    about = Words(en=f"{part.brings} from {part.centre}", fr=f"{part.brings} depuis {part.centre}")
    if reason is None:
        words = Words(en=f"waits for {about.en}, which is being made ready", fr=f"attend {about.fr}, en préparation")
    else:
        words = Words(en=f"waits for {about.en}: {reason.en}", fr=f"attend {about.fr} : {reason.fr}")
    _change_waiting(connection, part.whole, reason=asdict(words))


def give_to_whole(connection: Connection, part: Work, result: Result) -> None:
    """Note with a whole what a part has made ready; the one that lacks nothing more comes to stand in its lane."""
    if part.whole is None or part.brings is None:
        return
    (file,) = result.outputs
    given = Brought(
        reference=part.brings, part=part.id, centre=part.centre, sha256=file.sha256, size_bytes=file.size_bytes
    )
    whole = read_work(connection.execute(WORKS.where(works.c.id == part.whole).with_for_update()).one())
    brought = tuple(sorted((*whole.brought, given), key=lambda each: each.reference))
    change: dict[str, object] = {
        "brought": BROUGHT.dump_python(brought, mode="json"),
        "lacking": max(whole.lacking - 1, 0),
    }
    if whole.lacking <= 1:
        there = ", ".join(f"{each.reference} ({each.centre})" for each in brought)
        words = Words(
            en=f"waits for its turn at {whole.centre}; made ready at other centres: {there}",
            fr=f"attend son tour à {whole.centre} ; préparé dans d'autres centres : {there}",
        )
        change["reason"] = asdict(words)
    _change_waiting(connection, whole.id, **change)


def fail_whole(
    connection: Connection,
    part_id: str,
    failure: Failure,
    fail: Callable[[Connection, str, int, Failure], bool],
) -> None:
    """
    Let a whole fail with its part, and say which part it was, of which centre.

    Parameters
    ----------
    fail : callable
        Ends a work, by its id and attempt.
    """
    part = read_work(connection.execute(WORKS.where(works.c.id == part_id)).one())
    if part.whole is None:
        return
    words = Words(
        en=f"{part.brings} could not be made ready at {part.centre}: {failure.words.en}",
        fr=f"{part.brings} n'a pas pu être préparé à {part.centre} : {failure.words.fr}",
    )
    attempt = connection.execute(select(works.c.attempt).where(works.c.id == part.whole)).scalar_one()
    fail(connection, part.whole, attempt, replace(failure, words=words, retry=False))


def _change_waiting(connection: Connection, whole_id: str, **values: object) -> None:
    """Change a whole that has not begun; one that has ended is left as it ended."""
    waiting = (works.c.id == whole_id, works.c.state == State.ACCEPTED.value)
    connection.execute(update(works).where(*waiting).values(updated=utc_now(), **values))
