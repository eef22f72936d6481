"""
Chunks of a new NetCDF-4 file, shuffled and deflated by several threads and put into the file past HDF5's own filters.

HDF5 deflates on one core, with zlib; libdeflate needs half of its time for the same size, on every core. The bytes depend
on the values and on libdeflate alone, not on the threads.
"""

import math
from collections.abc import Buffer, Iterator
from itertools import product
from typing import Any

import deflate
import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.blocks import Box, plan_aligned_blocks, plan_layers
from gaia_processes.shared.lazy import find_cuts

_WORTH_BYTES = 2**20

type Piece = tuple[tuple[int, ...], NDArray[Any]]
"""Where a chunk begins in the variable, and its cells; a chunk at the end of the variable may lack some."""


def plan_chunks(variable: xr.Variable, storage: dict[str, Any]) -> list[Box] | None:
    """
    Cut a variable into boxes of which whole chunks can be put together, where writing them here pays and is possible.

    Parameters
    ----------
    variable : xarray.Variable
        What is to be written.
    storage : dict
        In the words of the NetCDF library's `createVariable`.

    Returns
    -------
    list of boxes or None
        None where the NetCDF library must write it: small, not in chunks, with a check sum, of another byte order, or
        where too much would have to be held until chunks are whole.
    """
    numbers = variable.dtype.kind in "iuf" and variable.dtype.byteorder != ">" and storage.get("endian") != "big"
    if not numbers or "chunksizes" not in storage or storage["fletcher32"] or variable.nbytes < _WORTH_BYTES:
        return None
    return plan_boxes(variable, storage["chunksizes"])


def plan_boxes(variable: xr.Variable, chunk_shape: tuple[int, ...]) -> list[Box] | None:
    """
    Cut a variable into boxes that are read once, and of which an `Assembly` makes chunks: whole ones, or layer after layer.

    Parameters
    ----------
    variable : xarray.Variable
        What is to be written.
    chunk_shape : tuple of int
        Cells of a chunk of the result along each dimension.

    Returns
    -------
    list of boxes or None
        None where too much would have to be held until chunks are whole.
    """
    boxes = plan_aligned_blocks(variable, chunk_shape)
    return plan_layers(variable, chunk_shape) if boxes is None else boxes


def even_out(variable: xr.Variable, chunk_shape: tuple[int, ...]) -> tuple[int, ...]:
    """
    Shorten chunks so that the last one along a dimension is about as long as the others: it is stored at full length.

    Dimensions along which an edge of the chunks is one of the source's too are left as they are: what is read together is
    then written together.

    Parameters
    ----------
    variable : xarray.Variable
        What is to be written; lazy ones know the chunks of their source.
    chunk_shape : tuple of int
        Cells of a chunk along each dimension.

    Examples
    --------
    >>> even_out(xr.Variable("x", range(100)), (90,))
    (50,)
    """
    found = find_cuts(variable)
    cuts = [np.empty(0, dtype=np.intp)] * variable.ndim if found is None else found[1]
    return tuple(
        chunk if not size or np.any(own[own > 0] % chunk == 0) else -(-size // -(-size // chunk))
        for size, chunk, own in zip(variable.shape, chunk_shape, cuts, strict=True)
    )


class Assembly:
    """
    Puts the chunks of a variable together from boxes, which may be cut elsewhere; each is given once it is whole.

    Parameters
    ----------
    shape : tuple of int
        Of the variable.
    chunk_shape : tuple of int
        Cells of a chunk along each dimension.

    Examples
    --------
    >>> assembly = Assembly((4,), (2,))
    >>> [cells.tolist() for _, cells in assembly.add((slice(0, 3),), np.array([1, 2, 3]))]
    [[1, 2]]
    >>> [cells.tolist() for _, cells in assembly.add((slice(3, 4),), np.array([4]))]
    [[3, 4]]
    """

    def __init__(self, shape: tuple[int, ...], chunk_shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._chunk_shape = chunk_shape
        self._begun: dict[tuple[int, ...], tuple[NDArray[Any], int]] = {}

    def add(self, box: Box, values: NDArray[Any]) -> Iterator[Piece]:
        """
        Lay the cells of a box into their chunks.

        Parameters
        ----------
        box : tuple of slice
            No two have a cell in common.
        values : array
            Its cells.

        Yields
        ------
        Piece
            Each chunk that has all of its cells now; those that lie in the box as a whole are views of `values`.
        """
        spans = [
            range(each.start - each.start % chunk, each.stop, chunk)
            for each, chunk in zip(box, self._chunk_shape, strict=True)
        ]
        for start in product(*spans):
            cells = self._add_to(start, box, values)
            if cells is not None:
                yield start, cells

    def _add_to(self, start: tuple[int, ...], box: Box, values: NDArray[Any]) -> NDArray[Any] | None:
        """Lay cells into one chunk, and give it where it is whole."""
        ends = [min(at + chunk, size) for at, chunk, size in zip(start, self._chunk_shape, self._shape, strict=True)]
        common = [(max(at, each.start), min(end, each.stop)) for at, end, each in zip(start, ends, box, strict=True)]
        part = values[
            tuple(slice(low - each.start, high - each.start) for (low, high), each in zip(common, box, strict=True))
        ]
        size = tuple(end - at for at, end in zip(start, ends, strict=True))
        if part.shape == size:
            return part
        cells, lacking = (
            self._begun.pop(start) if start in self._begun else (np.empty(size, dtype=values.dtype), math.prod(size))
        )
        cells[tuple(slice(low - at, high - at) for (low, high), at in zip(common, start, strict=True))] = part
        if lacking > part.size:
            self._begun[start] = cells, lacking - part.size
            return None
        return cells


def pack(cells: NDArray[Any], chunk_shape: tuple[int, ...], *, shuffle: bool, level: int | None) -> Buffer:
    """
    Make the bytes of a chunk as HDF5's filters would.

    Parameters
    ----------
    cells : array
        At most as large as a chunk; what is missing becomes zero, which nobody reads.
    chunk_shape : tuple of int
        Cells of a chunk along each dimension.
    shuffle : bool
        Lay all first bytes side by side, then all second bytes, …
    level : int or None
        Of deflate; None leaves the bytes as they are.

    Returns
    -------
    bytes-like
        What lies in the file; the cells themselves where nothing is done to them.
    """
    whole = np.ascontiguousarray(cells)
    if cells.shape != chunk_shape:
        whole = np.zeros(chunk_shape, dtype=cells.dtype)
        whole[tuple(slice(size) for size in cells.shape)] = cells
    data, width = whole.reshape(-1).view(np.uint8), whole.dtype.itemsize
    if shuffle and width > 1:
        planes = np.empty((width, whole.size), dtype=np.uint8)
        for byte in range(width):
            planes[byte] = data[byte::width]
        data = planes.reshape(-1)
    if level is None:
        return memoryview(data)
    packed: bytearray = deflate.zlib_compress(memoryview(data), max(level, 1))
    return packed


def find_dataset(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
    """Find the HDF5 dataset of a variable of a file that was just made, and give it its length."""
    dataset = file[name]
    if dataset.shape != shape:
        dataset.resize(shape)
    return dataset
