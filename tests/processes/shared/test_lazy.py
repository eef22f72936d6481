"""Functions over variables that are computed when they are read, and the chunks behind them."""

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.shared.lazy import find_cuts, map_lazily


class Stored(BackendArray):
    """Numbers 0, 1, … in chunks of 3, which remembers what was read."""

    def __init__(self, size):
        self.shape, self.dtype, self.chunk_shape = (size,), np.dtype("i8"), (3,)
        self.reads = 0

    def __getitem__(self, key):
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self.read)

    def read(self, key):
        self.reads += 1
        return np.arange(self.shape[0])[key]


def test_nothing_is_computed_before_it_is_read():
    stored = Stored(10)
    mapped = map_lazily(xr.Variable("x", LazilyIndexedArray(stored)), lambda values, places: values * 10 + places[0])
    part = mapped[2:8][[3, 0]]
    assert stored.reads == 0
    assert part.values.tolist() == [55, 22]


def test_a_function_of_a_function():
    once = map_lazily(xr.Variable("x", LazilyIndexedArray(Stored(5))), lambda values, _: values + 1)
    assert map_lazily(once[1:], lambda values, _: values * 2)[::2].values.tolist() == [4, 8]


def test_cuts_are_those_of_the_chunks_behind_slices_lists_and_functions():
    variable = xr.Variable("x", LazilyIndexedArray(Stored(12)))[2:]
    assert find_cuts(variable)[1][0].tolist() == [0, 1, 4, 7]  # 2 | 3 4 5 | 6 7 8 | 9 10 11
    mapped = map_lazily(variable, lambda values, _: values)[[0, 1, 8, 9, 4]]
    assert find_cuts(mapped)[1][0].tolist() == [0, 1, 2, 4]  # 2 | 3 | 10 11 | 6


def test_what_lies_in_memory_has_no_chunks():
    assert find_cuts(xr.Variable("x", np.zeros(3))) is None
