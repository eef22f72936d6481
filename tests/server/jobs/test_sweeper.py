"""What a turn of the sweeper does, and how often it compares."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gaia_config.settings import Settings
from gaia_server.jobs.records import Keeping
from gaia_server.jobs.retention import Forgotten
from gaia_server.jobs.sweeper import COMPARE_S, Sweeper


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Own:
    compared = 0

    def sweep(self) -> None:
        self.compared += 1


@pytest.fixture
def sweeper(services, tmp_path):
    def make(**limits):
        clock, own = Clock(), Own()
        centres = {id: replace(each, quota_bytes=limits.pop("quota", None)) for id, each in services.centres.items()}
        settings = Settings(home=tmp_path / "home", **limits)
        made = Sweeper(settings=settings, retention=services.store.retention, centres=centres, own=own, clock=clock)
        return made, clock, own

    return make


def test_it_lets_go_what_has_expired_and_forgets_what_is_old(sweeper, desk, services):
    services.store._kept_for = timedelta(0)
    job = desk.finish(desk.accept("message"), message=b"hello")
    it, _, _ = sweeper()
    it.sweep()
    assert services.store.find(job.id, owner="anonymous").keeping is Keeping.EXPIRED
    sweeper(job_lifetime_s=1e-6)[0].sweep()
    assert services.store.find(job.id, owner="anonymous") is None


def test_what_is_young_and_small_stays(sweeper, desk, services):
    job = desk.finish(desk.accept("message"), message=b"hello")
    sweeper(quota=1)[0].sweep()
    assert services.store.find(job.id, owner="anonymous").keeping is Keeping.KEPT
    assert services.store.retention.would_forget(job.created) == Forgotten()


def test_it_compares_the_store_at_once_and_then_every_hour(sweeper):
    it, clock, own = sweeper()
    for now_s, times in ((0.0, 1), (COMPARE_S - 1, 1), (COMPARE_S, 2)):
        clock.now_s = now_s
        it.sweep()
        assert own.compared == times
