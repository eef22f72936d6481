"""A file as it is: what one centre copies for another."""

import shutil
from collections.abc import Callable
from pathlib import Path


def write(value: Path, path: Path, *, progress: Callable[[float, float], None], history: str) -> None:  # noqa: ARG001 - the signature of all writers
    """
    Copy a file, and add nothing to it.

    Parameters
    ----------
    value : Path
        The file.
    """
    shutil.copyfile(value, path)
    progress(1.0, 1.0)
