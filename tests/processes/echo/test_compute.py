"""Echo gives back what it is sent."""

import time

import pytest

from gaia_processes.echo.compute import compute
from gaia_processes.inputs.bbox import CRS84, SentBbox


def ignore(_done: float, _total: float) -> None:
    """Hear progress and do nothing."""


def test_what_was_sent_comes_back() -> None:
    sent = compute(message="hello", values=(1, 2), area=SentBbox(numbers=(1, 2, 3, 4)), progress=ignore)
    assert sent == {"message": "hello", "values": [1, 2], "area": {"bbox": [1, 2, 3, 4], "crs": CRS84}}


def test_outputs_without_an_input_are_left_out() -> None:
    assert compute(message="", progress=ignore) == {"message": ""}
    assert compute(message="m", values=(), progress=ignore) == {"message": "m", "values": []}


def test_a_pause_is_waited_for_in_short_steps() -> None:
    heard: list[tuple[float, float]] = []
    start = time.monotonic()
    compute(message="m", pause=0.25, progress=lambda done, total: heard.append((done, total)))
    assert time.monotonic() - start >= 0.25
    assert [done for done, _ in heard] == pytest.approx([0.25 / 3, 0.5 / 3, 0.25])
    assert {total for _, total in heard} == {0.25}


def test_without_a_pause_it_answers_at_once() -> None:
    heard: list[float] = []
    compute(message="m", pause=0.0, progress=lambda done, _total: heard.append(done))
    assert heard == []
