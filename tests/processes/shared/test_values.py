"""Numbers as stored, and as meant."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.shared.values import fill_of, find_missing, is_surely_whole, read_numbers, with_room_for_missing


def test_packed_values_are_unpacked_and_marks_become_nan():
    packed = xr.Variable(
        "x", np.int16([0, 10, -9]), {"scale_factor": 0.5, "add_offset": 1.0, "_FillValue": np.int16(-9)}
    )
    np.testing.assert_array_equal(read_numbers(packed), [1, 6, np.nan])


def test_float32_axes_mean_their_shortest_text():
    assert read_numbers(xr.Variable("x", np.float32([359.9, 0.1]))).tolist() == [359.9, 0.1]


def test_every_mark_and_what_is_not_finite_is_missing():
    values = np.array([1.0, np.nan, np.inf, -8.0, -9.0])
    assert find_missing(values, {"_FillValue": -8.0, "missing_value": [-9.0, -10.0]}).tolist() == [False] + [True] * 4


@pytest.mark.parametrize("mark", [np.float64(1e20), np.float64(0.1)])
def test_a_mark_in_double_precision_means_what_single_precision_makes_of_it(mark):
    values, attrs = np.array([mark, 280], dtype="f4"), {"missing_value": mark}
    assert not is_surely_whole(values, attrs)
    assert find_missing(values, attrs).tolist() == [True, False]


def test_text_has_no_numbers():
    assert np.isnan(read_numbers(xr.Variable("x", np.array(["a", "b"], dtype=object)))).all()


@pytest.mark.parametrize(
    ("kind", "attrs", "fill"),
    [
        ("f4", {"_FillValue": 1e20}, np.float32(1e20)),
        ("f4", {"missing_value": -1.0}, -1),
        ("i2", {}, -32767),
        ("f8", {}, 9.969209968386869e36),
        ("S1", {}, None),
    ],
)
def test_the_value_that_marks_missing_cells(kind, attrs, fill):
    assert fill_of(xr.Variable("x", np.zeros(1, kind), attrs)) == fill


def test_no_value_of_a_byte_becomes_the_mark_of_what_is_missing():
    bytes_ = xr.Variable("x", np.uint8([0, 255]), {"flag_values": np.uint8([255]), "dtype": "bool"})
    made = with_room_for_missing(bytes_)
    assert (made.dtype, made.values.tolist(), made.attrs["_FillValue"]) == ("i2", [0, 255], -32768)
    assert (made.attrs["flag_values"].dtype, "dtype" in made.attrs) == ("i2", False)
    marked = xr.Variable("x", np.uint8([0, 255]), {"_FillValue": np.uint8(0)})
    assert with_room_for_missing(marked) is marked
