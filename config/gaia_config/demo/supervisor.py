"""Keeps the programs of the box running: starts them, starts them again with back-off when they die, ends them all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gaia_config.demo import child

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
GOOD_RUN_S = 60.0
KILL_AFTER_S = 4.0
REFUSED = 2  # exit code of a program that its caller must mend
LARGEST_LOG_BYTES = 10 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """
    One program of the box.

    Attributes
    ----------
    name : str
        As `worker climeri`.
    command : tuple of str
        What to run; `gaia` as the first word is ours.
    environment : mapping
        What it finds beside the environment of the box.
    last : bool
        Ended after all others, which need it to the end.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    last: bool = False


@dataclass(kw_only=True, slots=True)
class _Run:
    """What became of a program so far."""

    program: Program
    process: subprocess.Popen[bytes]
    begun: float
    failures: int = 0
    again: float | None = None


def delay_s(failures: int) -> float:
    """
    Choose how long to wait before a program is started again.

    Parameters
    ----------
    failures : int
        How often in a row it died soon, this time included.

    Examples
    --------
    >>> [delay_s(n) for n in (1, 2, 3, 10)]
    [0.5, 1.0, 2.0, 30.0]
    """
    return min(FIRST_DELAY_S * 2.0 ** (failures - 1), LONGEST_DELAY_S)


class Supervisor:
    """
    Runs programs until they are stopped.

    Start it and its programs from one thread that lives on: they die with that thread.

    Parameters
    ----------
    logs : Path
        Folder with a log for each program.
    environment : mapping
        Environment of all programs.
    say : callable
        Tells the person in front what happens.
    changed : callable
        Is told that a program has another process now.
    """

    def __init__(
        self,
        *,
        logs: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._logs = logs
        self._environment = {**environment, child.PARENT: str(os.getpid())}
        self._say = say
        self._changed = changed
        self._runs: dict[str, _Run] = {}

    def start(self, program: Program) -> None:
        """Start a program, and watch over it from now on."""
        process = self._spawn(program)
        self._runs[program.name] = _Run(program=program, process=process, begun=time.monotonic())
        self._changed()

    def watch(self) -> None:
        """Start again what has died, if its time has come; call it often."""
        for run in self._runs.values():
            if run.again is not None:
                self._revive(run)
            elif (code := run.process.poll()) is not None:
                self._mourn(run, code)

    def pids(self) -> dict[str, int]:
        """List the process of each program that runs."""
        return {name: run.process.pid for name, run in self._runs.items() if run.process.poll() is None}

    def find_refusal(self) -> str | None:
        """Find the sentence with which a program has refused to start: its exit code was 2."""
        for name, run in self._runs.items():
            if run.process.poll() == REFUSED:
                return self.last_words(name)
        return None

    def last_words(self, name: str) -> str:
        """Read the last line of a program's log."""
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"{name} said nothing"

    def stop(self) -> None:
        """End all: SIGTERM first, SIGKILL for the whole process group of what has not ended after four seconds."""
        until = time.monotonic() + KILL_AFTER_S
        first = [run.process for run in self._runs.values() if not run.program.last]
        last = [run.process for run in self._runs.values() if run.program.last]
        _end(first, until=until)
        _end(last, until=until)
        for process in [*first, *last]:
            _kill_group(process)
        self._runs.clear()

    def _mourn(self, run: _Run, code: int) -> None:
        lived_s = time.monotonic() - run.begun
        run.failures = 1 if lived_s >= GOOD_RUN_S else run.failures + 1
        pause_s = delay_s(run.failures)
        run.again = time.monotonic() + pause_s
        _kill_group(run.process)
        why = f" ({self.last_words(run.program.name)})" if code == REFUSED else ""
        self._changed()
        self._say(f"{run.program.name} {_ending(code)}{why}; it is started again in {pause_s:g} s")

    def _revive(self, run: _Run) -> None:
        if run.again is None or time.monotonic() < run.again:
            return
        run.process = self._spawn(run.program)
        run.begun, run.again = time.monotonic(), None
        self._changed()
        self._say(f"{run.program.name} is started again")

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        log = self._log(program.name)
        if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", child.__name__, *program.command],
                env={**self._environment, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name.replace(' ', '-')}.log"


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _end(processes: Sequence[subprocess.Popen[bytes]], *, until: float) -> None:
    """Ask processes to end, and give them time."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(until - time.monotonic(), 0.05))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a program: itself and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.wait()
