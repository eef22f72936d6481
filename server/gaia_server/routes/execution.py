"""
`POST /processes/{processID}/execution`: run a process, now or as a job.

Beside it `/estimate`: what that would cost; and `/constraints`: what may still be asked.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from gaia_processes.process import Process
from gaia_server.answers import Answering, render_results, require_result
from gaia_server.bodies import read_object
from gaia_server.constraints import allowed_inputs
from gaia_server.demands import Understood, read_demand
from gaia_server.descriptions import EXECUTE
from gaia_server.errors import JobFailed, LinkTimedOut, PostInstead
from gaia_server.identity import identify
from gaia_server.jobs.records import Job
from gaia_server.kvp import read_link
from gaia_server.negotiation import accepted_format, language_of, wants_html
from gaia_server.pages.jobs import render_results_page
from gaia_server.preference import Preference, applied
from gaia_server.problems import render_error
from gaia_server.rendering import make_link, render_json
from gaia_server.repeats import read_once
from gaia_server.services import Services, current_services
from gaia_server.spilling import Keeper, keeps_references, spill
from gaia_server.status import job_url, render_status, retry_after

routes = Blueprint("execution", __name__)


@routes.post("/processes/<process_id>/execution")
def execute(process_id: str) -> Response:
    """Run a process: 200 with its results, or 201 with the job that makes them."""
    services = current_services()
    process = services.process(process_id)
    wish = _wish()
    body = read_object(request, services.settings)
    once = read_once(request, process.id, body)
    earlier = services.submission.find_once(once, owner=identify(request)) if once else None
    if earlier is not None:
        return _answer(services, process, earlier, wish)
    understood = spill(_understand(services, process, body, wish), _keeper(services))
    later = _answers_later(process, wish) or understood.estimate.seconds > services.settings.sync_limit_s
    job = services.submission.submit(
        process,
        understood,
        owner=identify(request),
        synchronous=not later,
        fresh=_wants_fresh(),
        once=once,
    )
    return _answer(services, process, job, wish)


@routes.get("/processes/<process_id>/execution")
def follow_link(process_id: str) -> Response:
    """Run a process that is done at once, as a link asks for it; leaves no job that anybody would have to look after."""
    services = current_services()
    process, limit_s = services.process(process_id), services.settings.sync_limit_s
    link = read_link(process, request.args.to_dict(flat=False), max_depth=services.settings.max_json_depth)
    # A client that sends the same `Prefer` with everything it asks for does not mean this.
    wish = replace(_wish(*link.prefer), respond=None)
    understood = spill(_understand(services, process, link.body, wish), _keeper(services))
    cost_s = understood.estimate.seconds
    if "sync-execute" not in process.control or cost_s > limit_s:
        raise PostInstead(estimate_s=cost_s if cost_s > limit_s else None, limit_s=limit_s)
    job = services.submission.submit(
        process, understood, owner=identify(request), synchronous=True, fresh=_wants_fresh()
    )
    response = _wait_for(services, job, wish, lasting=False)
    response.headers["Cache-Control"] = "no-cache"
    return response


@routes.post("/processes/<process_id>/estimate")
def estimate(process_id: str) -> Response:
    """Say what a request would cost, where it would run and why, without running it."""
    services = current_services()
    process = services.process(process_id)
    understood = _read(services, process, Preference())
    cost, plan = understood.estimate, services.submission.choose(process, understood)
    choice, language = plan.choice, language_of(request)
    return render_json(
        {
            "processID": process.id,
            "inputs": understood.demand.inputs,
            "gaia:estimate": {
                "bytesRead": cost.bytes_read,
                "bytesWritten": cost.bytes_written,
                "bytesMoved": plan.bytes_moved,
                "seconds": cost.seconds,
            },
            "gaia:centre": choice.centre,
            "gaia:queue": choice.queue,
            "gaia:reason": choice.reason.into(language),
            "gaia:parts": [
                {"dataset": str(each.reference), "gaia:centre": there.centre, "sizeBytes": each.cost.bytes_written}
                for each, there in plan.brings
            ],
        }
    )


@routes.post("/processes/<process_id>/constraints")
def constrain(process_id: str) -> Response:
    """Say what each input may be, given those that are known already."""
    services = current_services()
    process = services.process(process_id)
    body = read_object(request, services.settings)
    allowed = allowed_inputs(
        process,
        body,
        federation=services.federation,
        ignored=services.settings.ignored_inputs,
        references=services.references,
        uploads=services.uploads.of(identify(request)),
        keep=keeps_references(process, _keeper(services)),
    )
    here = f"{services.settings.public_url}/processes/{process.id}"
    links = [
        make_link(f"{here}/constraints", "self"),
        make_link(here, "up"),
        make_link(f"{here}/execution", EXECUTE),
        make_link(f"{services.settings.public_url}/collections", "search"),
    ]
    inputs = {name: each.as_json() for name, each in allowed.items()}
    return render_json({"processID": process.id, "inputs": inputs, "links": links})


def _read(services: Services, process: Process, wish: Preference) -> Understood:
    """Understand the request completely; nothing is queued before."""
    return _understand(services, process, read_object(request, services.settings), wish)


def _understand(services: Services, process: Process, body: dict[str, Any], wish: Preference) -> Understood:
    accepted = {id: accepted_format(request, output.formats) for id, output in process.outputs.items()}
    return read_demand(
        process,
        body,
        federation=services.federation,
        ignored=services.settings.ignored_inputs,
        returns=wish.returns,
        accepted=accepted if wish.respond != "async" else None,
        references=services.references,
        outbound=services.outbound,
        language=language_of(request),
        uploads=services.uploads.of(identify(request)),
        keep=keeps_references(process, _keeper(services)),
    )


def _keeper(services: Services) -> Keeper:
    return Keeper(services.uploads, identify(request))


def _answers_later(process: Process, wish: Preference) -> bool:
    """Tell whether the answer is the address of a job, whatever it costs."""
    wanted = wish.respond == "async" and "async-execute" in process.control
    return wanted or "sync-execute" not in process.control


def _answer(services: Services, process: Process, job: Job, wish: Preference) -> Response:
    """Answer with a job, or with its results: alike when the same request comes again."""
    if job.synchronous:
        return _wait_for(services, job, wish)
    later = "respond-async" if wish.respond == "async" and "async-execute" in process.control else None
    return _accepted(job, services, applied(later, _returns(job, wish)))


def _wait_for(services: Services, job: Job, wish: Preference, *, lasting: bool = True) -> Response:
    """Wait for a job; what is not done then goes on, or is stopped where none is to last."""
    owner = job.owner
    limit_s = services.settings.sync_limit_s
    patience_s = limit_s if wish.wait_s is None else min(limit_s, wish.wait_s)
    job = services.submission.wait(job.id, owner=owner, timeout_s=patience_s)
    honoured = applied(
        "respond-sync" if wish.respond == "sync" and job.state.final else None,
        f"wait={wish.wait_s}" if wish.wait_s is not None and wish.wait_s <= limit_s else None,
        _returns(job, wish),
    )
    if not job.state.final and not lasting:
        services.submission.dismiss(job.id, owner=owner)
        raise LinkTimedOut
    if not job.state.final:
        return _accepted(services.submission.go_on(job), services, honoured)
    response = _outcome(job, services)
    response.headers["Gaia-Job"] = job_url(services.settings.public_url, job.id)
    response.headers.update(honoured)
    return response


def _wish(*others: str) -> Preference:
    """Read what the client would like; `others` were said in the address, and count before the header."""
    header = request.headers.get("Prefer")
    return Preference.parse(others if header is None else (*others, header))


def _wants_fresh() -> bool:
    """Tell whether the client wants it computed anew, though the same may have been computed before."""
    return "Cache-Control" in request.headers and bool(request.cache_control.no_cache)


def _returns(job: Job, wish: Preference) -> str | None:
    """Name the preference `return=` where it counted."""
    return f"return={wish.returns}" if wish.returns and job.demand.response is None else None


def _outcome(job: Job, services: Services) -> Response:
    answering = Answering(request=request, files=services.files, base_url=services.settings.public_url, direct=True)
    try:
        if job.demand.response == "document" and wants_html(request):
            require_result(job)
            up = make_link(job_url(services.settings.public_url, job.id), "up")
            return render_results_page(request, services, job, [up])
        return render_results(job, answering)
    except JobFailed as error:
        return render_error(error)


def _accepted(job: Job, services: Services, honoured: dict[str, str]) -> Response:
    base_url = services.settings.public_url
    where = {"Location": job_url(base_url, job.id), **retry_after(job), **honoured}
    status = render_status(job, base_url=base_url, language=language_of(request), outlook=services.outlooks.find(job))
    return render_json(status, HTTPStatus.CREATED, where)
