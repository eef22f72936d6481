"""The schemas, parameters and headers that the OpenAPI document speaks of, by name."""

from typing import Any

from gaia_processes.text import Language, Text
from gaia_server.jobs.states import State
from gaia_server.problems import PROBLEMS, uri_of
from gaia_server.queries import LARGEST_LIMIT
from gaia_server.uploads.kinds import KINDS

PROBLEM = "exception"

TEXT: dict[str, Any] = {"type": "string"}
_URI = {"type": "string", "format": "uri"}
_TIME = {"type": "string", "format": "date-time"}
_COUNT = {"type": "integer", "minimum": 0}


def ref(schema: str) -> dict[str, str]:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{schema}"}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", **({"required": list(required)} if required else {}), "properties": properties}


def _list_of(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return _object({name: _array(schema), "links": _array(ref("link"))}, name, "links")


_PART = _object(
    {
        "dataset": TEXT,
        "status": {"type": "string", "enum": [state.value for state in State]},
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "gaia:centre": TEXT,
        "gaia:reason": TEXT,
        "sizeBytes": _COUNT,
    }
)
_RECEIPT = _object(
    {
        "bytesRead": _COUNT,
        "bytesMoved": _COUNT,
        "cpuSeconds": {"type": "number"},
        "peakMemoryBytes": _COUNT,
        "wallSeconds": {"type": "number"},
    }
)
_FAULT = _object(
    {
        "input": {"type": "string", "description": "The input, or member of the request, that is wrong."},
        "pointer": {"type": "string", "description": "RFC 6901 pointer into the body."},
        "parameter": {"type": "string", "description": "The query parameter that is wrong."},
        "problem": TEXT,
        "allowed": _array({}),
        "given": {},
    },
    "problem",
)

SCHEMAS: dict[str, Any] = {
    "link": _object(
        {"href": TEXT, "rel": TEXT, "type": TEXT, "hreflang": TEXT, "title": TEXT, "length": {"type": "integer"}},
        "href",
    ),
    PROBLEM: _object(
        {
            "type": _URI,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "instance": {"type": "string", "format": "uri-reference"},
            "errors": _array(_FAULT),
            "gaia:jobID": TEXT,
            "gaia:centre": TEXT,
            "gaia:attempt": {"type": "integer"},
        },
        "type",
        "title",
        "status",
        "detail",
    ),
    "landingPage": _object({"title": TEXT, "description": TEXT, "links": _array(ref("link"))}, "links"),
    "confClasses": _object({"conformsTo": _array(_URI)}, "conformsTo"),
    "collection": _object(
        {
            "id": TEXT,
            "title": TEXT,
            "description": TEXT,
            "license": TEXT,
            "keywords": _array(TEXT),
            "extent": {"type": "object"},
            "crs": _array(_URI),
            "cube:dimensions": {"type": "object"},
            "cube:variables": {"type": "object"},
            "gaia:version": TEXT,
            "gaia:versions": _array(TEXT),
            "gaia:centres": _array(TEXT),
            "gaia:sizeBytes": {"type": "integer"},
            "links": _array(ref("link")),
        },
        "id",
        "links",
    ),
    "collections": _list_of("collections", ref("collection")),
    "processSummary": _object(
        {
            "id": TEXT,
            "version": TEXT,
            "title": TEXT,
            "description": TEXT,
            "keywords": _array(TEXT),
            "jobControlOptions": _array({"type": "string", "enum": ["sync-execute", "async-execute", "dismiss"]}),
            "outputTransmission": _array({"type": "string", "enum": ["value", "reference"]}),
            "links": _array(ref("link")),
        },
        "id",
        "version",
    ),
    "process": {
        "allOf": [
            ref("processSummary"),
            _object(
                {
                    "inputs": {"type": "object", "additionalProperties": ref("inputDescription")},
                    "outputs": {"type": "object", "additionalProperties": ref("outputDescription")},
                }
            ),
        ]
    },
    "inputDescription": _object(
        {
            "title": TEXT,
            "description": TEXT,
            "keywords": _array(TEXT),
            "minOccurs": _COUNT,
            "maxOccurs": {"oneOf": [{"type": "integer"}, {"type": "string", "enum": ["unbounded"]}]},
            "schema": {"type": "object"},
        },
        "schema",
    ),
    "outputDescription": _object({"title": TEXT, "description": TEXT, "schema": {"type": "object"}}, "schema"),
    "format": _object({"mediaType": TEXT, "encoding": TEXT, "schema": {}}),
    "reference": _object({"href": _URI, "type": TEXT, "title": TEXT}, "href"),
    "qualifiedValue": _object({"value": {}, "mediaType": TEXT, "encoding": TEXT, "format": ref("format")}, "value"),
    "requestedOutput": _object(
        {"format": ref("format"), "transmissionMode": {"type": "string", "enum": ["value", "reference"]}}
    ),
    "execute": _object(
        {
            "inputs": {"type": "object", "additionalProperties": True},
            "outputs": {"type": "object", "additionalProperties": ref("requestedOutput")},
            "response": {"type": "string", "enum": ["raw", "document"]},
            "subscriber": _object({"successUri": _URI, "inProgressUri": _URI, "failedUri": _URI}),
            "process": _URI,
        }
    ),
    "estimate": _object(
        {
            "processID": TEXT,
            "inputs": {"type": "object", "additionalProperties": True},
            "gaia:estimate": _object(
                {"bytesRead": _COUNT, "bytesWritten": _COUNT, "bytesMoved": _COUNT, "seconds": {"type": "number"}}
            ),
            "gaia:centre": TEXT,
            "gaia:queue": TEXT,
            "gaia:reason": TEXT,
            "gaia:parts": _array(_object({"dataset": TEXT, "gaia:centre": TEXT, "sizeBytes": _COUNT})),
        },
        "processID",
        "inputs",
    ),
    "statusInfo": _object(
        {
            "jobID": {"type": "string", "format": "uuid"},
            "processID": TEXT,
            "type": {"type": "string", "enum": ["process"]},
            "status": {"type": "string", "enum": [state.value for state in State]},
            "message": TEXT,
            "created": _TIME,
            "started": _TIME,
            "finished": _TIME,
            "updated": _TIME,
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
            "links": _array(ref("link")),
            "gaia:centre": TEXT,
            "gaia:reason": TEXT,
            "gaia:attempt": {"type": "integer"},
            "gaia:queuePosition": {"type": "integer", "minimum": 1},
            "gaia:eta": _TIME,
            "gaia:computedBy": TEXT,
            "gaia:expires": _TIME,
            "gaia:parts": _array(_PART),
            "gaia:receipt": _RECEIPT,
            "gaia:extent": {"type": "object"},
            "gaia:warnings": _array(TEXT),
        },
        "jobID",
        "processID",
        "type",
        "status",
    ),
    "constraints": _object(
        {
            "processID": TEXT,
            "inputs": {"type": "object", "additionalProperties": ref("allowed")},
            "links": _array(ref("link")),
        },
        "processID",
        "inputs",
        "links",
    ),
    "allowed": {
        "description": "What an input may be; a member is absent where nothing is known. No values at all: leave it out.",
        **_object(
            {
                "values": _array({}),
                "examples": _array({}),
                "minimum": {"type": "number"},
                "maximum": {"type": "number"},
                "extent": _array({}),
                "extents": _array(_array({})),
                "crs": TEXT,
                "unit": TEXT,
                "calendar": TEXT,
                "step": TEXT,
                "default": {},
            }
        ),
    },
    "results": {"type": "object", "additionalProperties": True},
    "document": {"type": "object"},
    "processList": _list_of("processes", ref("processSummary")),
    "jobList": _list_of("jobs", ref("statusInfo")),
    "centre": _object(
        {
            "id": TEXT,
            "title": TEXT,
            "up": {"type": "boolean"},
            "reachable": {"type": "boolean"},
            "delivery": {"type": "string", "enum": ["serve", "push"]},
            "waiting": {"type": "object", "additionalProperties": _COUNT},
            "running": _COUNT,
            "slots": _COUNT,
            "lanes": {
                "type": "object",
                "additionalProperties": _object({"waiting": _COUNT, "running": _COUNT, "slots": _COUNT}),
            },
            "load": {"type": "number", "minimum": 0},
            "trouble": _array(TEXT),
            "datasets": _array(TEXT),
            "links": _array(ref("link")),
        },
        "id",
        "up",
    ),
    "centreList": _list_of("centres", ref("centre")),
    "live": _object({"status": {"type": "string", "enum": ["live"]}}, "status"),
    "health": _object(
        {
            "status": {"type": "string", "enum": ["ready", "not ready"]},
            "store": {"type": "string", "enum": ["up", "down"]},
            "centres": {"type": "object", "additionalProperties": {"type": "string", "enum": ["up", "down"]}},
            "reasons": _array(TEXT),
        },
        "status",
        "reasons",
    ),
    "log": _object(
        {
            "log": _array(
                _object(
                    {
                        "time": _TIME,
                        "level": {"type": "string", "enum": ["info", "warning", "error"]},
                        "message": TEXT,
                    },
                    "time",
                    "level",
                    "message",
                )
            )
        },
        "log",
    ),
    "uploadForm": _object(
        {
            "limitBytes": _COUNT,
            "lifetimeSeconds": {"type": "number"},
            "types": _array(_object({"type": TEXT, "title": TEXT}, "type", "title")),
            "links": _array(ref("link")),
        },
        "limitBytes",
        "types",
    ),
    "upload": _object(
        {
            "id": {"type": "string", "pattern": "^upload:[0-9a-f-]{36}$"},
            "uploadID": {"type": "string", "format": "uuid"},
            "name": TEXT,
            "type": TEXT,
            "kind": {"type": "string", "enum": [kind.id for kind in KINDS]},
            "sizeBytes": _COUNT,
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "created": _TIME,
            "expires": _TIME,
            "links": _array(ref("link")),
        },
        "id",
        "type",
        "sizeBytes",
        "sha256",
        "expires",
    ),
}

_NAMES = _array(TEXT)


def _query(name: str, schema: dict[str, Any], en: str, fr: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": Text(en=en, fr=fr), "schema": schema, **more}


def _header(name: str, example: str, en: str, fr: str) -> dict[str, Any]:
    described = {"description": Text(en=en, fr=fr), "schema": TEXT, "example": example}
    return {"name": name, "in": "header", "required": False, **described}


def _path(name: str, en: str, fr: str, schema: dict[str, Any] = TEXT) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": Text(en=en, fr=fr), "schema": schema}


_LISTED = {"style": "form", "explode": False}
PARAMETERS: dict[str, Any] = {
    "processID": _path("processID", "Id of a process.", "Identifiant d'un traitement."),
    "jobID": _path("jobID", "Id of a job.", "Identifiant d'une tâche.", {"type": "string", "format": "uuid"}),
    "outputID": _path(
        "outputID",
        "Id of an output, with the ending of its file if you like.",
        "Identifiant d'une sortie, au besoin avec l'extension de son fichier.",
    ),
    "uploadID": _path("uploadID", "Id of an upload.", "Identifiant d'un dépôt.", {"type": "string", "format": "uuid"}),
    "name": _query("name", TEXT, "What the file is called.", "Le nom du fichier."),
    "contentDisposition": _header(
        "Content-Disposition",
        'attachment; filename="parks.gpkg"',
        "What the file is called.",
        "Le nom du fichier.",
    ),
    "centreID": _path("centreID", "Id of a centre.", "Identifiant d'un centre."),
    "collectionID": _path("collectionID", "Id of a collection.", "Identifiant d'une collection."),
    "tileMatrixSetID": _path("tileMatrixSetID", "Id of a tiling.", "Identifiant d'un pavage."),
    "outputs": _query(
        "outputs",
        _array(TEXT),
        "These outputs alone, by id.",
        "Ces sorties seulement, par identifiant.",
        **_LISTED,
    ),
    "f": _query(
        "f",
        {"type": "string", "enum": ["json", "html"]},
        "The form of the answer, whatever `Accept` says.",
        "La forme de la réponse, quoi que dise « Accept ».",
    ),
    "fOrLinked": _query(
        "f",
        {"type": "string", "enum": ["json", "html", "jsonld"]},
        "The form of the answer, whatever `Accept` says.",
        "La forme de la réponse, quoi que dise « Accept ».",
    ),
    "lang": _query(
        "lang",
        {"type": "string", "enum": ["en", "fr"]},
        "The language of the answer, whatever `Accept-Language` says.",
        "La langue de la réponse, quoi que dise « Accept-Language ».",
    ),
    "q": _query(
        "q",
        TEXT,
        "Words that all stand in what is said of a process.",
        "Des mots qui figurent tous dans ce qui est dit d'un traitement.",
    ),
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT},
        "The most that a page holds; more than 1000 means 1000.",
        "Le maximum d'une page ; plus de 1000 vaut 1000.",
    ),
    "after": _query(
        "after", TEXT, "The last process of the page before.", "Le dernier traitement de la page précédente."
    ),
    "before": _query(
        "before",
        TEXT,
        "Where the page begins, as a `next` link says it.",
        "Le début de la page, comme le dit un lien « next ».",
    ),
    "byType": _query("type", _NAMES, "Kinds of jobs.", "Sortes de tâches.", **_LISTED, example=["process"]),
    "byProcess": _query(
        "processID", _NAMES, "Jobs of any of these processes.", "Les tâches de l'un de ces traitements.", **_LISTED
    ),
    "byStatus": _query(
        "status",
        _array({"type": "string", "enum": [state.value for state in State]}),
        "Jobs in any of these states.",
        "Les tâches dans l'un de ces états.",
        **_LISTED,
    ),
    "byTime": _query(
        "datetime",
        TEXT,
        "When the jobs were created: an RFC 3339 instant, or an interval of which one end may be open (`..`).",
        "Quand les tâches ont été créées : un instant RFC 3339, ou un intervalle dont une extrémité peut être ouverte (« .. »).",
        example="2026-01-01T00:00:00Z/..",
    ),
    "since": _query(
        "since",
        {"type": "string", "format": "date"},
        "The first day, as the form of the page sends it.",
        "Le premier jour, comme l'envoie le formulaire de la page.",
    ),
    "until": _query(
        "until",
        {"type": "string", "format": "date"},
        "The last day, as the form of the page sends it.",
        "Le dernier jour, comme l'envoie le formulaire de la page.",
    ),
    "minDuration": _query(
        "minDuration",
        _array(_COUNT),
        "Jobs that have been running, or ran, at least so many seconds.",
        "Les tâches qui durent, ou ont duré, au moins ce nombre de secondes.",
        **_LISTED,
    ),
    "maxDuration": _query(
        "maxDuration",
        _array(_COUNT),
        "Jobs that have been running, or ran, at most so many seconds.",
        "Les tâches qui durent, ou ont duré, au plus ce nombre de secondes.",
        **_LISTED,
    ),
    "acceptLanguage": _header("Accept-Language", "fr", "The language of the answer.", "La langue de la réponse."),
    "kvp": {
        "name": "inputs",
        "in": "query",
        "description": Text(
            en="Each input as a parameter of its own; `out[include]=true` chooses an output.",
            fr="Chaque entrée comme un paramètre ; `out[include]=true` choisit une sortie.",
        ),
        "schema": {"type": "object", "additionalProperties": TEXT},
        "style": "form",
        "explode": True,
    },
    "prefer": _header(
        "Prefer",
        "respond-async",
        "How to answer (RFC 7240): `respond-async`, `respond-sync`, `wait=N`, `return=minimal`, `return=representation`.",
        "Comment répondre (RFC 7240) : `respond-async`, `respond-sync`, `wait=N`, `return=minimal`, `return=representation`.",
    ),
    "idempotencyKey": _header(
        "Idempotency-Key",
        "3f1c9b52-night-run",
        "Makes a repeated request the same one: the first answer is given again, and nothing runs twice. 1 to 128 printable "
        "characters; kept as long as the job.",
        "Fait d'une requête répétée la même : la première réponse est redonnée, et rien ne s'exécute deux fois. 1 à 128 "
        "caractères imprimables ; conservée aussi longtemps que la tâche.",
    ),
    "cacheControl": _header(
        "Cache-Control",
        "no-cache",
        "`no-cache` has it computed anew, though the same was computed before.",
        "`no-cache` demande un nouveau calcul, même si la même chose a déjà été calculée.",
    ),
    "range": _header("Range", "bytes=0-1023", "A part of the bytes.", "Une partie des octets."),
    "ifRange": _header(
        "If-Range", '"9f86d0"', "The part only if nothing has changed.", "La partie seulement si rien n'a changé."
    ),
    "ifNoneMatch": _header(
        "If-None-Match", '"9f86d0"', "The ETag of what is known already.", "L'ETag de ce qui est déjà connu."
    ),
    "ifMatch": _header("If-Match", '"9f86d0"', "Only if it still has this ETag.", "Seulement s'il a encore cet ETag."),
    "ifModifiedSince": _header(
        "If-Modified-Since",
        "Sat, 31 Jan 2026 12:00:00 GMT",
        "Only if it has changed since; counts where If-None-Match is absent.",
        "Seulement s'il a changé depuis ; compte là où If-None-Match est absent.",
    ),
    "ifUnmodifiedSince": _header(
        "If-Unmodified-Since",
        "Sat, 31 Jan 2026 12:00:00 GMT",
        "Only if it has not changed since; counts where If-Match is absent.",
        "Seulement s'il n'a pas changé depuis ; compte là où If-Match est absent.",
    ),
    "lastEventID": _header("Last-Event-ID", "7", "The last event that was heard.", "Le dernier événement reçu."),
}

