"""Callbacks are signed, and a receiver that does as the documentation says believes the right ones."""

import re
import stat
import time
from pathlib import Path

import pytest

from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_server.signatures import PLACE, command, key_of, open_key, sign

PAGE = Path(__file__).parents[2] / "docs" / "callbacks.md"
KEY = "k" * 40
BODY = '{"message": "hé"}'.encode()


@pytest.fixture(scope="module")
def is_genuine():
    """Give what the documentation tells receivers to do."""
    told = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert told is not None
    names = {}
    exec(told[1], names)
    return names["is_genuine"]


def test_a_receiver_believes_what_was_signed_for_it(is_genuine):
    key = key_of("portal.example.org", KEY)
    assert is_genuine(sign(BODY, time_s=int(time.time()), key=key), BODY, key)


def test_another_body_time_or_key_is_not_believed(is_genuine):
    now, key = int(time.time()), key_of("portal.example.org", KEY)
    header = sign(BODY, time_s=now, key=key)
    assert not is_genuine(header, BODY + b" ", key)
    assert not is_genuine(header.replace(str(now), str(now + 1)), BODY, key)
    assert not is_genuine(sign(BODY, time_s=now - 900, key=key), BODY, key)
    assert not is_genuine(header, BODY, key_of("other.example.org", KEY))


def test_a_hosts_key_does_not_depend_on_how_its_name_is_written():
    assert key_of("Portal.Example.org", KEY) == key_of("portal.example.org", KEY) != KEY


def test_the_key_is_made_once_for_its_owner_alone(settings):
    first = open_key(settings)
    assert (len(first) >= 32, open_key(settings)) == (True, first)
    assert stat.S_IMODE((settings.home / PLACE).stat().st_mode) == 0o600


def test_the_configuration_may_bring_the_key(tmp_path):
    assert open_key(Settings(home=tmp_path, callback_key=KEY)) == KEY
    assert not (tmp_path / PLACE).exists()


def test_a_key_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="GAIA_CALLBACK_KEY holds no key"):
        open_key(Settings(home=tmp_path, callback_key="short"))
    (tmp_path / PLACE).parent.mkdir()
    (tmp_path / PLACE).touch()
    with pytest.raises(ConfigurationError, match="keys/callbacks in GAIA_HOME holds no key"):
        open_key(Settings(home=tmp_path))


def test_a_home_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match="set GAIA_CALLBACK_KEY"):
        open_key(Settings(home=tmp_path / "home"))


def test_the_command_tells_a_hosts_key(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAIA_HOME", str(tmp_path))
    command("portal.example.org")
    assert capsys.readouterr().out.strip() == key_of("portal.example.org", open_key(Settings()))
