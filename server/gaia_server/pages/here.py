"""What a template knows of the page that it makes: addresses, languages, what the house holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlencode, urlsplit

from flask import current_app, request

from gaia_config.centres import Centre
from gaia_processes.process import Process
from gaia_processes.text import Language
from gaia_server.negotiation import JSON, LANGUAGES, OPENAPI, language_of
from gaia_server.pages.assets import Assets

EXTENSION = "gaia-here"
_NAMES: Mapping[Language, str] = {"en": "English", "fr": "Français"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """
    The house as templates see it.

    Attributes
    ----------
    prefix : str
        Path of the public address, without a slash at its end.
    """

    prefix: str
    assets: Assets
    processes: Sequence[Process]
    centres: Sequence[Centre]


def make_place(
    public_url: str,
    *,
    assets: Assets,
    processes: Sequence[Process],
    centres: Sequence[Centre],
) -> Place:
    """Make the house that is seen from outside at an address."""
    prefix = urlsplit(public_url).path.rstrip("/")
    return Place(prefix=prefix, assets=assets, processes=processes, centres=centres)


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageLink:
    """A way to the same page in a language."""

    code: Language
    name: str
    href: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step on the way from the landing page to a page; `path` is that inside of the service."""

    title: str
    path: str


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
    def chosen(self) -> bool:
        """Whether the address itself says the language."""
        return "lang" in request.args

    @property
    def path(self) -> str:
        """Path of the page inside of the service, as `/processes`."""
        return request.path

    @property
    def steps(self) -> tuple[Step, ...]:
        """Give the pages above this one, by its path."""
        parts = request.path.strip("/").split("/")[:-1]
        return tuple(
            Step(title=unquote(part), path="/" + "/".join(parts[: place + 1])) for place, part in enumerate(parts)
        )

    @property
    def languages(self) -> tuple[LanguageLink, ...]:
        """Give the ways to the same page in each language."""
        return tuple(
            LanguageLink(code=code, name=_NAMES[code], href=self._with(lang=code), current=code == self.language)
            for code in LANGUAGES
        )

    @property
    def here(self) -> str:
        """Address of the page, with its query."""
        return self._with()

    @property
    def json(self) -> str:
        """Address of the same page as JSON."""
        return self._with(f="json")

    @property
    def json_type(self) -> str:
        """Media type of that JSON."""
        return OPENAPI if request.blueprint == "document" else JSON

    @property
    def processes(self) -> Sequence[Process]:
        """What is on offer."""
        return _place().processes

    @property
    def centres(self) -> Sequence[Centre]:
        """The centres of the federation."""
        return _place().centres

    def link(self, path: str, **query: str) -> str:
        """Give the address of a path of the service; see `path_of`."""
        return path_of(path, **query)

    def asset(self, name: str) -> str:
        """
        Give the address of a style sheet, script or picture.

        Raises
        ------
        KeyError
            If there is none of that name: a page that names what is not there is a mistake.
        """
        place = _place()
        if name not in place.assets.files:
            raise KeyError(name)
        return f"{place.prefix}/assets/{place.assets.version}/{name}"

    def _with(self, **changed: str) -> str:
        kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
        query = urlencode([*kept, *changed.items()])
        return _place().prefix + request.path + (f"?{query}" if query else "")


def path_of(path: str, **query: str) -> str:
    """Give the address of a path of the service as a page names it; a language that was chosen goes along."""
    if "lang" in request.args:
        query = {**query, "lang": language_of(request)}
    return _place().prefix + path + (f"?{urlencode(query)}" if query else "")


def _place() -> Place:
    return cast("Place", current_app.extensions[EXTENSION])
