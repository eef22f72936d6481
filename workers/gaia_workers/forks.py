"""
The forks that compute, seen from the agent: each carries out one errand at a time.

Some are begun beforehand and wait, warm and idle, for an errand: a fork takes longer to begin and to end than a small task to be
done. For the same reason one that did its errand well, and kept no memory, waits for another; one that failed, was stopped or grew
never does.
"""

import importlib
import select
import threading
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Self

from gaia_workers.cgroups import Group, Groups
from gaia_workers.errands import Done, Errand, News
from gaia_workers.family import Family

KILL_WAIT_S = 5.0
ERRANDS_EACH = 200
"""After so many a fork is replaced: what native libraries leak does not add up."""
GROWTH_LIMIT_BYTES = 64 * 2**20
"""What a fork may have kept of its errands and still get another."""

_context = get_context("forkserver")
_begin_lock = threading.Lock()


def set_out(pipe: Connection) -> None:
    """Wait for errands and do them: the first thing that the fork does, and the first that needs the science (warm there)."""
    importlib.import_module("gaia_workers.task").work(pipe)


class Fork:
    """One process that computes, and the pipe to it."""

    def __init__(self, child: BaseProcess, pipe: Connection, group: Group | None = None) -> None:
        self._child = child
        self._pipe = pipe
        self._group = group
        self._errands = 0
        self._idle_bytes = 0
        self._alone = False
        self._poll = select.poll()
        self._poll.register(pipe.fileno(), select.POLLIN)
        self.cpu_before_s = 0.0
        """Of processors, what it had used when it was last sent out; a fork that waits uses none."""
        self.family = Family(child.pid or 0)
        """It, and what it starts."""

    @classmethod
    def begin(cls, groups: Groups | None = None) -> Self:
        """Fork the warm parent; the fork waits for its errand."""
        ours, theirs = _context.Pipe()
        with _begin_lock:  # multiprocessing keeps one list of children, unguarded
            child = _context.Process(target=set_out, args=(theirs,), daemon=False)
            child.start()
        theirs.close()
        return cls(child, ours, groups.open(child.pid) if groups and child.pid else None)

    def send_out(self, errand: Errand) -> bool:
        """Give it its errand; False where it has died while it waited."""
        if not self._errands:
            usage = self.family.usage_of_first()
            self._idle_bytes, self.cpu_before_s = usage.resident_bytes, usage.cpu_s
        self._errands += 1
        if self._group:
            self._group.hold(errand.allowance.memory_bytes)
        try:
            self._pipe.send(errand)
        except OSError:
            return False
        return True

    def hear(self, wait_s: float) -> News | None:
        """
        Hear what it says next; None where it says nothing for so long.

        Raises
        ------
        EOFError
            If it has died.
        """
        try:
            if not self._poll.poll(1000 * wait_s):
                return None
            news: News | Done = self._pipe.recv()
        except ConnectionResetError as error:
            raise EOFError from error
        if isinstance(news, Done):
            self._alone = news.alone
            return news.outcome
        return news

    @property
    def fit(self) -> bool:
        """Whether it may be sent out again, having done its errand: it kept no memory and left no process behind."""
        if not self._alone:
            return False
        usage = self.family.usage_of_first()
        self.cpu_before_s = usage.cpu_s
        grown = usage.resident_bytes - self._idle_bytes
        return self._errands < ERRANDS_EACH and usage.members == 1 and grown <= GROWTH_LIMIT_BYTES

    @property
    def ran_out(self) -> bool:
        """Whether the kernel ended it because its control group had no memory left."""
        return self._group is not None and self._group.ran_out()

    def exit_code(self) -> int | None:
        """Wait for its end, and tell how it ended."""
        self._child.join(KILL_WAIT_S)
        return self._child.exitcode

    def end(self) -> None:
        """Leave nothing of it, nor of what it started."""
        if self._child.is_alive():
            self.family.kill()
        else:
            self.family.kill_orphans()
        if self._group:
            self._group.kill()
        self._child.join(KILL_WAIT_S)
        if self._group:
            self._group.close()
        self._pipe.close()
        if not self._child.is_alive():
            self._child.close()


class Forks:
    """
    Begins forks, and keeps some ready.

    Parameters
    ----------
    ready : int
        How many there are, at work or waiting for an errand. One that is out is not replaced before it is ended: it comes back
        to wait, and a second one in its place would have been begun to be ended.
    """

    def __init__(self, ready: int = 0) -> None:
        self._ready = ready
        self._groups: Groups | None = None
        self._waiting: list[Fork] = []
        self._out: set[Fork] = set()
        self._spent: list[Fork] = []
        self._lock = threading.Lock()

    def use(self, groups: Groups | None) -> None:
        """Put all that are begun from now on into control groups of their own."""
        self._groups = groups

    def send_out(self, errand: Errand) -> Fork:
        """Send a fork out with an errand: one that waits, or a new one."""
        while (fork := self._take()) is not None:
            if fork.send_out(errand):
                return fork
            self.end(fork)
        fork = Fork.begin(self._groups)
        with self._lock:
            self._out.add(fork)
        fork.send_out(errand)
        return fork

    def take_back(self, fork: Fork) -> None:
        """Let a fork that did its errand wait for the next one; one that is not fit goes with the next refill."""
        fit = fork.fit
        with self._lock:
            self._out.discard(fork)
            if fit and len(self._waiting) + len(self._out) < self._ready:
                self._waiting.insert(0, fork)
            else:
                self._spent.append(fork)

    def end(self, fork: Fork) -> None:
        """End a fork that was sent out, with all that it started."""
        try:
            fork.end()
        finally:
            with self._lock:
                self._out.discard(fork)

    def refill(self) -> None:
        """End the spent ones and begin those that are missing; call it when nobody waits for it."""
        for fork in self._take_spent():
            fork.end()
        while True:
            with self._lock:
                if len(self._waiting) + len(self._out) >= self._ready:
                    return
                self._waiting.append(Fork.begin(self._groups))

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            self._ready, waiting, self._waiting = 0, self._waiting, []
        for fork in (*waiting, *self._take_spent()):
            fork.end()

    def _take_spent(self) -> list[Fork]:
        with self._lock:
            spent, self._spent = self._spent, []
        return spent

    def _take(self) -> Fork | None:
        with self._lock:
            if not self._waiting:
                return None
            fork = self._waiting.pop(0)
            self._out.add(fork)
            return fork
