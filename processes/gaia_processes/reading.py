"""How the inputs of a request are read, whatever form a client gave them, and written down again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.inputs.bad_value import BadValue, make_fault, shorten_name, show
from gaia_processes.inputs.dataset import (
    CatalogueRef,
    JobRef,
    UploadRef,
)
from gaia_processes.inputs.qualified import is_qualified, read_qualified
from gaia_processes.inputs.references import map_references, references_in
from gaia_processes.inputs.refusals import read_refusal
from gaia_processes.process import Process

MOST_ITEMS = 10_000
"""Longest array that one input of a request may be."""


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
    reading = read_model(process.inputs, raw, ignored)
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


def pin_versions(inputs: BaseModel, *, version_of: Callable[[CatalogueRef], str]) -> BaseModel:
    """Name the version of every dataset of the catalogue, so that a repeated request means the same data."""
    if not references_in(inputs):
        return inputs
    pinned: BaseModel = map_references(
        inputs, lambda each: replace(each, version=version_of(each)) if isinstance(each, CatalogueRef) else each
    )
    return pinned


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
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
def partial_model(model: type[BaseModel]) -> type[BaseModel]:
    """Make the model of inputs any of which may be missing; what the inputs must be together is not asked of it."""
    fields: dict[str, Any] = {
        name: (_annotated(each), None) if each.is_required() else (each.annotation, each)
        for name, each in model.model_fields.items()
    }
    return create_model(f"Partial{model.__name__}", __config__=model.model_config, **fields)


def _annotated(field_info: FieldInfo) -> Any:
    return Annotated[field_info.annotation, *field_info.metadata] if field_info.metadata else field_info.annotation


def read_model(model: type[BaseModel], raw: object, ignored: Sequence[str]) -> Reading:
    """Read what is right of the inputs of a request, and say what is wrong with the rest."""
    if not isinstance(raw, Mapping):
        whole = make_fault(
            f"{show(raw)} is not an object of inputs by name.",
            f"{show(raw)} n'est pas un objet d'entrées par nom.",
            given=raw,
        )
        return Reading(inputs=None, faults=(replace(whole, input="inputs", pointer="/inputs"),))
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
    return Reading(inputs=inputs, faults=(*sorted_inputs.faults, *missing_aside), lone=lone)


def _sort(fields: Mapping[str, FieldInfo], raw: Mapping[str, object], ignored: Sequence[str]) -> _Sorted:
    found = _Sorted()
    for name, value in raw.items():
        if name not in fields:
            if not any(fnmatchcase(name, pattern) for pattern in ignored):
                found.faults.append(_unknown_input(name, value, tuple(fields)))
            continue
        pointer = f"/inputs/{escape(name)}"
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
    base = prepared.get(name, _Prepared(value=None, pointer=f"/inputs/{escape(name)}"))
    path = "".join(f"/{escape(part)}" for part in (rest[1:] if base.lone else rest))
    return [replace(fault, input=name, pointer=base.pointer + path + fault.pointer) for fault in read_refusal(error)]


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
    return replace(fault, input=shown, pointer=f"/inputs/{escape(shown)}")


def escape(part: str) -> str:
    """Write a name as a part of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
