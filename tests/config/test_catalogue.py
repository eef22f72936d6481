import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gaia_config import catalogue
from gaia_config.catalogue import Federation, publish, read_catalogue, write_empty
from gaia_config.errors import ConfigurationError


@pytest.fixture
def at_once(monkeypatch):
    """Look for changes at every question."""
    monkeypatch.setattr(catalogue, "LOOK_AGAIN_S", 0.0)


def test_a_published_dataset_is_found(centre, dataset):
    theia = centre()
    publish(theia, dataset())
    found = Federation({"theia": theia}).find("sst")
    assert found is not None
    assert found.created is not None
    assert found == dataset(created=found.created)


def test_the_same_version_at_two_centres_is_one_dataset_with_two_replicas(centre, dataset):
    theia, pndb = centre("theia"), centre("pndb")
    publish(theia, dataset(centre="theia"))
    publish(pndb, dataset(centre="pndb"))
    (found,) = Federation([theia, pndb]).datasets()
    assert [replica.centre for replica in found.replicas] == ["theia", "pndb"]


def test_different_bytes_are_no_replica(centre, dataset, capsys):
    theia, pndb = centre("theia"), centre("pndb")
    publish(theia, dataset(centre="theia"))
    publish(pndb, dataset(centre="pndb", sha256="cd" * 32))
    (found,) = Federation([theia, pndb]).datasets()
    assert [replica.centre for replica in found.replicas] == ["theia"]
    assert "different bytes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        ([("b", "2026-01-01T00:00:00Z"), ("a", "2026-01-02T00:00:00Z")], "a"),
        ([("9", "2026-01-01T00:00:00Z"), ("10", "2026-01-01T00:00:00Z")], "10"),
        ([("1.10.0", "2026-01-01T00:00:00Z"), ("1.9.0", "2026-01-01T00:00:00Z")], "1.10.0"),
    ],
)
def test_the_newest_version_is_the_default(centre, dataset, versions, newest):
    theia = centre()
    for version, created in versions:
        publish(theia, dataset(version=version, created=created))
    federation = Federation([theia])
    assert [found.version for found in federation.datasets()] == [newest]
    assert federation.versions("sst")[0].version == newest
    assert all(federation.find("sst", version) for version, _ in versions)
    assert federation.find("sst", "absent") is None
    assert federation.find("absent") is None


def test_publishing_again_replaces(centre, dataset):
    theia = centre()
    publish(theia, dataset(title="Old"))
    publish(theia, dataset(title="New"))
    assert [found.title for found in read_catalogue(theia.catalogue, "theia")] == ["New"]


@pytest.mark.usefixtures("at_once")
def test_a_running_server_sees_what_is_published(centre, dataset):
    theia = centre()
    write_empty(theia)
    federation = Federation([theia])
    before = federation.etag
    assert federation.datasets() == ()
    publish(theia, dataset())
    assert federation.find("sst") is not None
    assert federation.etag != before


@pytest.mark.usefixtures("at_once")
def test_an_entry_edited_by_hand_is_seen(centre, dataset):
    theia = centre()
    publish(theia, dataset())
    federation = Federation([theia])
    entry = theia.catalogue.parent / "datasets" / "sst" / "1.json"
    entry.write_text(entry.read_text().replace("Monthly.", "Monthly means."))
    found = federation.find("sst")
    assert found is not None
    assert found.description == "Monthly means."


