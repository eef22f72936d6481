"""
The forks that compute, seen from the agent: each carries out one errand and ends.

Some are begun beforehand and wait, warm and idle, for an errand: a fork takes longer to begin than a small task to be done.
"""

import os
import signal
import threading
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Self

import psutil

from gaia_workers.errands import Errand, News, set_out

KILL_WAIT_S = 5.0

_context = get_context("forkserver")
_begin_lock = threading.Lock()


class Fork:
    """One process that computes, and the pipe to it."""

    def __init__(self, child: BaseProcess, pipe: Connection) -> None:
        self._child = child
        self._pipe = pipe

    @classmethod
    def begin(cls) -> Self:
        """Fork the warm parent; the fork waits for its errand."""
        ours, theirs = _context.Pipe()
        with _begin_lock:  # multiprocessing keeps one list of children, unguarded
            child = _context.Process(target=set_out, args=(theirs,), daemon=False)
            child.start()
        theirs.close()
        return cls(child, ours)

    def send_out(self, errand: Errand) -> bool:
        """Give it its errand; False where it has died while it waited."""
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
            if not self._pipe.poll(wait_s):
                return None
            news: News = self._pipe.recv()
        except ConnectionResetError as error:
            raise EOFError from error
        return news

    @property
    def resident_bytes(self) -> int:
        """Memory that it uses, pages that it shares with the warm parent included; 0 where it has ended."""
        try:
            return int(psutil.Process(self._child.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def exit_code(self) -> int | None:
        """Wait for its end, and tell how it ended."""
        self._child.join(KILL_WAIT_S)
        return self._child.exitcode

    def end(self) -> None:
        """Leave nothing of it: its whole process group goes."""
        if self._child.pid is not None and self._child.is_alive():
            for kill in (os.killpg, os.kill):
                with suppress(ProcessLookupError, PermissionError):
                    kill(self._child.pid, signal.SIGKILL)
        self._child.join(KILL_WAIT_S)
        self._pipe.close()
        if not self._child.is_alive():
            self._child.close()


class Forks:
    """
    Begins forks, and keeps some ready.

    Parameters
    ----------
    ready : int
        How many wait for an errand.
    """

    def __init__(self, ready: int = 0) -> None:
        self._ready = ready
        self._waiting: list[Fork] = []
        self._lock = threading.Lock()

    def send_out(self, errand: Errand) -> Fork:
        """Send a fork out with an errand: one that waits, or a new one."""
        while (fork := self._take()) is not None:
            if fork.send_out(errand):
                return fork
            fork.end()
        fork = Fork.begin()
        fork.send_out(errand)
        return fork

    def refill(self) -> None:
        """Begin those that are missing; call it when nobody waits for it."""
        while True:
            with self._lock:
                if len(self._waiting) >= self._ready:
                    return
                self._waiting.append(Fork.begin())

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            self._ready, waiting, self._waiting = 0, self._waiting, []
        for fork in waiting:
            fork.end()

    def _take(self) -> Fork | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None
