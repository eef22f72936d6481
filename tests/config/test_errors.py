from pathlib import Path

from gaia_config.errors import ConfigurationError


def test_the_sentence_says_where():
    error = ConfigurationError("'x' cannot be used; write y", file=Path("a.yml"), line=3, key="centres[0].id")
    assert str(error) == "a.yml, line 3, centres[0].id: 'x' cannot be used; write y."


def test_a_question_gets_no_full_stop():
    assert str(ConfigurationError("was 'run' meant?")) == "was 'run' meant?"
