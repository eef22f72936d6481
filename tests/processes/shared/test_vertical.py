"""Levels: units and which of them are meant."""

import numpy as np
import pytest

from gaia_processes.errors import SelectionEmpty
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.vertical import VerticalAxis, find_factor, fits, select_levels


def axis(values, unit="hPa", positive="down"):
    return VerticalAxis(name="plev", dim="plev", values=np.asarray(values, "f8"), unit=unit, positive=positive)


@pytest.mark.parametrize(
    ("unit", "into", "factor"),
    [("hPa", "Pa", 100), ("mbar", "hPa", 1), ("km", "m", 1000), ("m", "meters", 1), ("level", "Level", 1)],
)
def test_units_that_can_be_compared(unit, into, factor):
    assert find_factor(unit, into) == pytest.approx(factor)


@pytest.mark.parametrize(("unit", "into"), [("hPa", "m"), ("m", "1"), ("furlong", "m")])
def test_units_that_cannot(unit, into):
    assert find_factor(unit, into) is None
    assert not fits(axis([1], into), Levels(values=(1,), unit=unit))


@pytest.mark.parametrize("span", [(500, 850), (499.9999, 850.0001)])
def test_a_range_is_closed(span):
    assert select_levels(axis([1000, 850, 700, 500, 250]), Levels(span=span)).tolist() == [1, 2, 3]


def test_each_level_once_in_the_order_of_the_source():
    assert select_levels(axis([1000, 850, 500]), Levels(values=(500, 1000, 1000.5))).tolist() == [0, 2]


def test_one_level_that_is_missing_is_an_error_though_others_are_there():
    with pytest.raises(SelectionEmpty, match="no level 600 hPa"):
        select_levels(axis([1000, 850, 500]), Levels(values=(500, 600)))


def test_the_surface_is_zero():
    assert select_levels(axis([0, 10], "m"), Levels(values=(0,))).tolist() == [0]


def test_many_levels_are_not_all_listed():
    with pytest.raises(SelectionEmpty, match=r"49, … m\.") as caught:
        select_levels(axis(range(1000), "m"), Levels(values=(-1,)))
    assert len(caught.value.text.en) < 400
