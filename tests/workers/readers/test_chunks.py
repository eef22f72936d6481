"""Chunks that are handed over: prepared side by side, taken one after the other."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gaia_workers.readers.chunks import hand_over


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.mark.parametrize("chunk_bytes", [1, 2**18, 2**30], ids=["in batches", "two at a time", "one after the other"])
def test_chunks_are_taken_in_their_order_whichever_is_prepared_first(
    pool: ThreadPoolExecutor, chunk_bytes: int
) -> None:
    taken: list[tuple[int, int]] = []

    def prepare(job: int) -> int:
        time.sleep(0.002 * (job % 3))
        return 10 * job

    hand_over(
        pool, list(range(40)), prepare, lambda number, made: taken.append((number, made)), chunk_bytes=chunk_bytes
    )
    assert taken == [(number, 10 * number) for number in range(40)]


def test_a_chunk_that_cannot_be_prepared_is_the_end_for_all(pool: ThreadPoolExecutor) -> None:
    taken: list[int] = []

    def prepare(job: int) -> int:
        if job == 20:
            raise ValueError("a damaged chunk")
        return job

    with pytest.raises(ValueError, match="damaged"):
        hand_over(pool, list(range(40)), prepare, lambda number, _: taken.append(number), chunk_bytes=2**19)
    assert taken == list(range(len(taken)))
    assert len(taken) <= 20
    assert pool.submit(lambda: 1).result(timeout=1) == 1
