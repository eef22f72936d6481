"""Numbers that are written step by step and read band by band, or the other way round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.climate_indices.bands import Bands, read_lazily

IN_FILE = pytest.mark.parametrize("in_file", [False, True])


@IN_FILE
def test_steps_that_were_written_are_read_as_bands(in_file):
    bands = Bands(3, 5, 2, np.dtype("f4"), in_file=in_file)
    bands.put_steps(np.array([0, 2]), np.array([[1, 2, 3, 4, 5], [11, 12, 13, 14, 15]]))
    bands.put_steps(np.array([1]), np.full((1, 5), np.nan))
    assert bands.slices == [slice(0, 2), slice(2, 4), slice(4, 5)]
    np.testing.assert_array_equal(bands.band(1), [[3, 4], [np.nan, np.nan], [13, 14]])
    np.testing.assert_array_equal(bands.band(2), [[5], [np.nan], [15]])


@IN_FILE
def test_bands_that_were_written_are_read_as_a_variable_turned_and_with_gaps_filled(in_file):
    bands = Bands(2, 6, 4, np.dtype("f4"), in_file=in_file)
    bands.put_band(0, np.array([[0, 1, 2, 3], [10, 11, 12, np.nan]]))
    bands.put_band(1, np.array([[4, 5], [14, 15]]))
    variable = read_lazily(bands, (2, 3), ("time", "y", "x"), ("x", "time", "y"), np.float32(-9))
    assert (variable.dims, variable.shape) == (("x", "time", "y"), (3, 2, 2))
    whole = np.array([[[0, 1, 2], [3, 4, 5]], [[10, 11, 12], [-9, 14, 15]]]).transpose(2, 0, 1)
    np.testing.assert_array_equal(variable.values, whole)
    np.testing.assert_array_equal(variable[1:, 1].values, whole[1:, 1])
    np.testing.assert_array_equal(variable[np.array([2, 0]), :, 0].values, whole[[2, 0], :, 0])


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 10), st.booleans(), st.randoms())
def test_what_is_put_in_any_order_comes_back_as_it_was(steps, cells, width, in_file, random):
    values = np.arange(steps * cells, dtype="f8").reshape(steps, cells)
    bands = Bands(steps, cells, width, values.dtype, in_file=in_file)
    order = random.sample(range(steps), steps)
    cut = random.randint(0, steps)
    for part in (np.array(sorted(order[:cut]), dtype=np.intp), np.array(sorted(order[cut:]), dtype=np.intp)):
        bands.put_steps(part, values[part])
    np.testing.assert_array_equal(bands.steps(0, steps), values)
