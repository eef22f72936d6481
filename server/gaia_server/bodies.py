"""Reading a JSON request body: everything that could hurt is refused before, or while, it is parsed."""

import json
import math
import re
import time
from contextlib import suppress
from typing import Any, NoReturn

from flask import Request
from gevent import Timeout
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from gaia_config.settings import Settings
from gaia_processes.text import Text
from gaia_server.errors import BadJson, BodyTooLarge, BodyTooSlow, WrongMediaType
from gaia_server.negotiation import JSON

PIECE_BYTES = 64 * 1024
DRAIN_BYTES = 128 * 2**20
DRAIN_S = 5.0
DRAIN_PAUSE_S = 0.5
LONGEST_NUMBER = 100
LONGEST_STRING = 1_000_000
MOST_MEMBERS = 10_000

_NOT_A_BRACKET = re.compile(r"[^\[\]{}]+")
_ONE_KIND = str.maketrans("{}", "[]")
_BOM = "\ufeff"

BROKEN = (OSError, ParseException, ClientDisconnected)
"""What reading a body can raise: the connection broke, or the framing is not what the headers announce."""


class TimedInput:
    """
    A request body that must arrive in time, however slowly it drips.

    Parameters
    ----------
    stream
        The body as the web server gives it.
    limit_s : float
        From the first read to the end.
    """

    def __init__(self, stream: Any, limit_s: float) -> None:
        self._stream = stream
        self._limit_s = limit_s
        self._end: float | None = None

    def read(self, size: int = -1) -> bytes:
        """
        Read on.

        Raises
        ------
        BodyTooSlow
            When the time is over.
        """
        now = time.monotonic()
        self._end = self._end or now + self._limit_s
        if now >= self._end:
            raise BodyTooSlow
        with Timeout(self._end - now, BodyTooSlow()):
            content: bytes = self._stream.read(size)
        return content

    def drain(self) -> None:
        """
        Read what is left and forget it.

        A client that is still sending hears an answer only when it has sent all: closing before that resets the connection
        under it. Bounded in bytes and time, and over when the client pauses; whoever sends more than that is reset.
        """
        left = DRAIN_BYTES
        with Timeout(DRAIN_S, False), suppress(*BROKEN):
            while left > 0:
                piece = b""
                with Timeout(DRAIN_PAUSE_S, False):
                    piece = self._stream.read(PIECE_BYTES)
                if not piece:
                    return
                left -= len(piece)


