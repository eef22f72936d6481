from itertools import product

import pytest

from gaia_server.jobs.states import MOVES, UNFINISHED, State, sources

LEGAL = {
    ("accepted", "running"), ("accepted", "failed"), ("accepted", "dismissed"),
    ("running", "successful"), ("running", "failed"), ("running", "dismissed"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_the_table_holds_the_six_legal_moves_and_no_other(source: State, target: State) -> None:
    assert (target in MOVES[source]) == ((source.value, target.value) in LEGAL)


def test_a_final_state_is_one_that_nothing_follows() -> None:
    assert {state for state in State if state.final} == {State.SUCCESSFUL, State.FAILED, State.DISMISSED}
    assert {State.ACCEPTED, State.RUNNING} == UNFINISHED


def test_success_comes_from_running_alone() -> None:
    assert sources(State.SUCCESSFUL) == {State.RUNNING}
