"""Years as people write them."""

import pytest

from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.years import Years, parse_years


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [("1981/2010", 1981, 2010), ("2001", 2001, 2001), (2001, 2001, 2001), (" 0850/0999 ", 850, 999)],
)
def test_years_are_read_and_written_as_the_same(value, first, last):
    years = parse_years(value)
    assert years == Years(first=first, last=last)
    assert parse_years(years.as_text()) == years


@pytest.mark.parametrize("value", ["1981-2010", "1981/", "81/10", "", None, True, ["1981"]])
def test_what_are_no_years_is_refused(value):
    with pytest.raises(BadValue, match="are no years"):
        parse_years(value)


def test_the_earlier_year_comes_first():
    with pytest.raises(BadValue, match="ends before it begins"):
        parse_years("2010/1981")
