"""What a process is, as data."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import Format
from gaia_processes.inputs.constraints import Constraint
from gaia_processes.inputs.fields import Told
from gaia_processes.inputs.portion import ALL, FindsBounds, Portion
from gaia_processes.inputs.references import NamedReference
from gaia_processes.rows import Rows
from gaia_processes.text import Text

type JobControl = Literal["sync-execute", "async-execute", "dismiss"]

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Configuration of every `Inputs` model."""


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


def reuse_always(inputs: BaseModel) -> float:  # noqa: ARG001 - the signature of all that say for how long
    """Let a result serve equal requests for as long as it is kept."""
    return math.inf


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
    reuse_s : callable
        (inputs) -> how long after its end a result serves equal requests, s, where it is also the run that is asked for.
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
    reuse_s: Callable[[Any], float] = reuse_always
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
