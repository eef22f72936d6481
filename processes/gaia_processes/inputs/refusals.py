"""What pydantic finds wrong, in sentences for people: one table from its error types to ours."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show

type _Sentence = Callable[[str, Mapping[str, Any]], tuple[str, str]]


def _bound(en: str, fr: str, limit: str) -> _Sentence:
    return lambda value, details: (
        f"{value} is out of bounds: {en} {details[limit]} is right.",
        f"{value} est hors limites : il faut {fr} {details[limit]}.",
    )


def _kind(en: str, fr: str) -> _Sentence:
    return lambda value, _: (f"{value} is not {en}.", f"{value} n'est pas {fr}.")


def _count(en: str, fr: str, limit: str) -> _Sentence:
    return lambda _, details: (
        f"{details['actual_length']} were given; {en} {details[limit]} is right.",
        f"{details['actual_length']} donné(s) ; il faut {fr} {details[limit]}.",
    )


def _choice(value: str, details: Mapping[str, Any]) -> tuple[str, str]:
    choices = str(details["expected"])
    return (
        f"{value} is none of the choices; right is {choices}.",
        f"{value} n'est pas un des choix ; il faut {choices.replace(' or ', ' ou ')}.",
    )


_SENTENCES: dict[str, _Sentence] = {
    "missing": lambda *_: (
        "This input is required and was not given.",
        "Cette entrée est requise et n'est pas donnée.",
    ),
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _kind("text", "un texte"),
    "string_unicode": _kind("valid Unicode text", "un texte Unicode valide"),
    "bool_type": _kind("true or false", "true ou false"),
    "bool_parsing": _kind("true or false", "true ou false"),
    "tuple_type": _kind("an array", "un tableau"),
    "list_type": _kind("an array", "un tableau"),
    "dict_type": _kind("an object", "un objet"),
    "finite_number": _kind("a finite number", "un nombre fini"),
    "string_pattern_mismatch": lambda value, details: (
        f"{value} does not have the form {details['pattern']}.",
        f"{value} n'a pas la forme {details['pattern']}.",
    ),
    "greater_than_equal": _bound("at least", "au moins", "ge"),
    "less_than_equal": _bound("at most", "au plus", "le"),
    "greater_than": _bound("more than", "plus de", "gt"),
    "less_than": _bound("less than", "moins de", "lt"),
    "too_short": _count("at least", "au moins", "min_length"),
    "too_long": _count("at most", "au plus", "max_length"),
    "string_too_short": lambda value, details: (
        f"{value} is too short: at least {details['min_length']} characters are right.",
        f"{value} est trop court : il faut au moins {details['min_length']} caractères.",
    ),
    "string_too_long": lambda value, details: (
        f"{value} is too long: at most {details['max_length']} characters are right.",
        f"{value} est trop long : il faut au plus {details['max_length']} caractères.",
    ),
}


def read_refusal(error: ErrorDetails) -> tuple[Fault, ...]:
    """
    Put one of pydantic's errors into words.

    Returns
    -------
    tuple of Fault
        `input` is empty and pointers start at the value that pydantic speaks of.
    """
    details = error.get("ctx", {})
    cause = details.get("error")
    if isinstance(cause, BadValue):
        return cause.faults
    given = None if error["type"] == "missing" else error["input"]
    sentence = _SENTENCES.get(error["type"])
    if sentence is None:
        message = error["msg"]
        return (make_fault(f"{show(given)}: {message}.", f"{show(given)} n'est pas accepté ({message}).", given=given),)
    return (make_fault(*sentence(show(given), details), given=given, allowed=_choices(details)),)


def _choices(details: Mapping[str, Any]) -> tuple[str, ...]:
    expected = str(details.get("expected", ""))
    return tuple(part.strip(" '") for part in expected.replace(" or ", ", ").split(",") if part.strip())
