"""
A process manager for a pygeoapi that is not ours: its jobs are recorded in our store and done by our workers.

What it answers is pygeoapi's; a job is none the less what it is at a server of ours: it survives every program, equal requests share
one computation, a dismissal stops the work. Processes of others in the same configuration stay with a manager of their own.
"""

from operator import itemgetter
from typing import Any

from pygeoapi.plugin import load_plugin
from pygeoapi.process.base import JobResultNotFoundError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode, Subscriber

from gaia_processes.errors import GaiaError
from gaia_processes.formats import FORMATS
from gaia_server.answers import require_result
from gaia_server.errors import ServiceError
from gaia_server.guest.desk import Desk, open_desk
from gaia_server.guest.processor import GaiaProcessor, refusal_of
from gaia_server.jobs.records import Job
from gaia_server.rendering import render_time

DUMMY = {"name": "Dummy", "connection": None, "output_dir": None}
PROCESSOR = f"{GaiaProcessor.__module__}.{GaiaProcessor.__qualname__}"
_LATER = {"Preference-Applied": RequestedProcessExecutionMode.respond_async.value}
_MEDIA_TYPES = {each.id: each.media_type for each in FORMATS}


class CeleryManager(BaseManager):  # type: ignore[misc]  # pygeoapi has no types
    """
    Jobs at our workers.

    Parameters
    ----------
    manager_def : dict
        `server.manager` of the configuration. `others` may hold the definition of a manager for processes that are not ours;
        without, pygeoapi's own `Dummy` runs them.
    """

    def __init__(self, manager_def: dict[str, Any]) -> None:
        super().__init__(manager_def)
        self.is_async = True
        self.supports_subscribing = True
        theirs = {id: each for id, each in self.processes.items() if each["processor"]["name"] != PROCESSOR}
        self._theirs = frozenset(theirs)
        ours = {id: each for id, each in self.processes.items() if id not in theirs}
        self._called = {each["processor"].get("process", id): id for id, each in ours.items()}
        self._others = load_plugin("process_manager", {**DUMMY, **manager_def.get("others", {}), "processes": theirs})

    def execute_process(
        self,
        process_id: str,
        data_dict: dict[str, Any],
        execution_mode: RequestedProcessExecutionMode | None = None,
        requested_outputs: dict[str, Any] | None = None,
        subscriber: Subscriber | None = None,
        requested_response: str | None = "raw",
    ) -> tuple[str, str, Any, JobStatus, dict[str, str] | None]:
        """
        Run a process, now or as a job; what takes longer than a synchronous answer may becomes a job.

        Returns
        -------
        tuple
            Id of the job, media type, result, status, headers.

        Raises
        ------
        UnknownProcessError
            If there is no such process.
        ProcessorExecuteError
            What was wrong with the request, or went wrong with the job, with its status.
        """
        if process_id in self._theirs:
            answer: tuple[str, str, Any, JobStatus, dict[str, str] | None] = self._others.execute_process(
                process_id, data_dict, execution_mode, requested_outputs, subscriber, requested_response
            )
            return answer
        processor = self.get_processor(process_id)
        controls = processor.metadata["jobControlOptions"]
        wanted = execution_mode == RequestedProcessExecutionMode.respond_async and "async-execute" in controls
        later = wanted or "sync-execute" not in controls
        body = _body(data_dict, requested_outputs, subscriber, requested_response)
        try:
            desk = open_desk()
            job = desk.submit(processor.process_id, body, later=later)
            job = job if later else desk.wait(job)
            if later or not job.state.final:
                return job.id, "application/json", None, JobStatus.accepted, _LATER
            media_type, value = desk.result(job)
        except (ServiceError, GaiaError) as error:
            raise refusal_of(error) from error
        return job.id, media_type, value, JobStatus.successful, None

    def get_jobs(
        self, status: JobStatus | None = None, limit: int | None = None, offset: int | None = None
    ) -> dict[str, Any]:
        """
        List jobs, newest first.

        Returns
        -------
        dict
            `jobs`, and `numberMatched`: of ours, no more than tells whether there are further ones.
        """
        begin, count = offset or 0, limit or 10
        ours = [self._row(job) for job in open_desk().newest(begin + count + 1)]
        theirs = self._others.get_jobs(status=status, limit=begin + count, offset=0)
        found = [*ours, *theirs["jobs"]]
        found = [job for job in found if status is None or job["status"] == status.value]
        found.sort(key=itemgetter("started"), reverse=True)
        matched = max(len(found), len(ours) + theirs["numberMatched"])
        return {"jobs": found[begin : begin + count], "numberMatched": matched}

    def get_job(self, job_id: str) -> dict[str, Any]:
        """
        Give the record of a job.

        Raises
        ------
        JobNotFoundError
            If there is none.
        """
        job = open_desk().find(job_id)
        if job is not None:
            return self._row(job)
        theirs: dict[str, Any] = self._others.get_job(job_id)
        return theirs

    def get_job_result(self, job_id: str) -> tuple[str, Any]:
        """
        Give what a job made.

        Raises
        ------
        JobNotFoundError
            If there is no such job.
        JobResultNotFoundError
            If it has nothing to give.
        """
        desk = open_desk()
        job = desk.find(job_id)
        if job is None:
            theirs: tuple[str, Any] = self._others.get_job_result(job_id)
            return theirs
        return _result(desk, job)

    def delete_job(self, job_id: str) -> bool:
        """
        Dismiss a job: its work is stopped, what it left is removed.

        Raises
        ------
        JobNotFoundError
            If there is no such job, or it was dismissed before.
        """
        return open_desk().dismiss(job_id) or bool(self._others.delete_job(job_id))

    def _row(self, job: Job) -> dict[str, Any]:
        """Write a job as pygeoapi keeps one; it sorts by `started`, so that what waits has the time at which it came."""
        told = job.failure.words if job.failure else job.message or job.reason
        return {
            "type": "process",
            "identifier": job.id,
            "process_id": self._called.get(job.process_id, job.process_id),
            "created": render_time(job.created),
            "started": render_time(job.started or job.created),
            "updated": render_time(job.updated),
            "finished": render_time(job.finished),
            "status": job.state.value,
            "progress": job.progress,
            "message": told.en if told else "",
            "mimetype": _media_type(job),
            "parameters": job.demand.inputs,
        }


def _body(
    inputs: dict[str, Any],
    outputs: dict[str, Any] | None,
    subscriber: Subscriber | None,
    response: str | None,
) -> dict[str, Any]:
    """Write the execute request again that pygeoapi took apart."""
    called = {} if subscriber is None else {
        "successUri": subscriber.success_uri,
        "inProgressUri": subscriber.in_progress_uri,
        "failedUri": subscriber.failed_uri,
    }  # fmt: skip
    told = {"outputs": outputs, "response": response, "subscriber": {k: v for k, v in called.items() if v} or None}
    return {"inputs": inputs} | {name: value for name, value in told.items() if value is not None}


def _media_type(job: Job) -> str:
    """Name the type of what a job makes, which the request has chosen already."""
    outputs = job.demand.outputs
    return (
        _MEDIA_TYPES[outputs[0].format]
        if len(outputs) == 1 and job.demand.response != "document"
        else "application/json"
    )


def _result(desk: Desk, job: Job) -> tuple[str, Any]:
    try:
        require_result(job)
        return desk.result(job)
    except ServiceError as error:
        raise JobResultNotFoundError(str(error)) from error
