import subprocess
import sys

import pytest

from gaia_workers.agent import ONE_THREAD

LOOK = """
import os, sys
os.environ.update({settings!r})
import gaia_workers.warm
threads = len(os.listdir("/proc/self/task"))
before = set(sys.modules)
from gaia_processes.formats import FORMATS
for wanted in ("gaia_workers.task", *(f"gaia_workers.writers.{{each.id}}" for each in FORMATS)): __import__(wanted)
print(threads, "xarray" in sys.modules, "gaia_processes.subset.compute" in sys.modules, sorted(set(sys.modules) - before))
"""


@pytest.mark.slow
def test_the_warm_parent_has_all_that_a_task_needs_and_a_single_thread() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", LOOK.format(settings=ONE_THREAD)], capture_output=True, text=True, check=True, timeout=60
    )
    assert seen.stdout.split() == ["1", "True", "True", "[]"]


@pytest.mark.slow
def test_the_agent_itself_does_not_load_the_science() -> None:
    look = "import sys, gaia_workers.agent, gaia_workers.depot; print([m for m in ('xarray', 'dask', 'netCDF4', 'h5py') if m in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert seen.stdout.strip() == "[]"
