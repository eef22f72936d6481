"""What `hang` does: not end."""

import hashlib
import itertools
import signal
import time


def compute(*, how: str, mark: str) -> dict[str, str]:
    {"asleep": _sleep, "python": _turn, "native": _turn_in_c, "deaf": _hear_nothing}[how]()
    return {"message": mark}


def _sleep() -> None:
    while True:
        time.sleep(3600)


def _turn() -> None:
    for _ in itertools.count():
        pass


def _turn_in_c() -> None:
    """Turn in one call of C code that takes hours."""
    hashlib.pbkdf2_hmac("sha256", b"hang", b"hang", 2**31 - 1)


def _hear_nothing() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            continue  # the C library keeps some for itself
    while True:
        try:
            time.sleep(3600)
        except BaseException:  # noqa: BLE001 - to swallow everything is what it is for
            continue
