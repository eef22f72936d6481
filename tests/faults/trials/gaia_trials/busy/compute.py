"""What `busy` does: sleep in short steps, or turn in C code without ever coming back to Python."""

import hashlib
import time
from collections.abc import Callable

STEP_S = 0.05
ROUNDS_A_SECOND = 500_000


def compute(
    *, seconds: float, mark: str, native: bool, dataset: object, progress: Callable[[float, float], None]
) -> dict[str, str]:
    """`dataset` ties the work to the centres that hold it; nothing of it is read."""
    if native:
        hashlib.pbkdf2_hmac("sha256", b"busy", mark.encode(), int(max(seconds, 0.001) * ROUNDS_A_SECOND))
    until = time.monotonic() + (0 if native else seconds)
    while (left_s := until - time.monotonic()) > 0:
        time.sleep(min(left_s, STEP_S))
        progress(seconds - left_s, seconds)
    return {"message": f"busy {mark}"}
