"""What the catalogue says of the inputs of a request: what is wrong with them, what they may be, which formats fit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from pydantic import BaseModel

from gaia_processes.cube import Cube, join_cubes
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.formats import Format
from gaia_processes.inputs.columns import ColumnConstraint
from gaia_processes.inputs.constraints import Allowed, Constraint, allowed_by_schema, judge
from gaia_processes.inputs.dataset import (
    CatalogueRef,
    JobRef,
    UnknownDataset,
    UnusableUpload,
    UploadRef,
    explain_absent,
    explain_unknown,
)
from gaia_processes.inputs.references import NamedReference, references_in
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import INLINE, column_inputs, role_of
from gaia_processes.kinds import Role
from gaia_processes.process import Process
from gaia_processes.reading import escape, partial_model, read_model
from gaia_processes.rows import Rows
from gaia_processes.text import Text

type FindsCube = Callable[[CatalogueRef | UploadRef], Cube | None]


class FindsRows(Protocol):
    """Finds what is known of features and tables."""

    def __call__(self, reference: CatalogueRef | UploadRef, role: Role) -> Rows | None:
        """Give the columns of what an input of that role names, None where only the work itself will look into it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cubes:
    """
    What is known of the datasets that are named.

    `cube` is that of `dataset`; `others` are those of all further ones, and of each in an array, by their place; `rows` are
    the columns of features and tables, by input.
    """

    cube: Cube | None
    others: dict[str, Cube]
    rows: dict[str, Rows]
    faults: tuple[Fault, ...]


def validate_request(
    process: Process,
    raw: Mapping[str, object],
    *,
    find_cube: FindsCube,
    find_rows: FindsRows | None = None,
    ignored: Sequence[str] = (),
) -> BaseModel:
    """
    Read the inputs of a request and judge them against the catalogue.

    Parameters
    ----------
    process, raw, ignored
        As for `read_inputs`.
    find_cube : callable
        Gives the cube of a dataset, None for an upload that only the work itself will look into, or raises `UnknownDataset`
        or `UnusableUpload`.
    find_rows : callable, optional
        The same for what inputs take that want features or tables; without, their columns are not known.

    Raises
    ------
    InvalidInputs
        With everything that is wrong; inputs that can be read are judged even where others cannot.
    """
    reading = read_model(process.inputs, raw, ignored)
    # What is missing keeps nobody from judging the rest.
    known = reading.inputs or read_model(partial_model(process.inputs), raw, ignored).inputs
    found = _find_cubes(known, find_cube, lone=reading.lone, find_rows=find_rows)
    judged = () if known is None else _judge_others(process, known, found)
    if found.cube is not None:
        here = (
            process.check(known, found.cube) if reading.inputs else judge(process.constraints(known, found.cube), known)
        )
        judged = (*here, *judged)
    # What cannot be read was left out, not missing: nobody is told to give it.
    unread = {fault.input for fault in reading.faults}
    judged = _once(fault for fault in judged if fault.input not in unread)
    if reading.faults or found.faults or judged or reading.inputs is None:
        raise InvalidInputs((*reading.faults, *found.faults, *judged))
    return reading.inputs


def find_unfit(process: Process, inputs: BaseModel, file_format: Format, *, cube: Cube | None) -> Text | None:
    """
    Say why a format cannot hold what a request asks for; None where it can, or where only the work itself will know.

    Parameters
    ----------
    inputs : BaseModel
        Read and judged.
    cube : Cube or None
        What is known of `dataset` (`cube_of_dataset`).
    """
    unfit = process.check_format_alone(inputs, file_format)
    if unfit is not None or cube is None:
        return unfit
    return process.check_format(inputs, cube, file_format)


