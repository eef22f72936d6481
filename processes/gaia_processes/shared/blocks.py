"""How an array is walked in pieces of bounded memory, so that no chunk of its source is read twice."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import find_cuts

_OUTPUT_BYTES = 2**19  # larger blocks are not faster, and several are in memory at once
_INFLATED_BYTES = 2**24
_ALIGNED_SHARE = 8.0
_LAYERED_BYTES = (
    2**21
)  # blocks that need not fit chunks of the result: several chunks of the source, for several threads


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    """Segments along each dimension, and what a block of them costs as a share of what it may."""

    starts: list[NDArray[np.intp]]
    shape: tuple[int, ...]
    item_bytes: int
    chunk_bytes: int
    output_bytes: int = _OUTPUT_BYTES

    def longest(self, place: int) -> int:
        """Give the length of the longest segment along a dimension."""
        return int(np.diff(np.append(self.starts[place], self.shape[place])).max(initial=1))

    def cost(self, counts: list[int]) -> float:
        """Give the share of the budget that a block with so many segments along each dimension takes."""
        cells = math.prod(min(count * self.longest(place), self.shape[place]) for place, count in enumerate(counts))
        return max(cells * self.item_bytes / self.output_bytes, math.prod(counts) * self.chunk_bytes / _INFLATED_BYTES)

    def counts(self) -> list[int]:
        """Give the segments of a block along each dimension: as many as the budget allows, from the last one on."""
        counts = [1] * len(self.shape)
        for place in reversed(range(len(self.shape))):
            most = len(self.starts[place])
            counts[place] = max(min(most, int(1 / max(self.cost(counts), 1e-12))), 1)
            if counts[place] < most:
                break
        return counts


type Box = tuple[slice, ...]


def _walk_of(variable: xr.Variable) -> _Walk:
    found = find_cuts(variable)
    if found is None:
        starts = [np.arange(size, dtype=np.intp) for size in variable.shape]
        chunk_bytes = 0
    else:
        starts, chunk_bytes = found[1], math.prod(found[0]) * variable.dtype.itemsize
    return _Walk(starts=starts, shape=variable.shape, item_bytes=variable.dtype.itemsize, chunk_bytes=chunk_bytes)


def _boxes(walk: _Walk) -> Iterator[Box]:
    edges = [
        [*own[::count].tolist(), size] for own, count, size in zip(walk.starts, walk.counts(), walk.shape, strict=True)
    ]
    return product(*([slice(a, b) for a, b in pairwise(own)] for own in edges))


def plan_blocks(variable: xr.Variable) -> Iterator[Box]:
    """
    Cut a variable into boxes that are read and written one after the other.

    Parameters
    ----------
    variable : xarray.Variable
        Any shape; lazy ones know the chunks of their source.

    Yields
    ------
    tuple of slice
        A box, in the order of storage. A box has at most 512 KiB, and meets chunks of at most 16 MiB (or a single chunk,
        where that is larger).
    """
    if 0 not in variable.shape:
        yield from _boxes(_walk_of(variable))


def plan_aligned_blocks(variable: xr.Variable, chunk_shape: tuple[int, ...]) -> list[Box] | None:
    """
    Cut a variable into boxes that are whole chunks of the source and of the result.

    Parameters
    ----------
    variable : xarray.Variable
        As in `plan_blocks`.
    chunk_shape : tuple of int
        Cells of a chunk of the result along each dimension.

    Returns
    -------
    list of tuple of slice, or None
        None where such boxes would be more than 4 MiB, and larger than the source alone makes them.
    """
    if 0 in variable.shape:
        return None
    walk = _walk_of(variable)
    least = walk.cost([1] * len(walk.shape))
    starts = [own[own % chunk == 0] for own, chunk in zip(walk.starts, chunk_shape, strict=True)]
    # A segment between two common edges may meet several chunks of the source.
    joined = [
        int(np.diff(np.append(np.flatnonzero(own % chunk == 0), len(own))).max(initial=1))
        for own, chunk in zip(walk.starts, chunk_shape, strict=True)
    ]
    aligned = replace(walk, starts=starts, chunk_bytes=walk.chunk_bytes * math.prod(joined))
    if aligned.cost([1] * len(walk.shape)) > max(_ALIGNED_SHARE, least):
        return None
    return list(_boxes(aligned))


def plan_layers(variable: xr.Variable, chunk_shape: tuple[int, ...]) -> list[Box] | None:
    """
    Cut a variable into boxes that are whole chunks of the source, and of which few chunks of the result are put together at once.

    Parameters
    ----------
    variable : xarray.Variable
        As in `plan_blocks`.
    chunk_shape : tuple of int
        Cells of a chunk of the result along each dimension.

    Returns
    -------
    list of tuple of slice, or None
        In the order of storage, so that the chunks that are begun and not whole lie in two layers along the first dimension;
        None where a layer would be more than 4 MiB.
    """
    if not variable.ndim or 0 in variable.shape:
        return None
    layer_bytes = min(chunk_shape[0], variable.shape[0]) * math.prod(variable.shape[1:]) * variable.dtype.itemsize
    if layer_bytes > _ALIGNED_SHARE * _OUTPUT_BYTES:
        return None
    return list(_boxes(replace(_walk_of(variable), output_bytes=_LAYERED_BYTES)))
