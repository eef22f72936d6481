"""Has what several threads ask for at the same moment done in one go, by one of them: a commit for all takes as long as one for each."""

import threading
from collections.abc import Callable, Sequence

from gaia_server.errors import StoreDown

AT_ONCE = 16
"""More would keep the loop of a web process from everybody else for longer than a poll may wait."""


class _Asked[T, R]:
    """One thing that was asked for, and what became of it."""

    def __init__(self, what: T) -> None:
        self.what = what
        self.done = False
        self._result: R | None = None
        self._error: Exception | None = None

    def succeed(self, result: R) -> None:
        """Take note of the result."""
        self._result, self.done = result, True

    def fail(self, error: Exception) -> None:
        """Take note that it failed."""
        self._error, self.done = error, True

    def outcome(self) -> R:
        """Give the result, or raise what went wrong."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it is set, and R may be None


class Together[T, R]:
    """
    Does things together.

    Whoever gets the turn does all that waits; the others find theirs done when the turn comes to them. Where something fails, each
    is done alone, so that nobody hears of a mistake of another; where the store is down, it is down for all who wait.

    Parameters
    ----------
    do : callable
        Does all of them, or none; gives their results in the same order.
    most : int
        How many are done at once.
    """

    def __init__(self, do: Callable[[Sequence[T]], Sequence[R]], *, most: int = AT_ONCE) -> None:
        self._do = do
        self._most = most
        self._waiting: list[_Asked[T, R]] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def ask(self, what: T) -> R:
        """Have one thing done, with others if there are; what it raises is raised here."""
        asked: _Asked[T, R] = _Asked(what)
        with self._lock:
            self._waiting.append(asked)
        with self._turn:
            while not asked.done:
                self._take_turn()
        return asked.outcome()

    def _take_turn(self) -> None:
        some = self._take(self._most)
        try:
            self._do_all(some)
        finally:  # a thread that is ended in the middle leaves to the others what it has not done
            with self._lock:
                self._waiting[:0] = [each for each in some if not each.done]

    def _do_all(self, some: Sequence[_Asked[T, R]]) -> None:
        try:
            results = self._do([each.what for each in some])
        except StoreDown as error:
            for each in (*some, *self._take(None)):
                each.fail(error)
        except Exception as error:  # noqa: BLE001 - it is raised where it belongs
            if len(some) == 1:
                some[0].fail(error)
            else:
                self._do_each(some)
        else:
            for each, result in zip(some, results, strict=True):
                each.succeed(result)

    def _do_each(self, some: Sequence[_Asked[T, R]]) -> None:
        for each in some:
            if not each.done:
                self._do_all([each])

    def _take(self, most: int | None) -> list[_Asked[T, R]]:
        with self._lock:
            taken, self._waiting = self._waiting[:most], [] if most is None else self._waiting[most:]
        return taken
