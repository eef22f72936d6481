"""A real Slurm on this machine, of one node with one processor, in a folder of its own: nothing of it is installed or left."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gaia_config.demo.federation import free_ports

HOST = "127.0.0.1"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
START_LIMIT_S = 30.0
CONFIGURATION = """\
ClusterName=gaia
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start it; give its configuration, which `SLURM_CONF` names meanwhile."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"Slurm is not here: {', '.join(missing)} (Debian: slurmctld, slurmd, slurm-client, munge)")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons need to be started by root")
    with _cluster(tmp_path_factory.mktemp("slurm")) as configuration, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(configuration))
        _wait_until_idle()
        yield configuration


@contextmanager
def _cluster(folder: Path) -> Iterator[Path]:
    key = folder / "private" / "key"
    for name in ("private", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    controller, node = free_ports(2, HOST)
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, host=host, controller=controller, node=node))
    keys = (f"--key-file={key}", f"--seed-file={folder}/private/seed", f"--log-file={folder}/private/log")
    with ExitStack() as running:
        running.enter_context(
            _running(
                folder, "munged", "--force", "--foreground", *keys,
                f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid",
            )
        )  # fmt: skip
        _wait_for(folder / "munge.socket")
        running.enter_context(_running(folder, "slurmctld", "-D", "-f", str(configuration)))
        running.enter_context(_running(folder, "slurmd", "-D", "-N", host, "-f", str(configuration)))
        yield configuration


@contextmanager
def _running(folder: Path, *command: str) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(file: Path) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while not file.exists():
        if time.monotonic() > give_up:
            pytest.fail(f"{file.name} did not come")
        time.sleep(0.05)


def _wait_until_idle() -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while b"idle" not in subprocess.run(("sinfo", "--noheader"), capture_output=True, check=False).stdout:
        if time.monotonic() > give_up:
            pytest.fail("Slurm does not become idle")
        time.sleep(0.2)
