"""
Ends whatever the box has started, when the box is gone without having done so: `python -m gaia_config.demo.guardian`.

The box holds the other end of its standard input. Every process of the box carries the box's word in its environment,
and so do processes that those start, in whichever session or group they hide.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WORD = "GAIA_BOX"
ROUNDS = 20
PAUSE_S = 0.05


def find_members(word: str) -> Iterator[int]:
    """Find the processes that carry a box's word, except this one."""
    mark = f"{WORD}={word}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield pid


def sweep(word: str) -> None:
    """Kill all processes of a box, and again, since one may have started another meanwhile."""
    for _ in range(ROUNDS):
        members = list(find_members(word))
        if not members:
            return
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)


def main() -> None:
    """Wait for the end of the box, then sweep."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    (word,) = sys.argv[1:]
    sys.stdin.buffer.read()
    sweep(word)


if __name__ == "__main__":
    main()
