"""`/collections`: the datasets of all centres, to be looked through and searched."""

from flask import Blueprint, Response, request

from gaia_config.datasets import Dataset
from gaia_server.datasets import render_collection, words_of
from gaia_server.errors import NoSuchCollection
from gaia_server.fitting import takers
from gaia_server.negotiation import language_of, wants_html
from gaia_server.pages.here import Step
from gaia_server.pages.page import render_page
from gaia_server.pages.words import translate
from gaia_server.queries import Query, address
from gaia_server.rendering import link_page, make_link, render_json
from gaia_server.search import LONGEST_SEARCH, is_found
from gaia_server.services import Services, current_services

DEFAULT_LIMIT = 100

routes = Blueprint("collections", __name__)


@routes.get("/collections")
def list_collections() -> Response:
    """List the datasets by id; with `q` those that it finds."""
    services, language = current_services(), language_of(request)
    sought = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    query = Query(request)
    limit, after = query.limit(default=DEFAULT_LIMIT), query.names("after")
    query.check()
    every = services.federation.datasets()
    found = [each for each in every if each.id > (after[-1] if after else "") and is_found(sought, words_of(each))]
    here = f"{services.settings.public_url}/collections"
    links = [make_link(address(here, request), "self"), link_page(address(here, request), language)]
    if len(found) > limit:
        links.append(make_link(address(here, request, after=found[limit - 1].id), "next"))
    listed = {"collections": [_render(each, services) for each in found[:limit]], "links": links}
    if wants_html(request):
        return render_page("collections/index.html", listed | {"q": sought}, title=_title())
    return render_json(listed)


@routes.get("/collections/<collection_id>")
def show_collection(collection_id: str) -> Response:
    """Show one dataset."""
    services = current_services()
    versions = services.federation.versions(collection_id)
    if not versions:
        raise NoSuchCollection(collection_id, known=[each.id for each in services.federation.datasets()])
    shown = _render(versions[0], services, versions)
    if wants_html(request):
        trail = [Step(title=_title(), path="/collections")]
        shown = shown | {"takers": takers(services.processes.values(), versions[0])}
        return render_page("collections/dataset.html", shown, title=versions[0].title, trail=trail)
    return render_json(shown)


def _title() -> str:
    return translate("Datasets", language_of(request))


def _render(dataset: Dataset, services: Services, versions: tuple[Dataset, ...] = ()) -> dict[str, object]:
    return render_collection(
        dataset,
        base_url=services.settings.public_url,
        language=language_of(request),
        processes=services.processes.values(),
        versions=versions,
    )
