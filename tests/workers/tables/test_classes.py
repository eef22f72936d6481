import numpy as np
import pytest

from gaia_workers.tables.classes import classify, find_breaks


def test_classes_hold_about_as_many_numbers_each():
    numbers = np.concatenate([np.arange(99.0), [10_000.0]])  # one that is far off
    breaks = find_breaks(numbers)
    counts = np.histogram(numbers, breaks)[0]
    assert (len(counts), counts.min() >= 13, counts.max() <= 16) == (7, True, True)


@pytest.mark.parametrize("numbers", [[281.53, 290.17, 300.0], [-1e-9, 0, 1e-9], [0.0, 1e12], [1, 1, 1, 2]])
def test_every_number_lies_in_a_class(numbers):
    breaks = find_breaks(np.array(numbers, dtype=float))
    assert breaks == sorted(set(breaks))
    assert breaks[0] <= min(numbers)
    assert max(numbers) <= breaks[-1]


def test_numbers_that_are_all_the_same_are_one_class():
    (only,) = classify(np.array([5.0, 5.0, np.nan]), "mm")
    assert (only.low, only.high, only.label) == (5, 5, "5 … 5 mm")


def test_without_numbers_there_are_no_classes():
    assert classify(np.array([np.nan])) == ()
