"""Numbers as clients send them."""

from collections.abc import Callable

import pytest

from gaia_processes.inputs.number import read_number, read_whole

type Complaint = Callable[[Callable[[object], object], object], str]


@pytest.mark.parametrize(
    ("value", "expected"), [(2.5, 2.5), ("2.5", 2.5), (" -1e3 ", -1000.0), (".5", 0.5), (7, 7), ("7", 7), ("+7", 7)]
)
def test_numbers_are_read_also_from_text(value: object, expected: float) -> None:
    number = read_number(value)
    assert number == expected
    assert type(number) is type(expected)


@pytest.mark.parametrize(
    "value", ["NaN", "inf", "-Infinity", "2,5", "0x10", "1_000", "", "½", True, None, [1], {}, "1" * 5000]
)
def test_what_is_no_number_is_refused(value: object, complaint: Complaint) -> None:
    assert "is not a number" in complaint(read_number, value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1e999", 10**400])
def test_what_is_not_finite_is_refused(value: object, complaint: Complaint) -> None:
    assert "is not a finite number" in complaint(read_number, value)


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), (3.0, 3), ("-3.0", -3)])
def test_whole_numbers_are_read(value: object, expected: int) -> None:
    assert read_whole(value) == expected


def test_nobody_is_told_to_write_a_whole_number_with_a_point(complaint: Complaint) -> None:
    assert "write it with a decimal point, as 2.5" in complaint(read_number, "two")
    assert "write it in digits alone, as 25" in complaint(read_whole, "two")


@pytest.mark.parametrize("value", [2.5, "2.5", 1e300])
def test_a_fraction_is_no_whole_number(value: object, complaint: Complaint) -> None:
    assert "is not a whole number" in complaint(read_whole, value)
