import re
from pathlib import Path

import pytest
import yaml

from gaia_config.catalogue import publish
from gaia_config.centres import read_centres
from gaia_config.check import (
    broker_visits,
    check_broker,
    check_store,
    command,
    find_faults,
    find_sqlite_file,
    find_strangers,
)
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings


@pytest.fixture
def home(tmp_path, dataset, redis_url) -> Path:
    """Write a good configuration of one centre with one dataset."""
    theia = {
        "id": "theia", "title": "Theia", "broker_url": redis_url, "key": "k" * 32,
        "delivery": "push", "catalogue": "theia/catalog.json", "data": "theia/data",
    }  # fmt: skip
    (tmp_path / "centres.yml").write_text(yaml.safe_dump({"centres": [theia]}))
    (tmp_path / "theia" / "data").mkdir(parents=True)
    (tmp_path / "theia" / "data" / "sst.nc").touch()
    publish(read_centres(tmp_path / "centres.yml")["theia"], dataset())
    return tmp_path


def test_a_good_configuration_has_no_faults(home, monkeypatch, capsys):
    monkeypatch.setenv("GAIA_HOME", str(home))
    command()
    assert "good" in capsys.readouterr().out


NOBODY = "127.0.0.1:1"


def test_a_broker_that_does_not_answer_is_named_without_its_password(home):
    text = (home / "centres.yml").read_text()
    (home / "centres.yml").write_text(re.sub("redis://[^/]*/0", f"redis://:secret@{NOBODY}/7", text))
    (fault,) = find_faults(Settings(home=home))
    assert fault == f"broker_url of theia: no Redis answers at redis://{NOBODY}/7; start it, or correct the address."
    own, central = find_faults(Settings(home=home, broker_url=f"redis://u:secret@{NOBODY}/0"))
    assert own == fault
    assert central.startswith(f"GAIA_BROKER_URL: no Redis answers at redis://{NOBODY}/0;")


def test_a_broker_is_gone_to_once_whoever_names_it(home, redis_url):
    settings = Settings(home=home, broker_url=redis_url)
    assert len(broker_visits(read_centres(settings.centres), settings)) == 1
    assert broker_visits(read_centres(settings.centres), settings, but=redis_url) == []


def test_a_store_that_does_not_answer_is_named_without_its_password(home):
    (fault,) = find_faults(Settings(home=home, store_url=f"postgresql+psycopg://u:secret@{NOBODY}/jobs"))
    assert fault.startswith(f"GAIA_STORE_URL: the PostgreSQL at postgresql+psycopg://{NOBODY}/jobs does not answer")


def test_a_worker_goes_to_the_broker_of_its_centre_alone(home):
    far = {"broker_url": f"redis://{NOBODY}/0", "store_url": f"postgresql+psycopg://{NOBODY}/jobs"}
    assert list(find_faults(Settings(home=home, centre="theia", **far))) == []


def test_a_transport_that_is_not_installed_is_a_fault(home):
    (fault,) = find_faults(Settings(home=home, transport="nope"))
    assert fault == "GAIA_TRANSPORT: there is no 'nope'; installed are celery."


def test_a_dataset_without_its_file_is_a_fault(home):
    (home / "theia" / "data" / "sst.nc").unlink()
    (fault,) = find_faults(Settings(home=home))
    assert "sst: sst.nc is not in" in fault


def test_a_data_folder_that_is_elsewhere_is_not_looked_into(home):
    (home / "theia" / "data" / "sst.nc").unlink()
    (home / "theia" / "data").rmdir()
    assert list(find_faults(Settings(home=home))) == []


def test_all_faults_are_found_at_once(home):
    (home / "theia" / "catalog.json").write_text("{")
    settings = Settings(home=home, broker_url="amqp://h", store_url="mysql://h/d")
    broker, store, catalogue = find_faults(settings)
    assert broker.startswith("GAIA_BROKER_URL:")
    assert store.startswith("GAIA_STORE_URL:")
    assert "catalog.json" in catalogue


def test_the_command_fails_with_2_and_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAIA_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        command()
    assert "centres.yml: this file cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://:p@h:6379/0", "rediss://u:p@h:6380/1", "unix:///run/redis.sock", "redis://[::1]:6379"]
)
def test_addresses_of_a_redis_pass(url):
    check_broker(url, name="x")


@pytest.mark.parametrize("url", ["", "h:6379", "amqp://h", "redis://", "redis://h:99999", "redis://h:x", "unix:"])
def test_other_brokers_are_refused_without_repeating_them(url):
    with pytest.raises(ConfigurationError, match=r"^x: .*redis://:password@host"):
        check_broker(url, name="x")


def test_a_sqlite_store_on_a_network_file_system_is_refused(tmp_path):
    mounts = f"s:/ {tmp_path} nfs4 rw 0 0\n"
    with pytest.raises(ConfigurationError, match="PostgreSQL"):
        check_store(f"sqlite:///{tmp_path}/jobs.sqlite", mounts=mounts)
    check_store("postgresql+psycopg://u:p@h/d", mounts=mounts)
    check_store("sqlite://", mounts=mounts)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////srv/a%20b.sqlite", Path("/srv/a b.sqlite")),
        ("sqlite+pysqlite:///rel.sqlite?timeout=3", Path("rel.sqlite")),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("postgresql://h/d", None),
    ],
)
def test_the_file_of_a_sqlite_store_is_found(url, file):
    assert find_sqlite_file(url) == file


def test_a_misspelt_variable_is_noticed():
    assert list(find_strangers({"GAIA_PROT": "1", "GAIA_PORT": "2", "OTHER": "3"})) == [
        "GAIA_PROT is not a setting; was GAIA_PORT meant?"
    ]
