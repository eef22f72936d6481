"""Seasons: stretches of whole months, which may cross the turn of the year."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bad_value import BadValue, show

_INITIALS = "JFMAMJJASOND"
_SPAN = re.compile(r"(?P<first>\d{1,2})(?:-(?P<last>\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """
    Months in a row.

    Attributes
    ----------
    name : str
        Initials as `DJF`, or the first and the last month as `12-2`.
    months : tuple of int
        1 to 12, in their order; a season that crosses the turn of the year belongs to the year of its January.
    """

    name: str
    months: tuple[int, ...]

    def year_of(self, year: int, month: int) -> int:
        """Say to which year's season a month belongs."""
        crosses = self.months[-1] < self.months[0]
        return year + 1 if crosses and month >= self.months[0] else year


def parse_season(value: object) -> Season:
    """
    Read a season.

    Parameters
    ----------
    value : object
        Initials of 2 to 12 months as `DJF` or `JJAS`, or months as `6-9`, `12-2` or `7`.

    Raises
    ------
    BadValue
        If no months, or more than one row of months, have these initials.
    """
    if isinstance(value, Season):
        return value
    text = str(value).strip().upper() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if match := _SPAN.fullmatch(text):
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if 1 <= first <= 12 and 1 <= last <= 12:
            return Season(name=text, months=_row(first, (last - first) % 12 + 1))
    starts = [at for at in range(12) if (_INITIALS * 2).startswith(text, at)] if 1 <= len(text) <= 12 else []
    if len(starts) == 1:
        return Season(name=text, months=_row(starts[0] + 1, len(text)))
    if starts:
        choices = " or ".join(f"{at + 1}-{(at + len(text) - 1) % 12 + 1}" for at in starts)
        raise BadValue.of(
            f"{show(value)} are the initials of several rows of months; write {choices}.",
            f"{show(value)} sont les initiales de plusieurs suites de mois ; écrivez {choices.replace(' or ', ' ou ')}.",
            given=value,
        )
    raise BadValue.of(
        f"{show(value)} is no season; right are initials of months in a row, as DJF or JJAS, or months, as 6-9 or 12-2.",
        f"{show(value)} n'est pas une saison ; il faut des initiales de mois qui se suivent, comme DJF ou JJAS, ou des "
        "mois, comme 6-9 ou 12-2.",
        given=value,
    )


def _row(first: int, count: int) -> tuple[int, ...]:
    return tuple((first - 1 + at) % 12 + 1 for at in range(count))


SEASONS = tuple(map(parse_season, ("DJF", "MAM", "JJA", "SON")))
"""Those of meteorology."""

SeasonField = Annotated[
    Season,
    PlainValidator(parse_season),
    PlainSerializer(lambda season: season.name, return_type=str),
    WithJsonSchema({"type": "string"}),
]
