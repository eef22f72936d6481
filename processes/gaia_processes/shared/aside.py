"""Large arrays that are laid aside while a result is made: in memory where they are small, else in files that go with them."""

import mmap
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.shared.lazy import Key, index_vectors

HELD_BYTES = 2**24
"""So much one request holds in memory of what it lays aside; more lies in temporary files."""


def make_array(shape: tuple[int, ...], dtype: Any, *, in_file: bool) -> NDArray[Any]:
    """Make an array in memory, or in a temporary file that is gone with it."""
    if not in_file:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile(prefix="aside-") as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def let_go(array: NDArray[Any]) -> None:
    """Give the pages of an array in a file back: what was written stays in the file."""
    if isinstance(array, np.memmap):
        array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # noqa: SLF001 - numpy has no public way


class _LaidAside(BackendArray):
    """An array that was laid aside, read part by part; missing cells are given as the fill value."""

    def __init__(self, array: NDArray[Any], fill: np.floating[Any]) -> None:
        self._array, self._fill = array, fill
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        if all(isinstance(each, int | np.integer | slice) for each in key):
            found = self._array[key]
        else:
            found = self._array[np.ix_(*index_vectors(key, self.shape))]
            found = found[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]
        values = np.where(np.isnan(found), self._fill, found)
        let_go(self._array)
        return values


def read_lazily(array: NDArray[Any], dims: Sequence[str], order: Sequence[str], fill: np.floating[Any]) -> xr.Variable:
    """
    Make a variable of an array that was laid aside, without bringing it into memory.

    Parameters
    ----------
    array : array of float
        As `make_array` made it, or a view of it; NaN is missing.
    dims : sequence of str
        Its dimensions.
    order : sequence of str
        The same, as the variable is to have them.
    fill : float
        Stands for missing cells, of the array's type.

    Returns
    -------
    xarray.Variable
        Read when its values are asked for.
    """
    turned = array.transpose([list(dims).index(dim) for dim in order])
    return xr.Variable(tuple(order), LazilyIndexedArray(_LaidAside(turned, fill)))
