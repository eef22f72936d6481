"""
What a site scheduler runs for an agent: `python -m gaia_workers.delegated FOLDER` does the errand that lies in a folder, as a fork
within the same limits as at the agent's own machine, and ends with all of it when the scheduler says so.
"""

import signal
import sys
import time
from pathlib import Path
from typing import IO

from gaia_config.logs import set_up_logs
from gaia_workers.agent import warm_up
from gaia_workers.contract import Failure, Result
from gaia_workers.delegation import NEWS, Begun, read_errand, say
from gaia_workers.errands import Errand
from gaia_workers.forks import Fork
from gaia_workers.limits import Guard, failure_of_end
from gaia_workers.results import Results

LOOK_S = 0.1


class _Ended(BaseException):
    """The scheduler ends it."""


def run(folder: Path) -> None:
    """Do the errand in a folder, and say how it goes and how it ended."""
    errand = read_errand(folder)
    with (folder / NEWS).open("ab") as stream:
        fork = Fork.begin()  # returns when the science is imported: until then no limit counts
        try:
            say(stream, Begun())
            fork.send_out(errand)
            outcome = _watch(fork, errand, stream)
        finally:
            fork.end()
        if outcome is not None:
            say(stream, outcome)


def _watch(fork: Fork, errand: Errand, stream: IO[bytes]) -> Result | Failure | None:
    """Pass on what the fork says, until its outcome; None where it died, which the agent sees from that."""
    results, order = Results(errand.results), errand.order
    guard = Guard(
        errand.allowance, fork.family, written_bytes=lambda: results.drafted_bytes(order.job_id, order.attempt)
    )
    look = time.monotonic() + LOOK_S
    while True:
        try:
            news = fork.hear(LOOK_S)
        except EOFError:
            return failure_of_end(fork.exit_code(), errand.allowance)
        if isinstance(news, Result | Failure):
            return news
        if news is not None:
            say(stream, news)
        if time.monotonic() >= look:
            look = time.monotonic() + LOOK_S
            if over := guard.find_broken():
                return over


def _end(*_: object) -> None:
    raise _Ended


if __name__ == "__main__":
    set_up_logs("INFO")
    signal.signal(signal.SIGTERM, _end)
    warm_up()
    try:
        run(Path(sys.argv[1]))
    except _Ended:
        sys.exit(1)
