"""What several ask for at the same moment is done in one go, and each hears of its own alone."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_server.errors import StoreDown
from gaia_server.jobs.together import Together


class Doubler:
    """Doubles numbers; holds the first go until the test lets it end."""

    def __init__(self) -> None:
        self.goes: list[list[int]] = []
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.goes.append(list(numbers))
        if len(self.goes) == 1:
            self.begun.set()
            self.may_end.wait(10)
        if -1 in numbers:
            raise ValueError("-1 is not doubled")
        if -2 in numbers:
            raise StoreDown
        return [2 * number for number in numbers]


def answer(ask: Callable[[int], int], number: int) -> object:
    try:
        return ask(number)
    except (ValueError, StoreDown) as error:
        return type(error)


def ask_all(doubler: Doubler, numbers: Sequence[int], *, most: int = 16) -> list[object]:
    """Ask for the first number, and for the others while it is being done."""
    together = Together(doubler, most=most)
    with ThreadPoolExecutor(len(numbers)) as threads:
        asked = [threads.submit(answer, together.ask, numbers[0])]
        assert doubler.begun.wait(10)
        for place, number in enumerate(numbers[1:], start=1):
            asked.append(threads.submit(answer, together.ask, number))
            while len(together._waiting) < place:  # so that they come in this order
                time.sleep(0.001)
        doubler.may_end.set()
        return [each.result(10) for each in asked]


def test_what_comes_while_another_is_done_is_done_in_one_go() -> None:
    doubler = Doubler()
    assert ask_all(doubler, [1, 2, 3, 4]) == [2, 4, 6, 8]
    assert doubler.goes == [[1], [2, 3, 4]]


def test_no_more_are_done_at_once_than_may_be() -> None:
    doubler = Doubler()
    assert ask_all(doubler, [1, 2, 3, 4], most=2) == [2, 4, 6, 8]
    assert doubler.goes == [[1], [2, 3], [4]]


def test_a_mistake_is_told_to_whoever_made_it_alone() -> None:
    doubler = Doubler()
    assert ask_all(doubler, [1, 2, -1, 4]) == [2, 4, ValueError, 8]
    assert doubler.goes == [[1], [2, -1, 4], [2], [-1], [4]]


def test_a_store_that_is_down_is_down_for_all_who_wait() -> None:
    doubler = Doubler()
    assert ask_all(doubler, [-2, 2, 3]) == [StoreDown, StoreDown, StoreDown]
    assert doubler.goes == [[-2]]


def test_what_a_thread_leaves_that_is_ended_in_the_middle_is_done_by_the_next() -> None:
    doubler, ends = Doubler(), iter([KeyboardInterrupt])
    doubler.may_end.set()

    def do(numbers: Sequence[int]) -> list[int]:
        for error in ends:
            raise error
        return doubler(numbers)

    together = Together(do)
    with pytest.raises(KeyboardInterrupt):
        together.ask(1)
    assert together.ask(2) == 4
    assert doubler.goes == [[1, 2]]


@given(st.lists(st.integers(0, 9) | st.just(-1), min_size=1, max_size=8), st.integers(1, 4))
def test_everybody_gets_what_belongs_to_him(numbers: list[int], most: int) -> None:
    expected = [ValueError if number == -1 else 2 * number for number in numbers]
    assert ask_all(Doubler(), numbers, most=most) == expected
