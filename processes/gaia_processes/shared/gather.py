"""
Single cells of an array, each chunk of the source read once, whatever order the cells are asked in.

Cells are given by their places along some dimensions; along all others everything is taken. What is taken stays as it is
stored; where it is large it lies in a file that nobody else sees.
"""

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import find_cuts

type Places = NDArray[np.intp]
type Progress = Callable[[float, float], None]

IN_MEMORY_BYTES = 2**27
_READ_BYTES = 2**24
_STRETCH_BYTES = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """
    Cells of an array.

    Attributes
    ----------
    values : array, shape (cells, *rest)
        As stored, in the order in which the cells were asked.
    rest : tuple of str
        The dimensions along which everything was taken.
    """

    values: NDArray[Any]
    rest: tuple[str, ...]


def gather(variable: xr.Variable, cells: dict[str, Places], *, progress: Progress | None = None) -> Gathered:
    """
    Read single cells of a variable.

    Parameters
    ----------
    variable : xarray.Variable
        Read lazily.
    cells : dict of array of int, each of shape (cells,)
        Places along some of its dimensions; cells that come twice are read once where they come one after the other.
    progress : callable, optional
        Is told how many of all cells are done.

    Returns
    -------
    Gathered
    """
    dims = tuple(str(dim) for dim in variable.dims)
    rest = tuple(dim for dim in dims if dim not in cells)
    count = len(next(iter(cells.values())))
    lengths = tuple(variable.sizes[dim] for dim in rest)
    made = make_room((count, *lengths), variable.dtype)
    starts = dict(zip(dims, _starts(variable), strict=True))
    boxes = list(_boxes([starts[dim] for dim in rest], lengths, _budget(variable, starts, rest)))
    done = 0
    for group in _groups(cells, starts):
        lows = {dim: int(places[group].min()) for dim, places in cells.items()}
        highs = {dim: int(places[group].max()) + 1 for dim, places in cells.items()}
        for box in boxes:
            key = {dim: slice(lows[dim], highs[dim]) for dim in cells} | dict(zip(rest, box, strict=True))
            block = variable[key].transpose(*cells, *rest).values
            where: tuple[Any, ...] = (group, *box)
            made[where] = block[tuple(places[group] - lows[dim] for dim, places in cells.items())]
        done += len(group)
        if progress is not None:
            progress(done, count)
    return Gathered(values=made, rest=rest)


def make_room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make room for values, in memory or in a file; the file has no name and is gone when nobody holds it any more."""
    size_bytes = math.prod(shape) * dtype.itemsize
    if size_bytes <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        file.truncate(size_bytes)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def _starts(variable: xr.Variable) -> list[Places]:
    """Give where stretches begin along each dimension that are best read whole: chunks, or rows of a bounded size."""
    found = find_cuts(variable)
    if found is not None:
        return found[1]
    starts, room = list[Places](), max(_STRETCH_BYTES // variable.dtype.itemsize, 1)
    for size in reversed(variable.shape):
        step = max(min(size, room), 1)
        starts.append(np.arange(0, max(size, 1), step, dtype=np.intp))
        room = max(room // step, 1)
    return starts[::-1]


def _longest(starts: Places, size: int) -> int:
    return int(np.diff(np.append(starts, size)).max(initial=1))


def _budget(variable: xr.Variable, starts: dict[str, Places], rest: Sequence[str]) -> int:
    """Say how many cells along the other dimensions may be read at once beside a whole stretch of the chosen ones."""
    chosen: int = math.prod(_longest(starts[dim], variable.sizes[dim]) for dim in starts if dim not in rest)
    item_bytes: int = variable.dtype.itemsize
    return max(_READ_BYTES // max(chosen * item_bytes, 1), 1)


def _boxes(starts: Sequence[Places], sizes: Sequence[int], budget: int) -> Iterator[tuple[slice, ...]]:
    """Cut the other dimensions into boxes of whole stretches that keep to a budget of cells where one stretch does."""
    counts = [1] * len(sizes)
    longest = [_longest(own, size) for own, size in zip(starts, sizes, strict=True)]
    for at in reversed(range(len(sizes))):
        taken = math.prod(count * each for count, each in zip(counts, longest, strict=True))
        counts[at] = max(min(len(starts[at]), budget // max(taken, 1)), 1)
        if counts[at] < len(starts[at]):
            break
    edges = [[*own[::count].tolist(), size] for own, count, size in zip(starts, counts, sizes, strict=True)]
    return product(*([slice(low, high) for low, high in pairwise(own)] for own in edges))


def _groups(cells: dict[str, Places], starts: dict[str, Places]) -> Iterator[Places]:
    """Sort cells into groups, each of those that lie in one stretch."""
    owners = [np.searchsorted(starts[dim], places, side="right") - 1 for dim, places in cells.items()]
    number = np.ravel_multi_index(tuple(owners), tuple(len(starts[dim]) for dim in cells))
    order = np.argsort(number, kind="stable")
    cuts = np.flatnonzero(np.diff(number[order])) + 1
    yield from (group for group in np.split(order, cuts) if len(group))
