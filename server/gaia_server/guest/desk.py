"""
Jobs of our workers, as the plug-ins of somebody else's pygeoapi ask for them: no HTTP, and no server of ours.

What is shared with `gaia recorder` and the workers, the store, the broker and the centres, is opened at the first request of each
process: pygeoapi makes its plug-ins before it forks, and to write its OpenAPI document too.
"""

import base64
import json
import os
import threading
from collections.abc import Mapping
from typing import Any

from gaia_config.settings import Settings
from gaia_processes.errors import GaiaError, InvalidInputs
from gaia_server.answers import require_result
from gaia_server.demands import read_demand
from gaia_server.errors import NothingThere, ServiceError
from gaia_server.identity import ANONYMOUS
from gaia_server.jobs.listing import Mark
from gaia_server.jobs.records import Job
from gaia_server.services import Services, open_services
from gaia_workers.contract import OutputFile

JOBS_AT_ONCE = 500

_opened: dict[int, "Desk"] = {}
_opening = threading.Lock()


class Desk:
    """
    Takes requests of one owner, and gives what became of them.

    Parameters
    ----------
    services : Services
        As the server has them.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def submit(self, process_id: str, body: Mapping[str, Any], *, later: bool) -> Job:
        """
        Judge a request as the server does, and record it as a job whose order is on its way.

        Parameters
        ----------
        body : mapping
            An execute request.
        later : bool
            Whether nobody waits for it.

        Raises
        ------
        ServiceError, GaiaError
            What is wrong with it, before anything is queued.
        """
        services = self._services
        process = services.process(process_id)
        understood = read_demand(
            process,
            body,
            federation=services.federation,
            ignored=services.settings.ignored_inputs,
            references=services.references,
            outbound=services.outbound,
        )
        return services.submission.submit(process, understood, owner=ANONYMOUS, synchronous=not later)

    def wait(self, job: Job) -> Job:
        """Wait as long as a synchronous answer may take; a job that takes longer goes on by itself, and is listed."""
        limit_s = self._services.settings.sync_limit_s
        job = self._services.submission.wait(job.id, owner=job.owner, timeout_s=limit_s)
        return job if job.state.final else self._services.submission.go_on(job)

    def wait_for_end(self, job: Job) -> Job:
        """Wait until a job has ended, as every job does by its deadline."""
        while not job.state.final:
            job = self._services.submission.wait(
                job.id, owner=job.owner, timeout_s=self._services.settings.sync_limit_s
            )
        return job

    def find(self, job_id: str) -> Job | None:
        """Find a job."""
        return self._services.store.find(job_id, owner=ANONYMOUS)

    def newest(self, count: int) -> list[Job]:
        """List the newest jobs."""
        found: list[Job] = []
        while len(found) < count:
            after = Mark(created=found[-1].created, id=found[-1].id) if found else None
            page = self._services.store.jobs(owner=ANONYMOUS, limit=min(count - len(found), JOBS_AT_ONCE), after=after)
            found += page
            if not page:
                break
        return found

    def dismiss(self, job_id: str) -> bool:
        """Stop a job, or remove the results of one that has ended; False where there is none, or no more."""
        try:
            return self._services.submission.dismiss(job_id, owner=ANONYMOUS) is not None
        except NothingThere:
            return False

    def result(self, job: Job) -> tuple[str, Any]:
        """
        Give what a job made: the bytes of one output, or a document of several by their ids.

        Returns
        -------
        tuple of str and value
            The media type, and bytes, or what JSON can hold: of a document, files that are no text are base64.

        Raises
        ------
        ServiceError
            Why there is nothing: it failed, is not done, or is gone.
        """
        made = {file.output: file for file in require_result(job).outputs}
        wanted = [made[wish.id] for wish in job.demand.outputs if wish.id in made]
        if len(wanted) == 1 and job.demand.response != "document":
            (file,) = wanted
            content = self._content(job, file)
            return file.media_type, json.loads(content) if _is_json(file) else content
        return "application/json", {file.output: self._member(job, file) for file in wanted}

    def _member(self, job: Job, file: OutputFile) -> Any:
        content = self._content(job, file)
        if _is_json(file):
            value = json.loads(content)
            return {"value": value, "mediaType": file.media_type} if isinstance(value, dict) else value
        if file.media_type.startswith("text/"):
            return content.decode()
        return {"value": base64.b64encode(content).decode(), "encoding": "base64", "mediaType": file.media_type}

    def _content(self, job: Job, file: OutputFile) -> bytes:
        with self._services.files.open(job, file) as pieces:
            return b"".join(pieces)


def open_desk() -> Desk:
    """
    Give the desk of this process, by the settings of its environment.

    Raises
    ------
    gaia_config.errors.ConfigurationError
        If the configuration cannot be used.
    """
    with _opening:
        own = os.getpid()
        if own not in _opened:
            _opened[own] = Desk(open_services(Settings()))
        return _opened[own]


def explain(error: ServiceError | GaiaError) -> str:
    """Say what went wrong in a line; of inputs, all that is wrong, each with its place in the request."""
    if isinstance(error, InvalidInputs):
        return " ".join(f"{fault.pointer}: {fault.problem.en}" for fault in error.faults)
    return error.text.en


def _is_json(file: OutputFile) -> bool:
    kind = file.media_type.partition(";")[0]
    return kind == "application/json" or kind.endswith("+json")