def constrain_request(
    process: Process,
    raw: Mapping[str, object],
    *,
    find_cube: FindsCube,
    find_rows: FindsRows | None = None,
    ignored: Sequence[str] = (),
) -> dict[str, Allowed]:
    """
    Say what each input may be, given those that are known already.

    Parameters
    ----------
    process, raw, find_cube, find_rows, ignored
        As for `validate_request`; any input may still be missing.

    Returns
    -------
    dict of Allowed
        By input, in the order of the description; also for inputs that are given: what else they might be.

    Raises
    ------
    InvalidInputs
        With everything that is wrong with the inputs that are given.
    """
    reading = read_model(partial_model(process.inputs), raw, ignored)
    found = _find_cubes(reading.inputs, find_cube, lone=reading.lone, find_rows=find_rows)
    own = {} if reading.inputs is None or found.cube is None else process.constraints(reading.inputs, found.cube)
    judged = judge(own, reading.inputs)
    if reading.inputs is not None:
        judged = (*judged, *_judge_others(process, reading.inputs, found))
    constraints = {**_column_constraints(process, found.rows), **own}
    if reading.faults or found.faults or judged:
        raise InvalidInputs((*reading.faults, *found.faults, *judged))
    by_schema = {name: allowed_by_schema(schema) for name, schema in input_schemas(process.inputs).items()}
    return {
        name: constraints[name].allowed.over(allowed) if name in constraints else allowed
        for name, allowed in by_schema.items()
    }


def cube_of_dataset(inputs: BaseModel, find_cube: FindsCube) -> Cube | None:
    """Give the cube of what `dataset` names, joined where it names several; None where that is not known."""
    return _find_cubes(inputs, find_cube, lone=frozenset()).cube


def _once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Leave out faults that were found before: of inputs alone, and of these for a dataset."""
    first: dict[tuple[str, Text], Fault] = {}
    for fault in faults:
        first.setdefault((fault.pointer, fault.problem), fault)
    return tuple(first.values())


def _judge_others(process: Process, inputs: BaseModel, found: _Cubes) -> tuple[Fault, ...]:
    """Say what is wrong with further datasets and tables, or with the inputs for these."""
    columns = judge(_column_constraints(process, found.rows), inputs)
    return (*process.check_others(inputs, found.others), *process.check_rows(inputs, found.rows), *columns)


def _find_cubes(
    inputs: BaseModel | None, find_cube: FindsCube, *, lone: frozenset[str], find_rows: FindsRows | None = None
) -> _Cubes:
    """Find what is known of the datasets that are named, and say what is wrong with the names of those that are not there."""
    named = references_in(inputs)
    roles = {each.key: role_of(type(inputs), each.input) for each in named if inputs is not None}
    grids = [each for each in named if roles[each.key] == "grid"]
    tables = [each for each in named if roles[each.key] != "grid"]
    found = [_find(each, find_cube, lone=each.input in lone) for each in grids]
    by_role = _no_rows if find_rows is None else find_rows
    rows = [_find(each, partial(by_role, role=roles[each.key]), lone=each.input in lone) for each in tables]
    known = {each.key: cube for each, (cube, _) in zip(grids, found, strict=True)}
    main = [known[each.key] for each in grids if each.input == "dataset"]
    return _Cubes(
        cube=join_cubes([cube for cube in main if cube is not None]) if main and None not in main else None,
        others={key: cube for key, cube in known.items() if cube is not None and key != "dataset"},
        rows={each.input: one for each, (one, _) in zip(tables, rows, strict=True) if one is not None}
        | _inline_rows(inputs),
        faults=tuple(fault for _, faults in (*found, *rows) for fault in faults),
    )


def _no_rows(reference: CatalogueRef | UploadRef, role: Role) -> None:
    """Know nothing of any features or table."""
    del reference, role


def _inline_rows(inputs: BaseModel | None) -> dict[str, Rows]:
    """Give the columns of what a request brings along."""
    return {name: value.rows for name, value in inputs or () if isinstance(value, INLINE)}


def _find[T](
    named: NamedReference, find: Callable[[CatalogueRef | UploadRef], T | None], *, lone: bool
) -> tuple[T | None, tuple[Fault, ...]]:
    def at(fault: Fault) -> Fault:
        pointer = f"/inputs/{escape(named.input)}" if lone else named.pointer
        return replace(fault, input=named.input, pointer=pointer)

    reference = named.reference
    if isinstance(reference, JobRef):
        return None, (at(explain_absent(reference)),)
    try:
        return find(reference), ()
    except UnknownDataset as unknown:
        return None, (at(explain_unknown(unknown)),)
    except UnusableUpload as unusable:
        return None, (at(unusable.fault),)


def _column_constraints(process: Process, rows: Mapping[str, Rows]) -> dict[str, Constraint]:
    """Say which columns there are, for each input that names one."""
    named = {name: [rows[each] for each in of if each in rows] for name, of in column_inputs(process.inputs).items()}
    return {name: ColumnConstraint(input=name, known=each[0].names) for name, each in named.items() if each}
