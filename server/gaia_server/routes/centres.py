"""`/centres`: each centre, whether it is up, what it holds and how busy it is."""

from typing import Any

from flask import Blueprint, Response, request

from gaia_config.centres import Centre
from gaia_server.errors import NoSuchCentre
from gaia_server.fitting import takers
from gaia_server.negotiation import language_of, wants_html
from gaia_server.pages.here import Step
from gaia_server.pages.page import render_page
from gaia_server.pages.words import translate
from gaia_server.rendering import link_page, make_link, render_json, without_none
from gaia_server.services import Services, current_services
from gaia_workers.contract import Load

FRESH = {"Cache-Control": "no-cache"}

routes = Blueprint("centres", __name__)


@routes.get("/centres")
def list_centres() -> Response:
    """List the centres."""
    services = current_services()
    loads = services.submission.loads()
    shown = [_render(centre, loads.get(centre.id), services) for centre in services.centres.values()]
    url = f"{services.settings.public_url}/centres"
    found = {"centres": shown, "links": [make_link(url, "self"), link_page(url, language_of(request))]}
    if wants_html(request):
        return render_page("centres/index.html", found, title=_title(), headers=FRESH)
    return render_json(found, headers=FRESH)


@routes.get("/centres/<centre_id>")
def show_centre(centre_id: str) -> Response:
    """Show one centre."""
    services = current_services()
    centre = services.centres.get(centre_id)
    if centre is None:
        raise NoSuchCentre(centre_id, known=tuple(services.centres))
    shown = _render(centre, services.submission.loads().get(centre_id), services)
    if wants_html(request):
        trail = [Step(title=_title(), path="/centres")]
        held = [each for each in services.federation.datasets() if each.find_replica(centre.id)]
        shown = shown | {"takers": {each.id: takers(services.processes.values(), each) for each in held}}
        return render_page("centres/centre.html", shown, title=centre.title, trail=trail, headers=FRESH)
    return render_json(shown, headers=FRESH)


def _lane(load: Load, queue: str) -> dict[str, int]:
    return {
        "waiting": load.waiting.get(queue, 0),
        "running": load.running_in.get(queue, 0),
        "slots": load.slots_in.get(queue, 0),
    }


def _title() -> str:
    return translate("Centres", language_of(request))


def _render(centre: Centre, load: Load | None, services: Services) -> dict[str, Any]:
    load = load or Load(alive=False, reachable=False)
    url = f"{services.settings.public_url}/centres/{centre.id}"
    held = [each.id for each in services.federation.datasets() if each.find_replica(centre.id)]
    return without_none(
        {
            "id": centre.id,
            "title": centre.title,
            "up": load.alive,
            "reachable": load.reachable,
            "delivery": centre.delivery,
            "waiting": {queue.name: load.waiting.get(queue.name, 0) for queue in centre.queues},
            "running": load.running,
            "lanes": {queue.name: _lane(load, queue.name) for queue in centre.queues},
            "load": round(load.running / load.slots, 2) if load.slots else None,
            "slots": load.slots,
            "trouble": list(load.trouble) or None,
            "datasets": held,
            "links": [make_link(url, "self"), link_page(url, language_of(request))],
        }
    )
