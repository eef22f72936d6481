import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_workers.contract import Words
from gaia_workers.progress import Throttled, Track


class Told:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.percents: list[int] = []

    def progress(self, percent: int, words: Words | None = None) -> None:
        self.percents.append(percent)


def test_what_computes_while_it_is_written_has_the_whole_way_for_writing() -> None:
    said = Told()
    writing = Track(said).writing(0, 1)
    for done in (0, 1, 2):
        writing(done, 2)
    assert said.percents == [0, 49, 99]


def test_what_reports_on_its_computing_has_most_of_the_way_for_it_and_each_output_a_part_of_the_rest() -> None:
    said = Told()
    track = Track(said)
    track.computing(1, 2)
    track.computing(2, 2)
    for at in (0, 1):
        track.writing(at, 2)(1, 1)
    assert said.percents == [45, 90, 94, 99]


@pytest.mark.parametrize(("done", "total"), [(1, 0), (0, 0), (-3, 10)])
def test_work_of_which_nothing_is_known_is_none(done: float, total: float) -> None:
    said = Told()
    Track(said).computing(done, total)
    assert said.percents == [0]


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20), st.floats(0, 10)), max_size=12))
def test_it_never_goes_back_and_never_says_that_all_is_done(steps: list[tuple[bool, float, float]]) -> None:
    said = Told()
    track = Track(said)
    for computing, done, total in steps:
        (track.computing if computing else track.writing(0, 1))(done, total)
    assert said.percents == sorted(said.percents)
    assert all(0 <= percent <= 99 for percent in said.percents)


def test_it_is_passed_on_when_there_is_time_to_read_it_and_never_goes_back() -> None:
    said, now = Told(), [0.0]
    throttled = Throttled(said, clock=lambda: now[0])
    for moment, value in ((0.0, 1), (0.1, 2), (0.3, 3), (0.6, 2), (0.9, 4)):
        now[0] = moment
        throttled.progress(value)
    assert said.percents == [3, 4]
