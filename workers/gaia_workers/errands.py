"""What passes between an agent and the fork that computes for it. Light: the agent never imports the science itself."""

import errno
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import structlog

from gaia_config.centres import Centre
from gaia_processes.errors import GaiaError
from gaia_processes.process import Limits
from gaia_workers.contract import Failure, Order, Result, Words
from gaia_workers.delivery import DeliveryFailed
from gaia_workers.fetching import FetchFailed
from gaia_workers.limits import Allowance, out_of_memory, over_scratch

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """
    What a fork is sent out with.

    Attributes
    ----------
    files : mapping of tuple of Path
        The datasets of the order that lie here, by the reference as text.
    results : Path
        Root of the centre's results store.
    server_url : str or None
        Where a centre that pushes delivers.
    weights_limit_bytes : float
        How much of the weights between grids is kept beside the results.
    output_limit_bytes : float
        The largest grid that is made, as it is in memory.
    """

    order: Order
    allowance: Allowance
    files: Mapping[str, tuple[Path, ...]]
    results: Path
    centre: Centre
    server_url: str | None
    weights_limit_bytes: float = 0.0
    output_limit_bytes: float = math.inf


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """
    The last thing that a fork says of an errand.

    Attributes
    ----------
    alone : bool
        Whether it left no process behind.
    """

    outcome: Result | Failure
    alone: bool


type News = Progress | Said | Result | Failure

STORAGE_FULL = Failure(
    code="storage-full",
    words=Words(
        en="The results store of the centre is full; try again later or ask for less.",
        fr="L'espace de résultats du centre est plein ; réessayez plus tard ou demandez moins.",
    ),
)


STORAGE_DOWN = Failure(
    code="storage-down",
    words=Words(
        en="The storage of the centre could not be read or written.",
        fr="Le stockage du centre n'a pas pu être lu ou écrit.",
    ),
    retry=True,
)
TOLD = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM, errno.EIO, errno.EROFS, errno.ESTALE})
"""What the system refuses a task that we have words for."""
_HDF5_ERRNO = re.compile(r"errno = (\d+)", re.ASCII)


def failure_of(error: Exception, order: Order, allowance: Allowance | None = None) -> Failure:
    """Say why a task failed, in words that hold no path, host or line of code; what we did not foresee goes into our log."""
    limit = allowance or Allowance.of(order, Limits(), cpu_s=math.inf, scratch_bytes=math.inf)
    match error:
        case GaiaError():
            return Failure(code=error.code, words=Words(en=error.text.en, fr=error.text.fr))
        case DeliveryFailed():
            return Failure(code="delivery-failed", words=error.words, retry=True)
        case FetchFailed():
            return Failure(code="fetch-failed", words=error.words, retry=True)
        case MemoryError():
            return out_of_memory(limit.memory_bytes)
    match _errno_of(error):
        case errno.ENOSPC | errno.EDQUOT:
            return STORAGE_FULL
        case errno.EFBIG:
            return over_scratch(limit.scratch_bytes)
        case errno.ENOMEM:
            return out_of_memory(limit.memory_bytes)
        case errno.EIO | errno.EROFS | errno.ESTALE:
            return STORAGE_DOWN
    reference = uuid4().hex[:8]
    _log.error("task failed", job=order.job_id, attempt=order.attempt, reference=reference, exc_info=error)
    return Failure(
        code="internal-error",
        words=Words(
            en=f"The work failed for a reason that we did not foresee (reference {reference}).",
            fr=f"Le calcul a échoué pour une raison imprévue (référence {reference}).",
        ),
    )


def _errno_of(error: BaseException) -> int | None:
    """Find the number of the system's refusal, in the error or in what caused it; HDF5 tells it in words alone."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.errno in TOLD:
            return cause.errno
        if found := _HDF5_ERRNO.search(str(cause)):
            return int(found[1])
        cause = cause.__cause__ or cause.__context__
    return None
