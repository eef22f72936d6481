"""Numbers as clients really send them: also as text; never NaN, never infinite, never true or false."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator

from gaia_processes.inputs.bad_value import BadValue, show
from gaia_processes.text import Text

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_DIGITS_LIMIT = 64
_EXACT_LIMIT = 2**53


_WRITE_IT = Text(en="write it with a decimal point, as 2.5", fr="écrivez-le avec un point décimal, comme 2.5")
_WRITE_IT_WHOLE = Text(en="write it in digits alone, as 25", fr="écrivez-le en chiffres seulement, comme 25")


def read_number(value: object, *, at: str = "") -> int | float:
    """
    Read a finite number.

    Parameters
    ----------
    value : object
        A number, or text that is one ("2.5").
    at : str
        Where the value lies in a greater one, for the fault.

    Returns
    -------
    int or float
        Whole numbers stay whole.

    Raises
    ------
    BadValue
        If it is no number, or not finite.
    """
    return _finite(_number_of_text(value, at=at, remedy=_WRITE_IT) if isinstance(value, str) else value, at=at)


def _finite(value: object, *, at: str = "") -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue.of(f"{show(value)} is not a number.", f"{show(value)} n'est pas un nombre.", given=value, at=at)
    if (isinstance(value, int) and abs(value) > _EXACT_LIMIT) or not math.isfinite(value):
        raise BadValue.of(
            f"{show(value)} is not a finite number that can be computed with.",
            f"{show(value)} n'est pas un nombre fini avec lequel on puisse calculer.",
            given=value,
            at=at,
        )
    return value


def read_whole(value: object) -> int:
    """
    Read a whole number; `3.0` and "3" are whole.

    Raises
    ------
    BadValue
        If it is no number, not finite, or has a fraction.
    """
    number = _finite(_number_of_text(value, remedy=_WRITE_IT_WHOLE) if isinstance(value, str) else value)
    if number != int(number) or abs(number) > _EXACT_LIMIT:
        raise BadValue.of(
            f"{show(value)} is not a whole number.", f"{show(value)} n'est pas un nombre entier.", given=value
        )
    return int(number)


def _number_of_text(text: str, *, remedy: Text, at: str = "") -> int | float:
    stripped = text.strip()
    if len(stripped) > _DIGITS_LIMIT or not _NUMBER.fullmatch(stripped):
        raise BadValue.of(
            f"{show(text)} is not a number; {remedy.en}.",
            f"{show(text)} n'est pas un nombre ; {remedy.fr}.",
            given=text,
            at=at,
        )
    number = float(stripped)
    return int(stripped) if stripped.lstrip("+-").isdigit() else number


Number = Annotated[float, BeforeValidator(read_number)]
"""Type of an input that is a number."""

Whole = Annotated[int, BeforeValidator(read_whole)]
"""Type of an input that is a whole number."""
