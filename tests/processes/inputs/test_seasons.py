"""Seasons as people write them."""

import pytest

from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.seasons import parse_season


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("DJF", (12, 1, 2)),
        ("jjas", (6, 7, 8, 9)),
        ("NDJFM", (11, 12, 1, 2, 3)),
        ("6-9", (6, 7, 8, 9)),
        ("12-2", (12, 1, 2)),
        (7, (7,)),
        ("JFMAMJJASOND", tuple(range(1, 13))),
    ],
)
def test_a_season_is_a_row_of_months(text, months):
    assert parse_season(text).months == months


@pytest.mark.parametrize("text", ["XYZ", "13", "0-3", "", "DJFMAMJJASONDJ", None, 2.5, True])
def test_what_is_no_season_is_refused(text):
    with pytest.raises(BadValue, match="is no season"):
        parse_season(text)


def test_initials_of_several_rows_are_named():
    with pytest.raises(BadValue, match="write 1-1 or 6-6 or 7-7"):
        parse_season("J")


def test_a_season_across_the_year_has_the_year_of_its_january():
    winter = parse_season("DJF")
    assert (winter.year_of(2000, 12), winter.year_of(2001, 1)) == (2001, 2001)
    assert parse_season("MAM").year_of(2000, 3) == 2000
