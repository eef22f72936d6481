"""Single cells of an array: each chunk is read once, whatever order they are asked in."""

import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.shared import gather as module
from gaia_processes.shared.gather import gather, make_room


class Chunked(BackendArray):
    """An array in chunks that remembers which of them were read, and how often."""

    def __init__(self, values, chunk_shape):
        self.values, self.chunk_shape = values, chunk_shape
        self.shape, self.dtype = values.shape, values.dtype
        self.read: list[tuple[tuple[int, int], ...]] = []

    def __getitem__(self, key):
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self._read)

    def _read(self, key):
        self.read.append(
            tuple(
                (each.start // chunk, (each.stop - 1) // chunk)
                for each, chunk in zip(key, self.chunk_shape, strict=True)
            )
        )
        return self.values[key]


@pytest.fixture
def stored():
    """Give a variable of 6 steps, 8 rows and 10 columns, in chunks of 2, 4 and 5; its values tell where they are."""
    values = 10000 * np.arange(6)[:, None, None] + 100 * np.arange(8)[:, None] + np.arange(10)
    array = Chunked(values.astype("i4"), (2, 4, 5))
    return array, xr.Variable(("time", "y", "x"), LazilyIndexedArray(array))


def test_cells_come_in_the_order_in_which_they_are_asked(stored):
    _, variable = stored
    found = gather(variable, {"y": np.array([7, 0, 7]), "x": np.array([9, 0, 9])})
    assert found.rest == ("time",)
    np.testing.assert_array_equal(found.values[:, :2], [[709, 10709], [0, 10000], [709, 10709]])


def test_a_step_may_be_chosen_for_each_cell(stored):
    _, variable = stored
    found = gather(variable, {"time": np.array([5, 0]), "y": np.array([1, 2]), "x": np.array([3, 4])})
    assert found.values.tolist() == [50103, 204]


def test_every_chunk_that_is_needed_is_read_once_and_no_other(stored, monkeypatch):
    monkeypatch.setattr(module, "_READ_BYTES", 4 * 4 * 5 * 2)
    array, variable = stored
    rng = np.random.default_rng(1)
    gather(variable, {"y": rng.integers(0, 4, 50), "x": rng.integers(0, 10, 50)})
    assert len(array.read) == len(set(array.read)) == 3 * 2
    assert {key[1] for key in array.read} == {(0, 0)}


def test_several_chunks_along_the_rest_are_read_at_once_where_they_are_small(stored):
    array, variable = stored
    gather(variable, {"y": np.array([0]), "x": np.array([0])})
    assert array.read == [((0, 2), (0, 0), (0, 0))]


def test_an_array_without_chunks_is_read_in_stretches():
    variable = xr.Variable(("y", "x"), np.arange(12).reshape(3, 4))
    assert gather(variable, {"y": np.array([2, 0]), "x": np.array([3, 1])}).values.tolist() == [11, 1]


def test_progress_ends_at_all_cells(stored):
    said = []
    gather(
        stored[1],
        {"y": np.array([0, 7]), "x": np.array([0, 9])},
        progress=lambda done, total: said.append((done, total)),
    )
    assert said == [(1, 2), (2, 2)]


def test_what_is_large_lies_in_a_file(monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 8)
    room = make_room((2, 3), np.dtype("f8"))
    room[...] = 1.5
    assert isinstance(room, np.memmap)
    assert room.sum() == 9
