from dataclasses import replace

import pytest

from gaia_config.catalogue import Federation, publish


@pytest.fixture
def publish_more(services, tas, monkeypatch):
    """Publish further datasets beside `tas-monthly`."""

    monkeypatch.setattr("gaia_config.catalogue.LOOK_AGAIN_S", 0)

    def publish_more(*ids: str) -> None:
        for id in ids:
            publish(services.centres["theia"], replace(tas, id=id, title=id.title(), description=id))

    return publish_more


@pytest.fixture
def tas(services):
    (found,) = Federation(services.centres).versions("tas-monthly")
    return found


def test_the_datasets_of_the_centres_are_listed_with_what_is_in_them(client):
    (shown,) = client.get("/collections").get_json()["collections"]
    assert (shown["id"], shown["gaia:version"], shown["gaia:centres"]) == ("tas-monthly", "1", ["theia"])
    assert shown["extent"]["spatial"]["bbox"] == [[-10, 30, 20, 60]]
    assert list(shown["cube:variables"]) == ["tas"]


def test_each_leads_to_the_forms_that_take_it_and_to_its_centre(client):
    links = {link["href"] for link in client.get("/collections/tas-monthly").get_json()["links"]}
    assert "https://gaia.test/api/processes/subset?dataset=tas-monthly&f=html" in links
    assert "https://gaia.test/api/centres/theia" in links
    assert not [href for href in links if "/processes/echo" in href]


def test_nothing_is_said_of_where_the_data_lie(client):
    told = client.get("/collections/tas-monthly").get_data(as_text=True)
    assert not [word for word in ("a.nc", "assets", "catalog.json", "0000000000") if word in told]


@pytest.mark.parametrize(("sought", "ids"), [("TAS monthly", ["tas-monthly"]), ("tas zzz", []), ("sea", ["sea-ice"])])
def test_a_search_finds_what_has_all_the_words(client, publish_more, sought, ids):
    publish_more("sea-ice")
    found = client.get("/collections", query_string={"q": sought}).get_json()["collections"]
    assert [each["id"] for each in found] == ids


def test_a_long_list_comes_in_pages_of_which_each_leads_to_the_next(client, publish_more):
    publish_more("a", "b", "z")
    seen, href = [], "/collections?limit=2"
    while href:
        page = client.get(href).get_json()
        seen += [each["id"] for each in page["collections"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        href = following[0].removeprefix("https://gaia.test/api") if following else None
    assert seen == ["a", "b", "tas-monthly", "z"]


def test_an_unknown_dataset_is_answered_with_those_there_are(client):
    answer = client.get("/collections/tas-daily")
    assert answer.status_code == 404
    assert answer.get_json()["type"].endswith("no-such-collection")
    assert "tas-monthly" in answer.get_json()["detail"]


def test_a_page_shows_a_dataset_to_people(client):
    page = client.get("/collections/tas-monthly?f=html&lang=fr").get_data(as_text=True)
    assert "Variables" in page
    assert "/processes/subset?dataset=tas-monthly" in page
