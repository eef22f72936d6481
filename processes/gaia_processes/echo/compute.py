"""What `echo` does: wait, and give back."""

import math
import time
from collections.abc import Callable
from typing import Any

from gaia_processes.inputs.bbox import SentBbox

_STEP_S = 0.1


def compute(
    *,
    message: str,
    pause: float | None = None,
    values: tuple[int, ...] | None = None,
    area: SentBbox | None = None,
    progress: Callable[[float, float], None],
) -> dict[str, Any]:
    """
    Give back what was sent.

    Parameters
    ----------
    message, values, area
        What comes back.
    pause : float or None
        Seconds to wait first; in short steps, so that it can be stopped and its progress be seen.
    progress : callable
        Told seconds waited and seconds in all.

    Returns
    -------
    dict
        By output; those without an input are left out.
    """
    total_s = pause or 0.0
    steps = math.ceil(total_s / _STEP_S)
    for step in range(steps):
        time.sleep(total_s / steps)
        progress(total_s * (step + 1) / steps, total_s)
    sent = {"message": message, "values": values, "area": area}
    return {name: _plain(value) for name, value in sent.items() if value is not None}


def _plain(value: str | tuple[int, ...] | SentBbox) -> Any:
    if isinstance(value, SentBbox):
        return value.as_object()
    return list(value) if isinstance(value, tuple) else value
