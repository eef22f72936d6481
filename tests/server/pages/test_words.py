"""Both languages are always whole: what the templates say is in the table, and the table says nothing else."""

import re
from pathlib import Path

from jinja2 import Environment

from gaia_server.pages.page import TEMPLATES
from gaia_server.pages.words import FRENCH, bind, translate, translate_number

PYTHON = Path(TEMPLATES).parent.rglob("*.py")


def said_by_templates() -> set[str]:
    reader = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    said: set[str] = set()
    for path in TEMPLATES.rglob("*.html"):
        for _, _, message in reader.extract_translations(path.read_text(encoding="utf-8")):
            said |= {message} if isinstance(message, str) else {each for each in message if each}
    return said


def test_every_message_of_a_template_has_french():
    assert said_by_templates() - set(FRENCH) == set()


def test_no_french_is_left_over():
    python = "".join(path.read_text(encoding="utf-8") for path in PYTHON if path.name != "words.py")
    used_in_code = {message for message in FRENCH if f'"{message}"' in python}
    assert set(FRENCH) - said_by_templates() - used_in_code == set()


def test_french_keeps_the_places_where_values_stand():
    for english, french in FRENCH.items():
        assert set(re.findall(r"%\(\w+\)s", english)) == set(re.findall(r"%\(\w+\)s", french)), english


def test_a_message_is_given_in_the_language():
    assert (translate("Jobs", "en"), translate("Jobs", "fr")) == ("Jobs", "Tâches")


def test_none_is_one_in_french_and_many_in_english():
    assert [translate_number("one", "many", number, "en") for number in (0, 1, 2)] == ["many", "one", "many"]
    assert [translate_number("one", "many", number, "fr") for number in (0, 1, 2)] == ["one", "one", "many"]


def test_no_line_breaks_before_the_double_signs_of_french():
    assert bind("Lieu : « ici » ; oui !") == "Lieu\xa0: «\xa0ici\xa0»\xa0; oui\xa0!"
