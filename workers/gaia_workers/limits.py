"""
What one task may use, and what is said of one that uses more.

The agent watches a task from outside (`Guard`); beyond that the kernel holds it by limits that lie somewhat higher
(`hold`), for the moments between two looks and for an agent that is itself held up.
"""

import math
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gaia_processes.process import Limits
from gaia_workers.contract import Failure, Order, Words
from gaia_workers.family import Family, Usage

MIB = 2**20
FILES_PERIOD_S = 0.5
FILES_SHARE = 0.05
"""Of the agent's time for one task, to look at its files: there may be very many, and heartbeats must not wait for them."""
ADDRESSES_SPARE_BYTES = 4 * 2**30
"""The scientific stack alone maps 2.5 GB at 0.2 GB resident, and each thread some more."""
ADDRESSES_PER_RESIDENT = 4
PROCESSOR_SPARE_S = 10
TIME_SPARE_S = 20.0
KILLED_FIRST = 500
"""How much sooner than others the kernel ends a task where the machine's memory runs out (proc(5), oom_score_adj)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """
    What one task may use.

    Attributes
    ----------
    time_s, cpu_s : float
        By the clock, and of processors, all of its processes together.
    memory_bytes : float
        Resident, all of its processes together.
    scratch_bytes : float
        On disk: its result and its temporary files.
    """

    time_s: float
    cpu_s: float
    memory_bytes: float
    scratch_bytes: float

    @classmethod
    def of(cls, order: Order, limits: Limits, *, cpu_s: float, scratch_bytes: float) -> "Allowance":
        """
        Take the least of what the server, the process and the centre allow.

        Parameters
        ----------
        limits : Limits
            Of the process.
        cpu_s, scratch_bytes : float
            Of the centre.
        """
        return cls(
            time_s=min(order.time_limit_s, _or_all(limits.time_s)),
            cpu_s=min(cpu_s, _or_all(limits.cpu_s)),
            memory_bytes=min(order.memory_limit_bytes, _or_all(limits.memory_bytes)),
            scratch_bytes=min(scratch_bytes, _or_all(limits.scratch_bytes)),
        )


class Guard:
    """
    Watches one task from outside.

    Parameters
    ----------
    cpu_before_s : float or None
        What the processes had used of processors when the task began; looked up where it is not known.
    """

    def __init__(
        self,
        allowance: Allowance,
        family: Family,
        *,
        written_bytes: Callable[[], int],
        cpu_before_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowance = allowance
        self._family = family
        self._written_bytes = written_bytes
        self._clock = clock
        self._begun = clock()
        self._cpu_before_s = family.usage().cpu_s if cpu_before_s is None else cpu_before_s
        self._files_at = self._begun

    def find_broken(self) -> Failure | None:
        """Look at everything, and give the first limit that is broken."""
        now, allowed = self._clock(), self._allowance
        if now - self._begun > allowed.time_s:
            return over_time(allowed.time_s)
        usage = self._family.usage()
        if usage.cpu_s - self._cpu_before_s > allowed.cpu_s:
            return over_processor(allowed.cpu_s)
        if usage.resident_bytes > allowed.memory_bytes and (used := self._confirmed(usage)) > allowed.memory_bytes:
            return over_memory(allowed.memory_bytes, used)
        return self._over_scratch(now)

    def _confirmed(self, usage: Usage) -> int:
        """Count pages once that several processes share; a single one is charged for those of its warm parent."""
        return usage.resident_bytes if usage.members == 1 else self._family.own_bytes()

    def _over_scratch(self, now: float) -> Failure | None:
        if now < self._files_at:
            return None
        written, allowed = self._written_bytes(), self._allowance.scratch_bytes
        took_s = self._clock() - now
        self._files_at = now + max(FILES_PERIOD_S, took_s / FILES_SHARE)
        return over_scratch(allowed) if written > allowed else None


@contextmanager
def hold(allowance: Allowance) -> Iterator[None]:
    """
    Let the kernel hold this process while it does one task: to addresses, processor time, sizes of files, and time.

    Only the soft limits are set, so that the next task can have others.
    """
    addresses = _mapped_bytes() + ADDRESSES_PER_RESIDENT * allowance.memory_bytes + ADDRESSES_SPARE_BYTES
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, also in the middle of C code
    signal.setitimer(signal.ITIMER_REAL, min(allowance.time_s, 2**30) + TIME_SPARE_S)
    _set_soft(resource.RLIMIT_AS, addresses)
    _set_soft(resource.RLIMIT_CPU, time.process_time() + allowance.cpu_s + PROCESSOR_SPARE_S)
    _set_soft(resource.RLIMIT_FSIZE, allowance.scratch_bytes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def stand_back() -> None:
    """Be the first to go where the machine's memory runs out, and leave no image of it on disk."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(KILLED_FIRST))
    _set_soft(resource.RLIMIT_CORE, 0)


