"""
Work that a site scheduler runs, seen from the agent that hands it over and holds its lease.

Agent and task share the disk of the results, and nothing else: in a folder of their own the agent leaves the errand, and the task
adds one line for each thing that it says.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import IO, Annotated, Literal, Self

import structlog
from pydantic import Field, TypeAdapter

from gaia_workers.contract import Failure, Order, Result, Words
from gaia_workers.errands import Errand, News, Progress, Said
from gaia_workers.results import DRAFTS
from gaia_workers.slurm import SchedulerDown, Slurm

ERRAND, NEWS = "errand.json", "news"
LATE_S = 15.0
"""A shared disk shows what another machine wrote only after a while: so long is waited for the last words of what has ended."""

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """The task has begun to run: from now on its limits count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing that is said, with its kind."""

    kind: Literal["begun", "progress", "said", "result", "failure"]
    begun: Begun | None = None
    progress: Progress | None = None
    said: Said | None = None
    result: Result | None = None
    failure: Failure | None = None


_KINDS: dict[type, Literal["begun", "progress", "said", "result", "failure"]] = {
    Begun: "begun",
    Progress: "progress",
    Said: "said",
    Result: "result",
    Failure: "failure",
}
_LINE = TypeAdapter(Annotated[Line, Field()])
_ERRAND = TypeAdapter(Errand)


def folder_of(results: Path, order: Order) -> Path:
    """Name the folder of a delegated attempt; it goes with the drafts of the attempt."""
    return results / DRAFTS / f"{order.job_id}-{order.attempt}-delegated"


def name_of(job_id: str, attempt: int) -> str:
    """Name an attempt as the scheduler knows it, so that it is found without its number."""
    return f"gaia-{job_id}-{attempt}"


def say(stream: IO[bytes], news: News | Begun) -> None:
    """Add one line, at once."""
    kind = _KINDS[type(news)]
    stream.write(_LINE.dump_json(Line(kind=kind, **{kind: news}), exclude_none=True) + b"\n")  # type: ignore[arg-type]  # by its kind
    stream.flush()
    os.fsync(stream.fileno())


def read_errand(folder: Path) -> Errand:
    """Read what is to be done."""
    errand: Errand = _ERRAND.validate_json((folder / ERRAND).read_bytes())
    return errand


class Delegation:
    """One errand that was handed over."""

    def __init__(self, folder: Path, name: str, number: str, slurm: Slurm) -> None:
        self._folder = folder
        self._name = name
        self._number = number
        self._slurm = slurm
        self._read_bytes = 0
        self._heard: list[News | Begun] = []
        self._gone_s = 0.0

    @classmethod
    def hand_over(cls, errand: Errand, slurm: Slurm) -> Self:
        """
        Leave the errand where the task will find it, and hand the task to the scheduler.

        Raises
        ------
        SchedulerDown
            If it was not taken.
        """
        folder = folder_of(errand.results, errand.order)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        descriptor = os.open(folder / ERRAND, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds the centre's key
        with os.fdopen(descriptor, "wb") as file:
            file.write(_ERRAND.dump_json(errand))
        name = name_of(errand.order.job_id, errand.order.attempt)
        number = slurm.submit(
            name,
            (sys.executable, "-m", "gaia_workers.delegated", str(folder)),
            folder=folder,
            time_s=errand.allowance.time_s,
            memory_bytes=errand.allowance.memory_bytes,
        )
        slurm.forget_look()
        _log.info("handed to the scheduler", number=number)
        return cls(folder, name, number, slurm)

    def hear(self, wait_s: float) -> News | Begun | None:
        """
        Hear what it says next; None where it says nothing for so long.

        Raises
        ------
        EOFError
            If it has ended without a last word.
        """
        if not self._heard:
            self._heard = list(self._fresh())
        if self._heard:
            self._gone_s = 0.0
            return self._heard.pop(0)
        self._gone_s = self._gone_s + wait_s if self._is_gone() else 0.0
        if self._gone_s > LATE_S:
            raise EOFError
        sleep(wait_s)
        return None

    def waits_for(self) -> Words | None:
        """Say why it has not begun; None where it has, or nobody can tell."""
        try:
            stand = self._slurm.find(self._number)
        except SchedulerDown:
            return None
        if stand is None or not stand.waits:
            return None
        reason = stand.reason if stand.reason not in ("", "None") else stand.state.capitalize()
        return Words(en=f"waiting at the scheduler: {reason}", fr=f"attend à l'ordonnanceur : {reason}")

    def end(self) -> None:
        """Leave nothing of it, at the scheduler or here."""
        self._slurm.cancel(self._name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _is_gone(self) -> bool:
        try:
            return self._slurm.find(self._number) is None
        except SchedulerDown:
            return False

    def _fresh(self) -> Iterator[News | Begun]:
        try:
            with (self._folder / NEWS).open("rb") as file:
                file.seek(self._read_bytes)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            found = _LINE.validate_json(line)
            news: News | Begun = getattr(found, found.kind)
            yield news
