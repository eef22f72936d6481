import pytest

from gaia_server.errors import StoreDown
from gaia_workers.contract import Load


def test_a_live_process_says_so(client):
    assert client.get("/health/live").get_json() == {"status": "live"}


def test_all_is_well(client):
    told = client.get("/health/ready").get_json()
    assert told == {"status": "ready", "store": "up", "centres": {"theia": "up", "climeri": "up"}, "reasons": []}


def test_one_centre_away_is_said_but_work_goes_on(client, submission):
    submission.loads_now["climeri"] = Load(alive=False, trouble=("the results folder cannot be written",))
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.get_json()["reasons"] == ["climeri: the results folder cannot be written"]


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (Load(alive=False, reachable=False), "broker does not answer"),
        (Load(alive=False), "no worker gives a sign of life"),
    ],
)
def test_without_any_centre_nothing_can_be_done(client, submission, load, reason):
    submission.loads_now = {"theia": load, "climeri": load}
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert reason in answer.get_json()["reasons"][0]
    assert client.get("/health").status_code == 200


def test_without_the_store_nothing_can_be_done(client, services, monkeypatch):
    def down():
        raise StoreDown

    monkeypatch.setattr(services.store, "ready", down)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["store"]) == (503, "down")
    assert client.get("/health/live").status_code == 200
