"""The states of a job and the moves between them: one table, no exceptions."""

from enum import StrEnum


class State(StrEnum):
    """The five states of OGC API - Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return not MOVES[self]


MOVES: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.RUNNING, State.FAILED, State.DISMISSED}),
    State.RUNNING: frozenset({State.SUCCESSFUL, State.FAILED, State.DISMISSED}),
    State.SUCCESSFUL: frozenset(),
    State.FAILED: frozenset(),
    State.DISMISSED: frozenset(),
}

UNFINISHED = frozenset(state for state in State if MOVES[state])


def sources(target: State) -> frozenset[State]:
    """Find the states from which `target` may be reached."""
    return frozenset(state for state, targets in MOVES.items() if target in targets)
