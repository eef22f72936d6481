"""How an array is walked in pieces of bounded memory, so that no chunk of its source is read twice."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import find_cuts

_OUTPUT_BYTES = 2**19  # larger blocks are not faster, and several are in memory at once
_INFLATED_BYTES = 2**24


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    """Segments along each dimension, and what a block of them costs as a share of what it may."""

    starts: list[NDArray[np.intp]]
    shape: tuple[int, ...]
    item_bytes: int
    chunk_bytes: int

    def longest(self, place: int) -> int:
        """Give the length of the longest segment along a dimension."""
        return int(np.diff(np.append(self.starts[place], self.shape[place])).max(initial=1))

    def cost(self, counts: list[int]) -> float:
        """Give the share of the budget that a block with so many segments along each dimension takes."""
        cells = math.prod(min(count * self.longest(place), self.shape[place]) for place, count in enumerate(counts))
        return max(cells * self.item_bytes / _OUTPUT_BYTES, math.prod(counts) * self.chunk_bytes / _INFLATED_BYTES)

    def counts(self) -> list[int]:
        """Give the segments of a block along each dimension: as many as the budget allows, from the last one on."""
        counts = [1] * len(self.shape)
        for place in reversed(range(len(self.shape))):
            most = len(self.starts[place])
            counts[place] = max(min(most, int(1 / max(self.cost(counts), 1e-12))), 1)
            if counts[place] < most:
                break
        return counts


def plan_blocks(variable: xr.Variable) -> Iterator[tuple[slice, ...]]:
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
    if 0 in variable.shape:
        return
    found = find_cuts(variable)
    if found is None:
        starts = [np.arange(size, dtype=np.intp) for size in variable.shape]
        chunk_bytes = 0
    else:
        starts, chunk_bytes = found[1], math.prod(found[0]) * variable.dtype.itemsize
    walk = _Walk(starts=starts, shape=variable.shape, item_bytes=variable.dtype.itemsize, chunk_bytes=chunk_bytes)
    edges = [
        [*own[::count].tolist(), size] for own, count, size in zip(starts, walk.counts(), variable.shape, strict=True)
    ]
    yield from product(*([slice(a, b) for a, b in pairwise(own)] for own in edges))
