from pathlib import Path
from typing import Any

import pytest
import yaml

from gaia_config.centres import Queue, own_centre, read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings

KEY = "k" * 32
PLAIN: dict[str, Any] = {
    "id": "theia",
    "title": "Theia",
    "broker_url": "redis://:pw@127.0.0.1:6379/0",
    "key": KEY,
    "delivery": "push",
    "catalogue": "theia/catalog.json",
}


@pytest.fixture
def write(tmp_path: Path):
    def write(*centres: dict[str, Any]) -> Path:
        path = tmp_path / "centres.yml"
        path.write_text(yaml.safe_dump({"centres": list(centres)}, sort_keys=False))
        return path

    return write


def test_what_is_not_said_has_a_default(write, tmp_path):
    centre = read_centres(write(PLAIN))["theia"]
    assert centre.prefix == "gaia:theia:"
    assert centre.queues == (
        Queue(name="interactive", concurrency=1, executor="process"),
        Queue(name="batch", concurrency=1, executor="process"),
    )
    assert centre.catalogue == tmp_path / "theia" / "catalog.json"
    assert centre.data is None
    assert centre.public_url is None


def test_paths_start_at_the_files_folder(write, tmp_path):
    centre = read_centres(write(PLAIN | {"data": "d", "results": "/srv/results"}))["theia"]
    assert centre.data == tmp_path / "d"
    assert centre.results == Path("/srv/results")


@pytest.mark.parametrize("key", ["key", "broker_url"])
def test_secrets_come_from_where_the_file_says(write, tmp_path, monkeypatch, key):
    value = "redis://" + "x" * 32
    monkeypatch.setenv("THEIA_SECRET", value)
    (tmp_path / "secret").write_text(f"{value}\n")
    for source in ("env:THEIA_SECRET", "file:secret", value):
        centre = read_centres(write(PLAIN | {key: source}))["theia"]
        assert getattr(centre, key) in (value, value.encode())


def test_secrets_are_not_shown(write):
    shown = repr(read_centres(write(PLAIN))["theia"])
    assert KEY not in shown
    assert ":pw@" not in shown


def test_a_worker_needs_no_key_but_its_own(write):
    path = write(PLAIN, PLAIN | {"id": "pndb", "key": "env:KEY_THAT_ONLY_PNDB_HAS"})
    assert list(read_centres(path, only="theia")) == ["theia"]
    with pytest.raises(ConfigurationError, match=r"centres\[1\].key: the environment variable"):
        read_centres(path)
    with pytest.raises(ConfigurationError, match="no centre 'climeri'; known: theia, pndb"):
        read_centres(path, only="climeri")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"delivery": "pus"},
            r"centres\.yml, line 6, centres\[0\]\.delivery: 'pus' cannot be used; write serve or push",
        ),
        ({"id": "Theia!"}, r"line 2, centres\[0\]\.id: 'Theia!' .* small letters"),
        ({"queues": []}, r"centres\[0\]\.queues: .* at least one queue"),
        ({"queues": [{"name": "a", "concurrency": 0}]}, r"centres\[0\]\.queues\[0\]\.concurrency: 0 .*from 1"),
        ({"queues": [{"name": "a", "executor": "pbs"}]}, r"executor: 'pbs' cannot be used; write process or slurm"),
        ({"colour": "red"}, r"centres\[0\]\.colour: there is no key 'colour' here; known: .*delivery"),
        ({"public_url": "theia.example"}, r"public_url: 'theia.example' .* https://"),
        ({"delivery": "serve"}, r"delivery: a centre that serves needs a public_url"),
        ({"key": "short"}, r"centres\[0\]\.key: the key has 5 characters; write env:NAME"),
        ({"key": "file:absent"}, r"key: the file 'absent' cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_value_and_remedy(write, change, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        read_centres(write(PLAIN | change))


def test_a_missing_key_is_named(write):
    with pytest.raises(ConfigurationError, match=r"line 2, centres\[0\]\.key: key is missing; write env:NAME"):
        read_centres(write({name: value for name, value in PLAIN.items() if name != "key"}))


@pytest.mark.parametrize("text", ["", "- id: theia\n", "centres: []\n", "centres: theia\n", "other: 1\n"])
def test_a_file_without_centres_is_refused(tmp_path, text):
    (tmp_path / "centres.yml").write_text(text)
    with pytest.raises(ConfigurationError, match="centres"):
        read_centres(tmp_path / "centres.yml")


def test_two_centres_of_one_name_are_refused(write):
    with pytest.raises(ConfigurationError, match=r"centres\[1\]\.id: 'theia' stands twice"):
        read_centres(write(PLAIN, PLAIN))


def test_prefixes_that_reach_into_each_other_are_refused(write):
    with pytest.raises(ConfigurationError, match=r"'gaia:theia:x' and 'gaia:theia:' of theia overlap"):
        read_centres(write(PLAIN, PLAIN | {"id": "pndb", "prefix": "gaia:theia:x"}))


def test_a_wrong_secret_is_not_repeated(write):
    with pytest.raises(ConfigurationError) as caught:
        read_centres(write(PLAIN | {"key": ["hunter2"]}))
    assert "hunter2" not in str(caught.value)


def test_a_worker_needs_the_secrets_of_its_own_centre_alone(tmp_path):
    (tmp_path / "centres.yml").write_text(
        f"centres:\n  - {{id: a, title: A, broker_url: 'redis://h', key: {'k' * 32}, delivery: push, catalogue: a.json}}\n"
        "  - {id: b, title: B, broker_url: 'file:absent', key: 'file:absent', delivery: push, catalogue: b.json}\n"
    )
    centres = tmp_path / "centres.yml"
    assert own_centre(Settings(centres=centres, centre="a")).id == "a"
    with pytest.raises(ConfigurationError, match="GAIA_CENTRE is not set"):
        own_centre(Settings(centres=centres))
    with pytest.raises(ConfigurationError, match="there is no centre 'c'; known: a, b"):
        own_centre(Settings(centres=centres, centre="c"))
