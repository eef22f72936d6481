"""A file as it is."""

from pathlib import Path


def compute(dataset: Path) -> Path:
    """
    Give a file that the writer copies.

    Parameters
    ----------
    dataset : Path
        The dataset's one file.
    """
    return dataset
