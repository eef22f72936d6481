"""
Control groups of the kernel (cgroup v2), where the centre's administrator has handed a part of their tree to the worker.

There each task is held to its memory by the kernel, children and what they share counted exactly, and killed with all that it
started in one step. Where nothing was handed over, and wherever something of this is refused, the agent's own looks and the
kernel's limits for single processes do without (`limits.py`).

References
----------
Documentation/admin-guide/cgroup-v2.rst of Linux: delegation, "no internal processes", memory.max, memory.events, cgroup.kill.
"""

import math
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

OURS = "gaia-agent"
TASK = "gaia-task"
NEEDED = frozenset({"memory"})
EMPTY_WAIT_S = 2.0
_PAUSE_S = 0.01

_log = structlog.get_logger()


@dataclass(slots=True)
class Group:
    """The control group of one process that computes, and of all that it starts."""

    folder: Path
    _oom_kills: int = 0

    def hold(self, memory_bytes: float) -> None:
        """Hold all of them together to so much memory, from now on."""
        self._oom_kills = self._count_oom_kills()
        try:
            _write(self.folder / "memory.max", "max" if math.isinf(memory_bytes) else str(int(memory_bytes)))
            if (self.folder / "memory.swap.max").exists():
                _write(self.folder / "memory.swap.max", "0")  # a task that lives on swap holds up all others
        except OSError as error:
            _log.warning("a task is only watched", reason=os.strerror(error.errno or 0))

    def ran_out(self) -> bool:
        """Tell whether the kernel ended one of them because their memory was used up."""
        return self._count_oom_kills() > self._oom_kills

    def kill(self) -> None:
        """End all of them at once, those that were just begun too."""
        with suppress(OSError):
            _write(self.folder / "cgroup.kill", "1")

    def close(self) -> None:
        """Give the group back, once all in it have gone."""
        give_up = time.monotonic() + EMPTY_WAIT_S
        while True:
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > give_up:
                    return  # what hangs inside the kernel keeps it
                time.sleep(_PAUSE_S)
            else:
                return

    def _count_oom_kills(self) -> int:
        try:
            lines = (self.folder / "memory.events").read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


class Groups:
    """The part of the tree that was handed to this worker."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def find(cls, *, process: Path = Path("/proc/self"), pid: int | None = None) -> Self | None:
        """
        Find the worker's own part of the tree and prepare it; None where there is none, or it may not be used.

        It must hold this worker and nothing else, as the group of a service does: then nobody else's processes are touched.
        The agent moves into a leaf of its own, since a group that has children with limits may hold no processes itself.

        Parameters
        ----------
        process : Path
            What /proc says of this process.
        pid : int or None
            This process, where it is not the one that asks.
        """
        root = _own_group(process)
        if root is None or not set(_read(root / "cgroup.controllers").split()) >= NEEDED:
            return None
        alone = _read(root / "cgroup.procs").split() == [str(pid or os.getpid())]
        if not alone or not os.access(root / "cgroup.subtree_control", os.W_OK):
            return None
        groups = cls(root)
        try:
            groups._prepare(pid or os.getpid())
        except OSError as error:
            _log.info("control groups are not used", reason=os.strerror(error.errno or 0))
            return None
        return groups

    def open(self, pid: int) -> Group | None:
        """Put a process into a group of its own; None where the kernel refuses, so that it is watched alone."""
        folder = self._root / f"{TASK}-{pid}"
        try:
            folder.mkdir(exist_ok=True)
            _write(folder / "cgroup.procs", str(pid))
        except OSError as error:
            _log.warning("a task has no control group", reason=os.strerror(error.errno or 0))
            with suppress(OSError):
                folder.rmdir()
            return None
        return Group(folder)

    def _prepare(self, pid: int) -> None:
        leaf = self._root / OURS
        leaf.mkdir(exist_ok=True)
        _write(leaf / "cgroup.procs", str(pid))
        _write(self._root / "cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(NEEDED)))


def _own_group(process: Path) -> Path | None:
    """Find the folder of this process' group in the unified tree (proc(5), cgroup and mountinfo)."""
    path = next((line[3:] for line in _read(process / "cgroup").splitlines() if line.startswith("0::")), None)
    mounts = (line.split() for line in _read(process / "mountinfo").splitlines())
    place = next((fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"), None)
    if path is None or place is None or path.startswith("/.."):
        return None
    return Path(place) / path.removeprefix("/")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    path.write_text(text)
