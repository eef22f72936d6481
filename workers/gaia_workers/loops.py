"""
Compiles the loops of all processes once for a machine, beside the work: `python -m gaia_workers.loops`.

A worker begins it when it starts. Until it has ended, a task that needs a loop compiles that one itself, and keeps it.
"""

import fcntl
import importlib
import os
import subprocess
import sys
from types import ModuleType

import structlog

from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_processes.catalogue import all_processes
from gaia_processes.shared import kept_loops
from gaia_workers.lineage import die_with_parent

YIELDING = 19
"""Nice value: whatever else wants the processor goes first."""

_log = structlog.get_logger()


def import_science() -> list[ModuleType]:
    """Import what all processes compute with."""
    return [importlib.import_module(f"{process.package}.compute") for process in all_processes()]


def run_loops() -> None:
    """Run every compiled loop once: it is loaded where it lies on disk, else compiled."""
    for module in import_science():
        if hasattr(module, "warm"):
            module.warm()


def make_loops() -> None:
    """Compile what is not compiled yet; where another worker of the machine does so already, leave it to that one."""
    place = kept_loops.folder()
    if place is None or kept_loops.are_made():
        return
    with (place / "making").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        run_loops()
        kept_loops.tell_made()
    _log.info("loops are compiled", folder=str(place))


def have_loops_made() -> None:
    """
    Compile what is not compiled yet in a process of its own, and wait for it; call it in a thread.

    The process is tied to that thread, and dies with the worker.
    """
    if kept_loops.folder() is None or kept_loops.are_made():
        return
    try:
        code = subprocess.run([sys.executable, "-m", __name__], check=False, stdin=subprocess.DEVNULL).returncode
    except OSError as error:
        _log.warning(
            "loops could not be compiled; each task compiles what it needs", reason=os.strerror(error.errno or 0)
        )
        return
    if code:
        _log.warning("loops could not be compiled; each task compiles what it needs", exit_code=code)


if __name__ == "__main__":
    die_with_parent()
    os.nice(YIELDING)
    set_up_logs(Settings().log_level)
    make_loops()
