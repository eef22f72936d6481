"""Scenario 19: the clocks of a centre are an hour off."""

from collections.abc import Callable
from datetime import datetime

import pytest

from rig import Rig


@pytest.mark.parametrize(
    ("ahead_s", "pushing"), [(3600, ()), (-3600, ("north",))], ids=["ahead, serves", "behind, pushes"]
)
def test_scenario_19_a_centre_whose_clocks_are_an_hour_off_loses_no_lease_and_serves_its_results(
    other_rig: Callable[..., Rig], ahead_s: int, pushing: tuple[str, ...]
) -> None:
    """Jobs must have ended within half an hour, so that a worker that goes by its own clock refuses them all."""
    wrong = {"TEST_CLOCK_AHEAD_S": str(ahead_s)}
    rig = other_rig(
        webs=("a",),
        more={"GAIA_JOB_DEADLINE_S": "1800"},
        own={"worker north": wrong, "depot north": wrong},
        pushing=pushing,
    )
    job = rig.submit("busy", {"seconds": 4, "mark": f"19 {ahead_s}"})
    end = rig.end_of(job)
    assert (end["status"], end["gaia:attempt"]) == ("successful", 1)
    lasted = datetime.fromisoformat(end["finished"]) - datetime.fromisoformat(end["started"])
    assert 3 <= lasted.total_seconds() <= 10
    written = rig.submit("write", {"megabytes": 1, "seed": 19})
    assert rig.end_of(written)["status"] == "successful", rig.problem(written)
    assert len(rig.result(written)) > 2**20
