"""`/centres`: each centre, whether it is up, what it holds and how busy it is."""

from typing import Any

from flask import Blueprint, Response

from gaia_config.centres import Centre
from gaia_server.errors import NoSuchCentre
from gaia_server.rendering import make_link, render_json, without_none
from gaia_server.services import Services, current_services
from gaia_workers.contract import Load

routes = Blueprint("centres", __name__)


@routes.get("/centres")
def list_centres() -> Response:
    """List the centres."""
    services = current_services()
    loads = services.submission.loads()
    shown = [_render(centre, loads.get(centre.id), services) for centre in services.centres.values()]
    links = [make_link(f"{services.settings.public_url}/centres", "self")]
    return render_json({"centres": shown, "links": links}, headers={"Cache-Control": "no-cache"})


@routes.get("/centres/<centre_id>")
def show_centre(centre_id: str) -> Response:
    """Show one centre."""
    services = current_services()
    centre = services.centres.get(centre_id)
    if centre is None:
        raise NoSuchCentre(centre_id, known=tuple(services.centres))
    shown = _render(centre, services.submission.loads().get(centre_id), services)
    return render_json(shown, headers={"Cache-Control": "no-cache"})


def _render(centre: Centre, load: Load | None, services: Services) -> dict[str, Any]:
    load = load or Load(alive=False, reachable=False)
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
            "slots": load.slots,
            "trouble": list(load.trouble) or None,
            "datasets": held,
            "links": [make_link(f"{services.settings.public_url}/centres/{centre.id}", "self")],
        }
    )
