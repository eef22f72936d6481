import fcntl
from pathlib import Path

import pytest

from gaia_processes.shared import kept_loops
from gaia_workers import loops


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ran: list[str] = []
    monkeypatch.setattr(kept_loops, "folder", lambda: tmp_path)
    monkeypatch.setattr(loops, "run_loops", lambda: ran.append("run"))
    return ran


def test_loops_are_compiled_once_for_a_machine(runs: list[str]) -> None:
    loops.make_loops()
    loops.make_loops()
    assert runs == ["run"]


def test_what_another_worker_compiles_just_now_is_left_to_it(runs: list[str], tmp_path: Path) -> None:
    with (tmp_path / "making").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        loops.make_loops()
    assert runs == []
    assert not kept_loops.are_made()


def test_a_compilation_that_failed_is_begun_again(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("a loop that cannot be compiled")

    with monkeypatch.context() as failing:
        failing.setattr(loops, "run_loops", fail)
        with pytest.raises(ValueError, match="cannot be compiled"):
            loops.make_loops()
    loops.make_loops()
    assert runs == ["run"]


def test_no_process_is_begun_where_all_is_there(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept_loops.tell_made()
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a process was begun"))
    loops.have_loops_made()
