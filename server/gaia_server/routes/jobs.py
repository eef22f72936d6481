"""`/jobs`: their status, results, log and definition; and dismissing them."""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from gaia_processes.process import Process
from gaia_server.answers import Answering, find_file, render_results, require_result
from gaia_server.errors import NoSuchJob
from gaia_server.identity import identify
from gaia_server.jobs.records import Job, LogLine, Work
from gaia_server.jobs.states import State
from gaia_server.jobs.story import tell
from gaia_server.negotiation import JSON, language_of, wants_html, wants_json
from gaia_server.origin import check_same_origin
from gaia_server.pages.jobs import render_job_page, render_list_page, render_log_page, render_results_page
from gaia_server.provenance import MEDIA_TYPE, write_provenance
from gaia_server.queries import Query, address, fold_days, read_choice, write_mark
from gaia_server.rendering import (
    link_page,
    make_link,
    render_empty,
    render_json,
    render_text,
    render_time,
    without_none,
    write_json,
)
from gaia_server.results import render_file
from gaia_server.services import Services, current_services
from gaia_server.status import job_url, render_status, retry_after
from gaia_workers.contract import SideFile, utc_now

DEFAULT_LIMIT = 100

_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_WITH_WORDS = frozenset({"jobs.list_jobs", "jobs.show_status", "jobs.dismiss_job", "jobs.show_log"})
"""What holds sentences for people; results have the language that their own bytes have."""

routes = Blueprint("jobs", __name__)


@routes.after_request
def _say_language(response: Response) -> Response:
    if request.endpoint in _WITH_WORDS and response.status_code == HTTPStatus.OK:
        response.headers["Content-Language"] = language_of(request)
    return response


@routes.get("/jobs")
def list_jobs() -> Response:
    """List the jobs of whoever asks, newest first."""
    if fold := fold_days(request):
        return render_empty(HTTPStatus.SEE_OTHER, {"Location": current_services().settings.public_url + fold})
    services, query = current_services(), Query(request)
    limit, after, choice = query.limit(default=DEFAULT_LIMIT), query.mark("before"), read_choice(query)
    kinds = query.names("type")
    query.check()
    if kinds and "process" not in kinds:
        return _render_list((), services, None)
    found = services.store.jobs(owner=identify(request), limit=limit + 1, choice=choice, after=after)
    last = found[limit - 1] if len(found) > limit else None
    return _render_list(found[:limit], services, None if last is None else write_mark(last.created, last.id))


@routes.get("/jobs/<job_id>")
def show_status(job_id: str) -> Response:
    """Show the status of a job."""
    services, language, page = current_services(), language_of(request), wants_html(request)
    _check_id(job_id)
    owner = identify(request)
    if not page:
        known = services.ended.find(job_id, owner, language, lambda: services.store.stamp(job_id, owner=owner))
        if known is not None:
            return render_text(known, headers={"Cache-Control": "no-cache"}, content_type=JSON)
    now, job = utc_now(), find_job(services, job_id)
    status = render_status(
        job,
        base_url=services.settings.public_url,
        language=language,
        outlook=services.outlooks.find(job),
        parts=_parts(services, job),
    )
    if page:
        return _render_page(services, job, status)
    text = write_json(status)
    services.ended.keep(job, language, text, now=now)
    return render_text(text, headers={"Cache-Control": "no-cache", **retry_after(job)}, content_type=JSON)


@routes.delete("/jobs/<job_id>")
def dismiss_job(job_id: str) -> Response:
    """Dismiss a job that goes on, or remove the results of one that ended."""
    services = current_services()
    job = _dismiss(services, job_id)
    base_url = services.settings.public_url
    status = render_status(job, base_url=base_url, language=language_of(request), state=State.DISMISSED)
    return _render_page(services, job, status) if wants_html(request) else render_json(status)


def _render_page(services: Services, job: Job, status: dict[str, Any]) -> Response:
    definition = _definition(job, services.processes.get(job.process_id), services.settings.public_url)
    log = tell(job, services.store.log(job.id, owner=job.owner) or ())
    return render_job_page(request, services, job, status=status, definition=definition, log=log)


@routes.post("/forms/jobs/<job_id>")
def dismiss_from_page(job_id: str) -> Response:
    """Do as `DELETE` on the job does, for the button of its page: forms can only post."""
    services = current_services()
    check_same_origin(request, services.settings.public_url)
    job = _dismiss(services, job_id)
    there = address(job_url(services.settings.public_url, job.id), request)
    return render_empty(HTTPStatus.SEE_OTHER, {"Location": there, "Cache-Control": "no-store"})


def _dismiss(services: Services, job_id: str) -> Job:
    _check_id(job_id)
    job = services.submission.dismiss(job_id, owner=identify(request))
    if job is None:
        raise NoSuchJob
    if job.abandoned:
        services.deliveries.discard(job.work_id, job.attempt)
    return job


