"""What happens inside the fork that computes: one order after the other. It talks to its agent through a pipe alone, and ends with it."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from structlog.contextvars import bound_contextvars

from gaia_workers.contract import Failure, Result, Words
from gaia_workers.data import DataAccess
from gaia_workers.delivery import delivery_for
from gaia_workers.errands import Done, Errand, Progress, Said, failure_of
from gaia_workers.fetching import Fetcher
from gaia_workers.kept import FOLDER as KEPT_IN
from gaia_workers.kept import KeptArrays
from gaia_workers.limits import hold, stand_back
from gaia_workers.lineage import die_with_parent, has_children, keep_orphans
from gaia_workers.progress import Throttled
from gaia_workers.results import Results
from gaia_workers.runner import run

MOST_LINES = 200
LEFT_OUT = Words(en="More lines are left out.", fr="D'autres lignes sont omises.")


def work(pipe: Connection) -> None:
    """Carry out each errand that comes and send its outcome as the last message; when no more can come, end."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    keep_orphans()
    stand_back()
    surroundings = Surroundings()
    with pipe, suppress(EOFError):
        while True:
            errand: Errand = pipe.recv()
            outcome = _outcome(pipe, errand, surroundings)
            pipe.send(Done(outcome=outcome, alone=not has_children()))


def _outcome(pipe: Connection, errand: Errand, surroundings: "Surroundings") -> Result | Failure:
    order, results = errand.order, Results(errand.results)
    fetcher = Fetcher(order, centre=errand.centre, root=errand.results, server_url=errand.server_url)
    data = DataAccess(errand.files, fetcher)
    with bound_contextvars(job=order.job_id, attempt=order.attempt):
        try:
            with (
                hold(errand.allowance),
                results.scratch(order) as scratch,
                surroundings.lent(scratch),
                data.blaming_uploads(),
            ):
                return run(
                    order,
                    data=data,
                    results=results,
                    say=_Piped(pipe),
                    deliver=delivery_for(errand.centre, errand.server_url),
                    cache=KeptArrays(errand.results / KEPT_IN, errand.weights_limit_bytes),
                    output_limit_bytes=errand.output_limit_bytes,
                )
        except Exception as error:  # noqa: BLE001 - whatever fails in there is told to the user, in our words
            return failure_of(error, order, errand.allowance)


class Surroundings:
    """Environment and working folder as they are now, so that each task of this process finds them so, whatever others did to them."""

    def __init__(self) -> None:
        self._environment = dict(os.environb)
        self._here = os.getcwd()  # noqa: PTH109 - it is compared and gone back to, for every task

    @contextmanager
    def lent(self, folder: Path) -> Iterator[None]:
        """
        Lend them to a task.

        Parameters
        ----------
        folder : Path
            Where Python, C libraries and programs put their temporary files; there they are counted, and removed.
        """
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = None
            os.chdir(self._here)
            self._restore()

    def _restore(self) -> None:
        """Put the environment back; bytes are compared, for Python decodes each text anew, and that is most of the time."""
        left = dict(os.environb)
        for name in left.keys() - self._environment.keys():
            del os.environb[name]
        for name, value in self._environment.items():
            if left.get(name) != value:
                os.environb[name] = value


class _Piped:
    """Says all through the pipe; progress not too often, and no endless log."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._throttled = Throttled(_Numbers(pipe))
        self._lines = 0

    def progress(self, percent: int, words: Words | None = None) -> None:
        self._throttled.progress(percent, words)

    def warn(self, words: Words) -> None:
        self._say(words, "warning")

    def note(self, words: Words) -> None:
        self._say(words, "info")

    def _say(self, words: Words, level: Literal["info", "warning"]) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            self._pipe.send(Said(words=LEFT_OUT if self._lines == MOST_LINES else words, level=level))


class _Numbers:
    """Sends progress as it is."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def progress(self, percent: int, words: Words | None = None) -> None:
        self._pipe.send(Progress(percent=percent, words=words))
