"""Which datasets an input takes: those of its kind alone are offered for it."""

from collections.abc import Iterable
from functools import cache

from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_config.datasets import Dataset
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import role_of
from gaia_processes.kinds import TAKEN, Role
from gaia_processes.process import Process
from gaia_processes.rows import Rows
from gaia_server.descriptions import takes_dataset


def fits(dataset: Dataset, role: Role) -> bool:
    """Tell whether an input that wants a grid, zones, points, occurrences or a community table can take a dataset."""
    rows = Rows.from_stac(dataset.properties)
    return role == "grid" if rows is None else role != "grid" and rows.fits(role)


def ids_by_role(federation: Federation) -> dict[Role, tuple[str, ...]]:
    """Name the datasets that fit, by what is wanted."""
    datasets = federation.datasets()
    return {role: tuple(each.id for each in datasets if fits(each, role)) for role in TAKEN}


def inputs_for(process: Process, dataset: Dataset) -> tuple[str, ...]:
    """Name the inputs of a process that can take a dataset."""
    return tuple(name for name, role in _takers_in(process.inputs) if fits(dataset, role))


def takers(processes: Iterable[Process], dataset: Dataset) -> list[tuple[Process, str]]:
    """Give the processes that can take a dataset, each with the first input that does."""
    return [(process, inputs[0]) for process in processes if (inputs := inputs_for(process, dataset))]


def takers_of_kind(processes: Iterable[Process], kind: str) -> list[tuple[Process, str]]:
    """Give the processes that can take a file of a kind, each with the first input that does."""
    found = []
    for process in processes:
        fitting = [name for name, role in _takers_in(process.inputs) if kind in {each.id for each in TAKEN[role]}]
        found += [(process, name) for name in fitting[:1]]
    return found


@cache
def _takers_in(inputs: type[BaseModel]) -> tuple[tuple[str, Role], ...]:
    """Name the inputs that can name a dataset, each with what it takes."""
    schemas = input_schemas(inputs)
    return tuple((name, role_of(inputs, name)) for name, schema in schemas.items() if takes_dataset(schema))
