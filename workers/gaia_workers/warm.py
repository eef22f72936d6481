"""
Imported once, in the parent that every task is forked from: it brings in what tasks need, and dies with the agent.

Nothing here may start a thread: a fork of a process with threads can hang for ever.
"""

import importlib

import dask.array

from gaia_processes.catalogue import all_processes
from gaia_workers import runner
from gaia_workers.lineage import die_with_parent
from gaia_workers.readers import netcdf as reader
from gaia_workers.writers import netcdf as writer

__all__ = ["dask", "reader", "runner", "writer"]

for process in all_processes():
    importlib.import_module(f"{process.package}.compute")

die_with_parent()
