"""`/forms/{processID}`: takes the form that stands on the page of a process, from browsers with and without scripts."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from gaia_processes.process import Process
from gaia_server.demands import Understood
from gaia_server.errors import WrongForm
from gaia_server.identity import identify
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_server.origin import check_same_origin
from gaia_server.pages.form import RUN
from gaia_server.pages.here import path_of
from gaia_server.pages.process import fill, render_process
from gaia_server.rendering import render_empty
from gaia_server.services import Services, current_services
from gaia_server.spilling import Keeper, spill

LOOK = "look"
NOW = "now"
FORM = "application/x-www-form-urlencoded"

routes = Blueprint("forms", __name__)


@routes.get("/forms/<process_id>")
def show_form(process_id: str) -> Response:
    """Lead to the page where the form stands, filled in as it is here."""
    services = current_services()
    path = path_of(f"/processes/{services.process(process_id).id}").partition("?")[0]
    query = request.query_string.decode()
    return render_empty(HTTPStatus.SEE_OTHER, {"Location": f"{path}?{query}" if query else path})


@routes.post("/forms/<process_id>")
def take_form(process_id: str) -> Response:
    """
    Run a process as a filled form says, and lead to its job or to its result.

    The button decides: `now` waits for the result, `look` only shows the form again with what it means, anything else
    starts a job.
    """
    services = current_services()
    process = services.process(process_id)
    check_same_origin(request, services.settings.public_url)
    if request.mimetype != FORM:
        raise WrongForm
    request.max_form_memory_size = services.settings.max_body_bytes
    if request.form.get(RUN) == LOOK:
        return render_process(services, process, request.form)
    filled = fill(services, process, request.form)
    if filled.understood is None:
        return render_process(services, process, request.form, strict=True)
    now = request.form.get(RUN) == NOW and "sync-execute" in process.control
    return _lead_to(_run(services, process, filled.understood, now=now))


def _run(services: Services, process: Process, understood: Understood, *, now: bool) -> Job:
    owner, limit_s = identify(request), services.settings.sync_limit_s
    now = now and understood.estimate.seconds <= limit_s
    spilled = spill(understood, Keeper(services.uploads, owner))
    job = services.submission.submit(process, spilled, owner=owner, synchronous=now)
    if not now:
        return job
    job = services.submission.wait(job.id, owner=owner, timeout_s=limit_s)
    return job if job.state.final else services.submission.go_on(job)


def _lead_to(job: Job) -> Response:
    """Lead to the one result where it is there already, else to the page of the job."""
    path = f"/jobs/{job.id}"
    if job.synchronous and job.state is State.SUCCESSFUL and job.result and len(job.result.outputs) == 1:
        path += f"/results/{job.result.outputs[0].output}"
    return render_empty(HTTPStatus.SEE_OTHER, {"Location": path_of(path), "Cache-Control": "no-store"})
