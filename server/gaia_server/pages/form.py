"""
The form of a process: its fields from the description and the constraints, and the request that a filled form means.

The names of the fields are those of the inputs, with a part behind a point where an input has several (`bbox.west`); so
the filled form stands in an address and can be shared. What is ours begins with `gaia.`, which no input does.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from werkzeug.datastructures import MultiDict

from gaia_processes.errors import Fault
from gaia_processes.inputs.bbox import CRS84
from gaia_processes.inputs.constraints import Allowed
from gaia_processes.inputs.dataset import DATASET_FORMAT
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import role_of
from gaia_processes.process import Beside, Output, Process, told_of
from gaia_processes.text import Language

type Kind = Literal[
    "text",
    "number",
    "flag",
    "choice",
    "choices",
    "list",
    "dataset",
    "box",
    "interval",
    "levels",
    "geojson",
    "points",
    "table",
    "json",
]
type Values = MultiDict[str, str]

OURS = "gaia."
SIDES = ("west", "south", "east", "north")
ENDS = ("begin", "end")
OUTPUTS = f"{OURS}outputs"
FORMAT = f"{OURS}format."
RUN = f"{OURS}run"
LONGEST_QUERY = 4000

_SPECIAL: Mapping[Any, Kind] = {Interval: "interval", Levels: "levels"}
_FORMATS: Mapping[str, Kind] = {"csv": "table", "ogc-bbox": "box", "gaia-dataset": "dataset"}
_NAMED_SETS: frozenset[Kind] = frozenset(("geojson", "points", "table"))
_TYPES: Mapping[str, Kind] = {"boolean": "flag", "number": "number", "integer": "number", "object": "json"}
_SEPARATORS = re.compile(r"[,;\s]+")
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """
    One input as a person fills it in.

    Attributes
    ----------
    name : str
        Of the input.
    kind : str
        Which control it has.
    values : tuple of str
        What stands in it: one, several of a list, the sides of a box, or the ends of a time.
    groups : tuple of tuple of str
        What can be chosen, where that is known, in the groups that it is offered in; of these, those in `closed` do not go
        with the other inputs.
    foremost : bool
        Whether it is seen at once, or among the finer choices.
    uploads : bool
        Whether a file of one's own can stand in it.
    usable : bool
        Whether the other inputs leave anything to it.
    beside : Beside or None
        The other input that it belongs to, where it means something only then.
    titles : mapping of str
        What is told of choices that are codes.
    named : tuple of str
        Datasets of the catalogue whose id can stand in it, beside a text.
    example : str
        A value that is right, as it would be typed.
    """

    name: str
    kind: Kind
    title: str
    description: str
    required: bool
    foremost: bool
    default: str
    values: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    closed: frozenset[str]
    example: str
    whole: bool
    uploads: bool
    allowed: Allowed
    faults: tuple[Fault, ...]
    usable: bool
    beside: Beside | None
    titles: Mapping[str, str]
    named: tuple[str, ...]

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen, of all groups."""
        return tuple(choice for group in self.groups for choice in group)

    @property
    def value(self) -> str:
        """The one value that stands in it."""
        return self.values[0] if self.values else ""

    @property
    def chosen(self) -> tuple[str, ...]:
        """Which of several choices count: those that were made, else those that it comes with."""
        return self.values or tuple(item for item in _SEPARATORS.split(self.default) if item)

    @property
    def touched(self) -> bool:
        """Whether somebody filled it in, rightly or wrongly."""
        return any(self.values) or bool(self.faults)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputField:
    """One output as a person asks for it: whether, and in which of its formats."""

    name: str
    title: str
    description: str
    wanted: bool
    formats: tuple[tuple[str, str], ...]
    format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """
    A form, empty or filled.

    Attributes
    ----------
    faults : tuple of Fault
        Those that belong to no field.
    """

    fields: tuple[Field, ...]
    outputs: tuple[OutputField, ...]
    faults: tuple[Fault, ...]

    @property
    def required(self) -> tuple[Field, ...]:
        """Fields that must be filled in."""
        return tuple(each for each in self.fields if each.required)

    @property
    def plain(self) -> tuple[Field, ...]:
        """Fields that choose what is worked on and what is made of it; they may be left as they are."""
        return tuple(each for each in self.fields if not each.required and each.foremost)

    @property
    def fine(self) -> tuple[Field, ...]:
        """Fields that come as they are mostly right."""
        return tuple(each for each in self.fields if not each.required and not each.foremost)


