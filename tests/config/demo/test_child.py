import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHILD = [sys.executable, "-m", "gaia_config.demo.child"]


def test_gaia_runs_in_this_process_and_others_in_its_place():
    assert subprocess.run([*CHILD, "gaia", "--version"], capture_output=True, check=True).stdout.startswith(b"gaia ")
    assert subprocess.run([*CHILD, "echo", "a b"], capture_output=True, check=True).stdout == b"a b\n"


def test_a_child_whose_box_is_gone_does_not_start():
    done = subprocess.run([*CHILD, "echo"], env={**os.environ, "GAIA_BOX_PID": "1"}, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"the box is gone" in done.stderr


def test_a_child_dies_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, time; print(subprocess.Popen({[*CHILD, 'sleep', '60']!r}).pid, flush=True); "
         "time.sleep(60)"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        until = time.monotonic() + 10
        while not is_sleep(child) and time.monotonic() < until:
            time.sleep(0.01)
        parent.send_signal(signal.SIGKILL)
    while is_sleep(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_sleep(child)


def is_sleep(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return "(sleep)" in state and "(sleep) Z" not in state
