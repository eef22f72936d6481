"""
How the box starts a program: `python -m gaia_config.demo.child PROGRAM ARGUMENT…`.

The program dies with the box, even when the box is killed with -9: the kernel sends SIGKILL at the death of the parent.
`gaia` runs in this very process, anything else takes its place.
"""

import ctypes
import os
import signal
import sys

from gaia_config import cli

PR_SET_PDEATHSIG = 1
PARENT = "GAIA_BOX_PID"  # who the parent must be: it may have died before this line is reached


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent dies; end at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = os.environ.get(PARENT)
    if parent and os.getppid() != int(parent):
        raise SystemExit("gaia: the box is gone")


def main() -> None:
    """Run the program that is named on the command line."""
    die_with_parent()
    program, *arguments = sys.argv[1:]
    if program == "gaia":
        sys.argv = [program, *arguments]
        cli.main()
    os.execvp(program, [program, *arguments])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
