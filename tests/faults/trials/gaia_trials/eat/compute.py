"""What `eat` does: take memory and touch all of it, 16 MiB at a time."""

import time

STEP_MIB = 16


def compute(*, megabytes: int, seconds: float, mark: str) -> dict[str, str]:
    eaten = [b"\xff" * (min(STEP_MIB, megabytes - first) * 2**20) for first in range(0, megabytes, STEP_MIB)]
    time.sleep(seconds)
    return {"message": f"{sum(map(len, eaten)) // 2**20} MiB {mark}"}
