"""A stretch of time: what the input `datetime` means everywhere."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show

_MOMENT = re.compile(
    r"(?P<year>\d{4}|[+-]\d{4,6})(-(?P<month>\d\d)(-(?P<day>\d\d)([Tt ](?P<hour>\d\d)"
    r"(:(?P<minute>\d\d)(:(?P<second>\d\d(\.\d{1,9})?))?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_RANGES = {
    "month": (1, 12, "le mois"),
    "day": (1, 31, "le jour"),
    "hour": (0, 23, "l'heure"),
    "minute": (0, 59, "la minute"),
    "second": (0, 59, "la seconde"),
}
_LEAP_SECOND = 60
_LAST_OF_MINUTE_S = 59.999999
_NEVER_31_DAYS = frozenset({2, 4, 6, 9, 11})
"""Months without a 31st in any CF calendar; 30 February exists in `360_day`."""

_FIRST = (1, 1, 0, 0, 0.0)
_LAST = (12, 31, 23, 59, 60.0)
_EXAMPLES = "1990, 1990-06, 1990-06-15, 1990-06-15T12:00:00Z, 1990/1995, 1990-06/.., ../1995"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """
    An RFC 3339 date-time or a part of one, in no calendar yet.

    Members that were not given are None: `2001` has a year only. A zone offset was converted to UTC already.
    """

    year: int
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: float | None = None
    text: str = ""

    def first(self) -> tuple[int, int, int, int, int, float]:
        """Give its first instant; instants of one calendar compare as these tuples do."""
        return self._filled(_FIRST)

    def last(self) -> tuple[int, int, int, int, int, float]:
        """Give a bound of its last instant: no date of any calendar lies between them."""
        return self._filled(_LAST)

    def _filled(self, rest: tuple[int, int, int, int, float]) -> tuple[int, int, int, int, int, float]:
        return (
            self.year,
            rest[0] if self.month is None else self.month,
            rest[1] if self.day is None else self.day,
            rest[2] if self.hour is None else self.hour,
            rest[3] if self.minute is None else self.minute,
            rest[4] if self.second is None else self.second,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """
    A closed stretch of time, read in the data's own calendar.

    Attributes
    ----------
    start, end : Moment or None
        None is open. A partial start means its first instant, a partial end its last.
    instant : bool
        A single value was given that names one instant (it has a time of day): the step that contains it is meant.
        `1990`, `1990-06` and `1990-06-15` are not instants but stretches (start and end are then the same moment).
    """

    start: Moment | None
    end: Moment | None
    instant: bool = False

    def as_text(self) -> str:
        """Write it so that it is read as the same again."""
        if self.start is not None and self.start == self.end:
            return self.start.text
        return f"{self.start.text if self.start else '..'}/{self.end.text if self.end else '..'}"


def parse_interval(value: object) -> Interval:
    """
    Read an instant, a partial date, or an interval of them.

    Parameters
    ----------
    value : object
        Text; a whole number is taken for a year.

    Raises
    ------
    BadValue
        With everything that is wrong. Days that only some calendars have pass: the dataset's calendar judges them.
    """
    if isinstance(value, Interval):
        return value
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise BadValue([_not_a_time(value)])
    parts = [part.strip() for part in text.split("/")]
    if len(parts) == 1:
        moment = parse_moment(parts[0])
        return Interval(start=moment, end=moment, instant=moment.hour is not None)
    if len(parts) != 2:
        raise BadValue([_not_a_time(value)])
    return _between(parts[0], parts[1], value)


def parse_moment(text: str) -> Moment:
    """
    Read a date-time or a part of one, and convert a zone offset to UTC.

    Raises
    ------
    BadValue
        If it is none, or a part of it is out of its range in every calendar.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise BadValue([_not_a_time(text)])
    parts = {name: int(match[name]) for name in ("year", "month", "day", "hour", "minute") if match[name]}
    # Cut after microseconds: rounding could give a 60th second.
    second = float(match["second"][:9]) if match["second"] else None
    leap = second is not None and int(second) == _LEAP_SECOND
    if leap:
        second = _LAST_OF_MINUTE_S  # no calendar of data counts leap seconds
    if faults := _out_of_range({**parts, **({} if second is None else {"second": int(second)})}, text):
        raise BadValue(faults)
    moment = Moment(
        year=parts["year"],
        month=parts.get("month"),
        day=parts.get("day"),
        hour=parts.get("hour"),
        minute=parts.get("minute"),
        second=second,
    )
    moment = _to_utc(moment, match["zone"] or "Z", text)
    if leap and (moment.hour, moment.minute) != (23, 59):
        raise BadValue([_no_leap_second(text)])
    return replace(moment, text=_write(moment))


