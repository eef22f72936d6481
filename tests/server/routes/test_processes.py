import pytest

from gaia_processes.catalogue import CATALOGUE


def test_the_processes_are_listed(client):
    told = client.get("/processes").get_json()
    assert [process["id"] for process in told["processes"]] == [each.id for each in CATALOGUE]
    assert told["links"][0]["rel"] == "self"
    assert all("version" in process for process in told["processes"])


def test_pages_follow_each_other(client):
    first = client.get("/processes?limit=1").get_json()
    assert [process["id"] for process in first["processes"]] == ["echo"]
    query = next(link["href"] for link in first["links"] if link["rel"] == "next").partition("?")[2]
    second = client.get(f"/processes?{query}").get_json()
    assert [process["id"] for process in second["processes"]] == ["subset"]
    assert [link["rel"] for link in second["links"]] == ["self", "alternate", "next"]


def test_inputs_are_described_in_their_order(client):
    assert list(client.get("/processes/echo").get_json()["inputs"]) == ["message", "pause", "values", "area"]


def test_a_process_is_described_in_french(client):
    answer = client.get("/processes/echo", headers={"Accept-Language": "fr"})
    assert answer.get_json()["title"] == "Écho"
    assert answer.headers["Content-Language"] == "fr"


def test_the_datasets_there_are_are_named(client):
    assert "tas-monthly" in str(client.get("/processes/subset").get_json()["inputs"]["dataset"])


def test_an_unchanged_description_is_not_sent_again(client):
    etag = client.get("/processes/echo").headers["ETag"]
    again = client.get("/processes/echo", headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


def test_pygeoapis_own_processes_are_never_reached(app):
    with app.test_request_context("/processes/hello-world"):
        from flask import request

        assert request.blueprint == "processes"


@pytest.mark.parametrize("process", ["subset", "zonal-statistics", "extract-points"])
def test_the_examples_of_what_is_needed_make_a_request(client, process):
    inputs = client.get(f"/processes/{process}").get_json()["inputs"]
    needed = {name: told["schema"]["example"] for name, told in inputs.items() if told["minOccurs"]}
    answer = client.post(f"/processes/{process}/estimate", json={"inputs": needed})
    assert answer.status_code == 200, answer.text