HEADERS: dict[str, Text] = {
    "Location": Text(en="Where to find it.", fr="Où le trouver."),
    "Link": Text(
        en="One link for each output, its id as `rel`.", fr="Un lien par sortie, son identifiant comme `rel`."
    ),
    "Preference-Applied": Text(en="The preferences that were honoured.", fr="Les préférences respectées."),
    "Retry-After": Text(en="Seconds after which to look again.", fr="Secondes après lesquelles regarder de nouveau."),
    "ETag": Text(en="Changes when the content does.", fr="Change avec le contenu."),
    "Repr-Digest": Text(en="The sha-256 of the whole (RFC 9530).", fr="Le sha-256 du tout (RFC 9530)."),
    "Content-Disposition": Text(en="The name of the file.", fr="Le nom du fichier."),
    "Content-Range": Text(en="Which bytes these are.", fr="Quels octets ce sont."),
    "Content-Language": Text(en="The language of the texts.", fr="La langue des textes."),
    "Last-Modified": Text(en="When the result was made.", fr="Quand le résultat a été produit."),
    "Accept-Ranges": Text(en="Parts can be asked for.", fr="Des parties peuvent être demandées."),
    "Gaia-Job": Text(
        en="The job in which a synchronous run is recorded.", fr="La tâche où est notée une exécution synchrone."
    ),
}


def parameters(language: Language) -> dict[str, Any]:
    """Give the parameters, told in a language."""
    return {
        name: parameter | {"description": parameter["description"].into(language)}
        for name, parameter in PARAMETERS.items()
    }


def headers(language: Language) -> dict[str, Any]:
    """Give the headers of answers, told in a language."""
    return {name: {"description": words.into(language), "schema": TEXT} for name, words in HEADERS.items()}


def problem_example(code: str, language: Language) -> dict[str, Any]:
    """Give an example of a problem."""
    problem = PROBLEMS[code]
    title = problem.title.into(language)
    told = {"type": uri_of(code), "title": title, "status": int(problem.status), "detail": f"{title}."}
    return {"summary": title, "value": told}
