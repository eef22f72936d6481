"""
The one table from what went wrong to what a client is told: RFC 9457 problems.

Errors of ours and of the processes carry a `code`, a failed job's report carries one too, and errors of the web framework
are known by their status: all are looked up in the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import structlog
from flask import Response, request
from werkzeug.exceptions import HTTPException

from gaia_processes.errors import Fault, GaiaError, InvalidInputs
from gaia_processes.text import Language, Text, reveal
from gaia_server.errors import BadQuery, Busy, JobFailed, OffsetWrong, RangeWrong, ServiceError
from gaia_server.negotiation import JSON, PROBLEM, language_of, names_media_type, wants_html
from gaia_server.pages.page import render_page
from gaia_server.rendering import render_json, without_none

EXC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
OURS = "https://gaia-data.org/errors/"
UNKNOWN = "internal-error"

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """How a cause is told: its status, its title, and whether the standard has a URI for it."""

    status: HTTPStatus
    title: Text
    ogc: bool = False


def _row(status: int, en: str, fr: str, *, ogc: bool = False) -> Problem:
    return Problem(status=HTTPStatus(status), title=Text(en=en, fr=fr), ogc=ogc)


PROBLEMS: dict[str, Problem] = {
    # the request
    "bad-request": _row(400, "Bad request", "Requête incorrecte"),
    "invalid-request": _row(400, "Invalid request", "Requête non valable"),
    "invalid-json": _row(400, "Invalid JSON", "JSON non valable"),
    "invalid-input": _row(400, "Invalid input", "Entrée non valable"),
    "invalid-query-parameter-value": _row(400, "Invalid query parameter", "Paramètre de requête non valable", ogc=True),
    "invalid-idempotency-key": _row(400, "Not an idempotency key", "Pas une clé d'idempotence"),
    "invalid-upload": _row(400, "Invalid file", "Fichier non valable"),
    "invalid-delivery": _row(400, "Invalid delivery", "Livraison non valable"),
    "empty-selection": _row(400, "The selection is empty", "La sélection est vide"),
    "unsuitable-dataset": _row(400, "The dataset does not fit", "Le jeu de données ne convient pas"),
    "unreadable-upload": _row(400, "The uploaded file cannot be read", "Le fichier déposé est illisible"),
    "forbidden": _row(403, "Forbidden", "Interdit"),
    "no-right": _row(403, "No right to do this", "Droit insuffisant"),
    "not-found": _row(404, "Not found", "Introuvable"),
    "no-such-process": _row(404, "No such process", "Traitement inconnu", ogc=True),
    "no-such-job": _row(404, "No such job", "Tâche inconnue", ogc=True),
    "no-such-output": _row(404, "No such output", "Sortie inconnue", ogc=True),
    "no-such-collection": _row(404, "No such dataset", "Jeu de données inconnu"),
    "no-such-upload": _row(404, "No such upload", "Dépôt inconnu"),
    "no-such-centre": _row(404, "No such centre", "Centre inconnu"),
    "result-not-ready": _row(404, "Result not ready", "Résultat pas encore prêt", ogc=True),
    "method-not-allowed": _row(405, "Method not allowed", "Méthode non autorisée"),
    "body-too-slow": _row(408, "The request took too long", "La requête a pris trop de temps"),
    "delivery-offset": _row(409, "The delivery goes on elsewhere", "La livraison continue ailleurs"),
    "result-not-available": _row(410, "The result is gone", "Le résultat n'est plus là", ogc=True),
    "already-dismissed": _row(410, "Dismissed before", "Déjà abandonnée"),
    "precondition-failed": _row(412, "It is not the same any more", "Ce n'est plus le même"),
    "body-too-large": _row(413, "The body is too large", "Le corps est trop grand"),
    "inputs-too-large": _row(413, "The inputs are too large", "Les entrées sont trop grandes"),
    "wrong-media-type": _row(415, "Wrong media type", "Type de média non pris en charge"),
    "unknown-upload-type": _row(415, "A file of no known type", "Fichier de type inconnu"),
    "range-not-satisfiable": _row(416, "No such range", "Plage inexistante"),
    "unsafe-upload": _row(422, "The archive is not safe", "Archive dangereuse"),
    "cost-over-limit": _row(422, "Too much for one job", "Trop pour une seule tâche"),
    "idempotency-key-reused": _row(422, "The key had another request", "La clé accompagnait une autre requête"),
    "post-instead": _row(422, "Too much for a link", "Trop pour un lien"),
    "delivery-digest": _row(422, "The digest does not fit", "L'empreinte ne correspond pas"),
    # the service
    "internal-error": _row(500, "Internal error", "Erreur interne"),
    "not-implemented": _row(501, "Not offered here", "Non proposé ici"),
    "link-timeout": _row(503, "The run took too long", "L'exécution a pris trop de temps"),
    "busy": _row(503, "Busy", "Occupé"),
    "no-centre": _row(503, "No centre is in service", "Aucun centre en service"),
    "store-down": _row(503, "The job store does not answer", "Le registre des tâches ne répond pas"),
    "queue-full": _row(503, "Too many jobs are waiting", "Trop de tâches en attente"),
    "too-many-queued": _row(429, "Too many of your jobs are waiting", "Trop de vos tâches en attente"),
    "depot-down": _row(503, "The centre does not answer", "Le centre ne répond pas"),
    "no-space": _row(507, "No room", "Plus de place"),
    # a job at its centre
    "data-error": _row(500, "The data are broken", "Les données sont défectueuses"),
    "dataset-gone": _row(500, "The dataset is gone", "Le jeu de données a disparu"),
    "delivery-failed": _row(500, "The result could not be delivered", "Le résultat n'a pas pu être livré"),
    "fetch-failed": _row(500, "The upload could not be fetched", "Le fichier déposé n'a pas pu être obtenu"),
    "unreadable-data": _row(500, "The data cannot be read", "Les données sont illisibles"),
    "worker-lost": _row(500, "The worker was lost", "Le processus de calcul a été perdu"),
    "memory-limit": _row(500, "Memory limit", "Limite de mémoire atteinte"),
    "storage-full": _row(500, "Storage full", "Stockage plein"),
    "storage-down": _row(500, "Storage out of order", "Stockage hors service"),
    "timeout": _row(504, "Time limit", "Limite de temps atteinte"),
    "deadline": _row(504, "Too late", "Délai dépassé"),
}

_FRAMEWORK = {
    400: "bad-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "body-too-slow",
    412: "precondition-failed",
    413: "body-too-large",
    415: "wrong-media-type",
    416: "range-not-satisfiable",
    501: "not-implemented",
    503: "busy",
}
_FRAMEWORK_WORDS = {
    "not-found": Text(
        en="There is nothing at this address; the landing page / and /openapi list what there is.",
        fr="Il n'y a rien à cette adresse ; la page d'accueil / et /openapi listent ce qu'il y a.",
    ),
    "method-not-allowed": Text(
        en="This address does not take this method; `Allow` lists those it takes.",
        fr="Cette adresse n'accepte pas cette méthode ; « Allow » liste celles qu'elle accepte.",
    ),
}


def code_of(error: Exception) -> str:
    """Find the code under which an error stands in the table."""
    if isinstance(error, ServiceError | GaiaError):
        return known_code(error.code)
    if isinstance(error, HTTPException):
        return code_of_status(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    return UNKNOWN


def code_of_status(status: int) -> str:
    """Find the code for an error of which only the status is known."""
    return _FRAMEWORK.get(status, "bad-request" if 400 <= status < 500 else UNKNOWN)


def known_code(code: str) -> str:
    """Give the code itself where the table has it; a cause that this server does not know is an internal error."""
    return code if code in PROBLEMS else UNKNOWN


def uri_of(code: str) -> str:
    """Name the cause by a URI: the standard's where it has one."""
    return (EXC if PROBLEMS[code].ogc else OURS) + code