def make_form(
    process: Process,
    described: Mapping[str, Any],
    values: Values,
    *,
    language: Language,
    allowed: Mapping[str, Allowed],
    faults: Sequence[Fault] = (),
) -> Form:
    """
    Make the form of a process.

    Parameters
    ----------
    described : mapping
        Its description, in the language.
    values : MultiDict
        What was filled in, by the names of fields.
    allowed : mapping of Allowed
        What each input may still be.
    faults : sequence of Fault
        What is wrong with what was filled in.
    """
    fields = tuple(
        _field(process, name, each, values, allowed.get(name, Allowed()), faults, language)
        for name, each in described["inputs"].items()
    )
    outputs = tuple(_output(name, each, values, language) for name, each in process.outputs.items())
    rest = tuple(fault for fault in faults if fault.input not in described["inputs"])
    return Form(fields=fields, outputs=outputs, faults=rest)


def read_form(process: Process, schemas: Mapping[str, Mapping[str, Any]], values: Values) -> dict[str, Any]:
    """
    Turn a filled form into the body of an execute request; whether that is right is judged like any other.

    Parameters
    ----------
    schemas : mapping
        Schema of each input.
    values : MultiDict
        What was filled in. Fields that are empty are left out.
    """
    inputs = {}
    for name, schema in schemas.items():
        read = _READERS.get(kind_of(process, name, schema), _read_text)
        value = read(name, schema, values)
        if value is not None:
            inputs[name] = value
    wanted = values.getlist(OUTPUTS)
    body: dict[str, Any] = {"inputs": inputs}
    formats = {name: values.get(FORMAT + name) for name in process.outputs}
    if wanted or any(formats.values()):
        asked = [name for name in process.outputs if not wanted or name in wanted]
        body["outputs"] = {name: {"format": {"mediaType": formats[name]}} if formats[name] else {} for name in asked}
    return body


def write_form(process: Process, inputs: Mapping[str, Any]) -> dict[str, str] | None:
    """
    Fill a form in, as the query of its address says it; inputs that are as they come are left out.

    Returns
    -------
    dict or None
        None where the form cannot hold them: a box in another reference system, or very much text.
    """
    schemas = input_schemas(process.inputs)
    filled = {}
    for name, value in inputs.items():
        if name not in schemas or value == schemas[name].get("default"):
            continue
        box = kind_of(process, name, schemas[name]) == "box"
        if box and isinstance(value, Mapping):
            if value.get("crs", CRS84) != CRS84:
                return None
            value = value["bbox"]
        filled[name] = _typed(value).replace(", ", ",") if box else _typed(value)
    return filled if sum(map(len, filled.values())) <= LONGEST_QUERY else None


def kind_of(process: Process, name: str, schema: Mapping[str, Any]) -> Kind:
    """Choose the control for an input: by what it means where we know that, else by its schema."""
    annotation = process.inputs.model_fields[name].annotation
    special = next((kind for meant, kind in _SPECIAL.items() if _mentions(annotation, meant)), None)
    if special:
        return special
    formats = _formats_in(schema)
    if any(each.startswith("geojson") for each in formats):
        return "points" if role_of(process.inputs, name) == "points" else "geojson"
    known = next((_FORMATS[each] for each in formats if each in _FORMATS), None)
    if known:
        return known
    if schema.get("type") == "array":
        item = schema.get("items", {})
        return "choices" if _groups(item) else "json" if item.get("type") in ("object", "array") else "list"
    if "enum" in schema:
        return "choice"
    return _TYPES.get(schema.get("type", ""), "text")


def _formats_in(schema: Mapping[str, Any]) -> list[str]:
    """Give the formats that a value may have, whichever of several schemas it meets."""
    parts = [part for word in ("allOf", "oneOf", "anyOf") for part in schema.get(word, ())]
    return [schema.get("format", ""), *(each for part in parts for each in _formats_in(part))]


