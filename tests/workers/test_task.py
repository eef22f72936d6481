"""What a task finds in a process that did others before."""

import os
import tempfile
from pathlib import Path

import pytest

from gaia_workers.task import fresh


def test_a_task_leaves_environment_and_folder_as_it_found_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAIA_TRIAL", "before")
    monkeypatch.setenv("GAIA_OTHER", "before")
    before, here = dict(os.environ), Path.cwd()
    with fresh(tmp_path):
        assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(tmp_path), str(tmp_path))
        os.environ |= {"GAIA_TRIAL": "after", "GAIA_NEW": "after"}
        del os.environ["GAIA_OTHER"]
        os.chdir(tmp_path)
    assert (dict(os.environ), Path.cwd()) == (before, here)
    assert tempfile.tempdir is None
