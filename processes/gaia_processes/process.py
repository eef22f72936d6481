"""What a process is, as data; and how a request's inputs are read, judged and written down again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache, partial
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gaia_processes.cube import Cube, join_cubes
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.formats import Format
from gaia_processes.inputs.bad_value import BadValue, make_fault, shorten_name, show
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
from gaia_processes.inputs.fields import Told
from gaia_processes.inputs.portion import ALL, FindsBounds, Portion
from gaia_processes.inputs.qualified import is_qualified, read_qualified
from gaia_processes.inputs.references import NamedReference, map_references, references_in
from gaia_processes.inputs.refusals import read_refusal
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import INLINE, column_inputs, role_of
from gaia_processes.kinds import Role
from gaia_processes.rows import Rows
from gaia_processes.text import Text

type JobControl = Literal["sync-execute", "async-execute", "dismiss"]
type FindsCube = Callable[[CatalogueRef | UploadRef], Cube | None]


class FindsRows(Protocol):
    """Finds what is known of features and tables."""

    def __call__(self, reference: CatalogueRef | UploadRef, role: Role) -> Rows | None:
        """Give the columns of what an input of that role names, None where only the work itself will look into it."""


STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Configuration of every `Inputs` model."""

MOST_ITEMS = 10_000
"""Longest array that one input of a request may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """
    What a request will cost, from the catalogue alone.

    Attributes
    ----------
    bytes_read : int
        Bytes on disk that must be read.
    bytes_written : int
        Bytes of the results, uncompressed.
    seconds : float
        Time of computation at a centre that does nothing else.
    """

    bytes_read: int
    bytes_written: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """
    One output of a process.

    Attributes
    ----------
    formats : tuple of Format
        The first is the default.
    schema : mapping or None
        JSON Schema of a value; None where the output is a file.
    """

    title: Text
    description: Text
    formats: tuple[Format, ...]
    schema: Mapping[str, Any] | None = None


def accept_any(inputs: BaseModel, cube: Cube) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every check
    """Find nothing wrong: the check of a process that needs nothing of its dataset."""
    return ()


def accept_others(inputs: BaseModel, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every such check
    """Find nothing wrong with further datasets: the check of a process that takes none."""
    return ()


def accept_rows(inputs: BaseModel, rows: Mapping[str, Rows]) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every such check
    """Find nothing wrong with features and tables: the check of a process that takes none, or whatever comes."""
    return ()


def leave_all(inputs: BaseModel, cube: Cube) -> dict[str, Constraint]:  # noqa: ARG001 - the signature of all constraints
    """Leave every value to every input: the constraints of a process that needs nothing of its dataset."""
    return {}


def hold_all(inputs: BaseModel, cube: Cube, file_format: Format) -> Text | None:  # noqa: ARG001 - the signature of every such check
    """Find nothing against any format: the check of a process whose results fit all that it offers."""
    return None


def hold_anything(inputs: BaseModel, file_format: Format) -> Text | None:  # noqa: ARG001 - the signature of every such check
    """Find nothing against any format, whatever the data: the check of a process that needs to know these."""
    return None


def need_all(inputs: BaseModel, named: NamedReference, bounds_of: FindsBounds) -> Portion:  # noqa: ARG001 - the signature of every portion
    """Need all of a dataset: what a process says that cannot tell beforehand."""
    return ALL


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """
    What a task of a process needs at most; None where it may need whatever the service allows a task.

    The service's own limits hold beside these: a process can ask for less than it is allowed, never for more.

    Attributes
    ----------
    time_s, cpu_s : float or None
        By the clock, and of processors.
    memory_bytes, scratch_bytes : int or None
        Resident, and on disk (the result and temporary files).
    """

    time_s: float | None = None
    cpu_s: float | None = None
    memory_bytes: int | None = None
    scratch_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """
    Beside which values of another input an input means something.

    Attributes
    ----------
    input : str
        The other.
    values : tuple of str
        Any of them; none: whatever it is.
    """

    input: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """
    A published operation.

    Attributes
    ----------
    version : str
        Changes with the description and with the meaning of the results.
    inputs : type of BaseModel
        The one source of the inputs' schemas, validation and texts (`Told` in the `Annotated` of each field).
    outputs : dict of Output
        By id.
    package : str
        Where it lies: its science is `compute` of the module `<package>.compute`.
    estimate : callable
        (inputs, cube of the dataset or None) -> Estimate. Where `dataset` names several, their cubes are joined
        (`gaia_processes.cube.join_cubes`); so in `check`, `constraints` and `check_format`.
    check : callable
        (inputs, cube of the dataset) -> what is wrong with the inputs for that dataset. A pure function.
    constraints : callable
        (inputs, cube of the dataset) -> by input, what it may be, given the dataset and the others. Inputs that are not
        known yet are None or their defaults. `check` must refuse by the same constraints.
    check_others : callable
        (inputs, cubes of further datasets by their place) -> what is wrong with these, or with the inputs for these. The
        place is the input, and the way into it: `like`, `environment/0/dataset`; of an array `dataset` all, `dataset/0` too.
    check_rows : callable
        (inputs, columns of features and tables by input, `gaia_processes.rows.Rows`) -> what is wrong with these, or with the
        inputs for these. Of an upload nothing is known, and it is not among them.
    check_format : callable
        (inputs, cube of the dataset, format that is asked for) -> why the result cannot be had in it, or None.
    check_format_alone : callable
        (inputs, format that is asked for) -> why the result cannot be had in it whatever the data, or None.
    example : mapping
        Inputs that make of the examples of those that are needed a request whose result is worth a look.
    choices : mapping of mapping of Text
        By input whose values are codes: what a person is told of each.
    beside : mapping of Beside
        By input that means something only beside a value of another: which. A form shows it then; what is refused is `check`'s.
    portion : callable
        (inputs, dataset on a grid that they name, what tells where a dataset lies) -> how much of it is needed. More than that is
        not brought, where it lies at another centre.
    control : tuple of str
        OGC job control options.
    limits : Limits
        What one task needs at most; beyond it is a mistake of the process or a request that it was not made for.
    """

    id: str
    version: str
    title: Text
    description: Text
    inputs: type[BaseModel]
    outputs: dict[str, Output]
    package: str
    estimate: Callable[[Any, Cube | None], Estimate]
    check: Callable[[Any, Cube], tuple[Fault, ...]] = accept_any
    constraints: Callable[[Any, Cube], Mapping[str, Constraint]] = leave_all
    check_others: Callable[[Any, Mapping[str, Cube]], tuple[Fault, ...]] = accept_others
    check_rows: Callable[[Any, Mapping[str, Rows]], tuple[Fault, ...]] = accept_rows
    check_format: Callable[[Any, Cube, Format], Text | None] = hold_all
    check_format_alone: Callable[[Any, Format], Text | None] = hold_anything
    portion: Callable[[Any, NamedReference, FindsBounds], Portion] = need_all
    keywords: tuple[Text, ...] = ()
    example: Mapping[str, object] = MappingProxyType({})
    choices: Mapping[str, Mapping[str, Text]] = MappingProxyType({})
    beside: Mapping[str, Beside] = MappingProxyType({})
    control: tuple[JobControl, ...] = ("sync-execute", "async-execute", "dismiss")
    limits: Limits = Limits()


def told_of(process: Process, name: str) -> Told:
    """
    Find what people are told of an input.

    Where a process of another package says nothing in our way, pydantic's title and description serve for both
    languages.
    """
    described = process.inputs.model_fields[name]
    told = next((each for each in described.metadata if isinstance(each, Told)), None)
    if told is not None:
        return told
    title, description = described.title or name, described.description or ""
    return Told(title=Text(en=title, fr=title), description=Text(en=description, fr=description))


def read_inputs(process: Process, raw: Mapping[str, object], *, ignored: Sequence[str] = ()) -> BaseModel:
    """
    Read the inputs of a request, without looking at any dataset.

    Parameters
    ----------
    process : Process
    raw : mapping
        The member `inputs` of an execute request: values, or objects that wrap them in `value`. `null` counts as
        left out; one value and an array of one mean the same.
    ignored : sequence of str
        Names, or shell patterns of names, that clients send along and that mean nothing.

    Returns
    -------
    BaseModel
        Of type `process.inputs`.

    Raises
    ------
    InvalidInputs
        With everything that is wrong.
    """
    reading = _read(process.inputs, raw, ignored)
    if reading.faults or reading.inputs is None:
        raise InvalidInputs(reading.faults)
    return reading.inputs


def dump_inputs(inputs: BaseModel) -> dict[str, Any]:
    """
    Write inputs as plain JSON values that `read_inputs` reads as the same.

    Returns
    -------
    dict
        Defaults filled in; inputs without a value are left out. Equal requests give equal values.
    """
    return inputs.model_dump(mode="json", exclude_none=True)


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
    reading = _read(process.inputs, raw, ignored)
    # What is missing keeps nobody from judging the rest.
    known = reading.inputs or _read(_partial(process.inputs), raw, ignored).inputs
    found = _find_cubes(known, find_cube, lone=reading.lone, find_rows=find_rows)
    judged = () if known is None else _judge_others(process, known, found)
    if found.cube is not None:
        here = (
            process.check(known, found.cube) if reading.inputs else judge(process.constraints(known, found.cube), known)
        )
        judged = (*here, *judged)
    # What cannot be read was left out, not missing: nobody is told to give it.
    unread = {fault.input for fault in reading.faults}
    judged = tuple(fault for fault in judged if fault.input not in unread)
    if reading.faults or found.faults or judged or reading.inputs is None:
        raise InvalidInputs((*reading.faults, *found.faults, *judged))
    return reading.inputs


def find_unfit(process: Process, inputs: BaseModel, file_format: Format, *, find_cube: FindsCube) -> Text | None:
    """
    Say why a format cannot hold what a request asks for; None where it can, or where only the work itself will know.

    Parameters
    ----------
    inputs : BaseModel
        Read and judged.
    find_cube : callable
        As for `validate_request`.
    """
    unfit = process.check_format_alone(inputs, file_format)
    if unfit is not None:
        return unfit
    cube = cube_of_dataset(inputs, find_cube)
    return None if cube is None else process.check_format(inputs, cube, file_format)


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
    reading = _read(_partial(process.inputs), raw, ignored)
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


def _judge_others(process: Process, inputs: BaseModel, found: "_Cubes") -> tuple[Fault, ...]:
    """Say what is wrong with further datasets and tables, or with the inputs for these."""
    columns = judge(_column_constraints(process, found.rows), inputs)
    return (*process.check_others(inputs, found.others), *process.check_rows(inputs, found.rows), *columns)


def pin_versions(inputs: BaseModel, *, version_of: Callable[[CatalogueRef], str]) -> BaseModel:
    """Name the version of every dataset of the catalogue, so that a repeated request means the same data."""
    pinned: BaseModel = map_references(
        inputs, lambda each: replace(each, version=version_of(each)) if isinstance(each, CatalogueRef) else each
    )
    return pinned


def cube_of_dataset(inputs: BaseModel, find_cube: FindsCube) -> Cube | None:
    """Give the cube of what `dataset` names, joined where it names several; None where that is not known."""
    return _find_cubes(inputs, find_cube, lone=frozenset()).cube


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """
    What came of reading: the inputs (only those that are right, where there are faults), and the faults.

    `lone` names the inputs of which one value was made an array of one.
    """

    inputs: BaseModel | None
    faults: tuple[Fault, ...]
    lone: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    """A value out of its wrapping. `pointer` leads to it; `lone` tells that an array was made of one value."""

    value: object
    pointer: str
    lone: bool = False


@dataclass(slots=True)
class _Sorted:
    """The inputs of a request: those whose wrapping could be taken off, and what was wrong with the others."""

    good: dict[str, _Prepared] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@cache
def _partial(model: type[BaseModel]) -> type[BaseModel]:
    """Make the model of inputs any of which may be missing; what the inputs must be together is not asked of it."""
    fields: dict[str, Any] = {
        name: (_annotated(each), None) if each.is_required() else (each.annotation, each)
        for name, each in model.model_fields.items()
    }
    return create_model(f"Partial{model.__name__}", __config__=model.model_config, **fields)


def _annotated(field_info: FieldInfo) -> Any:
    return Annotated[field_info.annotation, *field_info.metadata] if field_info.metadata else field_info.annotation


def _read(model: type[BaseModel], raw: object, ignored: Sequence[str]) -> _Reading:
    if not isinstance(raw, Mapping):
        whole = make_fault(
            f"{show(raw)} is not an object of inputs by name.",
            f"{show(raw)} n'est pas un objet d'entrées par nom.",
            given=raw,
        )
        return _Reading(inputs=None, faults=(replace(whole, input="inputs", pointer="/inputs"),))
    sorted_inputs = _sort(model.model_fields, raw, ignored)
    inputs, faults = _validate(model, sorted_inputs.good)
    if faults:
        wrong = {fault.input for fault in faults}
        right = {name: each for name, each in sorted_inputs.good.items() if name not in wrong}
        inputs, _ = _validate(model, right)
    already = {fault.input for fault in sorted_inputs.faults}
    # An input whose wrapping is wrong is not missing.
    missing_aside = [fault for fault in faults if fault.input not in already]
    lone = frozenset(name for name, each in sorted_inputs.good.items() if each.lone)
    return _Reading(inputs=inputs, faults=(*sorted_inputs.faults, *missing_aside), lone=lone)


def _sort(fields: Mapping[str, FieldInfo], raw: Mapping[str, object], ignored: Sequence[str]) -> _Sorted:
    found = _Sorted()
    for name, value in raw.items():
        if name not in fields:
            if not any(fnmatchcase(name, pattern) for pattern in ignored):
                found.faults.append(_unknown_input(name, value, tuple(fields)))
            continue
        pointer = f"/inputs/{_escape(name)}"
        try:
            prepared = _unwrap(fields[name], value, pointer)
        except BadValue as bad:
            found.faults += [replace(fault, input=name, pointer=pointer + fault.pointer) for fault in bad.faults]
        else:
            if prepared.value is not None:
                found.good[name] = prepared
    return found


def _unwrap(field_info: FieldInfo, value: object, pointer: str) -> _Prepared:
    """Take a value out of its qualifiers, and make an array of one value, or one value of an array of one."""
    if isinstance(value, Mapping) and is_qualified(value):
        value, pointer = read_qualified(value), f"{pointer}/value"
    _check_length(value)
    if _is_array(field_info.annotation):
        lone = value is not None and not isinstance(value, list | tuple)
        items = [value] if lone else value
        plain = _plain_items(items, lone=lone) if isinstance(items, list | tuple) else items
        return _Prepared(value=plain, pointer=pointer, lone=lone)
    if isinstance(value, list | tuple) and len(value) == 1:
        value, pointer = value[0], f"{pointer}/0"
    elif isinstance(value, list | tuple) and _is_scalar(field_info.annotation):
        raise BadValue.of(
            f"This input takes one value; {len(value)} were given.",
            f"Cette entrée prend une valeur ; {len(value)} sont données.",
            given=value,
        )
    return _Prepared(value=_plain_item(value), pointer=pointer)


def _check_length(value: object) -> None:
    """Refuse an array that is too long to be judged item by item."""
    if isinstance(value, list | tuple) and len(value) > MOST_ITEMS:
        raise BadValue.of(
            f"The array has {len(value)} items; an array in a request may have {MOST_ITEMS}.",
            f"Le tableau compte {len(value)} éléments ; un tableau peut en compter {MOST_ITEMS} dans une requête.",
            given=value[:1],
        )


def _plain_items(items: Sequence[object], *, lone: bool) -> list[object]:
    """Take the items of an array out of their qualifiers, and say all that is wrong with any of them."""
    plain, faults = list[object](), list[Fault]()
    for place, item in enumerate(items):
        try:
            plain.append(_plain_item(item))
        except BadValue as bad:
            at = "" if lone else f"/{place}"
            faults += [replace(fault, pointer=at + fault.pointer) for fault in bad.faults]
    if faults:
        raise BadValue(faults)
    return plain


def _plain_item(value: object) -> object:
    if isinstance(value, Mapping) and "href" in value:
        raise BadValue.of(
            "A reference was given, but references are not fetched here; send the value itself.",
            "Une référence est donnée, mais les références ne sont pas suivies ici ; envoyez la valeur même.",
            given=dict(value),
        )
    return read_qualified(value) if isinstance(value, Mapping) and is_qualified(value) else value


def _is_scalar(annotation: object) -> bool:
    """Tell whether an input is a single plain value or the id of a dataset; a box or levels may be arrays."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_scalar(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return all(each is NoneType or _is_scalar(each) for each in get_args(annotation))
    return origin is Literal or annotation in (str, int, float, bool, CatalogueRef, UploadRef, JobRef)


