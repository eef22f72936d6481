"""
The words of the pages in French, by the English ones that stand in the templates.

A test holds it complete: every message of every template, and of every script's `data-words`, is here, and nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gaia_processes.text import Language, Text

FRENCH: Mapping[str, str] = MappingProxyType(
    {
        # every page
        "Skip to the content": "Aller au contenu",
        "Main": "Principal",
        "You are here": "Vous êtes ici",
        "Language": "Langue",
        "Home": "Accueil",
        "Processes": "Traitements",
        "Jobs": "Tâches",
        "Centres": "Centres",
        "Collections": "Collections",
        "Health": "État du service",
        "Conformance": "Conformité",
        "API": "API",
        "This page as JSON": "Cette page en JSON",
        "Processing where the data are": "Le calcul là où sont les données",
        "Links of this page": "Liens de cette page",
        # problems
        "Error %(status)s": "Erreur %(status)s",
        "What is wrong": "Ce qui ne va pas",
        "given": "donné",
        "right would be": "serait juste",
        "Back to the home page": "Retour à l'accueil",
        "What the service answered, word for word": "Ce que le service a répondu, mot pour mot",
    }
)


def translate(message: str, language: Language) -> str:
    """Give a message of the templates in a language; one that has no French stays as it is."""
    return FRENCH.get(message, message) if language == "fr" else message


def translate_number(one: str, many: str, number: int, language: Language) -> str:
    """Give the message for a number of things; in French none is one too."""
    single = number <= 1 if language == "fr" else number == 1
    return translate(one if single else many, language)


def text_of(message: str) -> Text:
    """Give a message in both languages."""
    return Text(en=message, fr=FRENCH[message])
