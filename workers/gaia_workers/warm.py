"""
Imported once, in the parent that every task is forked from: it brings in what tasks need, and dies with the agent.

Nothing here may start a thread: a fork of a process with threads can hang for ever.
"""

import gc
import importlib

import dask.array

from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_processes.formats import FORMATS
from gaia_processes.shared import kept_loops
from gaia_workers import forks, task
from gaia_workers.lineage import die_with_parent
from gaia_workers.loops import import_science, run_loops
from gaia_workers.readers import netcdf as reader
from gaia_workers.software import software_here

__all__ = ["dask", "forks", "reader", "task"]

import_science()
if kept_loops.are_made() or kept_loops.folder() is None:  # else they are made beside (`loops.py`)
    run_loops()
for file_format in FORMATS:
    importlib.import_module(f"gaia_workers.writers.{file_format.id}")

software_here()
set_up_logs(Settings().log_level)  # forks write into the agent's log, in its form
die_with_parent()
gc.freeze()  # what is here stays: a collection in a fork would touch it all, and copy every page that they share
