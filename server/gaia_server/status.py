"""The status of a job on the wire: the standard's `statusInfo`, with what is ours behind `gaia:`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from gaia_processes.text import Language, Text
from gaia_server.jobs.outlook import Outlook
from gaia_server.jobs.records import Job, Work
from gaia_server.jobs.states import State
from gaia_server.jobs.story import why_there
from gaia_server.rendering import link_page, make_link, render_time, without_none
from gaia_workers.contract import Receipt, Result, SideFile, Words, utc_now

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
LINKS = {
    "en": ("Results", "What went wrong", "Log", "Where it comes from"),
    "fr": ("Résultats", "Ce qui a échoué", "Journal", "D'où cela vient"),
}
EXPIRED = Words(
    en="The job had ended; its results have expired and are no longer kept. Ask again to have them computed anew.",
    fr="La tâche était terminée ; ses résultats ont expiré et ne sont plus conservés. Redemandez-les pour un nouveau calcul.",
)
PROVENANCE_REL = "http://www.w3.org/ns/prov#has_provenance"
_RECEIPT = {
    "bytesRead": "bytes_read",
    "bytesMoved": "bytes_moved",
    "cpuSeconds": "cpu_s",
    "peakMemoryBytes": "peak_memory_bytes",
    "wallSeconds": "wall_s",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SideKind:
    """How a kind of side file is linked."""

    rel: str
    title: Text


PREVIEW = "preview.json"
SIDES = {
    PREVIEW: SideKind(rel="preview", title=Text(en="Preview", fr="Aperçu")),
    "report.json": SideKind(
        rel="describedby",
        title=Text(en="What the columns mean, and the report", fr="Sens des colonnes, et compte rendu"),
    ),
    "qml": SideKind(rel="style", title=Text(en="Style for QGIS", fr="Style pour QGIS")),
    "sld": SideKind(
        rel="style", title=Text(en="Style for map servers (SLD)", fr="Style pour serveurs de cartes (SLD)")
    ),
}
"""By what stands after the output's id."""

_PATIENCE_S = ((10, 1), (60, 3), (600, 10))
_LONGEST_PATIENCE_S = 30


def job_url(base_url: str, job_id: str) -> str:
    """Give the address of a job: absolute, without query and trailing slash, since clients append to it."""
    return f"{base_url}/jobs/{job_id}"


def render_status(
    job: Job,
    *,
    base_url: str,
    language: Language,
    state: State | None = None,
    outlook: Outlook | None = None,
    parts: Sequence[Work] = (),
) -> dict[str, Any]:
    """
    Write a job's `statusInfo`.

    Parameters
    ----------
    state : State, optional
        What to say in place of the stored state: the answer to a dismissal says `dismissed`, also for an ended job.
    outlook : Outlook, optional
        What the job may expect while it waits.
    parts : sequence of Work
        Those of its work, at other centres.
    """
    result = job.result
    return without_none(
        {
            "jobID": job.id,
            "processID": job.process_id,
            "type": "process",
            "status": (state or job.state).value,
            "message": _into(_message(job), language),
            "created": render_time(job.created),
            "started": render_time(job.started),
            "finished": render_time(job.finished),
            "updated": render_time(job.updated),
            "progress": job.progress,
            "links": _links(job, job_url(base_url, job.id), language),
            "gaia:centre": job.centre,
            "gaia:reason": _into(why_there(job, limit=outlook.limit if outlook else None), language),
            "gaia:attempt": job.attempt,
            "gaia:queuePosition": outlook.position if outlook else None,
            "gaia:eta": render_time(outlook.start) if outlook else None,
            "gaia:computedBy": job.content_key if job.shares else None,
            "gaia:expires": render_time(job.expires) if job.has_results(utc_now()) else None,
            "gaia:parts": [_part(each, language) for each in parts] or None,
            "gaia:receipt": _receipt(result.receipt) if result else None,
            "gaia:extent": (result.extent or None) if result else None,
            "gaia:warnings": _warnings(result, language) if result else None,
        }
    )


def _message(job: Job) -> Words | None:
    gone = job.state is State.SUCCESSFUL and not job.results_removed and not job.has_results(utc_now())
    return EXPIRED if gone else job.message


def retry_after(job: Job, now: datetime | None = None) -> dict[str, str]:
    """Say when to look again, as a header; the longer a job has been there, the less it hurries. Nothing once it ended."""
    if job.state.final:
        return {}
    age_s = ((now or utc_now()) - job.created).total_seconds()
    wait_s = next((wait for below, wait in _PATIENCE_S if age_s < below), _LONGEST_PATIENCE_S)
    return {"Retry-After": str(wait_s)}


def _links(job: Job, url: str, language: Language) -> list[dict[str, str]]:
    results, exceptions, log, origin = LINKS[language]
    links = [make_link(url, "self"), make_link(url, "monitor")]
    there = job.has_results(utc_now())
    if there:
        links.append(make_link(f"{url}/results", f"{REL}results", title=results))
    if job.state is State.FAILED and not job.results_removed:
        links.append(make_link(f"{url}/results", f"{REL}exceptions", title=exceptions))
    if job.result is not None and there:
        links += [_side_link(side, url, language) for side in job.result.sides]
    return [
        *links,
        make_link(f"{url}/log", "related", "text/plain", log),
        make_link(f"{url}/provenance", PROVENANCE_REL, "application/ld+json", origin),
        link_page(url, language),
    ]


def side_name(side: SideFile) -> str:
    """Give the last part of a side file's address."""
    return f"{side.output}.{side.ending}"


def side_title(side: SideFile, language: Language) -> str:
    """Say what a side file is."""
    kind = SIDES.get(side.ending)
    return kind.title.into(language) if kind else side.name


def _side_link(side: SideFile, url: str, language: Language) -> dict[str, str]:
    kind, title = SIDES.get(side.ending), side_title(side, language)
    rel = kind.rel if kind else "related"
    return make_link(f"{url}/results/{quote(side_name(side), safe='')}", rel, side.media_type, title)


def _into(words: Words | None, language: Language) -> str | None:
    return words.into(language) if words else None


def _part(part: Work, language: Language) -> dict[str, Any]:
    """Say how a part goes; why it waits is said while it does."""
    return without_none(
        {
            "dataset": part.brings,
            "status": part.state.value,
            "progress": part.progress,
            "gaia:centre": part.centre,
            "gaia:reason": None if part.state.final else _into(part.reason, language),
            "sizeBytes": sum(file.size_bytes for file in part.result.outputs) if part.result else None,
        }
    )


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {name: getattr(receipt, of) for name, of in _RECEIPT.items()}


def _warnings(result: Result, language: Language) -> list[str] | None:
    return [str(_into(words, language)) for words in result.warnings] or None
