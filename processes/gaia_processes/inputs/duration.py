"""A length of time, as people write it: the ISO 8601 durations that are the same in every calendar."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bad_value import BadValue, show

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_SECONDS = {"weeks": 604_800.0, "days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
_LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True)
class Duration:
    """
    A length of time.

    Attributes
    ----------
    text : str
        As it was written.
    seconds : float
    """

    text: str
    seconds: float

    def as_text(self) -> str:
        """Write it so that it is read as the same again."""
        return self.text


def parse_duration(value: object) -> Duration:
    """
    Read weeks, days, hours, minutes and seconds.

    Parameters
    ----------
    value : object
        Text as `P1D`, `PT6H`, `P15DT12H`. Months and years have no length of their own, and are refused.

    Raises
    ------
    BadValue
        It is none of these.

    Examples
    --------
    >>> parse_duration("P1DT6H").seconds
    108000.0
    """
    if isinstance(value, Duration):
        return value
    text = value.strip().upper() if isinstance(value, str) else ""
    found = _DURATION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    parts = {} if found is None else {name: float(each) for name, each in found.groupdict().items() if each is not None}
    if not parts or text.endswith("T"):
        raise BadValue.of(
            f"{show(value)} is not a length of time; right are weeks, days, hours, minutes and seconds by ISO 8601, as P1D, "
            "PT6H, P15DT12H.",
            f"{show(value)} n'est pas une durée ; il faut des semaines, jours, heures, minutes et secondes selon ISO 8601, "
            "comme P1D, PT6H, P15DT12H.",
            given=value,
        )
    return Duration(text=text, seconds=sum(_SECONDS[name] * each for name, each in parts.items()))


DurationField = Annotated[
    Duration,
    PlainValidator(parse_duration),
    PlainSerializer(Duration.as_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
"""Type of an input that is a length of time."""