def read_object(request: Request, settings: Settings) -> dict[str, Any]:
    """
    Read the JSON object that a request carries; a request without any body counts as one with an empty object.

    Raises
    ------
    WrongMediaType, BodyTooLarge, BodyTooSlow, BadJson
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType
    content = _read(request, settings.max_body_bytes)
    if not content and not request.mimetype:
        return {}
    if request.mimetype != JSON or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise WrongMediaType
    value = parse_json(content, max_depth=settings.max_json_depth)
    if not isinstance(value, dict):
        raise BadJson
    return value


def _read(request: Request, limit_bytes: int) -> bytes:
    """Read at most the limit, whether or not the client said how much it sends."""
    request.max_content_length = limit_bytes + 1  # one more, so that too large can be told from just so large
    length = request.content_length
    try:
        if length is not None and length <= limit_bytes:
            content = _read_all(request.environ["wsgi.input"], length)
        else:
            content = request.stream.read()
    except RequestEntityTooLarge:
        raise BodyTooLarge(limit_bytes) from None
    except BROKEN:
        raise BadJson(
            Text(
                en="The body ended before all of it had arrived, or is not framed as its headers say.",
                fr="Le corps s'est terminé avant d'être complet, ou n'est pas découpé comme l'annoncent ses en-têtes.",
            )
        ) from None
    if len(content) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    return content


def _read_all(stream: Any, length: int) -> bytes:
    """Read a body of known length, without the layers that count what arrives."""
    content: bytes = stream.read(length)
    if len(content) < length:
        raise ClientDisconnected
    return content


def parse_json(content: bytes, *, max_depth: int) -> Any:
    """
    Parse JSON strictly: UTF-8, nothing nested too deep, no member twice, finite numbers only.

    Raises
    ------
    BadJson
    """
    text = _decode(content)
    _check_shape(text, max_depth)
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_number,
            parse_float=_finite,
            parse_int=_integer,
            object_pairs_hook=_Members(),
        )
    except json.JSONDecodeError as error:
        raise BadJson(
            Text(
                en=f"The body is not valid JSON: it goes wrong at line {error.lineno}, column {error.colno}.",
                fr=f"Le corps n'est pas du JSON valide : l'erreur est ligne {error.lineno}, colonne {error.colno}.",
            )
        ) from None
    if "\\u" in text:
        _check_characters(value)
    return value


def _decode(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadJson(
            Text(
                en=f"The body is not UTF-8: byte {error.start} cannot be read.",
                fr=f"Le corps n'est pas en UTF-8 : l'octet {error.start} est illisible.",
            )
        ) from None
    if text.startswith(_BOM):
        raise BadJson(
            Text(
                en="Send the JSON without a byte-order mark.",
                fr="Envoyez le JSON sans marque d'ordre des octets (BOM).",
            )
        )
    return text


def _check_shape(text: str, max_depth: int) -> None:
    """
    Check nesting and the length of strings before anything recursive sees the text.

    All in the C loops of `str`: without what is escaped, every second piece between quotes is a string; and each turn takes
    one level of nesting from what is left of the brackets.
    """
    pieces = text.replace("\\\\", "").replace('\\"', "").split('"')
    if any(len(piece) > LONGEST_STRING for piece in pieces[1::2]):
        raise BadJson(
            Text(
                en=f"A string has more than {LONGEST_STRING} characters.",
                fr=f"Une chaîne compte plus de {LONGEST_STRING} caractères.",
            )
        )
    brackets = _NOT_A_BRACKET.sub("", "".join(pieces[::2])).translate(_ONE_KIND)
    levels = 0
    while "[]" in brackets and levels < max_depth:
        brackets = brackets.replace("[]", "")
        levels += 1
    if "[]" in brackets or brackets.count("[") > max_depth:
        raise BadJson(
            Text(
                en=f"The JSON is nested deeper than {max_depth} levels.",
                fr=f"Le JSON est imbriqué sur plus de {max_depth} niveaux.",
            )
        )


class _Members:
    """Makes objects of their members: none twice, and not too many in all."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make one object."""
        self._count += len(pairs)
        if self._count > MOST_MEMBERS:
            raise BadJson(
                Text(
                    en=f"The JSON has more than {MOST_MEMBERS} members.",
                    fr=f"Le JSON compte plus de {MOST_MEMBERS} membres.",
                )
            )
        members = dict(pairs)
        if len(members) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)[:80]
            raise BadJson(
                Text(
                    en=f"The member {twice!r} stands twice in the same object.",
                    fr=f"Le membre {twice!r} figure deux fois dans le même objet.",
                )
            )
        return members


def _finite(text: str) -> float:
    number = float(text)
    if len(text) > LONGEST_NUMBER or not math.isfinite(number):
        _refuse_number(text)
    return number


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        _refuse_number(text)
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    shown = text if len(text) <= 30 else f"{text[:30]}…"
    raise BadJson(
        Text(
            en=f"{shown} is not a number that can be used; numbers are finite and have at most {LONGEST_NUMBER} characters.",
            fr=f"{shown} n'est pas un nombre utilisable ; "
            f"les nombres sont finis et ont au plus {LONGEST_NUMBER} caractères.",
        )
    )


def _check_characters(value: Any) -> None:
    """Refuse half a surrogate pair: it is a character in no encoding, and no answer could carry it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadJson(
            Text(
                en="A string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.",
                fr="Une chaîne contient une moitié de paire de substitution (\\ud800 à \\udfff), qui n'est pas un caractère.",
            )
        ) from None
