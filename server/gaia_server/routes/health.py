"""`/health`: whether the server lives, whether it can work, and why not; and `/metrics`, the same in figures."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from gaia_server.errors import StoreDown
from gaia_server.metrics import MEDIA_TYPE, write_metrics
from gaia_server.negotiation import language_of, wants_html
from gaia_server.pages.page import render_page
from gaia_server.pages.words import translate
from gaia_server.rendering import render_json
from gaia_server.services import Services, current_services
from gaia_workers.contract import Load

routes = Blueprint("health", __name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """
    How the service is.

    Attributes
    ----------
    ready : bool
        It can take work: the store answers and at least one centre is up.
    reasons : tuple of str
        Everything that is not as it should be, also where the service is ready all the same.
    """

    store: bool
    centres: dict[str, bool]
    ready: bool
    reasons: tuple[str, ...]


@routes.get("/health/live")
def show_live() -> Response:
    """Say that this process answers."""
    return _answer({"status": "live"}, HTTPStatus.OK)


@routes.get("/health/ready")
def show_ready() -> Response:
    """Say whether work can be done, and what stands in its way: 503 where nothing can be done."""
    return _render(look(current_services()), unless_ready=HTTPStatus.SERVICE_UNAVAILABLE)


@routes.get("/health")
def show_health() -> Response:
    """Sum up how the service is, always with 200."""
    return _render(look(current_services()), unless_ready=HTTPStatus.OK)


@routes.get("/metrics")
def show_metrics() -> Response:
    """Give the figures of this moment to Prometheus."""
    return Response(write_metrics(current_services()), content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def look(services: Services) -> Health:
    """See how the parts are."""
    reasons = []
    try:
        services.store.ready()
        store = True
    except StoreDown:
        store = False
        reasons.append("the job store does not answer")
    loads = services.submission.loads()
    for id in services.centres:
        reasons += _reasons(id, loads.get(id))
    centres = {id: bool(loads.get(id) and loads[id].alive) for id in services.centres}
    return Health(store=store, centres=centres, ready=store and any(centres.values()), reasons=tuple(reasons))


def _reasons(centre: str, load: Load | None) -> list[str]:
    if load is None or not load.reachable:
        return [f"{centre}: its broker does not answer"]
    if load.trouble:
        return [f"{centre}: {trouble}" for trouble in load.trouble]
    return [] if load.alive else [f"{centre}: no worker gives a sign of life"]


def _render(health: Health, *, unless_ready: HTTPStatus) -> Response:
    found = {
        "status": "ready" if health.ready else "not ready",
        "store": "up" if health.store else "down",
        "centres": {id: "up" if up else "down" for id, up in health.centres.items()},
        "reasons": list(health.reasons),
    }
    return _answer(found, HTTPStatus.OK if health.ready else unless_ready)


def _answer(found: dict[str, Any], status: HTTPStatus) -> Response:
    headers = {"Cache-Control": "no-store"}
    if wants_html(request):
        title = translate("Health", language_of(request))
        return render_page("health.html", found, title=title, status=status, headers=headers)
    return render_json(found, status, headers)