@routes.get("/jobs/<job_id>/results")
def show_results(job_id: str) -> Response:
    """Give all results, or those that `outputs` names, in the shape that was asked for."""
    services = current_services()
    job = _with_chosen_outputs(find_job(services, job_id))
    if wants_html(request):
        require_result(job)
        links = [make_link(job_url(services.settings.public_url, job.id), "up")]
        return render_results_page(request, services, job, links)
    return render_results(
        job,
        Answering(
            request=request,
            files=services.files,
            base_url=services.settings.public_url,
            direct=False,
            redirect_above_bytes=services.settings.redirect_above_bytes,
        ),
    )


@routes.get("/jobs/<job_id>/results/<output_id>")
def show_result(job_id: str, output_id: str) -> Response:
    """Give one output, raw, or a file beside it, as its preview."""
    services = current_services()
    job = find_job(services, job_id)
    file = find_file(job, output_id)
    # Pages read side files, and may read nothing from another host.
    redirect_above_bytes = None if isinstance(file, SideFile) else services.settings.redirect_above_bytes
    return render_file(request, services.files, job, file, redirect_above_bytes=redirect_above_bytes)


@routes.get("/jobs/<job_id>/log")
def show_log(job_id: str) -> Response:
    """Tell the life of the job and what was said of it, newest last."""
    services = current_services()
    job = find_job(services, job_id)
    lines = tell(job, services.store.log(job.id, owner=job.owner) or ())
    if wants_html(request):
        return render_log_page(request, services, job, lines)
    if wants_json(request):
        return render_json({"log": [_log_entry(line) for line in lines]})
    text = "".join(f"{render_time(line.time)} {line.level:<7} {_one_line(_words(line))}\n" for line in lines)
    return Response(text, content_type="text/plain; charset=utf-8")


@routes.get("/jobs/<job_id>/definition")
@routes.get("/jobs/<job_id>/inputs", endpoint="show_inputs")
def show_definition(job_id: str) -> Response:
    """Give the request as it was understood; it can be posted again as it is."""
    services = current_services()
    job = find_job(services, job_id)
    return render_json(_definition(job, services.processes.get(job.process_id), services.settings.public_url))


@routes.get("/jobs/<job_id>/provenance")
def show_provenance(job_id: str) -> Response:
    """Tell where the result comes from, also of a job that made none."""
    services = current_services()
    job = find_job(services, job_id)
    told = write_provenance(
        job,
        services.processes.get(job.process_id),
        parts=_parts(services, job),
        federation=services.federation,
        centres=services.centres,
        base_url=services.settings.public_url,
        language=language_of(request),
    )
    return render_json(told, content_type=MEDIA_TYPE)


def _with_chosen_outputs(job: Job) -> Job:
    """Take the job as if it had been asked for those of its outputs alone that this request names."""
    query, asked = Query(request), job.demand.outputs
    chosen = query.names("outputs", [each.id for each in asked])
    query.check()
    outputs = tuple(each for each in asked if each.id in chosen) if chosen else asked
    return replace(job, demand=replace(job.demand, outputs=outputs))


def _check_id(job_id: str) -> None:
    if not _JOB_ID.fullmatch(job_id):
        raise NoSuchJob


def find_job(services: Services, job_id: str) -> Job:
    """
    Find a job of whoever asks.

    Raises
    ------
    NoSuchJob
        If there is none, or it is somebody else's.
    """
    _check_id(job_id)
    job = services.store.find(job_id, owner=identify(request))
    if job is None:
        raise NoSuchJob
    return job


def _parts(services: Services, job: Job) -> tuple[Work, ...]:
    return services.store.parts(job.work_id) if job.has_parts else ()


def _render_list(jobs: tuple[Job, ...], services: Services, more: str | None) -> Response:
    base_url, language = services.settings.public_url, language_of(request)
    here = f"{base_url}/jobs"
    links = [make_link(address(here, request), "self")]
    if more:
        links.append(make_link(address(here, request, before=more), "next"))
    if wants_html(request):
        return render_list_page(request, services, jobs, links)
    links.append(link_page(address(here, request), language))
    shown = [
        render_status(job, base_url=base_url, language=language, outlook=services.outlooks.find(job)) for job in jobs
    ]
    return render_json({"jobs": shown, "links": links}, headers={"Cache-Control": "no-cache"})


def _words(line: LogLine) -> str:
    return line.words.into(language_of(request))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _log_entry(line: LogLine) -> dict[str, Any]:
    return {"time": render_time(line.time), "level": line.level, "message": _words(line)}


def _definition(job: Job, process: Process | None, base_url: str) -> dict[str, Any]:
    offered = process.outputs if process else {}
    outputs = {}
    for wish in job.demand.outputs:
        formats = offered[wish.id].formats if wish.id in offered else ()
        media_type = next((each.media_type for each in formats if each.id == wish.format), None)
        outputs[wish.id] = without_none(
            {"format": {"mediaType": media_type} if media_type else None, "transmissionMode": wish.transmission}
        )
    return without_none(
        {
            "process": f"{base_url}/processes/{job.process_id}",
            "inputs": job.demand.inputs,
            "outputs": outputs,
            "response": job.demand.response,
        }
    )
