"""Query parameters that lists take."""

from collections.abc import Sequence

from flask import Request

from gaia_processes.text import Text
from gaia_server.errors import BadQuery

LARGEST_LIMIT = 1000


def read_limit(request: Request, *, default: int) -> int:
    """
    Read `limit`: 1 to 1000, larger is clamped.

    Raises
    ------
    BadQuery
        For anything else.
    """
    text = request.args.get("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or not text.strip("0"):
        raise BadQuery(
            Text(
                en=f"limit: {text[:40]!r} is not a whole number from 1 to {LARGEST_LIMIT}.",
                fr=f"limit : {text[:40]!r} n'est pas un nombre entier de 1 à {LARGEST_LIMIT}.",
            )
        )
    return min(int(text[:12]), LARGEST_LIMIT)


def read_names(request: Request, parameter: str, allowed: Sequence[str] | None = None) -> tuple[str, ...]:
    """
    Read a list of names: with commas between, or the parameter more than once.

    Parameters
    ----------
    allowed : sequence of str, optional
        The names that there are, where they can be listed.

    Raises
    ------
    BadQuery
        For a name that there is not.
    """
    given = [name.strip() for value in request.args.getlist(parameter) for name in value.split(",")]
    names = tuple(name for name in given if name)
    wrong = [name for name in names if allowed is not None and name not in allowed]
    if wrong:
        listed = ", ".join(allowed or ())
        raise BadQuery(
            Text(
                en=f"{parameter}: {wrong[0][:40]!r} is not one of {listed}.",
                fr=f"{parameter} : {wrong[0][:40]!r} n'est pas une valeur parmi {listed}.",
            )
        )
    return names
