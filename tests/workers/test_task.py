"""What a task finds in a process that did others before."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gaia_workers.task import Surroundings


def test_a_task_leaves_environment_and_folder_as_it_found_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAIA_TRIAL", "before")
    monkeypatch.setenv("GAIA_OTHER", "before")
    before, here = dict(os.environ), Path.cwd()
    surroundings = Surroundings()
    with surroundings.lent(tmp_path):
        assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(tmp_path), str(tmp_path))
        os.environ |= {"GAIA_TRIAL": "after", "GAIA_NEW": "after"}
        del os.environ["GAIA_OTHER"]
        os.chdir(tmp_path)
    assert (dict(os.environ), Path.cwd()) == (before, here)
    assert tempfile.tempdir is None


def test_a_process_knows_whether_it_has_left_another_behind() -> None:
    """The grandchild is nobody's but ours once its parent has gone: a fork keeps orphans."""
    program = (
        "import os, signal, subprocess; from gaia_workers.lineage import has_children, keep_orphans; keep_orphans(); told = [has_children()]\n"
        "parent = subprocess.run(['sh', '-c', 'sleep 60 >/dev/null & echo $!'], stdout=subprocess.PIPE, check=True); told.append(has_children())\n"
        "orphan = int(parent.stdout); os.kill(orphan, signal.SIGKILL); os.waitpid(orphan, 0); print(told, has_children())"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told == "[False, True] False\n"