@pytest.mark.usefixtures("at_once")
def test_a_catalogue_that_breaks_keeps_its_last_good_reading_and_heals(centre, dataset, capsys):
    theia = centre()
    publish(theia, dataset())
    federation = Federation([theia])
    good = theia.catalogue.read_text()
    theia.catalogue.write_text("{")
    assert federation.find("sst") is not None
    assert federation.find("sst") is not None
    assert capsys.readouterr().out.count("catalogue is broken") == 1
    theia.catalogue.write_text(good)
    publish(theia, dataset(id="other"))
    assert len(federation.datasets()) == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{\n", r"catalog\.json, line 2: this is not JSON"),
        ("[1]", r"catalog\.json: this is not a JSON object"),
        ('{"type": "Collection", "links": []}', r"not a STAC Catalog"),
        ('{"type": "Catalog", "links": [{"rel": "child"}]}', r"links\[0\]: a link needs rel and href"),
        ('{"type": "Catalog", "links": [{"rel": "child", "href": "../x.json"}]}', r"links\[0\]\.href: .* own folder"),
        ('{"type": "Catalog", "links": [{"rel": "child", "href": "./x.json"}]}', r"x\.json: this file is not there"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_broken_catalogue_is_refused_at_start(centre, content, sentence):
    theia = centre()
    theia.catalogue.parent.mkdir()
    theia.catalogue.write_text(content)
    with pytest.raises(ConfigurationError, match=sentence):
        Federation([theia])


def test_a_broken_entry_names_file_and_key(centre, dataset):
    theia = centre()
    publish(theia, dataset())
    entry = theia.catalogue.parent / "datasets" / "sst" / "1.json"
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"assets": {}}))
    with pytest.raises(ConfigurationError, match=r"1\.json: assets\.data is missing; name the file"):
        Federation([theia])


def test_an_absent_catalogue_says_how_to_begin_one(centre):
    with pytest.raises(ConfigurationError, match="gaia catalogue add"):
        Federation([centre()])


def test_an_empty_catalogue_is_only_begun_once(centre, dataset):
    theia = centre()
    write_empty(theia)
    publish(theia, dataset())
    write_empty(theia)
    assert len(read_catalogue(theia.catalogue, "theia")) == 1


def test_many_may_publish_at_once(centre, dataset):
    theia = centre()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: publish(theia, dataset(id=f"d{n}")), range(24)))
    assert len(Federation([theia]).datasets()) == 24


@pytest.mark.usefixtures("at_once")
def test_readers_never_see_half_a_catalogue(centre, dataset):
    theia = centre()
    publish(theia, dataset(id="d0"))
    federation = Federation([theia])
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(len(federation.datasets()))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(1, 12):
            publish(theia, dataset(id=f"d{number}"))
        done.set()
        for reader in readers:
            reader.result()
    assert min(seen) >= 1
    assert len(federation.datasets()) == 12


def test_a_question_costs_less_than_a_millisecond(centre, dataset, monkeypatch):
    theia = centre()
    for number in range(20):
        publish(theia, dataset(id=f"d{number}"))
    federation = Federation([theia])
    begun = time.perf_counter()
    for _ in range(1000):
        federation.find("d7")
    assert (time.perf_counter() - begun) / 1000 < 1e-3
    monkeypatch.setattr(catalogue, "LOOK_AGAIN_S", 0.0)
    best = min(_time(federation) for _ in range(20))
    assert best < 1e-3


def _time(federation: Federation) -> float:
    begun = time.perf_counter()
    federation.find("d7")
    return time.perf_counter() - begun


def test_before_it_says_no_it_looks_at_what_is_there_now(centre, dataset, monkeypatch):
    monkeypatch.setattr(catalogue, "LOOK_AGAIN_S", 3600.0)
    monkeypatch.setattr(catalogue, "LOOK_AFTER_MISS_S", 0.0)
    theia = centre()
    catalogue.write_empty(theia)
    federation = Federation([theia])
    assert federation.find("new") is None
    publish(theia, dataset(id="new"))
    assert federation.find("new") is not None


def test_who_misses_while_another_looks_waits_and_looks_again(centre, dataset, monkeypatch):
    monkeypatch.setattr(catalogue, "LOOK_AGAIN_S", 3600.0)
    theia = centre()
    catalogue.write_empty(theia)
    federation = Federation([theia])
    with ThreadPoolExecutor(2) as pool:
        with federation._looking:  # another thread looks, and has seen the catalogue as it was
            found = [pool.submit(federation.find, "new") for _ in range(2)]
            time.sleep(0.05)
            publish(theia, dataset(id="new"))
        assert [each.result(5).id for each in found] == ["new", "new"]
