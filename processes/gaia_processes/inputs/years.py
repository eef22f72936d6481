"""Whole years of a calendar: what the input `baseline` means everywhere."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bad_value import BadValue, show

_YEARS = re.compile(r"(?P<first>[+-]?\d{4})(?:/(?P<last>[+-]?\d{4}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Years:
    """The years from `first` to `last`, both included."""

    first: int
    last: int

    def as_text(self) -> str:
        """Write them so that they are read as the same again."""
        return f"{self.first:04d}/{self.last:04d}"


def parse_years(value: object) -> Years:
    """
    Read the first and the last of some years.

    Parameters
    ----------
    value : object
        Text as `1981/2010`, or one year.

    Raises
    ------
    BadValue
        If it is nothing like that, or the years are the wrong way round.
    """
    if isinstance(value, Years):
        return value
    text = f"{value:04d}" if isinstance(value, int) and not isinstance(value, bool) else value
    match = _YEARS.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise BadValue.of(
            f"{show(value)} are no years; right are the first and the last one, as 1981/2010.",
            f"{show(value)} ne désigne pas des années ; il faut la première et la dernière, comme 1981/2010.",
            given=value,
        )
    first = int(match["first"])
    last = int(match["last"] or first)
    if first > last:
        raise BadValue.of(
            f"{show(value)} ends before it begins; the earlier year comes first.",
            f"{show(value)} finit avant de commencer ; l'année la plus ancienne vient d'abord.",
            given=value,
        )
    return Years(first=first, last=last)


YearsField = Annotated[
    Years,
    PlainValidator(parse_years),
    PlainSerializer(Years.as_text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
