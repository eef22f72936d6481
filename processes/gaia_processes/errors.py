"""
What can go wrong in a process, said without HTTP, Celery or paths.

GaiaError                   `code` names the cause on the wire, `text` says it in both languages
    RequestError            the client can mend it; never retried
        InvalidInputs       one or several inputs are wrong: carries a `Fault` for each
        SelectionEmpty      the selection holds no cell, step or level
        DatasetUnsuitable   the data cannot be used for what was asked
        UnreadableUpload    the client's own file is truncated, not the format it claims, has external parts
        ResultTooLarge      more would be written than one job may, by what the data declare
    DataError               the dataset itself is broken at its centre
        UnreadableData      truncated, not the format it claims, external parts
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gaia_processes.text import Text

MOST_FAULTS = 100
"""So many faults are told one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """
    One thing that is wrong with one input.

    Attributes
    ----------
    input : str
        Id of the input.
    pointer : str
        RFC 6901 pointer into the execute request, as `/inputs/bbox/2`.
    problem : Text
        What was wrong, with which value, and what would be right.
    given : object
        The value as it was sent, shortened where it is long; None where it was absent.
    allowed : tuple of object
        The values that would be right, where they can be listed.
    """

    input: str
    pointer: str
    problem: Text
    given: object = None
    allowed: tuple[object, ...] = ()


class GaiaError(Exception):
    """Something went wrong in the service."""

    code: ClassVar[str] = "internal-error"

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class RequestError(GaiaError):
    """The client can mend it."""

    code = "invalid-request"


class InvalidInputs(RequestError):
    """
    One or several inputs are wrong.

    Attributes
    ----------
    faults : tuple of Fault
        The first `MOST_FAULTS`: an answer must not be many times the size of its request. The text counts the others.
    """

    code = "invalid-input"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults[:MOST_FAULTS])
        said = Text(
            en=" ".join(f"{f.input}: {f.problem.en}" for f in self.faults),
            fr=" ".join(f"{f.input} : {f.problem.fr}" for f in self.faults),
        )
        more = len(faults) - len(self.faults)
        counted = Text(en=f" And {more} more.", fr=f" Et {more} de plus.") if more else Text(en="", fr="")
        super().__init__(Text(en=said.en + counted.en, fr=said.fr + counted.fr))


class SelectionEmpty(RequestError):
    """The selection holds no cell, step or level; the text says what the extent is."""

    code = "empty-selection"


class DatasetUnsuitable(RequestError):
    """The data cannot be used for what was asked (no time axis, no grid, no units)."""

    code = "unsuitable-dataset"


class UnreadableUpload(RequestError):
    """The file that the client uploaded is truncated, not what it claims to be, or refers to other files."""

    code = "unreadable-upload"


class ResultTooLarge(RequestError):
    """More would be written than one job may; only the data themselves could tell."""

    code = "cost-over-limit"


class DataError(GaiaError):
    """The dataset is broken at its centre."""

    code = "data-error"


class UnreadableData(DataError):
    """The file is truncated, not what it claims to be, or refers to other files."""

    code = "unreadable-data"
