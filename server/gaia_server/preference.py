"""What a client would like: the `Prefer` header of RFC 7240, read leniently."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_PREFERENCE = re.compile(
    r"""
    \s* (?P<name> [!#$%&'*+\-.^_`|~0-9A-Za-z]+ )
    (?: \s* = \s* (?: "(?P<quoted> (?: [^"\\] | \\. )* )" | (?P<word> [^\s,;"]* ) ) )?
    [^,;]*                                          # whatever else a client put there
    """,
    re.VERBOSE,
)
_LONGEST_WAIT_S = 86400
_HEADERS_KEPT = 256

type Returns = Literal["minimal", "representation"]

_RETURNS: dict[str, Returns] = {"minimal": "minimal", "representation": "representation"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """
    The preferences that are understood here.

    Attributes
    ----------
    respond : str or None
        `async` or `sync`.
    wait_s : int or None
        How long the client would wait for a synchronous answer.
    returns : str or None
        `minimal` (links) or `representation` (values).
    """

    respond: Literal["async", "sync"] | None = None
    wait_s: int | None = None
    returns: Returns | None = None

    @staticmethod
    def parse(headers: Iterable[str]) -> "Preference":
        """
        Read the header, however often it was sent; the first mention of a preference counts.

        Preferences may be separated by `,` (as the RFC says) or `;` (as real clients do); unknown ones are ignored.
        """
        return _read(",".join(headers))


@lru_cache(_HEADERS_KEPT)
def _read(header: str) -> Preference:
    """Read it; clients send the same few."""
    found: dict[str, str] = {}
    for name, value in _preferences(header):
        found.setdefault(name, value)
    asked = [name for name in found if name in ("respond-async", "respond-sync")]
    return Preference(
        respond=None if not asked else "async" if asked[0] == "respond-async" else "sync",
        wait_s=_seconds(found.get("wait", "")),
        returns=_RETURNS.get(found.get("return", "")),
    )


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(header):
        match = _PREFERENCE.match(header, position)
        if match is None:
            position += 1
            continue
        quoted = match["quoted"]
        value = match["word"] or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        yield match["name"].lower(), value.strip().lower()
        position = match.end() + 1


def _seconds(text: str) -> int | None:
    return min(int(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() and len(text) < 10 else None


def applied(*honoured: str | None) -> dict[str, str]:
    """Make the header `Preference-Applied` of what was honoured; nothing where nothing was."""
    words = [word for word in honoured if word]
    return {"Preference-Applied": ", ".join(words)} if words else {}
