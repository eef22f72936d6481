"""The site scheduler Slurm, by the programs that it brings: `sbatch`, `squeue`, `scancel`. Knows nothing of orders."""

import math
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

LOOK_S = 2.0
"""All jobs are looked at by one question, and not more often."""
PATIENCE_S = 20.0
LOOK_PATIENCE_S = 4.0
"""Whoever looks keeps a lease meanwhile: a scheduler that is away must not hold it up until that has run out."""
SPARE_MINUTES = 5
"""The scheduler ends what has not ended itself, and not before."""
MIB = 2**20

_log = structlog.get_logger()


class SchedulerDown(ConnectionError):
    """The scheduler does not answer, or refuses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """How a job of the scheduler stands: its state in Slurm's words (`PENDING`, `RUNNING`, …), and why."""

    state: str
    reason: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.state in {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED"}


class Slurm:
    """
    One scheduler.

    Parameters
    ----------
    options : sequence of str
        Of the site, for each job: `--partition=…`, `--account=…`.
    """

    def __init__(self, options: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = tuple(options)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[float, dict[str, Stand]] = (-math.inf, {})
        self._failed = -math.inf

    def submit(self, name: str, command: Sequence[str], *, folder: Path, time_s: float, memory_bytes: float) -> str:
        """
        Hand a program over; give the scheduler's number of it.

        Raises
        ------
        SchedulerDown
            If it was not taken.
        """
        minutes = math.ceil(time_s / 60) + SPARE_MINUTES
        script = f"#!/bin/sh\nexec {shlex.join(command)}\n"
        limits = (f"--time={minutes}", f"--mem={math.ceil(memory_bytes / MIB)}M")
        about = (f"--job-name={name}", f"--chdir={folder}", f"--output={folder / 'output'}", "--no-requeue")
        told = _ask("sbatch", "--parsable", *limits, *self._options, *about, script=script)
        return told.strip().partition(";")[0]

    def find(self, number: str) -> Stand | None:
        """
        See how a job stands; None where it has ended or there is none.

        Raises
        ------
        SchedulerDown
            If nobody can tell.
        """
        with self._lock:
            seen, stands = self._seen
            now = self._clock()
            if now - seen > LOOK_S:
                stands = self._look(now)
                self._seen = (self._clock(), stands)
        return stands.get(number)

    def _look(self, now: float) -> dict[str, Stand]:
        """Ask for all at once; where nobody answered, the next one who wants to know does not wait as well."""
        if now - self._failed <= LOOK_S:
            raise SchedulerDown("squeue: it did not answer a moment ago")
        try:
            told = _ask("squeue", "--me", "--noheader", "--format=%i|%T|%r", patience_s=LOOK_PATIENCE_S)
        except SchedulerDown:
            self._failed = self._clock()
            raise
        return _stands(told)

    def forget_look(self) -> None:
        """Look anew the next time."""
        with self._lock:
            self._seen = (-math.inf, {})

    def cancel(self, name: str) -> None:
        """End every job of a name, waiting or running; one that is not there is no mistake."""
        try:
            _ask("scancel", f"--name={name}")
        except SchedulerDown as error:
            _log.warning("a job of the scheduler could not be cancelled", name=name, reason=str(error))


def _stands(text: str) -> dict[str, Stand]:
    found: dict[str, Stand] = {}
    for line in text.splitlines():
        number, state, reason = (*line.strip().split("|", 2), "", "")[:3]
        found[number] = Stand(state=state, reason=reason)
    return found


def _ask(*command: str, script: str | None = None, patience_s: float = PATIENCE_S) -> str:
    try:
        done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=patience_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerDown(f"{command[0]}: {type(error).__name__}") from error
    if done.returncode != 0:
        raise SchedulerDown(f"{command[0]}: {done.stderr.strip()[:200]}")
    return done.stdout
