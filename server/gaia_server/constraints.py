"""What each input of a process may still be: the processes' own constraints, and the datasets of the federation."""

from collections.abc import Mapping
from typing import Any

from gaia_config.catalogue import Federation
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.constraints import Allowed
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import role_of
from gaia_processes.judging import constrain_request
from gaia_processes.process import Process
from gaia_server.demands import Cubes, FindsUpload, follow, no_uploads
from gaia_server.descriptions import LISTED_DATASETS, takes_dataset
from gaia_server.fitting import ids_by_role
from gaia_server.references import Keeps, References

_SHOWN_DATASETS = 10


def allowed_inputs(
    process: Process,
    body: Mapping[str, Any],
    *,
    federation: Federation,
    ignored: tuple[str, ...],
    references: References | None = None,
    uploads: FindsUpload = no_uploads,
    keep: Keeps | None = None,
) -> dict[str, Allowed]:
    """
    Say what each input may be, given those in the body of a request that is not whole yet.

    Parameters
    ----------
    body : mapping
        As an execute request; only `inputs` is looked at, and any input may be missing.
    ignored : tuple of str
        Names of inputs that are not read.
    references : References, optional
        Follows inputs by reference; without, they are refused.
    uploads : callable, optional
        Finds a file of whoever asks by its id; without, there are none.
    keep : callable, optional
        Keeps files that are named by their address, for inputs that take files.

    Raises
    ------
    InvalidInputs
        With everything that is wrong with the inputs that are given.
    """
    followed = follow(process, body, references, keep)
    try:
        cubes = Cubes(federation, uploads)
        allowed = constrain_request(process, followed.inputs, find_cube=cubes, find_rows=cubes.rows, ignored=ignored)
    except InvalidInputs as invalid:
        raise InvalidInputs((*followed.faults, *followed.missing_aside(invalid.faults))) from None
    if followed.faults:
        raise InvalidInputs(followed.faults)
    datasets = {role: _datasets(ids) for role, ids in ids_by_role(federation).items()}
    takers = [name for name, schema in input_schemas(process.inputs).items() if takes_dataset(schema)]
    return allowed | {name: allowed[name].over(datasets[role_of(process.inputs, name)]) for name in takers}


def _datasets(ids: tuple[str, ...]) -> Allowed:
    """Name the datasets that fit; only some of them where they are too many for a list to choose from."""
    return Allowed(values=ids) if len(ids) <= LISTED_DATASETS else Allowed(examples=ids[:_SHOWN_DATASETS])
