"""How wrong values are shown and sent back."""

import json

import pytest

from gaia_processes.inputs.bad_value import BadValue, make_fault, shorten, show


def test_a_short_value_is_sent_back_as_it_is() -> None:
    assert shorten({"bbox": [1, 2, 3]}) == {"bbox": [1, 2, 3]}


def test_a_long_value_is_cut() -> None:
    cut = shorten(list(range(1000)))
    assert isinstance(cut, str)
    assert cut.endswith("…")
    assert len(cut) < 210


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], object(), "\ud800", {"a": "\udfff"}])
def test_what_json_cannot_carry_is_sent_back_as_text(value: object) -> None:
    json.dumps(shorten(value), allow_nan=False, ensure_ascii=False).encode()


def test_a_value_is_shown_short_in_a_sentence() -> None:
    assert show("é") == '"é"'
    assert len(show("x" * 1000)) < 90


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\u2028", "\x7f", "\x9b", "\ufeff", "\U000e0041"])
def test_what_cannot_be_seen_is_written_out(hidden: str) -> None:
    escaped = f"\\u{ord(hidden):04x}" if ord(hidden) < 0x10000 else f"\\U{ord(hidden):08x}"
    assert show(f"a{hidden}b") == f'"a{escaped}b"'
    assert shorten(f"a{hidden}b") == f'"a{escaped}b"'
    assert shorten("température 東京") == "température 東京"


def test_all_faults_are_said_together() -> None:
    bad = BadValue([make_fault("One.", "Un.", given=1), make_fault("Two.", "Deux.", given=2)])
    assert str(bad) == "One. Two."
