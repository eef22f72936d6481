"""Numbers of steps and cells that are written step by step and read band by band of cells, or the other way round."""

import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.shared.lazy import Key, index_vectors

_WINDOW_BYTES = 2**24
"""So much of the steps is read at once, about, where they are read one after the other."""


class Bands:
    """
    An array of steps and cells, kept band of cells after band.

    It lies in memory, or in a file without a name that goes with it. The file is read and written and never mapped: what is
    mapped counts as memory, and a task may not have addresses for all of a long record.

    Parameters
    ----------
    steps, cells : int
        Its shape.
    width : int
        Cells of a band; the last one may have fewer.
    dtype : numpy.dtype
        Of the numbers.
    in_file : bool
        Where it lies.
    """

    def __init__(self, steps: int, cells: int, width: int, dtype: np.dtype[Any], *, in_file: bool) -> None:
        self.shape = (steps, cells)
        self.dtype = dtype
        self.slices = [slice(at, min(at + width, cells)) for at in range(0, cells, width)]
        self._held = None if in_file else [np.empty((steps, each.stop - each.start), dtype) for each in self.slices]
        self._file = -1
        if in_file:
            file = tempfile.TemporaryFile(prefix="bands-")  # noqa: SIM115 - it is closed, and gone, with the array
            weakref.finalize(self, file.close)
            self._file = file.fileno()

    def put_steps(self, steps: NDArray[np.intp], values: NDArray[Any]) -> None:
        """Write some steps of all cells, shape (steps, cells)."""
        for at, stretch in _stretches(steps):
            for number, band in enumerate(self.slices):
                part = values[at : at + len(stretch), band]
                if self._held is not None:
                    self._held[number][stretch[0] : stretch[-1] + 1] = part
                else:
                    self._write(number, int(stretch[0]), np.ascontiguousarray(part, self.dtype))

    def put_band(self, number: int, values: NDArray[Any], first: int = 0) -> None:
        """Write steps of a band from the `first` on, shape (steps, cells of the band)."""
        if self._held is not None:
            self._held[number][first : first + len(values)] = values
        else:
            self._write(number, first, np.ascontiguousarray(values, self.dtype))

    def band(self, number: int, first: int = 0, last: int | None = None) -> NDArray[Any]:
        """Read the steps of a band from `first` to before `last`."""
        return self._read(number, first, self.shape[0] if last is None else last)

    def steps(self, first: int, last: int) -> NDArray[Any]:
        """Read the steps from `first` to before `last`, of all cells."""
        values = np.empty((last - first, self.shape[1]), self.dtype)
        for number, band in enumerate(self.slices):
            values[:, band] = self._read(number, first, last)
        return values

    def _place(self, number: int, step: int) -> int:
        band = self.slices[number]
        return (band.start * self.shape[0] + step * (band.stop - band.start)) * self.dtype.itemsize

    def _write(self, number: int, step: int, values: NDArray[Any]) -> None:
        data, offset = memoryview(values).cast("B"), self._place(number, step)
        while len(data):
            written = os.pwrite(self._file, data, offset)
            data, offset = data[written:], offset + written

    def _read(self, number: int, first: int, last: int) -> NDArray[Any]:
        if self._held is not None:
            return self._held[number][first:last]
        band = self.slices[number]
        values = np.empty((last - first, band.stop - band.start), self.dtype)
        data, offset = memoryview(values).cast("B"), self._place(number, first)
        while len(data):
            read = os.preadv(self._file, [data], offset)
            if not read:
                raise EOFError("a band was read that was not written")
            data, offset = data[read:], offset + read
        return values


def _stretches(steps: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Split steps into those that follow one another, each part with where it begins among them."""
    at = 0
    for stretch in np.split(steps, np.flatnonzero(np.diff(steps) != 1) + 1):
        if len(stretch):
            yield at, stretch
            at += len(stretch)


class _Steps(BackendArray):
    """The steps of bands as a variable reads them; missing cells are given as the fill value."""

    def __init__(self, bands: Bands, cells: tuple[int, ...], axes: tuple[int, ...], fill: Any) -> None:
        self._bands, self._cells, self._axes, self._fill = bands, cells, axes, fill
        natural = (bands.shape[0], *cells)
        self.shape = tuple(natural[axis] for axis in axes)
        self.dtype = bands.dtype
        self._most = max(_WINDOW_BYTES // max(bands.shape[1] * bands.dtype.itemsize, 1), 1)
        self._first, self._window = 0, np.empty((0, *cells), bands.dtype)

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        places = index_vectors(key, self.shape)
        steps, *cells = (places[self._axes.index(axis)] for axis in range(len(self._axes)))
        found = np.empty((len(steps), *map(len, cells)), self.dtype)
        for at, step in enumerate(steps):
            found[at] = self._step(int(step))[np.ix_(*cells)]
        turned = np.where(np.isnan(found), self._fill, found).transpose(self._axes)
        return turned[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]

    def _step(self, step: int) -> NDArray[Any]:
        """Give a step; those that follow are read with it, for they are asked for next."""
        if not self._first <= step < self._first + len(self._window):
            self._first = step
            last = min(step + self._most, self._bands.shape[0])
            self._window = self._bands.steps(step, last).reshape(-1, *self._cells)
        step_values: NDArray[Any] = self._window[step - self._first]
        return step_values


def read_lazily(
    bands: Bands, cells: tuple[int, ...], dims: Sequence[str], order: Sequence[str], fill: Any
) -> xr.Variable:
    """
    Make a variable of bands, without bringing them into memory.

    Parameters
    ----------
    bands : Bands
        Of floats; NaN is missing.
    cells : tuple of int
        Shape of the cells of a step.
    dims : sequence of str
        The dimensions of steps and cells.
    order : sequence of str
        The same, as the variable is to have them.
    fill : float
        Stands for missing cells, of the type of the numbers.

    Returns
    -------
    xarray.Variable
        Read when its values are asked for.
    """
    axes = tuple(list(dims).index(dim) for dim in order)
    return xr.Variable(tuple(order), LazilyIndexedArray(_Steps(bands, cells, axes, fill)))
