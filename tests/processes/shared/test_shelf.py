"""Arrays that are needed again."""

import numpy as np
import pytest

from gaia_processes.shared.shelf import Shelf


@pytest.mark.parametrize("in_memory_bytes", [0, 100, 2**20])
def test_what_is_put_is_found_wherever_it_lies(in_memory_bytes):
    shelf = Shelf(in_memory_bytes)
    arrays = {at: np.arange(at, at + 6.0).reshape(2, 3) for at in range(5)} | {9: np.float64(3)}
    for name, array in arrays.items():
        shelf.put(name, array)
    for name, array in arrays.items():
        assert name in shelf
        np.testing.assert_array_equal(shelf.get(name), array)
    assert 7 not in shelf
