"""What a template knows of the page that it makes: addresses, languages, where in the house it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode, urlsplit

from flask import current_app, request

from gaia_processes.text import Language
from gaia_server.negotiation import LANGUAGES, language_of
from gaia_server.pages.assets import Assets

EXTENSION = "gaia-here"
_NAMES: Mapping[Language, str] = {"en": "English", "fr": "Français"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the service lies: the path of its public address, without a slash at its end, and its assets."""

    prefix: str
    assets: Assets


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageLink:
    """A way to the same page in a language."""

    code: Language
    name: str
    href: str
    current: bool


class Here:
    """
    Answers a template's questions about the request at hand; holds nothing itself.

    pygeoapi copies what it hands to templates and keeps it, so whatever differs from one request to the next has to be
    asked for when a page is made.
    """

    @property
    def language(self) -> Language:
        """Language of the page."""
        return language_of(request)

    @property
    def path(self) -> str:
        """Path of the page inside of the service, as `/processes`."""
        return request.path

    @property
    def languages(self) -> tuple[LanguageLink, ...]:
        """Give the ways to the same page in each language."""
        return tuple(
            LanguageLink(code=code, name=_NAMES[code], href=self._with(lang=code), current=code == self.language)
            for code in LANGUAGES
        )

    @property
    def json(self) -> str:
        """Address of the same page as JSON."""
        return self._with(f="json")

    def link(self, path: str, **query: str) -> str:
        """Give the address of a path of the service; a language that was chosen goes along."""
        if "lang" in request.args:
            query = {**query, "lang": self.language}
        return _place().prefix + path + (f"?{urlencode(query)}" if query else "")

    def asset(self, name: str) -> str:
        """
        Give the address of a style sheet, script or picture.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        place = _place()
        place.assets.files[name]  # a page that names what is not there is a mistake
        return f"{place.prefix}/assets/{place.assets.version}/{name}"

    def _with(self, **changed: str) -> str:
        kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
        return _place().prefix + request.path + "?" + urlencode([*kept, *changed.items()])


def _place() -> Place:
    return cast("Place", current_app.extensions[EXTENSION])


def make_place(public_url: str, assets: Assets) -> Place:
    """Find the path under which the service is seen from outside."""
    return Place(prefix=urlsplit(public_url).path.rstrip("/"), assets=assets)
