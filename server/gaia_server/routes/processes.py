"""`/processes`: what is on offer."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from gaia_processes.process import Process
from gaia_processes.text import Language
from gaia_server.descriptions import description, show_example, summary
from gaia_server.fitting import ids_by_role
from gaia_server.negotiation import language_of, wants_html
from gaia_server.pages.page import render_page
from gaia_server.pages.process import example_body, render_process
from gaia_server.pages.words import translate
from gaia_server.queries import Query, address
from gaia_server.rendering import link_page, make_link, render_empty, render_json
from gaia_server.search import LONGEST_SEARCH, is_found
from gaia_server.services import current_services

DEFAULT_LIMIT = 1000

routes = Blueprint("processes", __name__)


@routes.get("/processes")
def list_processes() -> Response:
    """List the processes, in the order of the catalogue; with `q` those that it finds."""
    services, language = current_services(), language_of(request)
    base_url = services.settings.public_url
    sought = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    query, ids = Query(request), list(services.processes)
    limit, after = query.limit(default=DEFAULT_LIMIT), query.names("after", ids)
    query.check()
    first = ids.index(after[-1]) + 1 if after else 0
    found = [id for id in ids[first:] if _is_found(services.processes[id], sought, language)]
    page = found[:limit]
    here = f"{base_url}/processes"
    links = [make_link(address(here, request), "self"), link_page(address(here, request), language)]
    if len(found) > limit:
        links.append(make_link(address(here, request, after=page[-1]), "next"))
    shown = [summary(services.processes[id], language, base_url) for id in page]
    listed = {"processes": shown, "links": links}
    if wants_html(request):
        return render_page("processes/index.html", listed | {"q": sought}, title=translate("Processes", language))
    return _in_language(render_json(listed))


@routes.get("/processes/<process_id>")
def describe_process(process_id: str) -> Response:
    """Describe a process: its inputs and outputs."""
    services = current_services()
    process = services.process(process_id)
    if wants_html(request):
        return render_process(services, process, request.args)
    etag = f"{services.federation.etag}-{process.version}-{language_of(request)}"
    if request.if_none_match.contains(etag):
        response = render_empty(HTTPStatus.NOT_MODIFIED)
    else:
        ids = ids_by_role(services.federation)
        described = description(process, language_of(request), services.settings.public_url, ids)
        response = render_json(show_example(described, example_body(services, process)))
    response.set_etag(etag)
    return _in_language(response)


def _in_language(response: Response) -> Response:
    response.headers["Content-Language"] = language_of(request)
    return response


def _is_found(process: Process, sought: str, language: Language) -> bool:
    """Tell whether every word that is sought stands somewhere in what is said of a process."""
    said = (
        process.id,
        process.title.into(language),
        process.description.into(language),
        *(word.into(language) for word in process.keywords),
    )
    return is_found(sought, said)
