"""What Prometheus is told, read with its own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gaia_server.errors import StoreDown
from gaia_workers.contract import Load


@pytest.fixture
def scrape(client):
    def take():
        answer = client.get("/metrics")
        assert answer.status_code == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return take


def test_jobs_are_counted_by_state_and_states_without_jobs_are_zero(scrape, desk):
    desk.accept("message")
    desk.finish(desk.accept("message"), message=b"hi")
    figures = scrape()
    counts = {
        state: figures["gaia_jobs", state] for state in ("accepted", "running", "successful", "failed", "dismissed")
    }
    assert counts == {"accepted": 1, "running": 0, "successful": 1, "failed": 0, "dismissed": 0}
    assert figures["gaia_outbox_messages",] == 1  # the order of what has ended is gone
    assert figures["gaia_oldest_waiting_seconds",] >= 0


def test_nothing_waits_in_an_empty_store(scrape):
    assert scrape()["gaia_oldest_waiting_seconds",] == 0


def test_each_centre_tells_its_queues_and_slots(scrape, submission):
    submission.loads_now = {
        "theia": Load(alive=True, slots=4, running=3, waiting={"interactive": 7, "batch": 0}),
        "climeri": Load(alive=False),
    }
    figures = scrape()
    assert (figures["gaia_centre_up", "theia"], figures["gaia_centre_up", "climeri"]) == (1, 0)
    assert (figures["gaia_centre_running", "theia"], figures["gaia_centre_slots", "theia"]) == (3, 4)
    assert figures["gaia_queue_waiting", "theia", "interactive"] == 7


def test_without_the_store_there_are_no_figures(client, services, monkeypatch):
    def down():
        raise StoreDown

    monkeypatch.setattr(services.store, "count_by_state", down)
    assert client.get("/metrics").status_code == 503