def render_error(error: Exception) -> Response:
    """Answer with the problem that an error is."""
    code = code_of(error)
    return render_problem(code, _detail(error, code), extra=_extra(error), headers=_headers(error))


def problem_members(code: str, detail: Text, *, language: Language, instance: str) -> dict[str, Any]:
    """Write a problem as RFC 9457 has it; nothing can hide in what it repeats of somebody's words."""
    problem = PROBLEMS[code]
    return {
        "type": uri_of(code),
        "title": problem.title.into(language),
        "status": int(problem.status),
        "detail": reveal(detail.into(language)),
        "instance": instance,
    }


def render_problem(
    code: str, detail: Text, *, extra: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a problem: `application/json`, or the problem's own media type if named, or a page for a person."""
    language, problem = language_of(request), PROBLEMS[code]
    members = problem_members(code, detail, language=language, instance=quote(request.path))
    members |= _revealed(without_none(extra or {}))
    if wants_html(request) and not names_media_type(request, PROBLEM):
        title = problem.title.into(language)
        response = render_page("problem.html", members, title=title, status=problem.status, headers=headers)
    else:
        content_type = PROBLEM if names_media_type(request, PROBLEM) else JSON
        response = render_json(members, problem.status, headers, content_type=content_type)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    return response


def _revealed(value: Any) -> Any:
    """Let nothing hide in what a client's own words are repeated in."""
    if isinstance(value, str):
        return reveal(value)
    if isinstance(value, Mapping):
        return {_revealed(name): _revealed(each) for name, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list | tuple) else value


def _detail(error: Exception, code: str) -> Text:
    if isinstance(error, ServiceError | GaiaError):
        return error.text
    if isinstance(error, HTTPException) and code != UNKNOWN:
        return _FRAMEWORK_WORDS.get(code) or PROBLEMS[code].title
    return _log_unexpected(error)


def _log_unexpected(error: Exception) -> Text:
    """Keep what happened for the operator, and give the client only a number to name it by."""
    number = uuid4().hex[:12]
    _log.error("unexpected error", reference=number, method=request.method, path=quote(request.path), exc_info=error)
    return Text(
        en=f"Something unexpected went wrong in the service. Reference: {number}.",
        fr=f"Une erreur inattendue s'est produite dans le service. Référence : {number}.",
    )


def _extra(error: Exception) -> dict[str, Any]:
    if isinstance(error, InvalidInputs):
        return {"errors": [_render_fault(fault, language_of(request)) for fault in error.faults]}
    if isinstance(error, BadQuery) and error.faults:
        return {"errors": [_render_query_fault(fault, language_of(request)) for fault in error.faults]}
    if isinstance(error, JobFailed):
        return {"gaia:jobID": error.job_id, "gaia:centre": error.centre, "gaia:attempt": error.attempt}
    return {}


def _render_fault(fault: Fault, language: Language) -> dict[str, Any]:
    return without_none(
        {
            "input": fault.input,
            "pointer": fault.pointer,
            "problem": fault.problem.into(language),
            "allowed": list(fault.allowed) or None,
            "given": fault.given,
        }
    )


def _render_query_fault(fault: Fault, language: Language) -> dict[str, Any]:
    return without_none(
        {
            "parameter": fault.input,
            "problem": fault.problem.into(language),
            "allowed": list(fault.allowed) or None,
            "given": fault.given,
        }
    )


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, Busy):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, OffsetWrong):
        return {"Gaia-Offset": str(error.offset)}
    if isinstance(error, RangeWrong):
        return {"Content-Range": f"bytes */{error.size_bytes}"}
    if isinstance(error, HTTPException):
        return {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return {}
