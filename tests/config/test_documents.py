from pathlib import Path

import pytest

from gaia_config.documents import Document, spell
from gaia_config.errors import ConfigurationError

TEXT = """\
centres:
  - id: a
    queues: [{name: x}]
  - id: b
    delivery: serve
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (["centres", 1, "delivery"], 5),
        (["centres", 0, "queues", 0, "name"], 3),
        (["centres", 1, "absent"], 4),
        (["absent"], 1),
        ([], 1),
    ],
)
def test_a_key_knows_its_line(place, line):
    assert Document(Path("c.yml"), TEXT).find_line(place) == line


def test_an_empty_file_has_no_lines():
    document = Document(Path("c.yml"), "")
    assert document.value is None
    assert document.find_line(["a"]) is None


def test_a_place_is_spelled_as_people_write_it():
    assert spell(["centres", 0, "queues", 1]) == "centres[0].queues[1]"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: [\n", r"c\.yml, line 3: this is not YAML"),
        ("a:\n  b: 1\n  b: 2\n", r"c\.yml, line 3, a\.b: this key stands here twice"),
        ("a: !!python/object/apply:os.system [ls]\n", r"c\.yml, line 1: this is not YAML"),
        ("a: 1\nb: &b\n  c: [1, *b]\n", r"c\.yml, line 3: an alias .* has no end"),
        ("a: &a [*a,*a]\n", r"c\.yml, line 1: an alias .* write the value out"),
        ("a: " + "[" * 600 + "]" * 600, r"c\.yml: this is nested too deeply"),
        ("a: 2026-13-45\n", r"c\.yml: this is not YAML"),
        ("a: \x07\n", r"c\.yml: this is not YAML"),
    ],
)
def test_broken_files_name_file_and_line(text, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Document(Path("c.yml"), text)


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Document.read(tmp_path / "absent.yml")
    (tmp_path / "latin.yml").write_bytes(b"a: \xe9")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        Document.read(tmp_path / "latin.yml")
