"""How long works take, measured."""

import pytest

from gaia_server.jobs.paces import Pace, seconds_of
from gaia_workers.contract import Kind, Receipt, Report, Result


def pace(*seen: tuple[float, float]) -> Pace:
    """Make the pace of works from estimates and times, s, all of one weight."""
    return Pace(
        weight=len(seen),
        estimated=sum(cost for cost, _ in seen),
        took=sum(took for _, took in seen),
        estimated_squared=sum(cost**2 for cost, _ in seen),
        product=sum(cost * took for cost, took in seen),
    )


@pytest.mark.parametrize(
    ("seen", "cost_s", "expected"),
    [
        pytest.param(((1, 3), (2, 5)), 4, 9.0, id="1 + 2 * 4"),
        pytest.param(((1, 3), (1, 3)), 2, 4.0, id="no spread: as much more as is estimated"),
        pytest.param(((0, 0.25), (0, 0.75)), 0, 0.5, id="the mean"),
        pytest.param(((1, 5), (2, 4)), 9, 4.5, id="what takes less the more is estimated takes the mean"),
        pytest.param(((9, 1), (9, 1)), 0, 0.001, id="nothing takes no time"),
    ],
)
def test_times_lie_on_a_straight_line_over_estimates(seen, cost_s, expected):
    assert pace(*seen).seconds(cost_s) == pytest.approx(expected)


def test_without_a_measurement_the_estimate_counts():
    assert seconds_of(None, 2.0) == pytest.approx(2.1)


def test_what_ends_well_is_measured_by_centre_lane_and_process(store, make_job):
    for _ in range(2):
        job = store.accept(make_job(cost_s=2.0))
        for kind, result in ((Kind.STARTED, None), (Kind.FINISHED, Result(outputs=(), receipt=Receipt()))):
            report = Report(job_id=job.id, part=0, attempt=1, centre="climeri", kind=kind, result=result)
            store.apply([report], attempts=1)
    ((place, seen),) = store.lanes.paces().items()
    assert place == ("climeri", "interactive", "echo")
    assert seen.weight == pytest.approx(1.98)
    assert seen.estimated == pytest.approx(3.96)
