"""How a process is tied to the one that started it, so that none is left behind."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent() -> None:
    """
    Let the kernel kill this process when its parent dies, however the parent dies (Linux; elsewhere nothing happens).

    References
    ----------
    prctl(2), PR_SET_PDEATHSIG. The tie is to the thread that forked, and is not inherited.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died in between


def has_children() -> bool:
    """
    Tell whether this process has any child, at work or ended and not waited for; in one call, and it keeps orphans, whatever they started.

    References
    ----------
    waitid(2), ECHILD.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def keep_orphans() -> None:
    """
    Become the parent of whatever this process' children leave behind, so that it can be found below it (Linux).

    References
    ----------
    prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
