import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from gaia_config.demo import supervisor as module
from gaia_config.demo.supervisor import Program, Supervisor, delay_s

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path, said) -> Iterator[Supervisor]:
    made = Supervisor(logs=tmp_path, environment=os.environ, say=said.append)
    yield made
    made.stop()


def python(name: str, code: str, **environment: str) -> Program:
    return Program(name=name, command=(sys.executable, "-c", code), environment=environment)


def wait(condition: Callable[[], object], supervisor: Supervisor | None = None) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        if supervisor is not None:
            supervisor.watch()
        time.sleep(0.01)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (50, 30.0)])
def test_each_failure_in_a_row_doubles_the_pause(failures, seconds):
    assert delay_s(failures) == seconds


def test_what_dies_is_started_again_and_said(supervisor, said, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.05)
    supervisor.start(Program(name="sleeper", command=("sleep", "60")))
    first = supervisor.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)
    wait(lambda: len(said) >= 2 and "sleeper" in supervisor.pids(), supervisor)
    assert said == ["sleeper was ended by SIGKILL; it is started again in 0.05 s", "sleeper is started again"]
    assert supervisor.pids()["sleeper"] != first


def test_what_dies_again_and_again_is_started_more_and_more_slowly(supervisor, said, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.02)
    supervisor.start(python("broken", "raise SystemExit(1)"))
    wait(lambda: len(said) >= 5, supervisor)
    assert [line.rpartition(" in ")[2] for line in said[::2]] == ["0.02 s", "0.04 s", "0.08 s"]


def test_a_good_run_forgives(supervisor, said, monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(module, "GOOD_RUN_S", 0.0)
    supervisor.start(python("broken", "raise SystemExit(1)"))
    wait(lambda: len(said) >= 5, supervisor)
    assert {line.rpartition(" in ")[2] for line in said[::2]} == {"0.02 s"}


def test_a_refusal_is_found_with_its_sentence(supervisor):
    supervisor.start(python("fine", "import time; time.sleep(60)"))
    supervisor.start(python("picky", "import sys; print('gaia: no.', file=sys.stderr); raise SystemExit(2)"))
    wait(supervisor.find_refusal)
    assert supervisor.find_refusal() == "gaia: no."


def test_programs_have_their_own_environment_and_log(supervisor, tmp_path):
    supervisor.start(python("worker a", "import os; print(os.environ['GAIA_CENTRE'], flush=True)", GAIA_CENTRE="theia"))
    wait(lambda: (tmp_path / "worker-a.log").read_text() == "theia\n")
    assert supervisor.last_words("worker a") == "theia"


def test_a_large_log_is_put_aside(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_LOG_BYTES", 3)
    (tmp_path / "a.log").write_text("long\n")
    supervisor.start(python("a", "print('new', flush=True)"))
    wait(lambda: (tmp_path / "a.log").read_text() == "new\n")
    assert (tmp_path / "a.log.1").read_text() == "long\n"


def test_the_stubborn_are_killed_with_their_children(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KILL_AFTER_S", 0.2)
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {STUBBORN}"
    supervisor.start(python("stubborn", code))
    wait(lambda: (tmp_path / "stubborn.log").read_text().count("up") == 2)
    group = supervisor.pids()["stubborn"]
    begun = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - begun < 2
    wait(lambda: not group_lives(group))


def test_what_others_need_ends_last(supervisor, tmp_path):
    code = "import signal, sys, time\n" \
        "signal.signal(15, lambda *_: (print(time.monotonic(), flush=True), sys.exit(0)))\n" \
        "print('up', flush=True)\ntime.sleep(60)"  # fmt: skip
    needed = python("needed", code)
    supervisor.start(Program(name="needed", command=needed.command, last=True))
    supervisor.start(python("other", code))
    wait(lambda: all(path.read_text() for path in tmp_path.glob("*.log")) and len(list(tmp_path.glob("*.log"))) == 2)
    supervisor.stop()
    ended = {name: float((tmp_path / f"{name}.log").read_text().split()[-1]) for name in ("needed", "other")}
    assert ended["other"] < ended["needed"]


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
