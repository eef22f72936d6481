"""
An execute request as a plain link: `GET /processes/{processID}/execution?message=hello` (`kvp-execute` of the draft of 2.0).

| parameter | means |
| --- | --- |
| `in=value` | an input; arrays with commas between, or the parameter more than once; objects and arrays also as JSON |
| `in[crs]=uri` | the system of a box given as `in=x,y,x,y` |
| `in[href]=address`, `in[type]=…` | the input by reference |
| `in[mediaType]=…`, `[encoding]`, `[schema]` | what the value is |
| `out[include]=true` | one of the outputs that are wanted; without any, all |
| `out[mediaType]=…`, `out[transmissionMode]=…` | how it is wanted |
| `response[f]=json` or a media type | the whole answer as a document, or the format of the one output |
| `response[prefer]=wait=5` | as the header `Prefer` |
| `response=raw` or `document` | as in a body |

What comes out is the same body that a POST would have, and is judged in the same way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import make_fault
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.process import Process
from gaia_server.bodies import parse_json
from gaia_server.errors import BadJson, BadQuery

RESERVED = frozenset({"f", "lang"})
"""Parameters of every address of ours; they are no inputs here."""

_NAME = re.compile(r"(?P<name>[^\[\]]+)(\[(?P<qualifier>[A-Za-z]+)\])?", re.ASCII)
_OF_VALUE = ("mediaType", "encoding", "schema")
_OF_INPUT = ("href", "type", "crs", *_OF_VALUE)
_OF_OUTPUT = ("include", "transmissionMode", *_OF_VALUE)
_OF_RESPONSE = ("f", "format", "prefer")
_DOCUMENT = ("json", "application/json", "document")
_HTML = ("html", "text/html")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """
    What a link asks for.

    Attributes
    ----------
    body : dict
        As a POST would send it.
    prefer : tuple of str
        Values of the header `Prefer`.
    """

    body: dict[str, Any]
    prefer: tuple[str, ...]


@dataclass(slots=True)
class _Parts:
    """The parameters by what they are about, and what is wrong with them."""

    values: dict[str, list[str]] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    response: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, parameter: str, en: str, fr: str, *, given: object, allowed: Sequence[str] = ()) -> None:
        """Note that a parameter is wrong."""
        fault = make_fault(en, fr, given=given, allowed=allowed)
        self.faults.append(
            Fault(input=parameter[:80], pointer="", problem=fault.problem, given=fault.given, allowed=fault.allowed)
        )


def read_link(process: Process, parameters: Mapping[str, Sequence[str]], *, max_depth: int) -> Link:
    """
    Read the parameters of a link.

    Parameters
    ----------
    parameters : mapping of sequence of str
        Every value of each parameter, decoded.
    max_depth : int
        Deepest nesting of a JSON value.

    Raises
    ------
    BadQuery
        With every parameter that cannot be read. Whether the values are right is judged later.
    """
    parts = _Parts()
    for parameter, values in parameters.items():
        if parameter not in RESERVED or parameter in process.inputs.model_fields:
            _sort(process, parameter, values, parts)
    schemas = input_schemas(process.inputs)
    names = dict.fromkeys((*parts.values, *parts.inputs))
    inputs = {name: _input(name, schemas.get(name, {}), parts, max_depth) for name in names}
    asked = parameters.get("f", ("",))[-1] if "f" not in process.inputs.model_fields else ""
    wished = parts.response.get("f") or parts.response.get("format") or asked
    outputs = _outputs(process, parts, wished)
    body = {"inputs": inputs, "outputs": outputs, "response": _response(outputs, parts, wished)}
    if parts.faults:
        raise BadQuery(faults=parts.faults)
    return Link(body=body, prefer=(parts.response["prefer"],) if "prefer" in parts.response else ())


def _sort(process: Process, parameter: str, values: Sequence[str], parts: _Parts) -> None:
    match = _NAME.fullmatch(parameter)
    if match is None:
        right = "in=value, in[href]=address or out[include]=true"
        parts.wrong(
            parameter,
            f"This is not the name of a parameter; right is for example {right}.",
            f"Ceci n'est pas un nom de paramètre ; par exemple : {right}.",
            given=parameter,
        )
        return
    name, qualifier = match["name"], match["qualifier"]
    if qualifier is None and (name != "response" or name in process.inputs.model_fields):
        parts.values[name] = list(values)
    elif name == "response" and name not in process.inputs.model_fields:
        _qualify(parts.response, parameter, qualifier or "", values, ("", *_OF_RESPONSE), parts)
    elif _is_of_output(process, name, qualifier or "", parts):
        _qualify(parts.outputs.setdefault(name, {}), parameter, qualifier or "", values, _OF_OUTPUT, parts)
    else:
        _qualify(parts.inputs.setdefault(name, {}), parameter, qualifier or "", values, _OF_INPUT, parts)


def _is_of_output(process: Process, name: str, qualifier: str, parts: _Parts) -> bool:
    """Tell inputs and outputs of the same name apart: what follows `[include]` is about the output."""
    if qualifier in ("include", "transmissionMode"):
        return True
    return name in parts.outputs or (name in process.outputs and name not in process.inputs.model_fields)


def _qualify(
    into: dict[str, str], parameter: str, qualifier: str, values: Sequence[str], known: Sequence[str], parts: _Parts
) -> None:
    if qualifier in known:
        into[qualifier] = values[-1]
        return
    listed = ", ".join(f"[{each}]" for each in known if each)
    parts.wrong(
        parameter,
        f"[{qualifier[:40]}] is no qualifier here; there are: {listed}.",
        f"[{qualifier[:40]}] n'est pas un qualificatif ici ; il y a : {listed}.",
        given=qualifier,
        allowed=known,
    )


def _input(name: str, schema: Mapping[str, Any], parts: _Parts, max_depth: int) -> Any:
    qualifiers = parts.inputs.get(name, {})
    if "href" in qualifiers:
        return {key: qualifiers[key] for key in ("href", "type") if key in qualifiers}
    value = _value(name, schema, parts, max_depth)
    if "crs" in qualifiers:
        value = value if isinstance(value, dict) else {"bbox": value}
        value |= {"crs": qualifiers["crs"]}
    said = {key: qualifiers[key] for key in _OF_VALUE if key in qualifiers}
    return {"value": value} | said if said else value


def _value(name: str, schema: Mapping[str, Any], parts: _Parts, max_depth: int) -> Any:
    """Read a value as its schema has it: text stays text, everything else may be JSON."""
    texts = parts.values.get(name, [])
    kind = schema.get("type", "object" if "allOf" in schema else None)
    if not texts:
        return None
    if kind == "string":
        return texts[0] if len(texts) == 1 else texts
    if kind == "boolean":
        return _BOOLEANS.get(texts[-1].lower(), texts[-1])
    if len(texts) == 1 and texts[0].lstrip()[:1] in ("{", "["):
        return _json(name, texts[0], parts, max_depth)
    if kind in ("array", "object"):
        return [part.strip() for text in texts for part in text.split(",")]
    return texts[0] if len(texts) == 1 else texts


def _json(name: str, text: str, parts: _Parts, max_depth: int) -> Any:
    try:
        return parse_json(text.encode(errors="surrogatepass"), max_depth=max_depth)
    except BadJson as bad:
        parts.wrong(
            name, f"This value cannot be read. {bad.text.en}", f"Cette valeur est illisible. {bad.text.fr}", given=text
        )
        return None


def _outputs(process: Process, parts: _Parts, wished: str) -> dict[str, Any]:
    """Take the outputs that are included; all where none is mentioned."""
    wanted = dict[str, Any]()
    for name, qualifiers in parts.outputs.items():
        include = qualifiers.get("include", "true").lower()
        if include not in _BOOLEANS:
            parts.wrong(
                f"{name}[include]",
                "Right is true or false.",
                "Il faut true ou false.",
                given=include,
                allowed=("true", "false"),
            )
        if _BOOLEANS.get(include, True):
            said = {key: qualifiers[key] for key in _OF_VALUE if key in qualifiers}
            mode = {key: qualifiers[key] for key in ("transmissionMode",) if key in qualifiers}
            wanted[name] = ({"format": said} if said else {}) | mode
    if not parts.outputs:
        wanted = {name: {} for name in process.outputs}
    if wished and wished.lower() not in (*_DOCUMENT, *_HTML):
        _choose_format(process, wanted, wished, parts)
    return wanted


def _choose_format(process: Process, wanted: dict[str, dict[str, Any]], wished: str, parts: _Parts) -> None:
    """Ask for the one output in a format; several come in one document, which has none."""
    if len(wanted) == 1:
        (name,) = wanted
        wanted[name].setdefault("format", {"mediaType": _media_type(process, name, wished)})
    elif wanted:
        parts.wrong(
            "response[f]" if {"f", "format"} & parts.response.keys() else "f",
            "Several outputs come as one document, json; for another format ask for one of them, as out[include]=true.",
            "Plusieurs sorties viennent en un seul document, json ; pour un autre format, demandez-en une, par "
            "out[include]=true.",
            given=wished,
            allowed=("json", "html"),
        )


def _media_type(process: Process, output: str, wished: str) -> str:
    """Read a format by its short name too, as `netcdf` or `csv`."""
    formats = process.outputs[output].formats if output in process.outputs else ()
    return next((each.media_type for each in formats if each.id == wished.lower()), wished)


def _response(outputs: Mapping[str, Any], parts: _Parts, wished: str) -> str:
    """One output comes as it is, several in one document, as the draft has it; a browser can do nothing with multipart."""
    return parts.response.get("") or ("document" if len(outputs) > 1 or wished.lower() in _DOCUMENT else "raw")
