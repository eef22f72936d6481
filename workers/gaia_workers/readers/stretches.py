"""Any selection of cells from a library that reads slices alone: by the unbroken stretches around the places."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_workers.readers.chunks import pieces_by_chunk


def read_stretches(
    read: Callable[[tuple[slice, ...]], NDArray[Any]],
    indices: list[NDArray[np.intp]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """
    Read the box that index vectors span.

    Parameters
    ----------
    read : callable
        Reads a box of forward slices without steps.
    indices : list of int arrays
        Places along each dimension, in any order.
    shape : tuple of int
        Of what is read.
    dtype : numpy.dtype
        Of the values.

    Returns
    -------
    numpy.ndarray
        Shape as the lengths of `indices`.
    """
    whole = [_as_stretch(each) for each in indices]
    if all(each is not None for each in whole):
        return np.asarray(read(tuple(each for each in whole if each is not None)), dtype=dtype)
    result: NDArray[Any] = np.empty([len(each) for each in indices], dtype=dtype)
    # As if each dimension were one chunk: the stretches of neighbouring places are read as slices.
    grouped = [pieces_by_chunk(each, max(size, 1)) for each, size in zip(indices, shape, strict=True)]
    for job in product(*grouped):
        for box in product(*(pieces for _, pieces in job)):
            to, fro = tuple(each[0] for each in box), tuple(each[1] for each in box)
            hulls = [_hull(each) for each in fro]
            block = read(tuple(hulls))
            inner = [_within(each, hull) for each, hull in zip(fro, hulls, strict=True)]
            target = [
                np.arange(*t.indices(n)) if isinstance(t, slice) else t for t, n in zip(to, result.shape, strict=True)
            ]
            result[np.ix_(*target)] = block[np.ix_(*inner)]
    return result


def _as_stretch(places: NDArray[np.intp]) -> slice | None:
    """Give neighbouring places as a slice, where they are that."""
    if not len(places) or np.any(np.diff(places) != 1):
        return None
    return slice(int(places[0]), int(places[-1]) + 1)


def _hull(index: slice | NDArray[np.intp]) -> slice:
    """Give the smallest unbroken stretch around some places."""
    if isinstance(index, slice):
        return slice(index.start, index.stop)
    return slice(int(index.min()), int(index.max()) + 1)


def _within(index: slice | NDArray[np.intp], hull: slice) -> NDArray[np.intp]:
    """Give the places as counted from the beginning of the stretch around them."""
    if isinstance(index, slice):
        return np.arange(index.start - hull.start, index.stop - hull.start, index.step or 1, dtype=np.intp)
    return np.asarray(index - hull.start, dtype=np.intp)
