from gaia_workers.contract import Load


def test_each_centre_says_how_it_is_and_what_it_holds(client, submission):
    load = Load(
        alive=True,
        waiting={"interactive": 3},
        running=1,
        slots=2,
        running_in={"interactive": 1},
        slots_in={"interactive": 2},
    )
    submission.loads_now = {"theia": load}
    theia, climeri = client.get("/centres").get_json()["centres"]
    assert theia["id"] == "theia"
    assert (theia["up"], theia["waiting"], theia["running"], theia["slots"]) == (True, {"interactive": 3}, 1, 2)
    assert theia["lanes"] == {"interactive": {"waiting": 3, "running": 1, "slots": 2}}
    assert theia["load"] == 0.5
    assert theia["datasets"] == ["tas-monthly"]
    assert (climeri["up"], climeri["reachable"], climeri["datasets"]) == (False, False, [])


def test_nothing_secret_is_told(client):
    told = client.get("/centres").get_data(as_text=True)
    assert not [word for word in ("redis", "kkkk", "/home", "catalog.json") if word in told]


def test_one_centre_is_shown(client):
    assert client.get("/centres/theia").get_json()["title"] == "Theia"