def _between(first: str, last: str, value: object) -> Interval:
    ends, faults = list[Moment | None](), list[Fault]()
    for text in (first, last):
        try:
            ends.append(None if text in ("", "..") else parse_moment(text))
        except BadValue as bad:
            faults += bad.faults
    if faults:
        raise BadValue(faults)
    start, end = ends
    if start and end and start.first() > end.last():
        raise BadValue.of(
            f"The interval runs backwards: {start.text} is after {end.text}; the earlier date comes first.",
            f"L'intervalle est à l'envers : {start.text} est après {end.text} ; la date la plus ancienne vient d'abord.",
            given=value,
        )
    return Interval(start=start, end=end)


def _out_of_range(parts: dict[str, int], text: str) -> list[Fault]:
    faults = [
        make_fault(
            f"{show(text)}: the {name} {parts[name]:02d} is outside of {low:02d} to {high:02d}.",
            f"{show(text)} : {french} {parts[name]:02d} est hors de {low:02d} à {high:02d}.",
            given=text,
        )
        for name, (low, high, french) in _RANGES.items()
        if name in parts and not low <= parts[name] <= high
    ]
    if not faults and parts.get("day") == 31 and parts["month"] in _NEVER_31_DAYS:
        faults.append(
            make_fault(
                f"{show(text)}: no calendar has a day 31 in month {parts['month']:02d}.",
                f"{show(text)} : aucun calendrier n'a de jour 31 au mois {parts['month']:02d}.",
                given=text,
            )
        )
    return faults


def _to_utc(moment: Moment, zone: str, text: str) -> Moment:
    if zone in "Zz":
        return moment
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if moment.hour is None or moment.minute is None:
        raise BadValue([_not_a_time(text)])
    if hours > 23 or minutes > 59:
        raise BadValue([_no_offset(text, zone)])
    offset = (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
    days, minute_of_day = divmod(moment.hour * 60 + moment.minute - offset, 24 * 60)
    shifted = replace(moment, hour=minute_of_day // 60, minute=minute_of_day % 60)
    return _move_days(shifted, days) if days else shifted


def _move_days(moment: Moment, days: int) -> Moment:
    """Move by a day: in the Gregorian calendar, or in `360_day` where only that one has the date."""
    year, month, day = moment.first()[:3]
    try:
        moved = date(year, month, day) + timedelta(days=days)
    except (ValueError, OverflowError):
        count = (year * 12 + month - 1) * 30 + day - 1 + days
        return replace(moment, year=count // 360, month=count // 30 % 12 + 1, day=count % 30 + 1)
    return replace(moment, year=moved.year, month=moved.month, day=moved.day)


def _write(moment: Moment) -> str:
    sign = "-" if moment.year < 0 else "+" if moment.year > 9999 else ""
    text = f"{sign}{abs(moment.year):04d}"
    for mark, part in (("-", moment.month), ("-", moment.day), ("T", moment.hour), (":", moment.minute)):
        text += "" if part is None else f"{mark}{part:02d}"
    if moment.second is not None:
        text += ":" + f"{moment.second:09.6f}".rstrip("0").rstrip(".") + "Z"
    return text


def _no_leap_second(text: str) -> Fault:
    return make_fault(
        f"{show(text)}: the second 60 is a leap second, which comes only at 23:59:60 UTC; other seconds go from 00 to 59.",
        f"{show(text)} : la seconde 60 est une seconde intercalaire, qui ne vient qu'à 23:59:60 UTC ; les autres vont de 00 à 59.",
        given=text,
    )


def _no_offset(text: str, zone: str) -> Fault:
    return make_fault(
        f"{show(text)}: the zone offset {zone} is outside of -23:59 to +23:59.",
        f"{show(text)} : le décalage horaire {zone} est hors de -23:59 à +23:59.",
        given=text,
    )


def _not_a_time(value: object) -> Fault:
    return make_fault(
        f"{show(value)} is not a date, time or interval; right is for example {_EXAMPLES}.",
        f"{show(value)} n'est ni une date, ni un instant, ni un intervalle ; par exemple : {_EXAMPLES}.",
        given=value,
    )
