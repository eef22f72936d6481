"""`/processes`: what is on offer."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from gaia_server.descriptions import description, summary
from gaia_server.negotiation import language_of
from gaia_server.queries import Query, address
from gaia_server.rendering import make_link, render_empty, render_json
from gaia_server.services import current_services

DEFAULT_LIMIT = 1000

routes = Blueprint("processes", __name__)


@routes.get("/processes")
def list_processes() -> Response:
    """List the processes, in the order of the catalogue."""
    services, language = current_services(), language_of(request)
    base_url = services.settings.public_url
    query, ids = Query(request), list(services.processes)
    limit, after = query.limit(default=DEFAULT_LIMIT), query.names("after", ids)
    query.check()
    first = ids.index(after[-1]) + 1 if after else 0
    page = ids[first : first + limit]
    here = f"{base_url}/processes"
    links = [make_link(address(here, request), "self")]
    if first + limit < len(ids):
        links.append(make_link(address(here, request, after=page[-1]), "next"))
    shown = [summary(services.processes[id], language, base_url) for id in page]
    return _in_language(render_json({"processes": shown, "links": links}))


@routes.get("/processes/<process_id>")
def describe_process(process_id: str) -> Response:
    """Describe a process: its inputs and outputs."""
    services = current_services()
    process = services.process(process_id)
    etag = f"{services.federation.etag}-{process.version}-{language_of(request)}"
    if request.if_none_match.contains(etag):
        response = render_empty(HTTPStatus.NOT_MODIFIED)
    else:
        ids = tuple(dataset.id for dataset in services.federation.datasets())
        response = render_json(description(process, language_of(request), services.settings.public_url, ids))
    response.set_etag(etag)
    return _in_language(response)


def _in_language(response: Response) -> Response:
    response.headers["Content-Language"] = language_of(request)
    return response
