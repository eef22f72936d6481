"""`/jobs/{jobID}/events`: state and progress as they change, as server-sent events."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from gaia_processes.text import Language
from gaia_server.events import MEDIA_TYPE, EventStream, News
from gaia_server.jobs.records import Job
from gaia_server.negotiation import language_of
from gaia_server.rendering import render_empty
from gaia_server.routes.jobs import find_job
from gaia_server.services import current_services
from gaia_server.status import render_status

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Nobody in between may keep or collect events (the second is nginx' word for it)."""

routes = Blueprint("events", __name__)


@routes.get("/jobs/<job_id>/events")
def show_events(job_id: str) -> Response:
    """
    Tell how a job goes on, until it ends.

    A client that comes back after it heard the end gets 204, which by the standard of event streams means: do not come
    back.
    """
    services = current_services()
    job = find_job(services, job_id)
    if job.state.final and request.headers.get("Last-Event-ID") == News(job).number:
        return render_empty(HTTPStatus.NO_CONTENT, HEADERS)
    base_url = services.settings.public_url

    def render(job: Job, language: Language) -> dict[str, Any]:
        return render_status(job, base_url=base_url, language=language)

    stream = EventStream(
        services.feeds,
        job,
        render=render,
        language=language_of(request),
        heartbeat_s=services.settings.heartbeat_s,
    )
    return Response(stream, content_type=f"{MEDIA_TYPE}; charset=utf-8", headers=HEADERS)
