"""Every operation of the HTTP API, as one table: what it takes, what it answers, and what can go wrong."""

import re
from dataclasses import dataclass, replace
from http import HTTPStatus

from gaia_processes.text import Text
from gaia_server.problems import PROBLEMS

FILE = "file"
"""Stands for the bytes of an output, in any format there is."""
MANY_FILES = "multipart/related"

AT_A_CENTRE = (
    "data-error", "dataset-gone", "delivery-failed", "fetch-failed", "unreadable-data", "worker-lost", "memory-limit", "storage-full", "storage-down",
    "timeout", "deadline", "empty-selection", "unsuitable-dataset", "unreadable-upload", "cost-over-limit", "invalid-input",
    "no-right",
)  # fmt: skip
"""What a job can end by; its results, and a synchronous answer, are then the account of it."""
_BODY = ("invalid-json", "body-too-slow", "body-too-large", "wrong-media-type")
_INPUTS = (*_BODY, "invalid-input", "inputs-too-large", "empty-selection", "unsuitable-dataset", "no-such-process")
_JOB = ("no-such-job", "store-down")
_RESULT = (*_JOB, "result-not-ready", "result-not-available", "depot-down", *AT_A_CENTRE)
_ANYWHERE = ("internal-error",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """
    One answer of an operation.

    Attributes
    ----------
    words : Text
        What it is.
    schema : str or None
        Of its JSON, by name.
    media_types : tuple of str
        Of what is no JSON; `FILE` stands for those of every format.
    headers : tuple of str
        Those of `schemas.HEADERS` that may come with it.
    page : bool
        Whether it comes as a page too.
    """

    words: Text
    schema: str | None = None
    media_types: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    page: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """
    One method of one path.

    Attributes
    ----------
    id : str
        Its `operationId`.
    parameters : tuple of str
        By their names in `schemas.PARAMETERS`.
    body : str or None
        The schema of its body, by name.
    file : bool
        Whether its body is a file.
    answers : dict
        By status.
    problems : tuple of str
        Codes of `problems.PROBLEMS`.
    """

    method: str
    path: str
    id: str
    summary: Text
    tag: str
    parameters: tuple[str, ...] = ()
    body: str | None = None
    file: bool = False
    answers: dict[int, Answer]
    problems: tuple[str, ...] = ()

    @property
    def comes_in_forms(self) -> bool:
        """Whether `f` chooses between JSON and a page; where links run a process it chooses the format of its output."""
        return "f" in self.parameters and "kvp" not in self.parameters

    def problems_by_status(self) -> dict[int, tuple[str, ...]]:
        """Give the codes of what can go wrong, by status, in the order of the statuses."""
        found: dict[int, list[str]] = {}
        formed = ("invalid-query-parameter-value",) if self.comes_in_forms else ()
        for code in dict.fromkeys((*self.problems, *formed, *_ANYWHERE)):
            found.setdefault(int(PROBLEMS[code].status), []).append(code)
        return {status: tuple(found[status]) for status in sorted(found)}


def _json(schema: str, en: str, fr: str, *headers: str, page: bool = False) -> Answer:
    return Answer(words=Text(en=en, fr=fr), schema=schema, headers=headers, page=page)


_NOT_MODIFIED = Answer(words=Text(en="Nothing has changed", fr="Rien n'a changé"), headers=("ETag",))
_STATUS = _json("statusInfo", "The status of the job", "L'état de la tâche", "Retry-After", "Content-Language")
_CREATED = _json(
    "statusInfo", "The job that makes the results", "La tâche qui produit les résultats",
    "Location", "Preference-Applied", "Retry-After",
)  # fmt: skip
_LINKED = Answer(
    words=Text(
        en="No content: a link to each output; or none of those that were asked for was made",
        fr="Pas de contenu : un lien vers chaque sortie ; ou aucune de celles demandées n'a été produite",
    ),
    headers=("Link", "Preference-Applied", "Gaia-Job"),
)
_ELSEWHERE = Answer(
    words=Text(
        en="The centre that holds the result gives it at this address",
        fr="Le centre qui détient le résultat le donne à cette adresse",
    ),
    headers=("Location",),
)
_SAME_LIST = Answer(
    words=Text(en="The same list, its days said by `datetime`", fr="La même liste, ses jours dits par « datetime »"),
    headers=("Location",),
)
_FILE_HEADERS = ("Content-Disposition", "ETag", "Repr-Digest", "Last-Modified", "Accept-Ranges")
_RESULTS = Answer(
    words=Text(
        en="The results: one output as it is, several as parts of one message, or a document by output id",
        fr="Les résultats : une sortie telle quelle, plusieurs en parties d'un même message, ou un document par sortie",
    ),
    schema="results",
    media_types=(FILE, MANY_FILES),
    headers=("Preference-Applied", "Gaia-Job", *_FILE_HEADERS),
)
_PART = Answer(
    words=Text(en="The bytes that were asked for", fr="Les octets demandés"),
    media_types=(FILE,),
    headers=("Content-Range", *_FILE_HEADERS),
)
_STYLES = ("application/vnd.qgis.style+xml", "application/vnd.ogc.sld+xml")
_OUTPUT = replace(
    _PART,
    words=Text(en="The output, or the file beside it, as it is", fr="La sortie, ou le fichier à côté d'elle, telle quelle"),
    headers=_FILE_HEADERS, media_types=(*_PART.media_types, *_STYLES),
)  # fmt: skip
_CONDITIONS = ("range", "ifRange", "ifMatch", "ifNoneMatch", "ifModifiedSince", "ifUnmodifiedSince")
_BOTH_FORMS = ("f", "lang", "acceptLanguage")
_PYGEOAPI_FORMS = ("fOrLinked", "lang", "acceptLanguage")
_LINKED_DATA = ("application/ld+json",)

OPERATIONS = (
    Operation(
        method="get", path="/", id="getLandingPage", tag="server",
        summary=Text(en="The landing page", fr="La page d'accueil"),
        parameters=_PYGEOAPI_FORMS, problems=("bad-request",),
        answers={200: replace(_json("landingPage", "What there is here", "Ce qu'il y a ici", page=True), media_types=_LINKED_DATA)},
    ),
    Operation(
        method="get", path="/conformance", id="getConformance", tag="server",
        summary=Text(en="The standards that are kept", fr="Les normes respectées"),
        parameters=_PYGEOAPI_FORMS, problems=("bad-request",),
        answers={200: replace(_json("confClasses", "The classes of requirements", "Les classes d'exigences", page=True), media_types=_LINKED_DATA)},
    ),
    *(
        Operation(
            method="get", path=path, id=id, tag="server",
            summary=Text(en="This document", fr="Ce document"),
            parameters=(*_BOTH_FORMS, "ifNoneMatch"),
            answers={
                200: Answer(
                    words=Text(en="The description of this API", fr="La description de cette API"),
                    media_types=("application/vnd.oai.openapi+json;version=3.0",), headers=("ETag",), page=True,
                ),
                304: _NOT_MODIFIED,
            },
        )
        for path, id in (("/openapi", "getOpenapi"), ("/api", "getApi"))
    ),
    *(
        Operation(
            method="get", path=path, id=id, tag="server", summary=summary,
            parameters=_PYGEOAPI_FORMS, problems=("bad-request",),
            answers={200: replace(_json("document", "The document", "Le document", page=page), media_types=_LINKED_DATA)},
        )
        for path, id, page, summary in (
            ("/stac", "getStac", True, Text(en="The STAC catalogue", fr="Le catalogue STAC")),
            ("/stac-api", "getStacApi", False, Text(en="The STAC API", fr="L'API STAC")),
            ("/TileMatrixSets", "getTileMatrixSets", True, Text(en="Known tilings of the world", fr="Pavages du monde connus")),
        )
    ),
    Operation(
        method="get", path="/TileMatrixSets/{tileMatrixSetID}", id="getTileMatrixSet", tag="server",
        summary=Text(en="One tiling of the world", fr="Un pavage du monde"),
        parameters=("tileMatrixSetID", *_PYGEOAPI_FORMS), problems=("bad-request",),
        answers={200: replace(_json("document", "The tiling", "Le pavage", page=True), media_types=_LINKED_DATA)},
    ),
    Operation(
        method="get", path="/collections", id="getCollections", tag="server",
        summary=Text(en="The datasets of all centres", fr="Les jeux de données de tous les centres"),
        parameters=("q", "limit", "after", *_BOTH_FORMS), problems=("invalid-query-parameter-value",),
        answers={200: _json("collections", "A page of the list", "Une page de la liste", page=True)},
    ),
    Operation(
        method="get", path="/collections/{collectionID}", id="getCollection", tag="server",
        summary=Text(en="One dataset", fr="Un jeu de données"),
        parameters=("collectionID", *_BOTH_FORMS), problems=("no-such-collection",),
        answers={200: _json("collection", "The dataset", "Le jeu de données", page=True)},
    ),
    Operation(
        method="get", path="/processes", id="getProcesses", tag="processes",
        summary=Text(en="The processes on offer", fr="Les traitements proposés"),
        parameters=("q", "limit", "after", *_BOTH_FORMS), problems=("invalid-query-parameter-value",),
        answers={200: _json("processList", "A page of the list", "Une page de la liste", "Content-Language", page=True)},
    ),
    Operation(
        method="get", path="/processes/{processID}", id="getProcessDescription", tag="processes",
        summary=Text(en="The inputs and outputs of a process", fr="Les entrées et sorties d'un traitement"),
        parameters=("processID", "ifNoneMatch", *_BOTH_FORMS), problems=("no-such-process",),
        answers={
            200: _json("process", "The description", "La description", "ETag", "Content-Language", page=True),
            304: _NOT_MODIFIED,
        },
    ),
    Operation(
        method="post", path="/processes/{processID}/execution", id="execute", tag="processes",
        summary=Text(en="Run a process, now or as a job", fr="Exécuter un traitement, tout de suite ou comme tâche"),
        parameters=("processID", "prefer", "idempotencyKey", "cacheControl", "acceptLanguage"), body="execute",
        problems=(*_INPUTS, "invalid-idempotency-key", "idempotency-key-reused", "cost-over-limit", "forbidden", "no-centre", "store-down", "queue-full", "too-many-queued", "depot-down", *AT_A_CENTRE),
        answers={200: replace(_RESULTS, page=True), 201: _CREATED, 204: _LINKED},
    ),
    Operation(
        method="get", path="/processes/{processID}/execution", id="executeByLink", tag="processes",
        summary=Text(
            en="Run a process that is done at once, by a plain link",
            fr="Exécuter par un simple lien un traitement qui répond aussitôt",
        ),
        parameters=("processID", "kvp", "f", "prefer", *_CONDITIONS, "acceptLanguage"),
        problems=(
            "invalid-query-parameter-value", "invalid-input", "empty-selection", "unsuitable-dataset", "no-such-process",
            "post-instead", "link-timeout", "no-centre", "store-down", "queue-full", "too-many-queued", "depot-down", "precondition-failed",
            "range-not-satisfiable", *AT_A_CENTRE,
        ),
        answers={200: replace(_RESULTS, page=True), 204: _LINKED, 206: _PART, 304: _NOT_MODIFIED},
    ),
    Operation(
        method="post", path="/processes/{processID}/estimate", id="estimate", tag="processes",
        summary=Text(
            en="What a run would cost, and where it would be", fr="Ce que coûterait une exécution, et où elle se ferait"
        ),
        parameters=("processID", "acceptLanguage"), body="execute", problems=(*_INPUTS, "no-centre"),
        answers={200: _json("estimate", "The estimate", "L'estimation")},
    ),
    Operation(
        method="post", path="/processes/{processID}/constraints", id="getConstraints", tag="processes",
        summary=Text(
            en="What each input may be, given those in the body",
            fr="Ce que peut être chaque entrée, étant données celles du corps",
        ),
        parameters=("processID", "acceptLanguage"), body="execute", problems=_INPUTS,
        answers={200: _json("constraints", "What is allowed, by input", "Ce qui est permis, par entrée")},
    ),
    Operation(
        method="get", path="/jobs", id="getJobs", tag="jobs",
        summary=Text(en="The jobs, newest first", fr="Les tâches, la plus récente d'abord"),
        parameters=(
            "limit", "before", "byType", "byProcess", "byStatus", "byTime", "since", "until", "minDuration", "maxDuration", *_BOTH_FORMS,
        ),
        problems=("invalid-query-parameter-value", "store-down"),
        answers={
            200: _json("jobList", "A page of the list", "Une page de la liste", "Content-Language", page=True),
            303: _SAME_LIST,
        },
    ),
    Operation(
        method="get", path="/jobs/{jobID}", id="getStatus", tag="jobs",
        summary=Text(en="The status of a job", fr="L'état d'une tâche"),
        parameters=("jobID", *_BOTH_FORMS), problems=_JOB, answers={200: replace(_STATUS, page=True)},
    ),
    Operation(
        method="delete", path="/jobs/{jobID}", id="dismiss", tag="jobs",
        summary=Text(en="Dismiss a job, or remove its results", fr="Abandonner une tâche, ou supprimer ses résultats"),
        parameters=("jobID", "acceptLanguage"), problems=(*_JOB, "already-dismissed"),
        answers={200: replace(_STATUS, page=True)},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/results", id="getResult", tag="jobs",
        summary=Text(en="All results of a job", fr="Tous les résultats d'une tâche"),
        parameters=("jobID", "outputs", "f", "prefer", *_CONDITIONS, "acceptLanguage"),
        problems=(*_RESULT, "precondition-failed", "range-not-satisfiable"),
        answers={200: replace(_RESULTS, page=True), 204: _LINKED, 206: _PART, 304: _NOT_MODIFIED, 307: _ELSEWHERE},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/results/{outputID}", id="getResultOutput", tag="jobs",
        summary=Text(
            en="One output of a job, raw; or what lies beside it: its report (`data.report.json`), its styles (`data.qml`, `data.sld`)",
            fr="Une sortie d'une tâche, telle quelle ; ou ce qui est à côté : compte rendu (`data.report.json`), styles (`data.qml`, `data.sld`)",
        ),
        parameters=("jobID", "outputID", *_CONDITIONS, "acceptLanguage"),
        problems=(*_RESULT, "no-such-output", "precondition-failed", "range-not-satisfiable"),
        answers={200: _OUTPUT, 206: _PART, 304: _NOT_MODIFIED, 307: _ELSEWHERE},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/log", id="getLog", tag="jobs",
        summary=Text(en="What the workers said", fr="Ce que les processus de calcul ont dit"),
        parameters=("jobID", *_BOTH_FORMS), problems=_JOB,
        answers={200: replace(_json("log", "The log, newest line last", "Le journal, la ligne la plus récente à la fin", "Content-Language", page=True), media_types=("text/plain",))},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/events", id="getEvents", tag="jobs",
        summary=Text(
            en="Status and progress as they change, as server-sent events",
            fr="L'état et l'avancement au fil des changements, en événements envoyés par le serveur",
        ),
        parameters=("jobID", "lastEventID", "lang", "acceptLanguage"), problems=_JOB,
        answers={
            200: Answer(words=Text(en="The events", fr="Les événements"), media_types=("text/event-stream",)),
            204: Answer(words=Text(en="All was told; do not come back", fr="Tout a été dit ; ne revenez pas")),
        },
    ),
    *(
        Operation(
            method="get", path=path, id=id, tag="jobs",
            summary=Text(en="The request as it was understood", fr="La requête telle qu'elle a été comprise"),
            parameters=("jobID", "acceptLanguage"), problems=_JOB,
            answers={200: _json("execute", "A request that can be posted again", "Une requête qui peut être renvoyée")},
        )
        for path, id in (("/jobs/{jobID}/definition", "getDefinition"), ("/jobs/{jobID}/inputs", "getInputs"))
    ),
    Operation(
        method="get", path="/jobs/{jobID}/provenance", id="getProvenance", tag="jobs",
        summary=Text(
            en="Where the result comes from: W3C PROV as JSON-LD, the metadata of an RO-Crate 1.1",
            fr="D'où vient le résultat : W3C PROV en JSON-LD, les métadonnées d'un RO-Crate 1.1",
        ),
        parameters=("jobID", "acceptLanguage"), problems=_JOB,
        answers={
            200: Answer(
                words=Text(en="Inputs, versions, licences, software, who, where, when", fr="Entrées, versions, licences, logiciels, qui, où, quand"),
                media_types=_LINKED_DATA,
            )
        },
    ),
    Operation(
        method="get", path="/uploads", id="getUploadForm", tag="uploads",
        summary=Text(en="What can be uploaded, and how", fr="Ce qui peut être déposé, et comment"),
        parameters=_BOTH_FORMS, answers={200: _json("uploadForm", "Types and limits", "Types et limites", page=True)},
    ),
    Operation(
        method="post", path="/uploads", id="upload", tag="uploads",
        summary=Text(
            en="Upload a file of one's own, to be named in requests as upload:<uuid>",
            fr="Déposer un fichier à soi, à nommer dans les requêtes par upload:<uuid>",
        ),
        parameters=("name", "contentDisposition", "acceptLanguage"), file=True,
        problems=(
            "invalid-upload", "body-too-slow", "body-too-large", "wrong-media-type", "unknown-upload-type", "unsafe-upload",
            "no-space", "store-down",
        ),
        answers={
            201: _json("upload", "The upload", "Le dépôt", "Location"),
            303: Answer(words=Text(en="The page of the upload", fr="La page du dépôt"), headers=("Location",)),
        },
    ),
    Operation(
        method="get", path="/uploads/{uploadID}", id="getUpload", tag="uploads",
        summary=Text(en="What an upload is", fr="Ce qu'est un dépôt"),
        parameters=("uploadID", *_BOTH_FORMS), problems=("no-such-upload", "store-down"),
        answers={200: _json("upload", "The upload", "Le dépôt", page=True)},
    ),
    Operation(
        method="delete", path="/uploads/{uploadID}", id="removeUpload", tag="uploads",
        summary=Text(en="Remove an upload", fr="Supprimer un dépôt"),
        parameters=("uploadID", "acceptLanguage"), problems=("no-such-upload", "store-down"),
        answers={204: Answer(words=Text(en="It is gone", fr="Il n'y est plus"))},
    ),
    Operation(
        method="get", path="/centres", id="getCentres", tag="centres",
        summary=Text(en="The centres of the federation", fr="Les centres de la fédération"),
        parameters=_BOTH_FORMS, answers={200: _json("centreList", "The centres", "Les centres", page=True)},
    ),
    Operation(
        method="get", path="/centres/{centreID}", id="getCentre", tag="centres",
        summary=Text(en="One centre", fr="Un centre"),
        parameters=("centreID", *_BOTH_FORMS), problems=("no-such-centre",),
        answers={200: _json("centre", "The centre", "Le centre", page=True)},
    ),
    Operation(
        method="get", path="/health", id="getHealth", tag="health",
        summary=Text(en="How the service is", fr="Comment va le service"),
        parameters=_BOTH_FORMS, answers={200: _json("health", "How the parts are", "L'état des parties", page=True)},
    ),
    Operation(
        method="get", path="/health/live", id="getLive", tag="health",
        summary=Text(en="Whether the server answers", fr="Si le serveur répond"),
        parameters=_BOTH_FORMS, answers={200: _json("live", "It does", "Il répond", page=True)},
    ),
    Operation(
        method="get", path="/health/ready", id="getReady", tag="health",
        summary=Text(en="Whether the service can work", fr="Si le service peut travailler"),
        parameters=_BOTH_FORMS,
        answers={
            200: _json("health", "It can", "Il le peut", page=True),
            503: _json("health", "It cannot, and why", "Il ne le peut pas, et pourquoi", page=True),
        },
    ),
    Operation(
        method="get", path="/metrics", id="getMetrics", tag="health",
        summary=Text(en="Figures for Prometheus", fr="Des chiffres pour Prometheus"), problems=("store-down",),
        answers={
            200: Answer(
                words=Text(en="The figures of this moment", fr="Les chiffres du moment"), media_types=("text/plain",)
            )
        },
    ),
)  # fmt: skip


def words_of_status(status: int) -> str:
    """Name a status."""
    return HTTPStatus(status).phrase


_PLACE = re.compile(r"\{[^{}]*\}|<[^<>]*>")
_IN_FORMS = frozenset(_PLACE.sub("{}", each.path) for each in OPERATIONS if each.comes_in_forms)


def comes_in_forms(path: str) -> bool:
    """Tell whether `f` chooses the form of what is at a path, written as here or as the router writes it."""
    return _PLACE.sub("{}", path) in _IN_FORMS
