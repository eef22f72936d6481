"""The web application: our routes first, then pygeoapi's; and what holds for every request."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request

from gaia_config.settings import Settings
from gaia_server import openapi
from gaia_server.bodies import TimedInput
from gaia_server.cors import allow_other_origins
from gaia_server.front import import_front, open_house, pygeoapi_configuration, settle_accept, tell_as_problem
from gaia_server.negotiation import AcceptRepair, parameter
from gaia_server.operations import comes_in_forms
from gaia_server.pages.process import example_body
from gaia_server.pages.protection import protect
from gaia_server.problems import render_error
from gaia_server.queries import Query
from gaia_server.routes import (
    assets,
    centres,
    collections,
    deliveries,
    document,
    events,
    execution,
    forms,
    health,
    jobs,
    processes,
    uploads,
)
from gaia_server.services import EXTENSION, Services

BODY_LIMIT_S = 30.0
CHOSEN_BY = ("Accept", "Accept-Language")
_VARIES = ", ".join(CHOSEN_BY)

OURS = (
    processes.routes,
    execution.routes,
    forms.routes,
    jobs.routes,
    events.routes,
    collections.routes,
    centres.routes,
    health.routes,
    deliveries.routes,
    uploads.routes,
    assets.routes,
    document.routes,
)
"""For equal addresses the first that is registered answers; so these stand before pygeoapi's."""


class Application(Flask):
    """Flask, that does not look at every request whether each of its functions is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Take a function as it is."""
        return func


def make_app(services: Services) -> Flask:
    """
    Make the application.

    Parameters
    ----------
    services : Services
        What the routes work with.
    """
    app = draw_app(services.settings)
    settle(app, services)
    return app


def draw_app(settings: Settings) -> Flask:
    """Make an application with all that is the same whatever it works with: routes, and what holds for every request."""
    app = Application("gaia_server", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # else `//` is answered with an address made of what the client calls the host
    for routes in (*OURS, import_front(settings)):
        app.register_blueprint(routes)
    app.register_error_handler(Exception, render_error)
    app.before_request(_limit_body_time)
    app.before_request(_check_form)
    app.before_request(settle_accept)
    allow_other_origins(app)
    app.after_request(_drain_refused)
    app.after_request(_say_what_varies)
    app.after_request(protect)
    app.after_request(tell_as_problem)  # the last one runs first
    app.wsgi_app = AcceptRepair(app.wsgi_app)  # type: ignore[method-assign]  # the way Flask documents
    return app


def settle(app: Flask, services: Services) -> None:
    """Give an application what it works with, in place of what it may have worked with before."""
    app.extensions[EXTENSION] = services
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.extensions |= open_house(services)
    app.extensions[openapi.EXTENSION] = openapi.Documents(
        pygeoapi_configuration(services.settings)["metadata"],
        public_url=services.settings.public_url,
        processes=services.processes,
        federation=services.federation,
        example_of=partial(example_body, services),
    )


def _limit_body_time() -> None:
    """Deliveries of centres and files of users may take long, as long as they go on; the web server sees to that."""
    if request.blueprint not in (deliveries.routes.name, uploads.routes.name):
        request.environ["wsgi.input"] = TimedInput(request.environ["wsgi.input"], BODY_LIMIT_S)


def _check_form() -> None:
    """Refuse an `f` that is no form of what is asked for; where the OpenAPI document has none, it is ignored."""
    rule = request.url_rule
    if parameter(request, "f") and rule is not None and comes_in_forms(rule.rule):
        query = Query(request)
        query.form()
        query.check()


def _drain_refused(response: Response) -> Response:
    """Once a request is refused, let the client finish sending, so that it hears why: the answer goes out before."""
    body = request.environ["wsgi.input"]
    if response.status_code >= HTTPStatus.BAD_REQUEST and isinstance(body, TimedInput):
        response.call_on_close(body.drain)
    return response


def _say_what_varies(response: Response) -> Response:
    """Tell caches what an answer was chosen by."""
    if "Vary" in response.headers:
        response.vary.update(CHOSEN_BY)
    else:
        response.headers.add("Vary", _VARIES)
    return response
