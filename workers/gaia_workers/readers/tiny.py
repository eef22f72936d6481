"""
Chunks too small to be handled one by one: a time axis in chunks of one step, its bounds.

Such chunks are read in stretches, inflated in a row and put in order all at once. (The HDF5 library takes 20 microseconds
and 6 KB of memory for each.)
"""

import math
import os
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_GAP_BYTES = 512
_STRETCH_BYTES = 2**22

type Inflate = Callable[[bytes | memoryview], bytes | bytearray | memoryview]


def group_stretches(offsets: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """
    Group chunks that lie beside each other in a file.

    Parameters
    ----------
    offsets, sizes : array of int
        Of the chunks, ascending offsets, at least one.

    Yields
    ------
    (int, int)
        First and last place (exclusive) of the chunks that are read at once.
    """
    ends = offsets + sizes
    breaks = np.flatnonzero(offsets[1:] - ends[:-1] > _GAP_BYTES) + 1
    for first, last in pairwise([0, *breaks.tolist(), len(offsets)]):
        begin = first
        while begin < last:
            reach = int(np.searchsorted(ends[begin:last], offsets[begin] + _STRETCH_BYTES, side="right"))
            stop = min(begin + max(reach, 1), last)
            yield begin, stop
            begin = stop


def read_chunks(
    file: int, offsets: NDArray[np.int64], sizes: NDArray[np.int64], inflate: Inflate
) -> tuple[list[bytes | bytearray | memoryview], int]:
    """
    Read many small chunks.

    Parameters
    ----------
    file : int
        Descriptor.
    offsets, sizes : array of int
        Of the chunks, in any order.
    inflate : callable
        Undoes the compression of one chunk, and refuses what is damaged or cut.

    Returns
    -------
    (list of bytes-like, int)
        The inflated chunks in the order of `offsets`, and the bytes that were read.
    """
    order = np.argsort(offsets, kind="stable")
    found: list[bytes | bytearray | memoryview] = [b""] * len(order)
    read_bytes = 0
    for first, last in group_stretches(offsets[order], sizes[order]):
        places = order[first:last]
        start = int(offsets[places[0]])
        length = int(offsets[places[-1]] + sizes[places[-1]]) - start
        raw = memoryview(os.pread(file, length, start))
        read_bytes += len(raw)
        for place, at, size in zip(
            places.tolist(), (offsets[places] - start).tolist(), sizes[places].tolist(), strict=True
        ):
            found[place] = inflate(raw[at : at + size])
    return found, read_bytes


def unshuffle(data: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """
    Put the bytes of shuffled chunks in order.

    Parameters
    ----------
    data : array of uint8, shape (chunks, bytes)
        Planes of first bytes, second bytes, … of each chunk.
    width : int
        Bytes of one value.

    Returns
    -------
    array of uint8
        Of the same shape.
    """
    return np.ascontiguousarray(data.reshape(len(data), width, -1).transpose(0, 2, 1)).reshape(data.shape)


def tile(chunks: NDArray[np.generic], grid: tuple[int, ...], chunk_shape: tuple[int, ...]) -> NDArray[np.generic]:
    """
    Lay chunks beside each other.

    Parameters
    ----------
    chunks : array, shape (number of chunks, cells of a chunk)
        In row-major order of the grid.
    grid : tuple of int
        Chunks along each dimension.
    chunk_shape : tuple of int
        Cells of a chunk along each dimension.

    Returns
    -------
    array
        Shape grid x chunk_shape.
    """
    rank = len(grid)
    apart = chunks.reshape(*grid, *chunk_shape)
    together = apart.transpose([axis for place in range(rank) for axis in (place, rank + place)])
    return together.reshape([math.prod(pair) for pair in zip(grid, chunk_shape, strict=True)])
