"""What the programs of Slurm say, and what is said where there are none. The real thing is in `tests/faults/test_delegation.py`."""

from pathlib import Path

import pytest

from gaia_workers import slurm as slurms
from gaia_workers.slurm import SchedulerDown, Slurm, Stand


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put programs of these names and answers where Slurm's would be."""

    def put(**scripts: str) -> Path:
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path

    return put


def test_each_job_stands_as_the_scheduler_says(programs):
    programs(squeue="echo '7|PENDING|Priority'; echo '8|RUNNING|None'")
    slurm = Slurm()
    assert slurm.find("7") == Stand(state="PENDING", reason="Priority")
    assert [stand.waits for number in ("7", "8") if (stand := slurm.find(number))] == [True, False]
    assert slurm.find("9") is None


def test_many_who_ask_are_one_question(programs, tmp_path):
    programs(squeue=f"echo x >> {tmp_path}/asked; echo '7|PENDING|Resources'")
    slurm = Slurm(clock=iter((0.0, 0.0, 1.0, 3.0, 3.0)).__next__)
    for _ in range(3):
        slurm.find("7")
    assert (tmp_path / "asked").read_text() == "x\nx\n"  # at 0 s and at 3 s


def test_a_scheduler_that_does_not_answer_is_waited_for_once_and_not_for_long(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(slurms, "LOOK_PATIENCE_S", 0.2)
    programs(squeue=f"echo x >> {tmp_path}/asked; exec sleep 20")
    slurm = Slurm(clock=iter((0.0, 0.5, 1.0, 4.0, 4.5)).__next__)
    for _ in range(3):  # at 0 s, in vain until 0.5 s; at 1 s nobody waits again; at 4 s
        with pytest.raises(SchedulerDown, match="squeue"):
            slurm.find("7")
    assert (tmp_path / "asked").read_text() == "x\nx\n"


def test_a_program_is_handed_over_with_its_limits_and_the_options_of_the_site(programs, tmp_path):
    programs(sbatch=f'echo "$@" > {tmp_path}/told; cat > {tmp_path}/script; echo "42;cluster"')
    slurm = Slurm(["--partition=long"])
    number = slurm.submit("gaia-1", ("python", "a b"), folder=tmp_path, time_s=90, memory_bytes=2**21)
    assert number == "42"
    told = (tmp_path / "told").read_text().split()
    assert {"--time=7", "--mem=2M", "--partition=long", "--job-name=gaia-1"} <= set(told)  # 90 s are 2 minutes, and 5
    assert (tmp_path / "script").read_text().endswith("exec python 'a b'\n")


def test_a_scheduler_that_refuses_or_is_not_there_is_down(programs, monkeypatch):
    programs(sbatch="echo 'no such partition' >&2; exit 1")
    with pytest.raises(SchedulerDown, match="no such partition"):
        Slurm().submit("a", ("true",), folder=Path("/"), time_s=1, memory_bytes=1)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SchedulerDown, match="squeue"):
        Slurm().find("7")
    Slurm().cancel("a")  # which is only written down
