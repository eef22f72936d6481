"""A process and what it started, with real processes that try to get away."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gaia_workers.family import Family

PARENT = """
import os, subprocess, sys, time
from gaia_workers.lineage import keep_orphans
keep_orphans()
held = bytearray(int(sys.argv[1]))
if os.fork() == 0:                       # a child that goes away and leaves its own child behind, in a session of its own
    if os.fork() == 0:
        os.setsid()
        os.write(1, b"%d\\n" % os.getpid())
        give_up = time.monotonic() + 60  # whoever kills the test leaves nothing behind for long
        while time.monotonic() < give_up: pass
    os._exit(0)
os.wait()
child = subprocess.Popen([sys.executable, "-c", "import time; held = bytearray(80_000_000); time.sleep(60)"], start_new_session=True)
os.write(1, b"%d\\n" % child.pid)         # at one go, as the orphan does: print may write the line's end later, behind its number
time.sleep(60)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "30000000"], stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        yield process
        process.kill()


def children_of(parent: subprocess.Popen[str]) -> list[int]:
    assert parent.stdout is not None
    return [int(parent.stdout.readline()) for _ in range(2)]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(condition) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_memory_and_processor_time_of_all_of_them_count(parent: subprocess.Popen[str]) -> None:
    children_of(parent)
    family = Family(parent.pid)
    # 30 MB that two of them share, and 80 MB of the third's own: it fills them after it has begun
    wait_until(lambda: family.own_bytes() > 110e6 and family.usage().cpu_s > 0.3)
    assert family.usage().members == 3
    assert family.own_bytes() + 20e6 < family.usage().resident_bytes  # what they share is resident in each


def test_none_is_left_not_even_orphans_in_sessions_of_their_own(parent: subprocess.Popen[str]) -> None:
    children = children_of(parent)
    Family(parent.pid).kill()
    parent.wait(5)
    wait_until(lambda: not any(lives(pid) for pid in children))


def test_those_that_were_seen_go_also_when_the_first_one_died_by_itself(parent: subprocess.Popen[str]) -> None:
    children = children_of(parent)
    family = Family(parent.pid)
    family.usage()
    parent.kill()
    parent.wait(5)
    assert family.usage().members == 0
    family.kill_orphans()
    wait_until(lambda: not any(lives(pid) for pid in children))
