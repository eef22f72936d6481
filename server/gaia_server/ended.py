"""The statuses of jobs that have ended, as they were written last: most polls ask for what has not changed."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gaia_processes.text import Language
from gaia_server.jobs.records import Job
from gaia_server.jobs.stamps import Stamp, stamp_of
from gaia_workers.contract import utc_now

MOST = 4096
"""So many are kept, some 1.5 KB each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    stamp: Stamp
    until: datetime | None
    text: bytes


class EndedStatuses:
    """
    Statuses as JSON, by job, owner and language; the one that was asked for least recently goes first.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str, Language], _Kept] = OrderedDict()

    def find(self, job_id: str, owner: str, language: Language, read_stamp: Callable[[], Stamp | None]) -> bytes | None:
        """
        Give a status that still holds; None where it has to be written.

        Parameters
        ----------
        read_stamp : callable
            Asks the store; not called where nothing is kept.
        """
        key = (job_id, owner, language)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.stamp != read_stamp() or (kept.until is not None and utc_now() >= kept.until):
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return kept.text

    def keep(self, job: Job, language: Language, text: bytes, *, now: datetime) -> None:
        """
        Keep what was written of a job, where nothing of it changes but what its stamp tells.

        Parameters
        ----------
        now : datetime
            A moment before it was written.
        """
        stamp = stamp_of(job)
        if stamp is None:
            return
        until = job.expires if job.has_results(now) else None
        self._kept[job.id, job.owner, language] = _Kept(stamp=stamp, until=until, text=text)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
