"""What `eat` does: take memory and touch all of it, 16 MiB at a time, in one piece, or in children that do."""

import subprocess
import sys
import time

STEP_MIB = 16
CHILD = "import sys, time; eaten = b'\\xff' * (int(sys.argv[1]) * 2**20); time.sleep(float(sys.argv[2]))"


def compute(*, megabytes: int, seconds: float, at_once: bool, children: int, mark: str) -> dict[str, str]:
    others = [
        subprocess.Popen([sys.executable, "-c", CHILD, str(megabytes // 2), str(seconds)], start_new_session=True)
        for _ in range(children)
    ]
    step = megabytes if at_once else STEP_MIB
    mine = 0 if children else megabytes
    eaten = [b"\xff" * (min(step, mine - first) * 2**20) for first in range(0, mine, step)]
    time.sleep(seconds)
    for other in others:
        other.wait()
    return {"message": f"{sum(map(len, eaten)) // 2**20} MiB {mark}"}
