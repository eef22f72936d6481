"""Blocks: every cell once, bounded, and no chunk in two of them."""

import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from xarray.backends import BackendArray
from xarray.core.indexing import LazilyIndexedArray

from gaia_processes.shared.blocks import plan_aligned_blocks, plan_blocks, plan_layers


class Declared(BackendArray):
    """An array that nobody reads."""

    def __init__(self, shape, chunk_shape):
        self.shape, self.chunk_shape, self.dtype = shape, chunk_shape, np.dtype("f4")

    def __getitem__(self, key):
        raise AssertionError(key)


def declare(shape, chunk_shape):
    return xr.Variable(("t", "y", "x")[: len(shape)], LazilyIndexedArray(Declared(shape, chunk_shape)))


@given(st.data())
def test_every_cell_lies_in_one_block_and_no_chunk_in_two(data):
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    chunk = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    start = data.draw(st.integers(0, shape[0] - 1))
    owners = np.full((shape[0] - start, shape[1]), -1)
    seen = {}
    for number, box in enumerate(plan_blocks(declare(shape, chunk)[start:])):
        assert (owners[box] == -1).all()
        owners[box] = number
        for row in range(box[0].start + start, box[0].stop + start):
            for column in range(box[1].start, box[1].stop):
                assert seen.setdefault((row // chunk[0], column // chunk[1]), number) == number
    assert (owners >= 0).all()


def test_a_large_variable_goes_in_blocks_of_bounded_size():
    blocks = list(plan_blocks(declare((1000, 721, 1440), (24, 90, 180))))
    sizes = [np.prod([each.stop - each.start for each in box]) * 4 for box in blocks]
    assert max(sizes) <= 24 * 90 * 180 * 4  # one chunk: already more than a block should have
    assert len(blocks) <= 42 * 9 * 8  # and none is read twice


def test_much_to_inflate_for_little_makes_several_blocks():
    point = declare((10950, 144, 192), (1, 144, 192))[:, :1, :1]
    assert len(list(plan_blocks(point))) > 15


def test_a_scalar_is_one_block_and_nothing_is_none():
    assert list(plan_blocks(xr.Variable((), 1.0))) == [()]
    assert list(plan_blocks(xr.Variable("x", np.zeros(0)))) == []


@given(st.data())
def test_aligned_blocks_begin_where_chunks_of_the_result_begin(data):
    shape = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    chunk = tuple(data.draw(st.integers(1, size)) for size in shape)
    source = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    covered = np.zeros(shape, dtype=int)
    for box in plan_aligned_blocks(declare(shape, source), chunk):
        covered[box] += 1
        assert all(each.start % length == 0 for each, length in zip(box, chunk, strict=True))
    assert (covered == 1).all()


def test_blocks_that_cannot_be_aligned_within_bounds_are_not_planned():
    shifted = declare((2000, 721, 1440), (24, 90, 180))[5:]
    assert plan_aligned_blocks(shifted, (24, 90, 180)) is None


def test_where_no_edges_meet_whole_chunks_of_the_source_are_read_layer_by_layer():
    shifted = declare((240, 721, 1440), (24, 90, 180))[60:180, 120:220, 680:841]
    assert plan_aligned_blocks(shifted, (24, 50, 161)) is None
    boxes = plan_layers(shifted, (24, 50, 161))
    assert [box[0].start for box in boxes] == [0, 12, 36, 60, 84, 108]  # days, from noon on
    assert {box[1:] for box in boxes} == {(slice(0, 100), slice(0, 161))}


def test_a_layer_that_is_too_large_is_not_put_together():
    assert plan_layers(declare((2000, 721, 1440), (24, 90, 180))[5:], (24, 90, 180)) is None
