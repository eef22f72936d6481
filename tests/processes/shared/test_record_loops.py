import numpy as np
import pytest

from gaia_processes.shared.record_loops import FINE, Seen, cells_of_degrees, judge_places, make_marks, read_only

MISSING, BEYOND, ZERO, EQUAL, FAR = 0, 1, 2, 3, 4


def judged(x, y, *, radius_deg=0.0, beyond=BEYOND, before=FINE):
    reasons = np.array([before], np.uint8)
    places = read_only(np.array([x])), read_only(np.array([y]))
    judge_places(reasons, *places, MISSING, beyond, ZERO, EQUAL, FAR, radius_deg)
    return int(reasons[0])


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (2.5, 48.5, FINE),
        (np.nan, 48.5, MISSING),
        (np.nan, 123.0, MISSING),
        (180.5, 0.0, BEYOND),
        (91.0, 91.0, BEYOND),
        (0.0, -0.0, ZERO),
        (7.0, 7.0, EQUAL),
    ],
)
def test_a_place_is_judged_by_the_first_thing_that_is_wrong_with_it(x, y, reason):
    assert judged(x, y) == reason


def test_what_was_wrong_before_counts_where_it_counts_sooner():
    assert judged(7.0, 7.0, before=ZERO) == ZERO
    assert judged(7.0, 7.0, before=FAR) == EQUAL


def test_longitudes_to_360_can_be_put_somewhere_where_nobody_asks_for_more():
    assert [judged(x, 0.0, beyond=FINE) for x in (359.0, 361.0)] == [FINE, FAR]


def test_near_to_zero_is_in_a_circle():
    assert [judged(x, 3.0, radius_deg=5.0) for x in (4.0, 4.1)] == [ZERO, FINE]


def marks_of(species, x, y, dates=()):
    marks = np.empty(len(species), np.uint64)
    bits = [read_only(np.array(each).view(np.uint64)) for each in (x, y)]
    make_marks(marks, read_only(np.array(species, np.int32)), *bits, read_only(np.array(dates, np.uint64)))
    return marks.tolist()


def test_records_have_one_mark_where_species_place_and_date_are_the_same():
    first, same, species, place, swapped = marks_of(
        [0, 0, 1, 0, 0], [0.0, -0.0, 0.0, 1.0, 2.0], [2.0, 2.0, 2.0, 2.0, 0.0]
    )
    assert first == same
    assert len({first, species, place, swapped}) == 4
    early, late = marks_of([0, 0], [1.0, 1.0], [2.0, 2.0], [7, 8])
    assert early != late


def test_no_place_is_the_same_whatever_bits_say_so():
    assert len(set(marks_of([0, 0], [np.nan, -np.nan], [1.0, 1.0]))) == 1


def test_a_mark_that_came_before_is_known_however_many_came_since():
    marks = np.random.default_rng(0).permutation(200_000).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        1
    )
    seen = Seen(expected=0)
    for part in np.split(marks, 4):
        reasons = np.full(len(part), FINE, np.uint8)
        seen.judge(reasons, part, 9)
        assert (reasons == FINE).all()
    reasons = np.full(len(marks), FINE, np.uint8)
    reasons[0] = 3
    seen.judge(reasons, marks, 9)
    assert reasons[0] == 3
    assert (reasons[1:] == 9).all()


def test_the_first_of_equal_records_stays_and_one_that_is_wrong_hides_none():
    reasons = np.array([3, FINE, FINE], np.uint8)
    Seen(3).judge(reasons, np.array([5, 5, 5], np.uint64), 9)
    assert reasons.tolist() == [3, FINE, 9]


def test_cells_are_half_open_and_longitudes_turn():
    units = np.empty(5, np.int64)
    longitude = read_only(np.array([-180.0, 180.0, 540.0, 179.9, np.nan]))
    cells_of_degrees(units, longitude, read_only(np.array([0.0, 0.0, 0.0, -0.1, 0.0])), 1.0, 9, 256)
    assert [(unit & 511) - 256 for unit in units[:4]] == [-180, -180, -180, 179]
    assert [(unit >> 9) - 256 for unit in units[:4]] == [0, 0, 0, -1]
    assert units[4] == -1
