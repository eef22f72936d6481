"""How a process that lives long keeps Python's collector of garbage away from what it never lets go of."""

import gc


def leave_alone() -> None:
    """
    Let the collector pass over all that is there now; call it once, when a process has all that it works with.

    A full collection goes through every object that it may find: in a web process those of the libraries, two hundred thousand,
    for a tenth of a second in which it answers nobody.
    """
    gc.collect()
    gc.freeze()
