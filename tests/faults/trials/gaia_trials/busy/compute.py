"""What `busy` does: sleep in short steps, or turn in C code without ever coming back to Python."""

import hashlib
import time
from collections.abc import Callable

STEP_S = 0.05
TRIED_ROUNDS = 20_000
MOST_ROUNDS = 2**31 - 1  # of the library: minutes


def compute(
    *, seconds: float, mark: str, native: bool, dataset: object, progress: Callable[[float, float], None]
) -> dict[str, str]:
    """`dataset` ties the work to the centres that hold it; nothing of it is read."""
    if native:
        _turn_in_c(seconds, mark.encode())
    until = time.monotonic() + (0 if native else seconds)
    while (left_s := until - time.monotonic()) > 0:
        time.sleep(min(left_s, STEP_S))
        progress(seconds - left_s, seconds)
    return {"message": f"busy {mark}"}


def _turn_in_c(seconds: float, salt: bytes) -> None:
    """Turn in one call of C code, of so many rounds as this machine does in that time: some hash ten times as fast as others."""
    begun = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"busy", salt, TRIED_ROUNDS)
    took_s = time.monotonic() - begun
    hashlib.pbkdf2_hmac("sha256", b"busy", salt, min(max(1, int((seconds / took_s - 1) * TRIED_ROUNDS)), MOST_ROUNDS))
