"""The pages of jobs: the list, one job, its results, its log. What they show is made here, ready to be read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Request, Response

from gaia_processes.formats import FORMATS, format_for
from gaia_processes.process import Process, told_of
from gaia_processes.text import Language, Text
from gaia_server.jobs.records import Job, LogLine
from gaia_server.jobs.states import State
from gaia_server.jobs.story import why_there
from gaia_server.negotiation import language_of
from gaia_server.pages.figures import say_moment, say_size, say_time
from gaia_server.pages.form import write_form
from gaia_server.pages.here import Step
from gaia_server.pages.page import render_page
from gaia_server.pages.snippets import Snippets, fetch_snippets, write_snippets
from gaia_server.pages.words import translate
from gaia_server.problems import PROBLEMS, known_code
from gaia_server.rendering import render_time
from gaia_server.services import Services
from gaia_server.status import PREVIEW, job_url, render_status, side_name, side_title
from gaia_workers.contract import OutputFile, SideFile, Words, utc_now

SHOWN_LOG_LINES = 12
SHOWN_VALUE_LENGTH = 4000
SHOWN_INPUT_LENGTH = 600
LINE_LENGTH = 90

STATE_WORDS: Mapping[State, str] = {
    State.ACCEPTED: "waiting",
    State.RUNNING: "running",
    State.SUCCESSFUL: "successful",
    State.FAILED: "failed",
    State.DISMISSED: "cancelled",
}
"""What people call a state; the words are messages of the templates."""

STATE_TAGS: Mapping[State, str] = {
    State.ACCEPTED: "warn",
    State.RUNNING: "busy",
    State.SUCCESSFUL: "good",
    State.FAILED: "bad",
    State.DISMISSED: "",
}
LEVEL_WORDS = {"info": "info", "warning": "warning", "error": "error"}

_SMALLER = Text(
    en="Ask for less: a smaller box, fewer years, or fewer variables or levels.",
    fr="Demandez moins : une zone plus petite, moins d'années, moins de variables ou de niveaux.",
)
_LATER = Text(
    en="This is not due to your request. Run it again in a while; nothing has to be changed.",
    fr="Votre demande n'est pas en cause. Relancez-la dans un moment, sans rien changer.",
)
_DATA = Text(
    en="The data of this dataset could not be used. Another dataset may do; tell the centre which one failed.",
    fr="Les données de ce jeu n'ont pas pu être utilisées. Un autre jeu peut convenir ; dites au centre lequel a échoué.",
)
_CHANGE = Text(
    en="Change the request so that it fits what the data hold, and run it again.",
    fr="Modifiez la demande pour qu'elle corresponde aux données, puis relancez-la.",
)
_FILE = Text(
    en="Look whether your file opens on your own machine, and upload it again.",
    fr="Vérifiez que votre fichier s'ouvre sur votre propre machine, puis déposez-le à nouveau.",
)
ADVICE: Mapping[str, Text] = {
    "timeout": _SMALLER,
    "memory-limit": _SMALLER,
    "worker-lost": _LATER,
    "storage-full": _LATER,
    "delivery-failed": _LATER,
    "deadline": _LATER,
    "internal-error": _LATER,
    "no-centre": _LATER,
    "cost-over-limit": _SMALLER,
    "unreadable-upload": _FILE,
    "unreadable-data": _DATA,
    "data-error": _DATA,
    "dataset-gone": _DATA,
    "empty-selection": _CHANGE,
    "unsuitable-dataset": _CHANGE,
    "invalid-input": _CHANGE,
}
"""What somebody can do about a failure, by its code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A time: for programs, and for people."""

    iso: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A job as the list shows it; also the head of its own page."""

    id: str
    path: str
    title: str
    subject: str
    state: str
    state_text: str
    tag: str
    final: bool
    progress: int
    created: Moment
    duration: str | None
    centre: str
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownOutput:
    """
    A result as its page shows it.

    Attributes
    ----------
    value : str or None
        The value itself, where it is small.
    preview : str or None
        Address of its preview.
    sides : list of tuple of str
        What lies beside it, but for the preview: titles and addresses.
    """

    id: str
    title: str
    description: str
    format: str
    name: str
    size: str
    sha256: str
    href: str
    value: str | None
    preview: str | None
    sides: list[tuple[str, str]]
    snippets: Snippets
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFailure:
    """Why a job failed, and what can be done."""

    title: str
    words: str
    advice: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLine:
    """A line of the log."""

    time: Moment
    level: str
    level_text: str
    words: str


