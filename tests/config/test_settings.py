import re
from pathlib import Path

import pytest

from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings, variable


def test_without_any_variable_the_box_runs_here(tmp_path):
    settings = Settings()
    assert settings.public_url == "http://127.0.0.1:5000"
    assert settings.home == tmp_path / "var"
    assert settings.centres == tmp_path / "var" / "centres.yml"
    assert settings.store_url.get_secret_value() == f"sqlite:///{tmp_path}/var/store/jobs.sqlite"


def test_home_moves_what_lies_in_it(monkeypatch):
    monkeypatch.setenv("GAIA_HOME", "/srv/gaia")
    settings = Settings()
    assert settings.centres == Path("/srv/gaia/centres.yml")
    assert settings.store_url.get_secret_value() == "sqlite:////srv/gaia/store/jobs.sqlite"


@pytest.mark.parametrize(
    ("host", "seen"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("gaia.example.org", "gaia.example.org")],
)
def test_the_public_address_is_one_that_can_be_visited(host, seen):
    assert Settings(host=host, port=80).public_url == f"http://{seen}:80"


def test_sizes_and_lists_read_as_people_write_them(monkeypatch):
    monkeypatch.setenv("GAIA_MEMORY_LIMIT", "512MiB")
    monkeypatch.setenv("GAIA_IGNORED_INPUTS", "a, *_b ,")
    assert Settings().memory_limit == 512 * 2**20
    assert Settings().ignored_inputs == ("a", "*_b")


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    [
        ("port", "abc", "integer"),
        ("port", "70000", "65535"),
        ("memory_limit", "lots", "2GiB"),
        ("public_url", "gaia.example.org", "https://gaia.example.org"),
        ("log_level", "LOUD", "'WARNING'"),
        ("attempts", "0", "greater"),
        ("outbound_hosts", "https://data.example.org", "data.example.org:8443"),
        ("outbound_hosts", "data.example.org,a b", "data.example.org:8443"),
        ("host", "", None),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_the_remedy(monkeypatch, field, value, remedy):
    monkeypatch.setenv(variable(field), value)
    if remedy is None:
        assert Settings().host == "127.0.0.1"  # an empty variable is an absent one
        return
    with pytest.raises(ConfigurationError) as caught:
        Settings()
    assert str(caught.value).startswith(f"{variable(field)}: {value!r}")
    assert remedy in str(caught.value)


def test_all_wrong_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("GAIA_PORT", "x")
    monkeypatch.setenv("GAIA_ATTEMPTS", "y")
    with pytest.raises(ConfigurationError, match=r"GAIA_PORT.*GAIA_ATTEMPTS"):
        Settings()


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(ConfigurationError, match="no setting 'colour'"):
        Settings(colour="red")


def test_secrets_are_not_shown():
    settings = Settings(broker_url="redis://:hunter2@h:1", store_url="postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_every_setting_says_what_it_is():
    for name, field in Settings.model_fields.items():
        assert re.fullmatch(r"[A-Z].*[.]", field.description or ""), name


@pytest.mark.parametrize("field", ["broker_url", "store_url", "callback_key"])
def test_an_address_with_a_password_can_stand_in_a_file(monkeypatch, tmp_path, field):
    (tmp_path / "address").write_text("redis://:password@redis:6379/0\n")
    monkeypatch.setenv(variable(field), f"file:{tmp_path}/address")
    assert getattr(Settings(), field).get_secret_value() == "redis://:password@redis:6379/0"


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setenv("GAIA_STORE_URL", "file:/absent/store")
    with pytest.raises(ConfigurationError, match=r"^GAIA_STORE_URL: .*'/absent/store' cannot be read: No such .*write"):
        Settings()


def test_hosts_that_may_be_called_are_named_with_or_without_a_port(monkeypatch):
    monkeypatch.setenv("GAIA_OUTBOUND_HOSTS", "data.example.org, 127.0.0.1:8080,[::1]:80")
    assert Settings().outbound_hosts == ("data.example.org", "127.0.0.1:8080", "[::1]:80")
