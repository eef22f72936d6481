"""
What the web server refuses before there is a request that the application could answer: told as a problem all the same.

Apart from `problems.py`, for this is imported before gevent patches the standard library and has to stay small. Nothing of such
a request can be relied on, its `Accept-Language` neither: the words are in both languages, one after the other.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from gunicorn.http import errors

from gaia_processes.inputs.bad_value import show
from gaia_processes.text import Text

OURS = "https://gaia-data.org/errors/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """
    How a cause is told.

    Attributes
    ----------
    value : str or None
        The attribute of gunicorn's error that holds what was wrong with the request; shown after the words.
    """

    status: int
    code: str
    title: Text
    detail: Text
    value: str | None = None


def _unreadable(en: str, fr: str, value: str | None = None, *, status: int = 400) -> Refusal:
    title = Text(en="The request cannot be read", fr="La requête est illisible")
    return Refusal(status=status, code="bad-request", title=title, detail=Text(en=en, fr=fr), value=value)


_HEADER = _unreadable(
    "A header is not written as HTTP has it (RFC 9112): a name, a colon, a value.",
    "Un en-tête n'est pas écrit comme HTTP le veut (RFC 9112) : un nom, deux-points, une valeur.",
    "hdr",
)
_CHUNK = _unreadable(
    "The chunks of the body are not written as HTTP has them (RFC 9112).",
    "Les morceaux du corps ne sont pas écrits comme HTTP le veut (RFC 9112).",
)

REFUSALS: dict[type[BaseException], Refusal] = {
    errors.InvalidRequestLine: _unreadable(
        "The first line is not that of an HTTP request; write it as GET /path HTTP/1.1.",
        "La première ligne n'est pas celle d'une requête HTTP ; écrivez-la comme GET /chemin HTTP/1.1.",
        "req",
    ),
    errors.InvalidRequestMethod: _unreadable(
        "This is not the name of a method.", "Ce n'est pas le nom d'une méthode.", "method"
    ),
    errors.InvalidHTTPVersion: _unreadable(
        "This version of HTTP is not spoken here; speak HTTP/1.1.",
        "Cette version de HTTP n'est pas parlée ici ; parlez HTTP/1.1.",
        "version",
    ),
    errors.InvalidHeader: _HEADER,
    errors.InvalidHeaderName: _HEADER,
    errors.ObsoleteFolding: _HEADER,
    errors.InvalidChunkSize: _CHUNK,
    errors.ChunkMissingTerminator: _CHUNK,
    errors.InvalidChunkExtension: _CHUNK,
    errors.UnsupportedTransferCoding: Refusal(
        status=HTTPStatus.NOT_IMPLEMENTED,
        code="not-implemented",
        title=Text(en="Not offered here", fr="Non proposé ici"),
        detail=Text(
            en="This transfer coding is not read here; send the body in chunks or with its Content-Length.",
            fr="Cet encodage de transfert n'est pas lu ici ; envoyez le corps en morceaux ou avec son Content-Length.",
        ),
        value="hdr",
    ),
    errors.LimitRequestLine: Refusal(
        status=HTTPStatus.REQUEST_URI_TOO_LONG,
        code="address-too-long",
        title=Text(en="The address is too long", fr="L'adresse est trop longue"),
        detail=Text(
            en="The first line of a request has at most 4094 bytes; POST what does not fit.",
            fr="La première ligne d'une requête a au plus 4094 octets ; envoyez par POST ce qui n'y tient pas.",
        ),
    ),
    errors.ExpectationFailed: Refusal(
        status=HTTPStatus.EXPECTATION_FAILED,
        code="expectation-failed",
        title=Text(en="This cannot be expected", fr="Ceci ne peut pas être attendu"),
        detail=Text(
            en="The only Expect that is met here is 100-continue.",
            fr="Le seul Expect satisfait ici est 100-continue.",
        ),
        value="expect",
    ),
    errors.LimitRequestHeaders: Refusal(
        status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        code="headers-too-large",
        title=Text(en="The headers are too large", fr="Les en-têtes sont trop grands"),
        detail=Text(
            en="A request has at most 100 headers, each of at most 8190 bytes.",
            fr="Une requête a au plus 100 en-têtes, chacun d'au plus 8190 octets.",
        ),
    ),
    errors.ParseException: _unreadable(
        "This is not an HTTP request.", "Ceci n'est pas une requête HTTP."
    ),
    BaseException: Refusal(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal-error",
        title=Text(en="Internal error", fr="Erreur interne"),
        detail=Text(
            en="Something unexpected went wrong in the service.",
            fr="Une erreur inattendue s'est produite dans le service.",
        ),
    ),
}  # fmt: skip
_OF_THE_APPLICATION = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def refusal_of(error: BaseException) -> Refusal:
    """Find the nearest class above an error that has an answer; a header that we would have sent is no fault of the client."""
    kinds = (BaseException,) if isinstance(error, _OF_THE_APPLICATION) else type(error).__mro__
    return next(REFUSALS[kind] for kind in kinds if kind in REFUSALS)


def render_refusal(error: BaseException) -> bytes:
    """Write the whole answer, after which the connection is closed."""
    refusal = refusal_of(error)
    wrong = f" ({show(_told(getattr(error, refusal.value)))})" if refusal.value else ""
    problem = {
        "type": OURS + refusal.code,
        "title": f"{refusal.title.en} / {refusal.title.fr}",
        "status": int(refusal.status),
        "detail": f"{refusal.detail.en} / {refusal.detail.fr}{wrong}",
    }
    body = json.dumps(problem, ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 {int(refusal.status)} {HTTPStatus(refusal.status).phrase}",
        "Connection: close",
        "Content-Type: application/json",
        "Content-Language: en, fr",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Access-Control-Allow-Origin: *",
    )
    return "\r\n".join((*head, "", "")).encode("ascii") + body


def _told(value: object) -> object:
    """Give what was sent as text: gunicorn keeps some of it as bytes, and a version as two numbers."""
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return value.decode("latin-1") if isinstance(value, bytes) else value
