"""Arrays that are laid aside."""

import numpy as np
import pytest

from gaia_processes.shared.aside import let_go, make_array, read_lazily


@pytest.mark.parametrize("in_file", [False, True])
def test_what_is_laid_aside_comes_back_turned_and_with_gaps_filled(in_file):
    array = make_array((2, 3), np.float32, in_file=in_file)
    array[:] = [[1, 2, np.nan], [4, 5, 6]]
    let_go(array)
    variable = read_lazily(array, ("time", "x"), ("x", "time"), np.float32(-9))
    assert variable.dims == ("x", "time")
    assert variable.values.tolist() == [[1, 4], [2, 5], [-9, 6]]
    assert variable[1:, 0].values.tolist() == [2, -9]
    assert variable[np.array([2, 0])].values.tolist() == [[-9, 6], [1, 4]]


def test_a_view_of_an_array_in_a_file_is_one_that_can_be_let_go():
    array = make_array((2, 3), np.float64, in_file=True)
    view = np.moveaxis(array, 0, -1)
    view[...] = 7.0
    let_go(view)
    assert view.tolist() == [[7.0, 7.0]] * 3
