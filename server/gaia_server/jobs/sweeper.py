"""The sweeper: lets expired results go, keeps centres within their quotas, and forgets old jobs; beside the reconciler in its process."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_server.jobs.records import Work
from gaia_server.jobs.retention import Retention
from gaia_workers.contract import utc_now

SILENCE = timedelta(minutes=10)
"""A centre that has not confirmed by then that it removed something is told again."""
COMPARE_S = 3600.0

_log = structlog.get_logger()


class Compares(Protocol):
    """Who compares a results store with the job store."""

    def sweep(self) -> None:
        """Compare once."""


class Sweeper:
    """
    Does what is due, in small transactions; any number of sweepers may do so at once, and any of them may be killed.

    Parameters
    ----------
    own : Compares
        The server's own results store; it is compared once an hour.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        retention: Retention,
        centres: Mapping[str, Centre],
        own: Compares,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._retention = retention
        self._centres = centres
        self._own = own
        self._clock = clock
        self._compared: float | None = None

    def sweep(self) -> None:
        """Do all that is due."""
        while gone := self._retention.expire(utc_now()):
            _tell("results expired", gone)
        for centre in self._centres.values():
            self._hold_to_quota(centre)
        if asked := self._retention.ask_again(utc_now(), after=SILENCE):
            _log.warning("told centres again to remove results", works=asked)
        self._forget()
        self._compare()

    def _hold_to_quota(self, centre: Centre) -> None:
        if centre.quota_bytes is None:
            return
        while gone := self._retention.evict(centre.id, centre.quota_bytes, utc_now()):
            _tell("results evicted: their centre keeps more than it may", gone)
        if (kept := self._retention.kept_bytes(centre.id)) > centre.quota_bytes:
            _log.warning("a centre keeps more than it may: all of it is too young to go", centre=centre.id, bytes=kept)

    def _forget(self) -> None:
        lifetime = timedelta(seconds=self._settings.job_lifetime_s)
        while (gone := self._retention.forget(utc_now() - lifetime, utc_now())).jobs:
            _log.info("jobs forgotten", jobs=gone.jobs, bytes=gone.size_bytes)

    def _compare(self) -> None:
        if self._compared is None or self._clock() - self._compared >= COMPARE_S:
            self._compared = self._clock()
            self._own.sweep()


def _tell(event: str, works: Iterable[Work]) -> None:
    for work in works:
        _log.info(event, job=work.id, centre=work.centre, bytes=work.size_bytes)
