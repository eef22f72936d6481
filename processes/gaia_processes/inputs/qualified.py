"""
Values that come with what they are: `{"value": ..., "mediaType": ..., "encoding": ..., "schema": ...}`.

The schema of the standard puts the qualifiers beside `value`, its text and its test suite nest them in `format`; both are
read. `schema` is not: the input's own judges the value.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from gaia_processes.inputs.bad_value import BadValue, show

QUALIFIERS = frozenset({"value", "mediaType", "encoding", "schema", "format"})
PLAIN_ENCODINGS = ("utf-8", "utf8", "identity", "binary", "7bit", "8bit")
"""Those by which a value is what it is."""

_BASE64 = "base64"
_READ = ("application/json", "application/geo+json", "text/plain", "text/csv")


def is_qualified(value: object) -> bool:
    """Tell whether something is a value with its qualifiers, and not an object that happens to have a `value`."""
    return isinstance(value, Mapping) and "value" in value and QUALIFIERS.issuperset(value)


def read_qualified(qualified: Mapping[str, Any]) -> object:
    """
    Take a value out of its qualifiers, decoded where they say so.

    Returns
    -------
    object
        Text that came as base64 is text again, and JSON that came so is what it holds.

    Raises
    ------
    BadValue
        If a qualifier is wrong or the value is not what it says; pointers start at the object.
    """
    value = qualified["value"]
    media_type, at_type = _qualifier(qualified, "mediaType")
    encoding, at_encoding = _qualifier(qualified, "encoding")
    kind = media_type.partition(";")[0].strip().lower()
    if kind and not (kind.startswith("text/") or _is_json(kind)):
        raise BadValue.of(
            f"A value of the type {show(media_type)} is not taken; right are JSON and text.",
            f"Une valeur du type {show(media_type)} n'est pas acceptée ; il faut du JSON ou du texte.",
            given=media_type,
            at=at_type,
            allowed=_READ,
        )
    if encoding.lower() in ("", *PLAIN_ENCODINGS):
        return value
    if encoding.lower() != _BASE64:
        raise BadValue.of(
            f"The encoding {show(encoding)} is not known; right is {_BASE64}, or none.",
            f"L'encodage {show(encoding)} n'est pas connu ; il faut {_BASE64}, ou aucun.",
            given=encoding,
            at=at_encoding,
            allowed=(_BASE64, PLAIN_ENCODINGS[0]),
        )
    text = _decode(value)
    return _parse(text) if _is_json(kind) else text


def _qualifier(qualified: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Find a qualifier beside the value or in `format`, and where it stands; empty where it is not said."""
    nested = qualified.get("format")
    if nested is not None and not isinstance(nested, Mapping):
        raise BadValue.of(
            f'{show(nested)} is no format; right is for example {{"mediaType": "text/plain"}}.',
            f'{show(nested)} n\'est pas un format ; par exemple : {{"mediaType": "text/plain"}}.',
            given=nested,
            at="/format",
        )
    inside = qualified.get(name) is None and nested is not None
    said = (nested or {}).get(name) if inside else qualified.get(name)
    at = f"/format/{name}" if inside else f"/{name}"
    if said is None:
        return "", at
    if not isinstance(said, str):
        raise BadValue.of(f"{show(said)} is not text.", f"{show(said)} n'est pas un texte.", given=said, at=at)
    return said, at


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _decode(value: object) -> str:
    try:
        # Line breaks are what many encoders put in; anything else that is not of the alphabet is a mistake.
        content = base64.b64decode("".join(value.split()) if isinstance(value, str) else "?", validate=True)
        return content.decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise BadValue.of(
            f"{show(value)} is not UTF-8 text in base64.",
            f"{show(value)} n'est pas du texte UTF-8 en base64.",
            given=value,
            at="/value",
        ) from None


def _parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadValue.of(
            f"{show(text)} is not valid JSON.", f"{show(text)} n'est pas du JSON valide.", given=text, at="/value"
        ) from None


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
