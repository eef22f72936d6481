"""What is offered: our processes in a plain tuple, and those that other packages bring by entry point."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points

from gaia_processes.aggregate.describe import AGGREGATE
from gaia_processes.biodiversity_indicators.describe import BIODIVERSITY_INDICATORS
from gaia_processes.climate_indices.describe import CLIMATE_INDICES
from gaia_processes.copy.describe import COPY
from gaia_processes.echo.describe import ECHO
from gaia_processes.extract_points.describe import EXTRACT_POINTS
from gaia_processes.process import Process
from gaia_processes.regrid.describe import REGRID
from gaia_processes.reproject.describe import REPROJECT
from gaia_processes.subset.describe import SUBSET
from gaia_processes.zonal_statistics.describe import ZONAL_STATISTICS

CATALOGUE = (
    ECHO,
    SUBSET,
    AGGREGATE,
    CLIMATE_INDICES,
    REGRID,
    REPROJECT,
    EXTRACT_POINTS,
    ZONAL_STATISTICS,
    BIODIVERSITY_INDICATORS,
)

INTERNAL = (COPY,)
"""What centres do for each other, and nobody is offered."""

ENTRY_POINTS = "gaia.processes"


@cache
def all_processes() -> tuple[Process, ...]:
    """
    Give our processes and those of other packages, in this order.

    Raises
    ------
    TypeError
        If an entry point of the group `gaia.processes` leads to something that is no `Process`.
    ValueError
        If two processes have the same id.
    """
    others = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        process = entry.load()
        if not isinstance(process, Process):
            raise TypeError(f"the entry point {entry.name} = {entry.value} of {ENTRY_POINTS} is not a Process")
        others.append(process)
    return tuple(by_id((*CATALOGUE, *others)).values())


@cache
def known_processes() -> dict[str, Process]:
    """Give all that a worker can be asked for, by id: what is offered, and what centres do for each other."""
    return by_id((*all_processes(), *INTERNAL))


def by_id(processes: Iterable[Process]) -> dict[str, Process]:
    """
    Index processes by id.

    Raises
    ------
    ValueError
        If two have the same id.
    """
    index: dict[str, Process] = {}
    for process in processes:
        if process.id in index:
            taken = index[process.id].package
            raise ValueError(f"the process id {process.id!r} is claimed by {taken} and {process.package}")
        index[process.id] = process
    return index
