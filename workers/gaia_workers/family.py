"""
A process and all that it started, directly or not: what they use together, and how none of them is left.

On Linux from `/proc` (proc(5)); elsewhere from psutil, which is slower.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PROC = Path("/proc")
GONE_WAIT_S = 2.0
_LOOK_S = 0.005
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_DEAD = {"Z", "X"}
_STATE, _USER, _SYSTEM, _USER_OF_DEAD, _SYSTEM_OF_DEAD, _BORN, _RESIDENT = 0, 11, 12, 13, 14, 19, 21
"""Places in /proc/<pid>/stat behind the name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """
    One process at one moment.

    Attributes
    ----------
    born : str
        When it began, in the kernel's own words: with the pid it names one process for ever.
    resident_bytes : int
        Memory, pages that it shares with others included.
    cpu_s : float
        Processor time, of its ended children too.
    """

    pid: int
    born: str
    alive: bool
    resident_bytes: int
    cpu_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What all members use together."""

    resident_bytes: int
    cpu_s: float
    members: int


class Family:
    """The process that computes, and what it started. Kill the whole of it only while the first one's end was not waited for."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[int, str] = {}

    def usage(self) -> Usage:
        """See what they use; nothing where the first one has ended."""
        members = [member for member in self._look() if member.alive]
        resident = sum(member.resident_bytes for member in members)
        return Usage(
            resident_bytes=resident, cpu_s=round(sum(member.cpu_s for member in members), 2), members=len(members)
        )

    def usage_of_first(self) -> Usage:
        """See what the first one uses, where it is known that there are no others."""
        member = _member(self._pid)
        if member is None or not member.alive:
            return Usage(resident_bytes=0, cpu_s=0.0, members=0)
        return Usage(resident_bytes=member.resident_bytes, cpu_s=round(member.cpu_s, 2), members=1)

    def own_bytes(self) -> int:
        """Measure their memory so that a page which several of them share counts once (slower: the kernel adds it up)."""
        return sum(_proportional_bytes(member.pid) for member in self._look() if member.alive)

    def kill(self) -> None:
        """
        Leave none of them.

        The first one is stopped, so that it starts no others; what it had started goes first, as long as it can be found
        by its parent; then it goes itself, with its process group and with those that were seen before their parent died.
        """
        self._look()
        _signal(self._pid, signal.SIGSTOP)
        give_up = time.monotonic() + GONE_WAIT_S
        while children := [member for member in self._look() if member.alive and member.pid != self._pid]:
            for child in children:
                _signal(child.pid, signal.SIGKILL)
            if time.monotonic() > give_up:
                break  # one hangs inside the kernel; it dies when that returns
            time.sleep(_LOOK_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        _signal(self._pid, signal.SIGKILL)
        self.kill_orphans()

    def kill_orphans(self) -> None:
        """Leave none of those that were seen, where the first one is gone already."""
        for pid, born in self._seen.items():
            member = _member(pid)
            if member is not None and member.born == born and pid != self._pid:
                _signal(pid, signal.SIGKILL)

    def _look(self) -> list[Member]:
        found = list(_with_descendants(self._pid))
        self._seen |= {member.pid: member.born for member in found}
        return found


def _with_descendants(pid: int) -> Iterator[Member]:
    member = _member(pid)
    if member is None:
        return
    yield member
    for child in _children(pid):
        yield from _with_descendants(child)


def _member(pid: int) -> Member | None:
    try:
        with open(f"{PROC}/{pid}/stat", "rb", buffering=0) as stat:  # noqa: PTH123 - after every task
            fields = stat.read(4096).decode(errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return None if PROC.joinpath("self").exists() else _member_by_psutil(pid)
    except (ProcessLookupError, PermissionError):
        return None
    ticks = sum(int(fields[at]) for at in (_USER, _SYSTEM, _USER_OF_DEAD, _SYSTEM_OF_DEAD))
    return Member(
        pid=pid,
        born=fields[_BORN],
        alive=fields[_STATE] not in _DEAD,
        resident_bytes=int(fields[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE"),
        cpu_s=ticks / _TICKS_PER_S,
    )


def _member_by_psutil(pid: int) -> Member | None:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return Member(
                pid=pid,
                born=str(process.create_time()),
                alive=process.status() != psutil.STATUS_ZOMBIE,
                resident_bytes=int(process.memory_info().rss),
                cpu_s=times.user + times.system + times.children_user + times.children_system,
            )
    return None


def _children(pid: int) -> list[int]:
    """List the children of all threads of a process; where the kernel has no such list, psutil goes through all processes."""
    found: list[int] = []
    try:
        for thread in (PROC / str(pid) / "task").iterdir():
            with suppress(ProcessLookupError):
                found += map(int, (thread / "children").read_text().split())
    except FileNotFoundError:
        if (PROC / str(pid)).exists() or not PROC.joinpath("self").exists():
            return _children_by_psutil(pid)
    return found


def _children_by_psutil(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def _proportional_bytes(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        member = _member(pid)
        return member.resident_bytes if member else 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