def _groups(schema: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Give what a schema lists, in the groups that it lists it in; nothing where something else is right too."""
    parts = schema.get("oneOf", (schema,))
    if not all("enum" in part for part in parts):
        return ()
    return tuple(tuple(_typed(each) for each in part["enum"]) for part in parts)


def _mentions(annotation: Any, wanted: Any) -> bool:
    return annotation is wanted or any(_mentions(each, wanted) for each in get_args(annotation))


def _field(
    process: Process,
    name: str,
    described: Mapping[str, Any],
    values: Values,
    allowed: Allowed,
    faults: Sequence[Fault],
    language: Language,
) -> Field:
    schema = described["schema"]
    kind = kind_of(process, name, schema)
    groups = _groups(schema.get("items", schema))
    offered = frozenset(choice for group in groups for choice in group)
    left = None if allowed.values is None else tuple(_typed(each) for each in allowed.values)
    if kind == "list" and left:
        kind = "choices"
    default, foremost = _typed(schema.get("default")), told_of(process, name).foremost
    return Field(
        name=name,
        kind=kind,
        title=described["title"],
        description=described["description"],
        required=described["minOccurs"] > 0,
        foremost=not default if foremost is None else foremost,
        default=default,
        values=_standing(kind, name, values),
        groups=groups or ((left,) if left else ()),
        closed=offered - frozenset(left) if offered and left is not None else frozenset(),
        example=_typed(schema.get("example")),
        whole=schema.get("type") == "integer",
        uploads=DATASET_FORMAT in _formats_in(schema),
        allowed=allowed,
        faults=tuple(fault for fault in faults if fault.input == name),
        usable=left != () or kind in _NAMED_SETS,
        beside=process.beside.get(name),
        titles={choice: title.into(language) for choice, title in process.choices.get(name, {}).items()},
        named=(left or ()) if kind in _NAMED_SETS else (),
    )


def _output(name: str, output: Output, values: Values, language: Language) -> OutputField:
    wanted = values.getlist(OUTPUTS)
    formats = tuple((each.media_type, each.title.into(language)) for each in output.formats)
    return OutputField(
        name=name,
        title=output.title.into(language),
        description=output.description.into(language),
        wanted=not wanted or name in wanted,
        formats=formats,
        format=values.get(FORMAT + name) or formats[0][0],
    )


def _typed(value: Any) -> str:
    """Write a value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_typed, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _standing(kind: Kind, name: str, values: Values) -> tuple[str, ...]:
    """Find what stands in a field; a box and a time may also come in one piece."""
    if kind in ("box", "interval"):
        parts = SIDES if kind == "box" else ENDS
        whole = values.get(name, "").strip()
        if whole:
            pieces = whole.split("," if kind == "box" else "/")
            pieces = pieces * 2 if kind == "interval" and len(pieces) == 1 else pieces
            return tuple("" if each.strip() == ".." else each.strip() for each in pieces[: len(parts)])
        return tuple(values.get(f"{name}.{part}", "").strip() for part in parts)
    if kind == "choices":
        return tuple(item for each in values.getlist(name) for item in _SEPARATORS.split(each) if item)
    return tuple(values.getlist(name))


def _read_text(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    text = values.get(name, "")
    return text if text.strip() else None


def _read_table(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    """Read lines as they were typed: browsers send them with the line ends of another system."""
    text = "\n".join(values.get(name, "").splitlines()).strip("\n")
    return None if not text.strip() else f"{text}\n" if "\n" in text else text.strip()


def _read_number(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    text = values.get(name, "").strip()
    return _number(text) if text else None


def _read_flag(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    text = values.get(name, "").strip()
    return {"true": True, "false": False}.get(text.lower(), text) if text else None


def _read_list(name: str, schema: Mapping[str, Any], values: Values) -> Any:
    items = [item for each in values.getlist(name) for item in _SEPARATORS.split(each) if item]
    numbers = schema.get("items", {}).get("type") in ("number", "integer")
    return [_number(item) if numbers else item for item in items] or None


def _read_box(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    sides = _standing("box", name, values)
    whole = values.get(name, "").strip()
    if whole:
        return [_number(each.strip()) for each in whole.split(",")]
    return [_number(side) for side in sides] if any(sides) else None


def _read_interval(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    whole = values.get(name, "").strip()
    if whole:
        return whole
    begin, end = _standing("interval", name, values)
    if not begin and not end:
        return None
    return begin if begin == end else f"{begin or '..'}/{end or '..'}"


def _read_json(name: str, schema: Mapping[str, Any], values: Values) -> Any:  # noqa: ARG001 - the signature of all
    text = values.get(name, "").strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read_places(name: str, schema: Mapping[str, Any], values: Values) -> Any:
    """Read GeoJSON, else a table or the name of something."""
    read = _read_json(name, schema, values)
    return _read_table(name, schema, values) if isinstance(read, str) else read


def _number(text: str) -> Any:
    """Read a number; what is none stays as it is, and is refused where all values are judged."""
    plain = text.replace("\N{MINUS SIGN}", "-")
    if _WHOLE.fullmatch(plain):
        return int(plain)
    try:
        number = float(plain)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


_READERS: Mapping[Kind, Callable[[str, Mapping[str, Any], Values], Any]] = {
    "number": _read_number,
    "flag": _read_flag,
    "choices": _read_list,
    "list": _read_list,
    "box": _read_box,
    "interval": _read_interval,
    "geojson": _read_json,
    "points": _read_places,
    "table": _read_table,
    "json": _read_json,
}