def _is_array(annotation: object) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_array(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(_is_array(each) for each in get_args(annotation))
    return origin in (tuple, list) or annotation in (tuple, list)


def _validate(model: type[BaseModel], prepared: Mapping[str, _Prepared]) -> tuple[BaseModel | None, list[Fault]]:
    try:
        return model.model_validate({name: each.value for name, each in prepared.items()}), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # Items that are wrong are also counted as absent, which would be said twice.
        inside = {each["loc"][0] for each in errors if len(each["loc"]) > 1}
        first_hand = [each for each in errors if each["type"] != "too_short" or each["loc"][0] not in inside]
        return None, [fault for each in first_hand for fault in _place(each, prepared)]


def _place(error: ErrorDetails, prepared: Mapping[str, _Prepared]) -> list[Fault]:
    """Let the faults of an error point into the request."""
    name, *rest = map(str, error["loc"])
    base = prepared.get(name, _Prepared(value=None, pointer=f"/inputs/{_escape(name)}"))
    path = "".join(f"/{_escape(part)}" for part in (rest[1:] if base.lone else rest))
    return [replace(fault, input=name, pointer=base.pointer + path + fault.pointer) for fault in read_refusal(error)]


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
        pointer = f"/inputs/{_escape(named.input)}" if lone else named.pointer
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


def _unknown_input(name: str, value: object, known: Sequence[str]) -> Fault:
    near = get_close_matches(shorten_name(name), known, n=1)
    english = f" Did you mean {near[0]}?" if near else ""
    french = f" Vouliez-vous dire {near[0]} ?" if near else ""
    fault = make_fault(
        f"There is no input {show(name)}.{english} Inputs are: {', '.join(known)}.",
        f"Il n'y a pas d'entrée {show(name)}.{french} Les entrées sont : {', '.join(known)}.",
        given=value,
        allowed=known,
    )
    shown = shorten_name(name)
    return replace(fault, input=shown, pointer=f"/inputs/{_escape(shown)}")


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
