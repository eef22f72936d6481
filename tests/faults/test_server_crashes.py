"""Scenarios 1 to 11 of the server's side: servers, recorder, broker and store die, vanish or hang."""

import pytest

from rig import Rig


@pytest.mark.smoke
def test_scenario_06_an_emptied_broker_loses_no_job(rig: Rig) -> None:
    running = [rig.submit("busy", {"seconds": 3, "mark": f"06 long {number}"}) for number in range(2)]
    for job in running:
        rig.wait_for(job, "running")
    queued = rig.submit_all("busy", [{"seconds": 0.1, "mark": f"06 {number}"} for number in range(50)])
    with rig.broker() as broker:
        broker.flushall()
    assert rig.ends_of([*running, *queued], limit_s=60) == {"successful": 52}
    assert [rig.result(job) for job in queued] == [f"busy 06 {number}" for number in range(50)]
    assert {rig.status(job)["gaia:attempt"] for job in running} == {1}
