from pathlib import Path

import pytest

from gaia_processes.shared import kept_loops


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_loops, "folder", lambda: tmp_path)
    return tmp_path


def test_nothing_is_made_in_an_empty_folder_until_it_is_told(place: Path) -> None:
    assert not kept_loops.are_made()
    kept_loops.tell_made()
    assert kept_loops.are_made()


def test_loops_of_changed_files_are_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place / "loop.py"
    source.write_text("1")
    monkeypatch.setattr(kept_loops, "_sources", lambda: [source])
    kept_loops.tell_made()
    source.write_text("12")
    assert not kept_loops.are_made()


def test_the_folder_is_one_that_an_operator_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kept_loops.folder.__wrapped__() == tmp_path


def test_a_folder_that_others_can_read_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    own = kept_loops.folder.__wrapped__()
    assert own is not None
    assert own.parent == tmp_path
    own.chmod(0o755)
    assert kept_loops.folder.__wrapped__() is None
