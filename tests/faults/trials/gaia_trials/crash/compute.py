"""What `crash` does: kill its own process, as a fault in C code or the kernel would."""

import os
import signal
import time


def compute(*, seconds: float, mark: str) -> dict[str, str]:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
    return {"message": mark}
