import math
import resource
import signal
import time
from dataclasses import replace

import pytest

from gaia_processes.process import Limits
from gaia_workers.errands import failure_of
from gaia_workers.family import Usage
from gaia_workers.limits import Allowance, Guard, failure_of_end, hold
from orders import order

ALLOWANCE = Allowance(time_s=10, cpu_s=20, memory_bytes=100 * 2**20, scratch_bytes=50 * 2**20)


class Tasks:
    """A family that uses what a test says."""

    def __init__(self, *, resident_bytes: int = 2**20, cpu_s: float = 0, members: int = 1, own_bytes: int = 0) -> None:
        self._usage = Usage(resident_bytes=resident_bytes, cpu_s=0, members=members)
        self._cpu_s, self._own_bytes = cpu_s, own_bytes

    def usage(self) -> Usage:
        before, self._usage = (
            self._usage,
            Usage(resident_bytes=self._usage.resident_bytes, cpu_s=self._cpu_s, members=self._usage.members),
        )
        return before

    def own_bytes(self) -> int:
        return self._own_bytes


def broken(tasks: Tasks, *, after_s: float = 1.0, written_bytes: int = 0):
    now = [0.0]
    guard = Guard(ALLOWANCE, tasks, written_bytes=lambda: written_bytes, clock=lambda: now[0])  # type: ignore[arg-type]  # has what is used
    now[0] = after_s
    return guard.find_broken()


@pytest.mark.parametrize(
    ("tasks", "more", "code", "said"),
    [
        pytest.param(Tasks(), {"after_s": 10.1}, "timeout", "10 s that", id="time"),
        pytest.param(Tasks(cpu_s=20.1), {}, "timeout", "20 s of processor time", id="processor"),
        pytest.param(Tasks(resident_bytes=101 * 2**20), {}, "memory-limit", "100 MiB", id="memory"),
        pytest.param(
            Tasks(resident_bytes=150 * 2**20, members=3, own_bytes=101 * 2**20), {}, "memory-limit", "used 101 MiB",
            id="memory of several processes",
        ),
        pytest.param(Tasks(), {"written_bytes": 51 * 2**20}, "storage-full", "50 MiB", id="disk"),
    ],
)  # fmt: skip
def test_a_task_over_a_limit_is_told_which_one_and_what_to_do(tasks: Tasks, more, code: str, said: str) -> None:
    failure = broken(tasks, **more)
    assert failure is not None
    assert (failure.code, failure.retry) == (code, False)
    assert said in failure.words.en
    assert failure.words.en.endswith("ask for a smaller part.")
    assert failure.words.fr.endswith("demandez une partie plus petite.")


def test_a_task_within_its_limits_goes_on() -> None:
    assert broken(Tasks(resident_bytes=100 * 2**20, cpu_s=20), after_s=10, written_bytes=50 * 2**20) is None


def test_pages_that_several_processes_share_count_once() -> None:
    assert broken(Tasks(resident_bytes=150 * 2**20, members=3, own_bytes=99 * 2**20)) is None


def test_a_draft_of_very_many_files_is_looked_at_less_often() -> None:
    now, looks = [0.0], [0]

    def slow_look() -> int:
        looks[0] += 1
        now[0] += 1.0
        return 0

    guard = Guard(replace(ALLOWANCE, time_s=1000), Tasks(), written_bytes=slow_look, clock=lambda: now[0])  # type: ignore[arg-type]  # has what is used
    for _ in range(50):
        guard.find_broken()
        now[0] += 1.0
    assert looks[0] == 3, "a look that takes 1 s every 20 s"


def test_the_least_of_what_server_process_and_centre_allow_holds() -> None:
    one = order(time_limit_s=60.0, memory_limit_bytes=1000)
    limits = Limits(time_s=90.0, memory_bytes=500, scratch_bytes=10**9)
    allowance = Allowance.of(one, limits, cpu_s=7.0, scratch_bytes=10**6)
    assert allowance == Allowance(time_s=60.0, cpu_s=7.0, memory_bytes=500, scratch_bytes=10**6)


def test_the_kernel_holds_a_task_while_it_works_and_the_next_one_can_have_more() -> None:
    before = [resource.getrlimit(which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)]
    handler = signal.getsignal(signal.SIGALRM)
    try:
        with hold(ALLOWANCE):
            assert 10 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
            assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 50 * 2**20
            assert resource.getrlimit(resource.RLIMIT_CPU)[0] >= time.process_time() + 20
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        with hold(Allowance(time_s=math.inf, cpu_s=math.inf, memory_bytes=math.inf, scratch_bytes=math.inf)):
            assert resource.getrlimit(resource.RLIMIT_AS)[0] == before[0][1]
    finally:
        signal.signal(signal.SIGALRM, handler)
        for which, pair in zip((resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE), before, strict=True):
            resource.setrlimit(which, pair)


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [(-signal.SIGXCPU, "processor time"), (-signal.SIGALRM, "took longer"), (-signal.SIGKILL, None), (1, None)],
)
def test_an_end_by_a_limit_of_the_kernel_is_told_as_that_limit(exit_code: int, said: str | None) -> None:
    failure = failure_of_end(exit_code, ALLOWANCE)
    assert (failure is None) if said is None else (failure is not None and said in failure.words.en)


def test_an_end_for_want_of_memory_in_the_tasks_own_group_is_told_as_that() -> None:
    failure = failure_of_end(-signal.SIGKILL, ALLOWANCE, ran_out=True)
    assert failure is not None
    assert (failure.code, "100 MiB" in failure.words.en) == ("memory-limit", True)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), "storage-full"),
        (OSError(122, "Disk quota exceeded"), "storage-full"),
        (OSError(27, "File too large"), "storage-full"),
        (RuntimeError("Can't write data (file write failed: errno = 28, error message = 'No space left')"), "storage-full"),
        (caused(RuntimeError("NetCDF: HDF error"), OSError(28, "No space left on device")), "storage-full"),
        (MemoryError(), "memory-limit"),
        (OSError(12, "Cannot allocate memory"), "memory-limit"),
        (caused(RuntimeError("gave up"), OSError(30, "Read-only file system")), "storage-down"),
        (ZeroDivisionError(), "internal-error"),
        (OSError(2, "No such file"), "internal-error"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_a_task_has_its_own_name(error: Exception, code: str) -> None:
    failure = failure_of(error, order(), ALLOWANCE)
    assert (failure.code, failure.retry) == (code, code == "storage-down")
