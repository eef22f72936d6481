"""Writing to the disk from a process that answers many: what may take long happens off its loop."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gevent import get_hub

from gaia_server.errors import NoSpace

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def as_no_space() -> Iterator[None]:
    """Say of a full disk that it is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise NoSpace from error
        raise


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    off_the_loop(partial(wait_for_folder, folder))


def wait_for_folder(folder: Path) -> None:
    """Do the same where nobody else is held up: in a real thread."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def off_the_loop[T](work: Callable[[], T]) -> T:
    """Do what may take long in a real thread: the process goes on answering others meanwhile."""
    result: T = get_hub().threadpool.apply(work)
    return result
