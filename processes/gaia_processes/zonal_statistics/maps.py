"""The maps of a variable, read in blocks of steps and rows along what is stored."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import find_cuts
from gaia_processes.shared.values import find_invalid, is_surely_whole, unpack

_BLOCK_BYTES = 2**23
_CHUNKED_BYTES = 2**27
_NUMBER_BYTES = 4
_SUMS_BYTES = 2**25
_SUM_BYTES = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Some steps of a variable: its place along the other leading dimensions, and the stretch of the last of them."""

    others: tuple[int, ...]
    steps: slice


class Maps:
    """
    Gives maps of a variable as numbers.

    Attributes
    ----------
    leading : tuple of str
        The dimensions that are not rows and columns.
    shape : tuple of int
        Sizes along these.
    """

    def __init__(self, variable: xr.Variable, y_dim: str, x_dim: str, zones: int) -> None:
        self.variable, self._y, self._x = variable, y_dim, x_dim
        self.leading = tuple(str(dim) for dim in variable.dims if dim not in {y_dim, x_dim})
        self.sizes = dict(zip(map(str, variable.dims), variable.shape, strict=True))
        self.shape = tuple(self.sizes[dim] for dim in self.leading)
        cuts = find_cuts(variable)
        chunk = (1,) * variable.ndim if cuts is None else cuts[0]
        self._chunks = dict(zip(map(str, variable.dims), chunk, strict=True))
        self._starts = {} if cuts is None else dict(zip(map(str, variable.dims), cuts[1], strict=True))
        self._zones = max(zones, 1)

    @property
    def walked(self) -> str | None:
        """The leading dimension of which several steps are taken at once: the one with the largest chunks, else the longest."""
        ranked = [
            (min(self._chunks[dim], self.sizes[dim]), self.sizes[dim], -at) for at, dim in enumerate(self.leading)
        ]
        return self.leading[-max(ranked)[2]] if ranked else None

    def batches(self, rows: int, columns: int) -> Iterator[Batch]:
        """Cut the steps into batches, each of whole chunks where these fit into memory."""
        walked = self.walked
        others = [dim for dim in self.leading if dim != walked]
        if walked is None:
            yield Batch(others=(), steps=slice(0, 1))
            return
        most = self._most_steps(rows, columns)
        cuts = self._cut(walked, most)
        for place in product(*(range(self.sizes[dim]) for dim in others)):
            for steps in cuts:
                yield Batch(others=place, steps=steps)

    def _most_steps(self, rows: int, columns: int) -> int:
        item = int(self.variable.dtype.itemsize)
        by_sums = _SUMS_BYTES // (_SUM_BYTES * self._zones)
        by_chunks = _CHUNKED_BYTES // max(item * columns * min(rows, max(self._chunks[self._y], 1)), 1)
        wished = max(_BLOCK_BYTES // max(item * rows * columns, 1), self._chunks[str(self.walked)])
        return max(min(by_sums, by_chunks, wished), 1)

    def _cut(self, dim: str, most: int) -> list[slice]:
        starts = self._starts.get(dim, np.arange(self.sizes[dim]))
        cuts, begin = list[slice](), 0
        ends = [*starts[1:].tolist(), self.sizes[dim]]
        for at, end in enumerate(ends):
            following = ends[at + 1] if at + 1 < len(ends) else None
            while end - begin > most:
                cuts.append(slice(begin, begin + most))
                begin += most
            if following is None or following - begin > most:
                if end > begin:
                    cuts.append(slice(begin, end))
                begin = end
        return cuts

    def bands(self, rows: slice, columns: int, steps: int) -> list[slice]:
        """Cut rows into bands of a bounded size, at the edges of chunks where there are some."""
        most = max(_BLOCK_BYTES // max(self.variable.dtype.itemsize * columns * steps, 1), 1)
        return list(_cut_at(self._starts.get(self._y), rows, most))

    def panes(self, rows: slice, columns: slice, steps: int) -> Iterator[tuple[slice, slice]]:
        """
        Cut a band that is too large for memory into rows and columns: at the edges of chunks, and large chunks by rows too.

        The rows of tiles of a raster may hold gigabytes; what lies within one tile is inflated for each part of it.
        """
        itemsize, height = self.variable.dtype.itemsize, rows.stop - rows.start
        if itemsize * steps * height * (columns.stop - columns.start) <= _CHUNKED_BYTES:
            yield rows, columns
            return
        most = max(_CHUNKED_BYTES // (max(itemsize, _NUMBER_BYTES) * steps), 1)
        for across in _cut_at(self._starts.get(self._x), columns, max(most // height, 1)):
            tall = max(most // (across.stop - across.start), 1)
            yield from ((slice(at, min(at + tall, rows.stop)), across) for at in range(rows.start, rows.stop, tall))

    def read(self, batch: Batch, rows: slice, columns: slice) -> NDArray[np.floating]:
        """Read a block, shape (steps, rows, columns); NaN where there is no value."""
        walked = self.walked
        others = iter(batch.others)
        key: list[Any] = []
        for dim in self.sizes:
            if dim == self._y:
                key.append(rows)
            elif dim == self._x:
                key.append(columns)
            else:
                key.append(batch.steps if dim == walked else next(others))
        taken = self.variable[tuple(key)]
        order = [*([walked] if walked else []), self._y, self._x]
        stored = np.asarray(taken.transpose(*order).values)
        return _as_numbers(stored if walked else stored[np.newaxis], self.variable.attrs)


def _cut_at(starts: NDArray[np.intp] | None, whole: slice, most: int) -> Iterator[slice]:
    """Cut a stretch into parts of a bounded length, at the starts of chunks where there are some; a chunk stays whole."""
    if starts is None:
        yield from (slice(at, min(at + most, whole.stop)) for at in range(whole.start, whole.stop, most))
        return
    begin = whole.start
    ends = [*starts[(starts > whole.start) & (starts < whole.stop)].tolist(), whole.stop]
    for at, end in enumerate(ends):
        if at + 1 == len(ends) or ends[at + 1] - begin > most:
            yield slice(begin, end)
            begin = end


def _as_numbers(stored: NDArray[Any], attrs: dict[str, Any]) -> NDArray[np.floating]:
    """Give numbers with NaN where there is none; float32 where it holds them exactly."""
    stored = np.ascontiguousarray(stored)  # what lies in one piece is looked through several times as fast
    whole = is_surely_whole(stored, attrs)
    numbers = unpack(stored, attrs) if stored.dtype.kind == "f" or _is_packed(attrs) else stored.astype(
        np.float32 if stored.dtype.itemsize <= 2 else np.float64
    )  # fmt: skip
    if numbers.dtype not in (np.float32, np.float64) or not numbers.dtype.isnative:
        numbers = numbers.astype(np.float32 if numbers.dtype.itemsize <= 4 else np.float64)
    if not whole:
        invalid = find_invalid(stored, attrs)
        if invalid.any():
            numbers = np.where(invalid, numbers.dtype.type(np.nan), numbers)
    return np.ascontiguousarray(numbers)


def _is_packed(attrs: dict[str, Any]) -> bool:
    return "scale_factor" in attrs or "add_offset" in attrs


def ahead[T, R](items: list[T], load: Callable[[T], R]) -> Iterator[tuple[T, R]]:
    """Load one thing while the one before is worked on; who then lets go of that one first never holds more than two."""
    if len(items) < 2:
        yield from ((item, load(item)) for item in items)
        return
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))
        coming = pool.submit(load, items[0])
        for at, item in enumerate(items):
            loaded = coming.result()
            if at + 1 < len(items):
                coming = pool.submit(load, items[at + 1])
            yield item, loaded
            del loaded


def size_of(shape: tuple[int, ...]) -> int:
    """Multiply sizes."""
    return math.prod(shape)
