"""What happens inside the fork that computes: one order, then the end of the process. It talks to its agent through a pipe alone."""

import errno
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from uuid import uuid4

import structlog

from gaia_config.centres import Centre
from gaia_processes.errors import GaiaError
from gaia_workers.contract import Failure, Order, Result, Words
from gaia_workers.data import DataAccess
from gaia_workers.delivery import DeliveryFailed, delivery_for
from gaia_workers.lineage import die_with_parent
from gaia_workers.results import Results
from gaia_workers.runner import Throttled, run

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The task has come so far."""

    percent: int
    words: Words | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """The task has something to say to the user."""

    words: Words


type News = Progress | Warned | Result | Failure

STORAGE_FULL = Failure(
    code="storage-full",
    words=Words(
        en="The results store of the centre is full; try again later or ask for less.",
        fr="L'espace de résultats du centre est plein ; réessayez plus tard ou demandez moins.",
    ),
)
OUT_OF_MEMORY = Failure(
    code="memory-limit",
    words=Words(
        en="The work needed more memory than one task may use; ask for a smaller part.",
        fr="Le calcul demandait plus de mémoire que n'en a une tâche ; demandez une partie plus petite.",
    ),
)


def work(pipe: Connection, order: Order, centre: Centre, server_url: str | None) -> None:
    """Carry out an order and send the outcome as the last message."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    pipe.send(_outcome(pipe, order, centre, server_url))
    pipe.close()


def _outcome(pipe: Connection, order: Order, centre: Centre, server_url: str | None) -> Result | Failure:
    if centre.results is None:
        raise ValueError("a worker's centre has a results folder")
    try:
        return run(
            order,
            data=DataAccess(centre),
            results=Results(centre.results),
            say=Throttled(_Piped(pipe)),
            deliver=delivery_for(centre, server_url),
        )
    except Exception as error:
        return failure_of(error, order)


class _Piped:
    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def progress(self, percent: int, words: Words | None = None) -> None:
        self._pipe.send(Progress(percent=percent, words=words))

    def warn(self, words: Words) -> None:
        self._pipe.send(Warned(words=words))


def failure_of(error: Exception, order: Order) -> Failure:
    """Say why a task failed, in words that hold no path, host or line of code; what we did not foresee goes into our log."""
    match error:
        case GaiaError():
            return Failure(code=error.code, words=Words(en=error.text.en, fr=error.text.fr))
        case DeliveryFailed():
            return Failure(code="delivery-failed", words=error.words, retry=True)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return STORAGE_FULL
        case MemoryError():
            return OUT_OF_MEMORY
    reference = uuid4().hex[:8]
    _log.error("task failed", job=order.job_id, attempt=order.attempt, reference=reference, exc_info=error)
    return Failure(
        code="internal-error",
        words=Words(
            en=f"The work failed for a reason that we did not foresee (reference {reference}).",
            fr=f"Le calcul a échoué pour une raison imprévue (référence {reference}).",
        ),
    )
