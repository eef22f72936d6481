"""Levels in every notation, and their units."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.inputs.levels import Levels, convert, parse_levels, quantity_of, same_level

type Complaint = Callable[[Callable[[object], object], object], str]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("850", Levels(values=(850.0,))),
        (850, Levels(values=(850.0,))),
        (0.5, Levels(values=(0.5,))),
        ("1000,850,500 hPa", Levels(values=(1000.0, 850.0, 500.0), unit="hPa")),
        ("1000 hPa, 850 hPa", Levels(values=(1000.0, 850.0), unit="hPa")),
        ("850hPa", Levels(values=(850.0,), unit="hPa")),
        ("850/500 hPa", Levels(span=(500.0, 850.0), unit="hPa")),
        ("500/850 hPa", Levels(span=(500.0, 850.0), unit="hPa")),
        ("0/50 m", Levels(span=(0.0, 50.0), unit="m")),
        ("-5.5/1e2", Levels(span=(-5.5, 100.0))),
        ("5,5,10", Levels(values=(5.0, 10.0))),
        ([1000, 850], Levels(values=(1000.0, 850.0))),
    ],
)
def test_each_notation_is_read(value: object, expected: Levels) -> None:
    assert parse_levels(value) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "does not name levels"),
        ("surface", "does not name levels"),
        ("850;500", "does not name levels"),
        ("850/", "does not name levels"),
        ("1/2/3", "does not name levels"),
        ("1,2/3", "does not name levels"),
        (",".join(["1"] * 1001), "does not name levels"),
        (True, "does not name levels"),
        ({}, "does not name levels"),
        ([], "does not name levels"),
        ("NaN", "does not name levels"),
        ("1e999", "not a finite number"),
        (float("nan"), "not a finite number"),
        ("850 hPa, 10 m", "mixes the units hPa and m"),
    ],
)
def test_what_names_no_levels_is_refused(value: object, said: str, complaint: Complaint) -> None:
    assert said in complaint(parse_levels, value)


@pytest.mark.parametrize(
    ("number", "source", "target", "expected"),
    [
        (850.0, "hPa", "Pa", 85000.0),
        (850.0, "mbar", "hPa", 850.0),
        (1.5, "km", "m", 1500.0),
        (7.0, None, "m", 7.0),
        (7.0, "sigma", "Sigma", 7.0),
        (850.0, "hPa", "m", None),
        (850.0, "hPa", "1", None),
    ],
)
def test_units_are_converted_where_they_can_be(
    number: float, source: str | None, target: str | None, expected: float | None
) -> None:
    converted = convert(number, source, target)
    assert converted == (None if expected is None else pytest.approx(expected))


def test_it_is_known_what_a_unit_measures() -> None:
    assert [quantity_of(unit) for unit in ("hPa", "metres", "1", None)] == ["pressure", "length", None, None]


def test_levels_are_the_same_within_a_thousandth() -> None:
    assert same_level(85000.0, 85080.0)
    assert not same_level(85000.0, 85100.0)
    assert same_level(0.0, 0.0)
    assert not same_level(0.0, 0.1)


NUMBERS = st.floats(-1e6, 1e6)


@given(
    st.one_of(
        st.builds(
            lambda values: Levels(values=tuple(dict.fromkeys(values))), st.lists(NUMBERS, min_size=1, max_size=5)
        ),
        st.builds(lambda ends: Levels(span=(min(ends), max(ends)), unit="hPa"), st.tuples(NUMBERS, NUMBERS)),
    )
)
def test_levels_are_read_as_they_are_written(levels: Levels) -> None:
    assert parse_levels(levels.as_text()) == levels
