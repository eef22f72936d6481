"""How a table is written as text: what separates its columns, and whether quotes enclose values; judged by its first line."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = ("\t", ";", ",", "|")
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
COORDINATES = (("decimalLongitude", "decimalLatitude"), ("longitude", "latitude"), ("lon", "lat"), ("x", "y"))
"""Columns that hold where a row lies, in the order in which they are looked for; case does not count."""


UNREAD = "gaia:unread"
"""
Column of rows that have more or fewer values than their table has columns, beside those that could be read: it says which row of
the file that was, and how many values it had; all other columns are missing there. A table without such rows has no such column.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """
    How a table is written.

    Attributes
    ----------
    separator : str
        Between columns.
    quotes : bool
        Whether `"` encloses values. In tables with tabs it mostly stands for itself (as in downloads of GBIF), unless the
        header has quotes.
    """

    separator: str
    quotes: bool = True

    def split(self, line: str) -> tuple[str, ...]:
        """Split one line of the table, which holds no line break."""
        text = line.removeprefix(BOM).rstrip("\r\n")
        if not self.quotes:
            return tuple(text.split(self.separator))
        return tuple(next(csv.reader([text], delimiter=self.separator), ()))


def dialect_of(header: str) -> Dialect:
    """Tell how a table is written by the line of its header: what comes most outside of quotes separates."""
    bare = "".join(header.split('"')[::2])
    separator = max(SEPARATORS, key=bare.count)
    if not bare.count(separator):
        return Dialect(separator=",")
    return Dialect(separator=separator, quotes=separator != "\t" or '"' in header)


def find_coordinates(columns: Sequence[str]) -> tuple[str, str] | None:
    """Find the columns of longitude and latitude."""
    known = {name.strip().lower(): name for name in reversed(columns)}
    return next(
        ((known[x.lower()], known[y.lower()]) for x, y in COORDINATES if {x.lower(), y.lower()} <= known.keys()), None
    )
