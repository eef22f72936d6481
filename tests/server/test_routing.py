import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.process import Estimate
from gaia_server.routing import INTERACTIVE_READ_BYTES, INTERACTIVE_WRITTEN_BYTES, Place, choose_centre, choose_lane
from gaia_workers.contract import Load

LANES = ("interactive", "batch")


def place(name: str, **change: object) -> Place:
    return Place(centre=name, queues=LANES, **change)  # type: ignore[arg-type]  # a test says what it changes


def load(waiting: int = 0, *, running: int = 0, slots: int = 1, alive: bool = True) -> Load:
    return Load(alive=alive, waiting={"interactive": waiting}, running=running, slots=slots)


def test_the_shortest_queue_wins_and_the_reason_says_so() -> None:
    choice = choose_centre(
        (place("climeri"), place("theia")), {"climeri": load(3), "theia": load(1)}, lane="interactive"
    )
    assert choice is not None
    assert choice.centre == "theia"
    assert choice.reason.en == "theia holds the data; of 2 centres its queue is the shortest: 1 job is ahead"


def test_a_queue_is_as_long_as_its_slots_let_it_be() -> None:
    loads = {"climeri": load(4, slots=4), "theia": load(2, slots=1)}
    choice = choose_centre((place("climeri"), place("theia")), loads, lane="interactive")
    assert choice is not None
    assert choice.centre == "climeri"  # 4 / 4 = 1 order a slot, against 2 / 1 = 2


def test_several_jobs_are_ahead_in_both_languages() -> None:
    choice = choose_centre((place("theia"),), {"theia": load(2, running=1)}, lane="interactive")
    assert choice is not None
    assert (choice.reason.en, choice.reason.fr) == (
        "theia holds the data; 3 jobs are ahead",
        "theia détient les données ; 3 tâches devant",
    )


def test_ties_go_by_name() -> None:
    choice = choose_centre((place("theia"), place("climeri")), {"climeri": load(), "theia": load()}, lane="interactive")
    assert choice is not None
    assert choice.centre == "climeri"


def test_a_dead_centre_is_not_chosen_while_another_lives() -> None:
    loads = {"climeri": load(alive=False), "theia": load(9)}
    choice = choose_centre((place("climeri"), place("theia")), loads, lane="interactive")
    assert choice is not None
    assert choice.centre == "theia"


def test_with_all_centres_dead_the_job_waits_and_the_reason_says_for_whom() -> None:
    choice = choose_centre((place("theia"),), {}, lane="interactive")
    assert choice is not None
    assert choice.centre == "theia"
    assert "no sign of life" in choice.reason.en


def test_without_a_place_there_is_no_choice() -> None:
    assert choose_centre((), {"climeri": load()}, lane="interactive") is None


def test_a_process_without_data_is_not_said_to_have_some() -> None:
    choice = choose_centre((place("pndb", holds_data=False),), {"pndb": load()}, lane="interactive")
    assert choice is not None
    assert choice.reason.en == "pndb is up; no job is ahead"


@pytest.mark.parametrize(
    ("bytes_read", "bytes_written", "lane"),
    [
        (INTERACTIVE_READ_BYTES, INTERACTIVE_WRITTEN_BYTES, "interactive"),
        (INTERACTIVE_READ_BYTES + 1, 0, "batch"),
        (0, INTERACTIVE_WRITTEN_BYTES + 1, "batch"),
    ],
)
def test_small_work_is_interactive_and_large_work_goes_to_the_batch_lane(
    bytes_read: int, bytes_written: int, lane: str
) -> None:
    assert choose_lane(Estimate(bytes_read=bytes_read, bytes_written=bytes_written, seconds=1)) == lane


@pytest.mark.parametrize(("lane", "queue"), [("batch", "batch"), ("no-such-lane", "interactive")])
def test_a_centre_without_the_lane_takes_the_work_in_its_first_one(lane: str, queue: str) -> None:
    choice = choose_centre((place("climeri"),), {"climeri": load()}, lane=lane)
    assert choice is not None
    assert choice.queue == queue


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.tuples(st.integers(0, 9), st.integers(1, 4), st.booleans()), min_size=1
    )
)
def test_nobody_alive_has_a_shorter_queue_than_the_chosen(centres: dict[str, tuple[int, int, bool]]) -> None:
    loads = {name: load(waiting, slots=slots, alive=alive) for name, (waiting, slots, alive) in centres.items()}
    choice = choose_centre(tuple(place(name) for name in centres), loads, lane="interactive")
    assert choice is not None
    alive = {name: waiting / slots for name, (waiting, slots, lives) in centres.items() if lives}
    if alive:
        assert alive[choice.centre] == min(alive.values())
