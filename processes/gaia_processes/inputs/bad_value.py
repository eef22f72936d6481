"""How a parser says that a value is not right: faults whose pointers start at the value, not yet at the request."""

import json
from collections.abc import Sequence
from typing import Any, Self

from gaia_processes.errors import Fault
from gaia_processes.text import Text, reveal

_GIVEN_LIMIT = 200
_SHOWN_LIMIT = 80


class BadValue(ValueError):
    """
    A value is not what its input takes.

    Attributes
    ----------
    faults : tuple of Fault
        All that is wrong with it. `input` is empty and `pointer` starts at the value: whoever knows the input adds both.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.problem.en for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def of(cls, en: str, fr: str, *, given: object, at: str = "", allowed: Sequence[object] = ()) -> Self:
        """Make it of a single fault."""
        return cls([make_fault(en, fr, given=given, at=at, allowed=allowed)])


def make_fault(en: str, fr: str, *, given: object, at: str = "", allowed: Sequence[object] = ()) -> Fault:
    """
    Make a fault of a value alone.

    Parameters
    ----------
    en, fr : str
        What was wrong, with which value, and what would be right.
    given : object
        The value; it is shortened here.
    at : str
        RFC 6901 pointer from the value to the wrong part of it, as `/2`.
    allowed : sequence
        What would be right, where it can be listed.
    """
    return Fault(input="", pointer=at, problem=Text(en=en, fr=fr), given=shorten(given), allowed=tuple(allowed))


def show(value: object) -> str:
    """Write a value for a sentence: JSON, cut where it is long."""
    return _cut(_as_json(value), _SHOWN_LIMIT)


def shorten_name(name: str) -> str:
    """Give a name that a request made up, cut where it is long."""
    return _cut(name, _SHOWN_LIMIT)


def shorten(value: Any) -> object:
    """Give a value that is safe to send back: itself where it is small JSON, else the beginning of it as text."""
    text = _as_json(value)
    try:
        plain = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _cut(text, _GIVEN_LIMIT)
    harmless = len(plain) <= _GIVEN_LIMIT and text == _written(value)
    return value if harmless else _cut(text, _GIVEN_LIMIT)


def _as_json(value: object) -> str:
    try:
        return reveal(_written(value))
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
