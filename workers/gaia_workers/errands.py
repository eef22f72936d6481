"""What passes between an agent and the fork that computes for it. Light: the agent never imports the science itself."""

import errno
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal
from uuid import uuid4

import structlog

from gaia_config.centres import Centre
from gaia_processes.errors import GaiaError
from gaia_workers.contract import Failure, Order, Result, Words
from gaia_workers.delivery import DeliveryFailed

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """
    What a fork is sent out with.

    Attributes
    ----------
    files : mapping of Path
        The datasets of the order, by the reference as text.
    results : Path
        Root of the centre's results store.
    server_url : str or None
        Where a centre that pushes delivers.
    """

    order: Order
    files: Mapping[str, Path]
    results: Path
    centre: Centre
    server_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The task has come so far."""

    percent: int
    words: Words | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """The task has something to say to the user: a line of the job's log."""

    words: Words
    level: Literal["info", "warning"]


type News = Progress | Said | Result | Failure

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


def set_out(pipe: Connection) -> None:
    """Wait for errands and do them: the first thing that the fork does, and the first that needs the science (warm there)."""
    importlib.import_module("gaia_workers.task").work(pipe)


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