def _set_soft(which: int, value: float) -> None:
    _, hard = resource.getrlimit(which)
    wanted = resource.RLIM_INFINITY if math.isinf(value) else math.ceil(value)
    if hard != resource.RLIM_INFINITY:
        wanted = hard if wanted == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (wanted, hard))


def _mapped_bytes() -> int:
    """Tell how much of addresses this process has mapped; 0 where the kernel does not say (proc(5), statm)."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as statm:  # noqa: PTH123 - for every task
            return int(statm.read(64).split()[0]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


def _or_all(limit: float | None) -> float:
    return math.inf if limit is None else limit


def failure_of_end(exit_code: int | None, allowance: Allowance, *, ran_out: bool = False) -> Failure | None:
    """
    Tell which of the kernel's limits ended a process; None where it was something else.

    Parameters
    ----------
    ran_out : bool
        Whether the memory of its control group was used up.
    """
    if ran_out:
        return over_memory(allowance.memory_bytes, int(allowance.memory_bytes))
    if exit_code == -signal.SIGXCPU:
        return over_processor(allowance.cpu_s)
    return over_time(allowance.time_s) if exit_code == -signal.SIGALRM else None


def over_time(limit_s: float) -> Failure:
    """Say that the work took too long."""
    return Failure(
        code="timeout",
        words=Words(
            en=f"The work took longer than the {limit_s:g} s that one task may take; ask for a smaller part.",
            fr=f"Le calcul a duré plus que les {limit_s:g} s permises à une tâche ; demandez une partie plus petite.",
        ),
    )


def over_processor(limit_s: float) -> Failure:
    """Say that the work used too much of the processors."""
    return Failure(
        code="timeout",
        words=Words(
            en=f"The work used more than the {limit_s:g} s of processor time that one task may use; ask for a smaller part.",
            fr=f"Le calcul a utilisé plus que les {limit_s:g} s de temps processeur permises à une tâche ; demandez une partie plus petite.",
        ),
    )


def over_memory(limit_bytes: float, used_bytes: int) -> Failure:
    """Say that the work used too much memory."""
    used, limit = used_bytes / MIB, limit_bytes / MIB
    return Failure(
        code="memory-limit",
        words=Words(
            en=f"The work used {used:.0f} MiB of memory, more than the {limit:.0f} MiB that one task may; ask for a smaller part.",
            fr=f"Le calcul a utilisé {used:.0f} Mio de mémoire, plus que les {limit:.0f} Mio permis à une tâche ; "
            "demandez une partie plus petite.",
        ),
    )


def out_of_memory(limit_bytes: float) -> Failure:
    """Say that the work asked for more memory than it could ever get."""
    limit = limit_bytes / MIB
    return Failure(
        code="memory-limit",
        words=Words(
            en=f"The work asked for more memory at once than the {limit:.0f} MiB that one task may use; ask for a smaller part.",
            fr=f"Le calcul a demandé d'un coup plus de mémoire que les {limit:.0f} Mio permis à une tâche ; "
            "demandez une partie plus petite.",
        ),
    )


def over_scratch(limit_bytes: float) -> Failure:
    """Say that the work wrote too much."""
    limit = limit_bytes / MIB
    return Failure(
        code="storage-full",
        words=Words(
            en=f"The work wrote more than the {limit:.0f} MiB of files that one task may keep; ask for a smaller part.",
            fr=f"Le calcul a écrit plus que les {limit:.0f} Mio de fichiers permis à une tâche ; demandez une partie plus petite.",
        ),
    )
