"""Control groups: by a tree as the kernel shows it, and killing by the kernel's own where one may be made here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from gaia_workers.cgroups import Group, Groups

MOUNTED = "30 23 0:26 / {place} rw,nosuid - cgroup2 cgroup rw\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out a part of the tree that was handed over, with the worker in it."""
    own = tmp_path / "cgroup" / "system.slice" / "gaia.service"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpu memory pids\n")
    (own / "cgroup.subtree_control").write_text("")
    (own / "cgroup.procs").write_text("4711\n")
    return own


def process(tmp_path: Path, line: str = "0::/system.slice/gaia.service\n") -> Path:
    """Say of a process what /proc says."""
    folder = tmp_path / "self"
    folder.mkdir(exist_ok=True)
    (folder / "cgroup").write_text(f"4:memory:/elsewhere\n{line}")
    (folder / "mountinfo").write_text(MOUNTED.format(place=tmp_path / "cgroup"))
    return folder


def test_the_worker_moves_into_a_leaf_and_has_the_kernel_count_the_memory_of_tasks(tree: Path, tmp_path: Path) -> None:
    assert Groups.find(process=process(tmp_path), pid=4711) is not None
    assert (tree / "gaia-agent" / "cgroup.procs").read_text() == "4711"
    assert (tree / "cgroup.subtree_control").read_text() == "+memory"


def test_a_group_that_others_share_is_left_alone(tree: Path, tmp_path: Path) -> None:
    (tree / "cgroup.procs").write_text("4711\n4712\n")
    assert Groups.find(process=process(tmp_path), pid=4711) is None
    assert not (tree / "gaia-agent").exists()


def test_a_task_is_held_to_its_memory_without_swap(tree: Path, tmp_path: Path) -> None:
    groups = Groups.find(process=process(tmp_path), pid=4711)
    assert groups is not None
    group = groups.open(12)
    assert group is not None
    (group.folder / "memory.swap.max").write_text("max")
    group.hold(500)
    assert (group.folder / "cgroup.procs").read_text() == "12"
    assert (group.folder / "memory.max").read_text() == "500"
    assert (group.folder / "memory.swap.max").read_text() == "0"


def test_only_what_the_kernel_ended_since_this_task_began_counts(tree: Path) -> None:
    events = tree / "memory.events"
    events.write_text("low 0\nmax 3\noom 1\noom_kill 1\n")
    group = Group(tree)
    group.hold(500)
    assert not group.ran_out()
    events.write_text("low 0\nmax 9\noom 2\noom_kill 2\n")
    assert group.ran_out()


@pytest.mark.parametrize("controllers", ["cpu pids", ""])
def test_where_memory_was_not_handed_over_they_are_not_used(tree: Path, tmp_path: Path, controllers: str) -> None:
    (tree / "cgroup.controllers").write_text(controllers)
    assert Groups.find(process=process(tmp_path), pid=4711) is None


def test_where_there_is_no_unified_tree_they_are_not_used(tmp_path: Path) -> None:
    assert Groups.find(process=process(tmp_path, "")) is None
    assert Groups.find(process=tmp_path / "nowhere") is None


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Groups]:
    """Make a group in the kernel's own tree; where nobody may, there is nothing to try."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    places = [Path(fields[4]) for fields in lines if fields[fields.index("-") + 1] == "cgroup2"]
    root = places[0] / f"test-{uuid4().hex[:8]}" if places else None
    if root is None or not os.access(places[0] / "cgroup.procs", os.W_OK):
        pytest.skip("no part of the control groups may be used here")
    try:
        root.mkdir()
    except OSError:
        pytest.skip("no control group may be made here")
    yield Groups(root)
    root.rmdir()


def test_the_kernel_ends_a_task_with_all_that_it_started_in_one_step(real: Groups) -> None:
    # Each writes its line in one call: `print` to a pipe that both hold may put two numbers before two ends of lines.
    begin = "import os, time; child = os.fork() or os.setsid(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", f"input(); {begin}"], stdin=-1, stdout=-1, text=True) as task:
        assert task.stdin is not None
        assert task.stdout is not None
        group = real.open(task.pid)
        assert group is not None
        print("go", file=task.stdin, flush=True)
        pids = {int(task.stdout.readline()) for _ in range(2)}
        assert set(map(int, (group.folder / "cgroup.procs").read_text().split())) == pids
        group.kill()
        assert task.wait(5) == -9
    group.close()
    assert not group.folder.exists()


def test_a_process_that_is_gone_has_no_group_and_leaves_none(real: Groups) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(10)
    assert real.open(ended.pid) is None
    assert list(real._root.glob("gaia-task-*")) == []
