"""
Arrays that are read when they are needed: a function over another variable, and where the source's chunks meet.

Both work on xarray's own lazy indexing (`LazilyIndexedArray`), so slices compose and nothing is computed before values
are asked for; whoever then reads block by block needs memory for a block alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import (
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
)

type Key = tuple[int | np.integer[Any] | slice | NDArray[Any], ...]
type Mapping = Callable[[NDArray[Any], list[NDArray[np.intp]]], NDArray[Any]]
"""Takes values and their places along each dimension, gives values of the same shape."""


@runtime_checkable
class Stored(Protocol):
    """An array that knows the chunks in which it is stored; None where it has none."""

    chunk_shape: tuple[int, ...] | None


@runtime_checkable
class Pieced(Protocol):
    """An array in several files, each of which begins with a chunk of its own."""

    def chunk_places(self, places: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        """Give places so counted that those of a chunk, and of no other, have the same quotient by its length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inflated:
    """
    A chunk as it lies in memory once it is inflated.

    Attributes
    ----------
    data : array of uint8, shape (bytes,)
        Of whole chunks, also at the ends of the array.
    is_shuffled : bool
        Whether all first bytes of its numbers lie side by side, then all second bytes, …
    """

    data: NDArray[np.uint8]
    is_shuffled: bool


type Take = Callable[[int, Inflated], None]
"""Takes one chunk after the other, by their place in what was asked for; never two at once."""


@runtime_checkable
class HandsOut(Stored, Protocol):
    """An array that can hand out whole chunks, several of which are inflated at once."""

    def hand_out(self, chunks: NDArray[np.intp], take: Take) -> None:
        """
        Inflate chunks, and have each taken, in the order in which they are asked for.

        Parameters
        ----------
        chunks : array of int, shape (chunks, dimensions)
            Their places in the grid of chunks; of a `Pieced` array in the one that `chunk_places` counts by.
        take : callable
            Is called in some thread or other.
        """


@runtime_checkable
class Remapped(Protocol):
    """
    An array of maps, each made from a whole map of a source.

    Attributes
    ----------
    source : xarray.Variable
        What the maps are made from.
    leading : tuple of int
        Dimensions of the source along which the maps are counted: the first dimensions of the array.
    map_chunk : tuple of int
        Rows and columns that are best made at once.
    least_steps, most_steps : int
        So many maps are made at once, where there are as many.
    """

    source: xr.Variable
    leading: tuple[int, ...]
    map_chunk: tuple[int, int]
    least_steps: int
    most_steps: int


def index_vectors(key: Key, shape: tuple[int, ...]) -> list[NDArray[np.intp]]:
    """
    Give the places that a key names along each dimension.

    Parameters
    ----------
    key : tuple of int, slice or int array
        One for each dimension.
    shape : tuple of int
        Shape of what is indexed.

    Returns
    -------
    list of int arrays
        An integer gives one place.
    """
    places = []
    for each, size in zip(key, shape, strict=True):
        if isinstance(each, slice):
            places.append(np.arange(*each.indices(size), dtype=np.intp))
        else:
            at = np.atleast_1d(np.asarray(each, dtype=np.intp))
            places.append(np.where(at < 0, at + size, at))
    return places


class MappedArray(BackendArray):
    """A function over the values of another variable, computed for the cells that are read."""

    def __init__(self, source: xr.Variable, mapping: Mapping, dtype: np.dtype[Any] | None = None) -> None:
        self.source = source
        self._mapping = mapping
        self.shape = source.shape
        self.dtype = np.dtype(dtype or source.dtype)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        places = index_vectors(key, self.shape)
        values = self.source[tuple(places)].values if self.shape else self.source.values
        mapped = self._mapping(np.array(values), places)
        return mapped[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]


def map_lazily(variable: xr.Variable, mapping: Mapping, *, dtype: np.dtype[Any] | None = None) -> xr.Variable:
    """
    Apply a function to the values of a variable when they are read.

    Parameters
    ----------
    variable : xarray.Variable
        Any shape.
    mapping : callable
        Gets values and their places along each dimension; gives values of the same shape.
    dtype : numpy.dtype, optional
        Type of the result; default the variable's.

    Returns
    -------
    xarray.Variable
        The same dimensions, attributes and encoding.
    """
    data = LazilyIndexedArray(MappedArray(variable, mapping, dtype))
    return xr.Variable(variable.dims, data, variable.attrs, variable.encoding)


class RowArray(BackendArray):
    """A variable with one more dimension, of the length 1."""

    def __init__(self, source: xr.Variable, axis: int) -> None:
        self.source, self.axis = source, axis
        self.shape = (*source.shape[:axis], 1, *source.shape[axis:])
        self.dtype = source.dtype

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        places = index_vectors(key, self.shape)
        (row,) = [places.pop(self.axis)]
        values = np.expand_dims(self.source[tuple(places)].values, self.axis)
        taken = np.take(values, row, axis=self.axis)
        return taken[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]


