"""Progress that means something: one scale from 0 to 99 for all that a task does, from work done, and never backwards."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from gaia_workers.contract import Words

PERIOD_S = 0.2
COMPUTING = 90.0
"""How far the computing of a process leads that reports on it; writing has the rest, or all where nothing was reported."""
MOST = 99
"""100 is said by the end alone."""


class HearsProgress(Protocol):
    """Who is told how it goes."""

    def progress(self, percent: int, words: Words | None = None) -> None:
        """Say how much of the work is done, 0 to 99."""


class Track:
    """
    The way of one task from 0 to 99: its `compute` first, then the writing of each output.

    A process that is lazy computes while it is written: where it reports on what it reads, the further of the two counts.

    Parameters
    ----------
    say : HearsProgress
        Hears whole numbers that never go back.
    """

    def __init__(self, say: HearsProgress) -> None:
        self._say = say
        self._reached = 0.0

    def computing(self, done: float, total: float) -> None:
        """Report so much of the computing, in any unit."""
        self._reach(COMPUTING * share(done, total))

    def writing(self, at: int, of: int) -> Callable[[float, float], None]:
        """Begin to write one of several outputs; give what reports on it."""
        begun = self._reached
        end = begun + (MOST - begun) / max(of - at, 1)

        def report(done: float, total: float) -> None:
            self._reach(begun + (end - begun) * share(done, total))

        return report

    def _reach(self, place: float) -> None:
        self._reached = max(self._reached, place)
        self._say.progress(int(self._reached))


class Throttled:
    """
    Passes progress on, but not more often than anybody can read, and never backwards.

    A lazy process works in the thread that reads ahead of the writer, so two threads report; one speaks at a time.
    """

    def __init__(self, say: HearsProgress, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._speaking = threading.Lock()
        self._said = -1
        self._when = clock()  # what is done before anybody could read of it says nothing

    def progress(self, percent: int, words: Words | None = None) -> None:
        """Say it if it is news and the last word is old enough."""
        now = self._clock()
        with self._speaking:
            if percent > self._said and now - self._when >= PERIOD_S:
                self._said, self._when = percent, now
                self._say.progress(percent, words)


def share(done: float, total: float) -> float:
    """Give the share of work done, 0 to 1; nothing is known of a total of nothing."""
    return min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
