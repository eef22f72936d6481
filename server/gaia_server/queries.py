"""
Query parameters that lists take, read so that everything that is wrong with them is said at once.

Names that are not known are ignored, as version 1.0 leaves it open and real clients send extras
(docs/decisions: unknown query parameters).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Request

from gaia_processes.errors import Fault
from gaia_processes.text import Text
from gaia_server.errors import BadQuery
from gaia_server.jobs.listing import Choice, Mark
from gaia_server.jobs.states import State
from gaia_server.negotiation import FORMS

LARGEST_LIMIT = 1000
MOST_NAMES = 50
LONGEST_S = 1e9
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9000, 1, 1, tzinfo=UTC)
_SHOWN = 80

_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"([Tt](?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(\.(?P<fraction>\d{1,9}))?"
    r"([Zz]|(?P<sign>[+ -])(?P<ahead_h>\d{2}):(?P<ahead_min>\d{2})))?",
    re.ASCII,
)
_DURATION = re.compile(r"\d{1,15}(\.\d{1,6})?", re.ASCII)
_MARK = re.compile(
    r"(?P<created>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6})Z~(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.ASCII,
)
_MARK_TIME = "%Y-%m-%dT%H:%M:%S.%f"


class Query:
    """
    Reads the parameters of a request one by one, notes what is wrong, and says it all at the end (`check`).

    Parameters
    ----------
    request : Request
        Of which the query is read.
    """

    def __init__(self, request: Request) -> None:
        self._args = request.args
        self._faults: list[Fault] = []

    def check(self) -> None:
        """
        Say what was wrong.

        Raises
        ------
        BadQuery
            With every fault.
        """
        if self._faults:
            raise BadQuery(faults=self._faults)

    def form(self) -> None:
        """Read `f`: nobody is given JSON who asked for something else."""
        text = self._one("f")
        if text is not None and text.lower() not in FORMS:
            self._wrong("f", text, "is not json or html", "n'est ni json ni html", ("json", "html"))

    def limit(self, *, default: int) -> int:
        """Read `limit`: 1 to 1000, larger is clamped, anything else is wrong."""
        text = self._one("limit", absent=None)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal()) or not text.strip("0"):
            self._wrong(
                "limit",
                text,
                f"is not a whole number from 1 to {LARGEST_LIMIT}",
                f"n'est pas un nombre entier de 1 à {LARGEST_LIMIT}",
            )
            return default
        return min(int(text.lstrip("0")[:12]), LARGEST_LIMIT)

    def names(self, parameter: str, allowed: Sequence[str] | None = None) -> tuple[str, ...]:
        """
        Read a list of names: with commas between, or the parameter more than once.

        Parameters
        ----------
        allowed : sequence of str, optional
            The names that there are, where they can be listed.
        """
        # PostgreSQL takes no NUL; a name with something else in its place is nobody's name either.
        whole = [value.replace("\x00", "\ufffd") for value in self._args.getlist(parameter)]
        given = [name.strip() for value in whole for name in value.split(",")]
        names = tuple(dict.fromkeys(name for name in given if name))
        for name in names:
            if allowed is not None and name not in allowed:
                listed = ", ".join(allowed)
                self._wrong(
                    parameter, name, f"is not one of {listed}", f"n'est pas une valeur parmi {listed}", tuple(allowed)
                )
        if len(names) > MOST_NAMES:
            self._wrong(
                parameter,
                str(len(names)),
                f"names are more than the {MOST_NAMES} that one request may have",
                f"noms dépassent les {MOST_NAMES} qu'une requête peut avoir",
            )
        return names

    def period(self, parameter: str) -> tuple[datetime | None, datetime | None]:
        """
        Read an RFC 3339 instant or interval (`a`, `a/b`, `a/..`, `../b`, an empty end for `..`).

        A time stands for the stretch that its digits leave open: a second, a tenth, a day; noughts at the end of a fraction
        are none. The list shows whole seconds, so what it shows is found.

        Returns
        -------
        since, before : datetime or None
            From then on, and before then; None where it is open.
        """
        text = self._one(parameter)
        if text is None:
            return None, None
        ends = text.split("/")
        read = [(None, None) if end in ("", "..") else _read_time(end) for end in ends]
        first, last = read[0], read[-1]
        if len(ends) > 2 or None in read or all(end == (None, None) for end in read) or first is None or last is None:
            self._wrong(
                parameter,
                text,
                "is neither an RFC 3339 time as 2026-01-31T12:00:00Z nor an interval of two as "
                "2026-01-01T00:00:00Z/2026-01-31T12:00:00Z, of which one end may be open: ..",
                "n'est ni un instant RFC 3339 comme 2026-01-31T12:00:00Z ni un intervalle de deux comme "
                "2026-01-01T00:00:00Z/2026-01-31T12:00:00Z, dont une extrémité peut être ouverte : ..",
            )
            return None, None
        since, before = first[0], last[1]
        if since is not None and before is not None and since >= before:
            self._wrong(parameter, text, "ends before it begins", "finit avant de commencer")
        return since, before

    def durations_s(self, least: str, most: str) -> tuple[float | None, float | None]:
        """
        Read the bounds of a duration, s; the standard makes lists of them, of which any is enough.

        Returns
        -------
        least, most : float or None
            None where it is open.
        """
        lows, highs = self._seconds(least), self._seconds(most)
        low, high = min(lows, default=None), max(highs, default=None)
        if low is not None and high is not None and low > high:
            self._wrong(least, f"{low:g}", f"is more than {most}, {high:g}", f"est plus grand que {most}, {high:g}")
        return low, high

    def _seconds(self, parameter: str) -> list[float]:
        texts = self.names(parameter)
        for text in texts:
            if not _DURATION.fullmatch(text):
                self._wrong(
                    parameter, text, "is not a number of seconds such as 60", "n'est pas un nombre de secondes comme 60"
                )
        return [min(float(text), LONGEST_S) for text in texts if _DURATION.fullmatch(text)]

    def mark(self, parameter: str) -> Mark | None:
        """Read where a page begins, as a `next` link says it."""
        text = self._one(parameter)
        if text is None:
            return None
        found = _MARK.fullmatch(text)
        try:
            created = datetime.strptime(found["created"], _MARK_TIME).replace(tzinfo=UTC) if found else None
        except ValueError:
            created = None
        if found is None or created is None:
            self._wrong(
                parameter, text, "is no place in the list; follow a `next` link",
                "n'est pas un endroit de la liste ; suivez un lien « next »",
            )  # fmt: skip
            return None
        return Mark(created=max(created, _FIRST), id=found["id"])

    def _one(self, parameter: str, absent: str | None = "") -> str | None:
        """Get the only value; an empty one counts as absent, as forms send it, unless `absent` says otherwise."""
        values = dict.fromkeys(value.strip() for value in self._args.getlist(parameter))
        given = [value for value in values if value != absent]
        if len(given) > 1:
            listed = ", ".join(given)
            self._wrong(
                parameter, listed, "are several values where one is right", "sont plusieurs valeurs au lieu d'une"
            )
        return given[0] if given else None

    def _wrong(self, parameter: str, given: str, en: str, fr: str, allowed: tuple[str, ...] = ()) -> None:
        shown = given[:_SHOWN]
        problem = Text(en=f"{shown!r} {en}.", fr=f"{shown!r} {fr}.")
        self._faults.append(Fault(input=parameter, pointer="", problem=problem, given=shown, allowed=allowed))


def read_choice(query: Query) -> Choice:
    """Read the filters of a list of jobs, all but `type`."""
    since, before = query.period("datetime")
    least_s, most_s = query.durations_s("minDuration", "maxDuration")
    return Choice(
        processes=query.names("processID"),
        states=tuple(State(name) for name in query.names("status", list(State)) if name in list(State)),
        since=since,
        before=before,
        least_s=least_s,
        most_s=most_s,
    )


def fold_days(request: Request) -> str | None:
    """
    Give the address that says `since` and `until`, as the form of the page sends them, by `datetime` as the standard has it.

    Returns
    -------
    str or None
        None where the request has neither. Days that are none stay in `datetime`, where they are refused with words.
    """
    if not {"since", "until"} & set(request.args):
        return None
    since, until = (request.args.get(name, "").strip() or ".." for name in ("since", "until"))
    period = {} if since == until == ".." else {"datetime": f"{since}/{until}"}
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if value and name not in ("since", "until", "datetime")
    ]
    return f"{request.path}?{urlencode([*kept, *period.items()], safe=',:/~')}"


def write_mark(created: datetime, id: str) -> str:
    """Write a place in the list so that `Query.mark` reads it."""
    return f"{created.astimezone(UTC).strftime(_MARK_TIME)}Z~{id}"


def address(path: str, request: Request, **members: str) -> str:
    """Give an address with the query of a request, some parameters of it set anew; pages and other forms carry all else."""
    given = [(name, value) for name, value in request.args.items(multi=True) if value and name not in members]
    query = urlencode([*given, *members.items()], safe=",:/~")
    return f"{path}?{query}" if query else path


def _read_time(text: str) -> tuple[datetime, datetime] | None:
    """
    Read an RFC 3339 time, or a date, as the stretch of time that it stands for.

    Returns
    -------
    begin, end : datetime
        The end is not part of it. None where the text is no time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day = datetime.strptime(found["date"], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    if found["hour"] is None:
        return _within(day), _within(day, timedelta(days=1))
    hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
    ahead_h, ahead_min = int(found["ahead_h"] or 0), int(found["ahead_min"] or 0)
    if hour > 23 or minute > 59 or second > 60 or ahead_h > 23 or ahead_min > 59:
        return None
    digits = (found["fraction"] or "").rstrip("0")[:6]  # clients write a whole second as .000 too
    since_midnight = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(digits.ljust(6, "0")))
    ahead = timedelta(hours=ahead_h, minutes=ahead_min) * (-1 if found["sign"] == "-" else 1)
    open_digits = timedelta(microseconds=10 ** (6 - len(digits)))
    return _within(day, since_midnight - ahead), _within(day, since_midnight - ahead + open_digits)


def _within(day: datetime, later: timedelta = timedelta()) -> datetime:
    """Add, inside of the time in which there can be jobs; what lies outside chooses the same as its nearest end."""
    return _LAST if day >= _LAST else _FIRST if day.year < _FIRST.year - 1 else min(max(day + later, _FIRST), _LAST)
