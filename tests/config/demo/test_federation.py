import dataclasses
import json
import os
import socket
import stat

import pytest

from gaia_config.catalogue import publish
from gaia_config.centres import read_centres
from gaia_config.datasets import Dataset, Replica
from gaia_config.demo import federation
from gaia_config.demo.federation import DATA, check_host, free_ports, is_free, prepare, read_federation
from gaia_config.errors import ConfigurationError


@pytest.fixture
def home(tmp_path):
    prepare(tmp_path / "var")
    (tmp_path / "var" / "keys" / "broker").write_text("redis://127.0.0.1:6379/0")
    return tmp_path / "var"


@pytest.fixture
def seeded(home) -> None:
    for each in read_centres(home / "centres.yml").values():
        federation._lay_out(each)


def test_every_sample_is_there_under_a_legal_id():
    for sample in DATA:
        assert all(callable(file) or file.is_file() for file in sample.files.values()), sample.source
        replica = Replica(centre="x", href=f"{sample.id}.nc", media_type="x", size_bytes=1, sha256="0" * 64)
        Dataset(
            id=sample.id, version="1", title=sample.title, description="", licence="", keywords=(), bbox=None,
            interval=(None, None), properties={}, replicas=(replica,),
        )  # fmt: skip


def test_something_lies_at_two_centres_and_every_centre_has_something():
    assert {centre for sample in DATA for centre in sample.centres} == {"climeri", "theia", "pndb"}
    assert any(len(sample.centres) == 2 for sample in DATA)


def test_a_home_has_three_centres_and_both_ways_of_delivery(home, seeded):
    centres = read_centres(home / "centres.yml")
    assert {id: centre.delivery for id, centre in centres.items()} == {
        "climeri": "push",
        "theia": "serve",
        "pndb": "serve",
    }
    assert len({centre.key for centre in centres.values()}) == 3
    for sample in DATA:
        for id in sample.centres:
            data = centres[id].data
            assert data is not None
            for name, source in sample.files.items():
                size_bytes = len(source()) if callable(source) else source.stat().st_size
                assert (data / name).stat().st_size == size_bytes


def test_keys_are_their_owners_alone(home):
    for key in ("climeri", "theia", "pndb"):
        assert stat.S_IMODE((home / "keys" / key).stat().st_mode) == 0o600


def test_a_second_start_changes_nothing(home, seeded):
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    prepare(home)
    for each in read_centres(home / "centres.yml").values():
        federation._lay_out(each)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == before


def test_a_depot_whose_port_is_taken_gets_another(home):
    theia = read_federation(home / "centres.yml")["theia"]
    assert theia.public_url is not None
    port = int(theia.public_url.rpartition(":")[2])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        moved = read_federation(home / "centres.yml")
    assert moved["theia"].public_url != theia.public_url
    assert read_centres(home / "centres.yml") == moved


def test_a_home_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="GAIA_HOME"):
        prepare(tmp_path / "file")


def test_a_failed_publication_names_the_log(home, monkeypatch):
    monkeypatch.setattr(federation, "_publishing", lambda *_: ["false"])
    with pytest.raises(
        ConfigurationError, match=r"climeri, theia, pndb could not be published; .*catalogue\.log says why"
    ):
        federation.seed(read_centres(home / "centres.yml"), environment=dict(os.environ), log=home / "catalogue.log")


def test_a_published_sample_is_not_published_again(home, dataset):
    pndb = read_centres(home / "centres.yml")["pndb"]
    federation._lay_out(pndb)
    publish(pndb, dataset(id="sst-ostia-monthly", centre="pndb"))
    assert [each["id"] for each in federation._missing(pndb)] == [
        "atlantic-profiles",
        "countries-110m",
        "tree-cover-demo",
        "occurrences-demo",
    ]
    assert list(federation._unpublished(dataclasses.replace(pndb, data=None))) == []


def test_a_series_is_listed_as_one_dataset_of_its_files_with_the_words_of_its_sample(home, seeded):
    theia = read_centres(home / "centres.yml")["theia"]
    (series,) = [each for each in federation._missing(theia) if len(each["files"]) > 1]
    sample = next(sample for sample in DATA if sample.id == "sst-nemo-2015")
    assert {name: series[name] for name in ("centre", "id", "title", "description", "licence")} == {
        "centre": "theia", "id": sample.id, "title": sample.title, "description": sample.description,
        "licence": sample.licence,
    }  # fmt: skip
    assert [file.rpartition("/")[2] for file in series["files"]] == [
        "sst-nemo-2015-1.nc", "sst-nemo-2015-2.nc", "sst-nemo-2015-3.nc",
    ]  # fmt: skip


def test_all_centres_are_seeded_by_one_command_and_a_second_time_by_none(home, dataset, monkeypatch):
    begun = []
    real = federation._publishing

    def publish_all(path):
        begun.append([(each["centre"], each["id"]) for each in json.loads(path.read_text())])
        for centre, id in begun[-1]:
            publish(centres[centre], dataset(id=id, centre=centre))
        assert real(path)[-2:] == ["add-list", str(path)]
        return ["true"]

    centres = read_centres(home / "centres.yml")
    monkeypatch.setattr(federation, "_publishing", publish_all)
    for _ in range(2):
        federation.seed(centres, environment=dict(os.environ))
    assert [sorted(each) for each in begun] == [sorted((centre, each.id) for each in DATA for centre in each.centres)]


def test_free_ports_are_free_and_different():
    ports = free_ports(5, "127.0.0.1")
    assert len(set(ports)) == 5
    assert all(is_free("127.0.0.1", port) for port in ports)


def test_folders_that_cannot_be_made_name_the_centre(home, tmp_path):
    pndb = read_centres(home / "centres.yml")["pndb"]
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="the folders of pndb cannot be written"):
        federation._lay_out(dataclasses.replace(pndb, data=tmp_path / "file" / "data"))


def test_a_host_name_that_nobody_knows_is_called_that():
    check_host("127.0.0.1")
    check_host("::1")
    for host in ("nohost.invalid", "a" * 70 + ".invalid"):
        with pytest.raises(ConfigurationError, match=r"GAIA_HOST: the host name .* is not known"):
            check_host(host)