def lay_in_rows(variable: xr.Variable, dim: str, row: str) -> xr.Variable:
    """
    Put a dimension of the length 1 before another one; values are read when they are needed.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded.
    dim : str
        One of its dimensions.
    row : str
        Name of the new one.

    Returns
    -------
    xarray.Variable
        The same attributes and storage.
    """
    axis = variable.dims.index(dim)
    dims = (*variable.dims[:axis], row, *variable.dims[axis:])
    encoding = dict(variable.encoding)
    chunks = encoding.get("chunksizes")
    if chunks is not None:
        encoding["chunksizes"] = (*chunks[:axis], 1, *chunks[axis:])
    return xr.Variable(dims, LazilyIndexedArray(RowArray(variable, axis)), variable.attrs, encoding)


def _source_places(variable: xr.Variable) -> tuple[tuple[int, ...], list[NDArray[np.intp]]] | None:
    """Give the chunk shape of the array below, and the place there of each step along the dimensions."""
    lazy = variable._data  # noqa: SLF001  # xarray has no public way to ask what is behind a variable
    if not isinstance(lazy, LazilyIndexedArray) or len(lazy.key.tuple) != variable.ndim:
        return None
    if any(not isinstance(each, slice | np.ndarray) for each in lazy.key.tuple):
        return None
    array = lazy.array
    places = index_vectors(lazy.key.tuple, array.shape)
    if isinstance(array, MappedArray):
        below = _source_places(array.source)
        if below is None:
            return None
        return below[0], [outer[inner] for outer, inner in zip(below[1], places, strict=True)]
    if isinstance(array, RowArray):
        return _row_places(array, places)
    if isinstance(array, Remapped):
        return _remapped_places(array, places)
    if isinstance(array, Stored) and array.chunk_shape is not None:
        return array.chunk_shape, array.chunk_places(places) if isinstance(array, Pieced) else places
    return None


def _row_places(
    array: RowArray, places: list[NDArray[np.intp]]
) -> tuple[tuple[int, ...], list[NDArray[np.intp]]] | None:
    """Give the chunks of the variable below, with one more dimension."""
    below = _source_places(array.source)
    if below is None:
        return None
    at, own = array.axis, [each for axis, each in enumerate(places) if axis != array.axis]
    owners = [outer[inner] for outer, inner in zip(below[1], own, strict=True)]
    return (*below[0][:at], 1, *below[0][at:]), [*owners[:at], places[at], *owners[at:]]


def _remapped_places(array: Remapped, places: list[NDArray[np.intp]]) -> tuple[tuple[int, ...], list[NDArray[np.intp]]]:
    """Give chunks as long as the source's along the dimensions that count maps, and of whole maps or large parts of them."""
    below = _source_places(array.source)
    shapes, owners = list[int](), list[NDArray[np.intp]]()
    chunks = [1 if below is None else below[0][axis] for axis in array.leading]
    room = array.most_steps
    for own, (axis, chunk) in enumerate(zip(array.leading, chunks, strict=True)):
        rest = math.prod(chunks[own + 1 :])
        # Along the last of them several small chunks are taken at once: each read has its price.
        several = -(-array.least_steps // (chunk * max(array.most_steps // room, 1))) if own == len(chunks) - 1 else 1
        shapes.append(max(min(chunk * max(several, 1), room // rest), 1))
        room = max(room // shapes[-1], 1)
        owners.append(places[own] if below is None else below[1][axis][places[own]])
    return (*shapes, *array.map_chunk), [*owners, *places[len(array.leading) :]]


def find_stored(variable: xr.Variable) -> tuple[Any, list[NDArray[np.intp]]] | None:
    """
    Find the stored array of which a variable is a part.

    Parameters
    ----------
    variable : xarray.Variable
        Read lazily, sliced any number of times.

    Returns
    -------
    (array, list of int arrays) or None
        The array, and the places there of each step along the dimensions; None where values are changed on the way, or are
        in memory.
    """
    lazy = variable._data  # noqa: SLF001  # xarray has no public way to ask what is behind a variable
    if not isinstance(lazy, LazilyIndexedArray) or len(lazy.key.tuple) != variable.ndim:
        return None
    array = lazy.array
    if not isinstance(array, BackendArray) or isinstance(array, MappedArray | RowArray | Remapped):
        return None
    if any(not isinstance(each, slice | np.ndarray) for each in lazy.key.tuple):
        return None
    shape: tuple[int, ...] = lazy.array.shape
    return array, index_vectors(lazy.key.tuple, shape)


def find_cuts(variable: xr.Variable) -> tuple[tuple[int, ...], list[NDArray[np.intp]]] | None:
    """
    Find where the chunks of the source begin along each dimension of a variable.

    Parameters
    ----------
    variable : xarray.Variable
        Read lazily, sliced or mapped any number of times.

    Returns
    -------
    (tuple of int, list of int arrays) or None
        Shape of a chunk, and for each dimension the places at which another chunk begins (0 first); None where the
        source has no chunks.
    """
    found = _source_places(variable)
    if found is None:
        return None
    chunk_shape, places = found
    cuts = []
    for at, chunk in zip(places, chunk_shape, strict=True):
        owners = at // chunk
        cuts.append(np.concatenate([[0], np.flatnonzero(np.diff(owners)) + 1]).astype(np.intp))
    return chunk_shape, cuts