class Teller:
    """Says things of jobs in one language."""

    def __init__(self, services: Services, language: Language) -> None:
        self._services = services
        self._language: Language = language

    def say(self, message: str) -> str:
        """Give a message of the templates."""
        return translate(message, self._language)

    def words(self, words: Words | None) -> str | None:
        """Give a sentence."""
        return words.into(self._language) if words else None

    def moment(self, when: datetime) -> Moment:
        """Say a time."""
        return Moment(iso=str(render_time(when)), text=say_moment(when, self._language))

    def process_title(self, process_id: str) -> str:
        """Give the title of a process; its id where it is not on offer any more."""
        process = self._services.processes.get(process_id)
        return process.title.into(self._language) if process else process_id

    def row(self, job: Job) -> Row:
        """Say of a job what the list says."""
        ended = job.finished or (utc_now() if job.started and not job.state.final else None)
        taken_s = (ended - job.started).total_seconds() if ended and job.started else None
        return Row(
            id=job.id,
            path=f"/jobs/{job.id}",
            title=self.process_title(job.process_id),
            subject=subject_of(job),
            state=job.state.value,
            state_text=self.say(STATE_WORDS[job.state]),
            tag=STATE_TAGS[job.state],
            final=job.state.final,
            progress=job.progress,
            created=self.moment(job.created),
            duration=None if taken_s is None else say_time(max(taken_s, 0.0), self._language),
            centre=self.centre(job),
            message=self.words(job.message),
        )

    def centre(self, job: Job) -> str:
        """Give the title of the centre."""
        centre = self._services.centres.get(job.centre)
        return centre.title if centre else job.centre

    def failure(self, job: Job) -> ShownFailure | None:
        """Say why a job failed."""
        if job.failure is None or job.state is not State.FAILED:
            return None
        code = known_code(job.failure.code)
        return ShownFailure(
            title=PROBLEMS[code].title.into(self._language),
            words=str(self.words(job.failure.words)),
            advice=ADVICE.get(code, _LATER).into(self._language),
            code=code,
        )

    def outputs(self, job: Job) -> list[ShownOutput]:
        """Say what a job made, as long as it is there."""
        if job.result is None or not job.has_results(utc_now()):
            return []
        sides = job.result.sides
        return [
            self._output(job, file, [side for side in sides if side.output == file.output])
            for file in job.result.outputs
        ]

    def _output(self, job: Job, file: OutputFile, sides: Sequence[SideFile]) -> ShownOutput:
        preview = next((_side_path(job, side) for side in sides if side.ending == PREVIEW), None)
        process = self._services.processes.get(job.process_id)
        declared = process.outputs.get(file.output) if process else None
        known = format_for(file.media_type, FORMATS)
        url = f"{job_url(self._services.settings.public_url, job.id)}/results/{quote(file.output, safe='')}"
        return ShownOutput(
            id=file.output,
            title=declared.title.into(self._language) if declared else file.output,
            description=declared.description.into(self._language) if declared else "",
            format=known.title.into(self._language) if known else file.media_type,
            name=file.name,
            size=say_size(file.size_bytes, self._language),
            sha256=file.sha256,
            href=f"/jobs/{job.id}/results/{quote(file.output, safe='')}",
            value=_value_text(file.value),
            preview=preview,
            sides=[
                (side_title(side, self._language), _side_path(job, side)) for side in sides if side.ending != PREVIEW
            ],
            snippets=fetch_snippets(url, file.name, file.media_type),
            url=url,
        )

    def inputs(self, job: Job) -> list[tuple[str, str]]:
        """Say what a job was asked, each input with its title."""
        process = self._services.processes.get(job.process_id)
        return [(self._input_title(process, name), self._text_of(value)) for name, value in job.demand.inputs.items()]

    def _input_title(self, process: Process | None, name: str) -> str:
        known = process is not None and name in process.inputs.model_fields
        return told_of(process, name).title.into(self._language) if process is not None and known else name

    def _text_of(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        if isinstance(value, int | float):
            return f"{value:.10g}"
        if isinstance(value, str):
            return _shorten(value)
        if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
            return ", ".join(self._text_of(each) for each in value)
        return _shorten(json.dumps(value, ensure_ascii=False))

    def cost(self, job: Job) -> list[tuple[str, str]]:
        """Say what a job cost, in units of people."""
        if job.result is None:
            return []
        receipt, language = job.result.receipt, self._language
        times = {"Time at work": receipt.wall_s, "Processor time": receipt.cpu_s}
        sizes = {
            "Largest memory": receipt.peak_memory_bytes,
            "Read from disk": receipt.bytes_read,
            "Moved between centres": receipt.bytes_moved,
        }
        told = [(name, say_time(value, language)) for name, value in times.items() if value > 0]
        told += [(name, say_size(value, language)) for name, value in sizes.items() if value > 0]
        return [(self.say(name), text) for name, text in told]

    def lines(self, lines: Sequence[LogLine]) -> list[ShownLine]:
        """Say what the log says."""
        return [
            ShownLine(
                time=self.moment(line.time),
                level=line.level,
                level_text=self.say(LEVEL_WORDS[line.level]),
                words=str(self.words(line.words)),
            )
            for line in lines
        ]


def subject_of(job: Job) -> str:
    """Say what a job works on: its dataset without the version, where it has one."""
    dataset = job.demand.inputs.get("dataset")
    names = dataset if isinstance(dataset, list) else [dataset] if isinstance(dataset, str) else []
    return ", ".join(str(name).partition("@")[0] for name in names)


def _side_path(job: Job, side: SideFile) -> str:
    return f"/jobs/{job.id}/results/{quote(side_name(side), safe='')}"


def _shorten(text: str) -> str:
    """Leave out the end of a long text: it stands in the request as it was understood."""
    return text if len(text) <= SHOWN_INPUT_LENGTH else f"{text[:SHOWN_INPUT_LENGTH]} …"


def _value_text(value: Any) -> str | None:
    if value is None:
        return None
    short = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = (
        short
        if isinstance(value, str) or len(short) <= LINE_LENGTH
        else json.dumps(value, ensure_ascii=False, indent=1)
    )
    return text if len(text) <= SHOWN_VALUE_LENGTH else None


def _trail(teller: Teller, job: Job | None = None) -> tuple[Step, ...]:
    first = Step(title=teller.say("Jobs"), path="/jobs")
    if job is None:
        return (first,)
    return (first, Step(title=_title(teller.row(job)), path=f"/jobs/{job.id}"))


def _title(row: Row) -> str:
    return f"{row.title} · {row.subject}" if row.subject else row.title


def render_list_page(
    request: Request, services: Services, jobs: Sequence[Job], links: Sequence[Mapping[str, str]]
) -> Response:
    """
    Answer with the list of jobs.

    Parameters
    ----------
    links : sequence of mapping
        Those of the JSON document; `next` leads to older jobs.
    """
    teller = Teller(services, language_of(request))
    states = [(state.value, teller.say(STATE_WORDS[state])) for state in State]
    processes = [(id, teller.process_title(id)) for id in services.processes]
    since, _, before = request.args.get("datetime", "").partition("/")
    data = {
        "links": links,
        "links_of_items": [
            link
            for job in jobs
            for link in render_status(job, base_url=services.settings.public_url, language=language_of(request))[
                "links"
            ]
        ],
        "jobs": [teller.row(job) for job in jobs],
        "older": next((link["href"] for link in links if link["rel"] == "next"), None),
        "states": states,
        "processes": processes,
        "chosen": {
            "processID": request.args.get("processID", ""),
            "status": request.args.get("status", ""),
            "since": _day(since),
            "before": _day(before),
        },
        "filtered": any(
            request.args.get(name) for name in ("processID", "status", "datetime", "minDuration", "maxDuration")
        ),
        "later": bool(request.args.get("before")),
        "lang": request.args.get("lang"),
    }
    headers = {"Cache-Control": "no-cache"}
    return render_page("jobs/index.html", data, title=teller.say("Jobs"), headers=headers)


def _day(text: str) -> str:
    return "" if text == ".." else text[:10]


def render_job_page(
    request: Request,
    services: Services,
    job: Job,
    *,
    status: Mapping[str, Any],
    definition: Mapping[str, Any],
    log: Sequence[LogLine],
) -> Response:
    """
    Answer with the page of a job.

    Parameters
    ----------
    status : mapping
        Its `statusInfo`.
    definition : mapping
        The request as it was understood.
    """
    teller = Teller(services, language_of(request))
    row = teller.row(job)
    base_url = services.settings.public_url
    warnings = job.result.warnings if job.result else ()
    outlook = services.outlooks.find(job)
    filled, there = _filled(services, job), job.has_results(utc_now())
    data = {
        "links": status["links"],
        "job": row,
        "process": {"id": job.process_id, "title": row.title, "version": job.process_version},
        "centre": {"id": job.centre, "title": row.centre},
        "reason": teller.words(why_there(job, limit=outlook.limit if outlook else None)),
        "attempt": job.attempt,
        "position": outlook.position if outlook else None,
        "start": teller.moment(outlook.start) if outlook and outlook.start else None,
        "now": teller.moment(utc_now()),
        "started": teller.moment(job.started) if job.started else None,
        "finished": teller.moment(job.finished) if job.finished else None,
        "failure": teller.failure(job),
        "removed": job.results_removed,
        "expired": job.state is State.SUCCESSFUL and not job.results_removed and not there,
        "expires": teller.moment(job.expires) if job.expires and there else None,
        "warnings": [teller.words(words) for words in warnings],
        "outputs": teller.outputs(job),
        "inputs": teller.inputs(job),
        "definition": json.dumps(definition, ensure_ascii=False, indent=2),
        "cost": teller.cost(job),
        "log": teller.lines(log[-SHOWN_LOG_LINES:]),
        "log_length": len(log),
        "again": write_snippets(job.process_id, definition, base_url),
        "form": filled,
        "form_url": None
        if filled is None
        else f"{base_url}/processes/{job.process_id}?{urlencode(filled, safe=',/:@')}",
        "state_words": {state.value: teller.say(word) for state, word in STATE_WORDS.items()},
        "state_tags": {state.value: tag for state, tag in STATE_TAGS.items()},
        "level_words": {level: teller.say(word) for level, word in LEVEL_WORDS.items()},
        "can_stop": not job.state.final,
        "can_remove": there,
    }
    headers = {"Cache-Control": "no-cache"}
    return render_page("jobs/job.html", data, title=_title(row), trail=_trail(teller), headers=headers)


def _filled(services: Services, job: Job) -> dict[str, str] | None:
    """Fill in the form where the request can be changed and run again; None where the form cannot hold it."""
    process = services.processes.get(job.process_id)
    return write_form(process, job.demand.inputs) if process else None


def render_results_page(request: Request, services: Services, job: Job, links: Sequence[Mapping[str, str]]) -> Response:
    """Answer with the results of a job that was successful."""
    teller = Teller(services, language_of(request))
    data = {"links": links, "outputs": teller.outputs(job)}
    headers = {"Cache-Control": "no-cache"}
    title = teller.say("Results")
    return render_page("jobs/results/index.html", data, title=title, trail=_trail(teller, job), headers=headers)


def render_log_page(request: Request, services: Services, job: Job, log: Sequence[LogLine]) -> Response:
    """Answer with the whole log of a job."""
    teller = Teller(services, language_of(request))
    data = {"job": teller.row(job), "log": teller.lines(log), "log_length": len(log)}
    headers = {"Cache-Control": "no-cache"}
    return render_page("jobs/log.html", data, title=teller.say("Log"), trail=_trail(teller, job), headers=headers)
