"""How the files of a result leave the centre: they stay and are served, or are pushed to the server's store."""

import base64
import time
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Protocol

import requests
import structlog
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)

from gaia_config.centres import Centre
from gaia_config.errors import ConfigurationError
from gaia_workers.contract import Order, OutputFile, Result, Words, sign_link
from gaia_workers.results import Draft

GIVE_UP_S = 300.0
TIMEOUT_S = 30.0
PIECE_BYTES = 8 * 2**20
LINK_S = 900
CLOCK_TOLERANCE_S = 60

_log = structlog.get_logger()


class DeliveryFailed(Exception):
    """The server did not take a file, for as long as we tried."""

    words = Words(
        en="The result could not be delivered to the server; it will be tried again.",
        fr="Le résultat n'a pas pu être livré au serveur ; une nouvelle tentative suivra.",
    )


class Delivers(Protocol):
    """How files leave the centre."""

    def deliver(self, order: Order, draft: Draft, result: Result) -> Result:
        """Hand the files over, and say where they are then."""


class Stays:
    """Delivery `serve`: the files stay at the centre, whose depot hands them out."""

    def deliver(self, order: Order, draft: Draft, result: Result) -> Result:  # noqa: ARG002 the protocol's signature
        """Leave them where they are."""
        return result


def delivery_for(centre: Centre, server_url: str | None) -> Delivers:
    """
    Choose how a centre delivers.

    Raises
    ------
    ConfigurationError
        If it pushes and does not know where to.
    """
    if centre.delivery == "serve":
        return Stays()
    if server_url is None:
        raise ConfigurationError(
            f"GAIA_SERVER_URL is not set, but {centre.id} pushes its results: set the server's address."
        )
    return Push(centre, server_url)


class Push:
    """Sends files to the server's store by HTTP: resumable, each checked by its digest."""

    def __init__(self, centre: Centre, server_url: str, *, give_up_s: float = GIVE_UP_S) -> None:
        self._centre = centre
        self._server_url = server_url.rstrip("/")
        self._give_up_s = give_up_s
        self._ahead_s = 0.0  # of the server's clock, by which addresses expire

    def deliver(self, order: Order, draft: Draft, result: Result) -> Result:
        """
        Send every file.

        Raises
        ------
        DeliveryFailed
            If the server does not take one.
        """
        del order
        for file in result.files:
            self._send(_session(), draft.path(file.name), file)
        for file in result.files:
            draft.path(file.name).unlink()  # the server has it; what stays here is the manifest
        return replace(
            result,
            outputs=tuple(replace(output, store="server") for output in result.outputs),
            sides=tuple(replace(side, store="server") for side in result.sides),
        )

    def _send(self, session: requests.Session, path: Path, output: OutputFile) -> None:
        tries = Retrying(
            retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout, _Again)),
            stop=stop_after_delay(self._give_up_s),
            wait=wait_exponential_jitter(multiplier=0.2, max=10),
            before_sleep=_say_again,
        )
        try:
            tries(self._try, session, path, output)
        except RetryError as error:
            raise DeliveryFailed from error

    def _try(self, session: requests.Session, path: Path, output: OutputFile) -> None:
        # What goes in one piece is sent unasked: where the server has a part of it already, its answer says so.
        offset = self._offset(session, output) if output.size_bytes > PIECE_BYTES else 0
        while offset < output.size_bytes or output.size_bytes == 0:
            offset = self._put(session, path, output, offset)
            if offset >= output.size_bytes:
                return

    def _offset(self, session: requests.Session, output: OutputFile) -> int:
        answer = self._look(session, output)
        if answer.status_code == requests.codes.forbidden and self._learn_time(answer):
            answer = self._look(session, output)
        return int(_checked(answer).headers.get("Gaia-Offset", 0))

    def _look(self, session: requests.Session, output: OutputFile) -> requests.Response:
        return session.head(self._address(output), headers=self._headers(), timeout=TIMEOUT_S, allow_redirects=False)

    def _learn_time(self, answer: requests.Response) -> bool:
        """See how far the server's clock is ahead; tell whether that explains a refusal."""
        try:
            self._ahead_s = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
        except (KeyError, ValueError):
            return False
        return abs(self._ahead_s) > CLOCK_TOLERANCE_S

    def _put(self, session: requests.Session, path: Path, output: OutputFile, offset: int) -> int:
        end = min(offset + PIECE_BYTES, output.size_bytes)
        headers = self._headers() | {
            "Content-Length": str(end - offset),
            "Content-Range": f"bytes {offset}-{end - 1}/{output.size_bytes}" if output.size_bytes else "bytes */0",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(output.sha256)).decode()}:",
        }

        def put() -> requests.Response:
            return session.put(
                self._address(output),
                data=_piece(path, offset, end),
                headers=headers,
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )

        answer = put()
        if answer.status_code == requests.codes.forbidden and self._learn_time(answer):
            answer = put()
        if answer.status_code == requests.codes.conflict:
            return int(answer.headers["Gaia-Offset"])
        _checked(answer)
        return end

    def _address(self, output: OutputFile) -> str:
        expires = int(time.time() + self._ahead_s) + LINK_S
        signature = sign_link(self._centre.key, method="PUT", location=output.location, expires=expires)
        return f"{self._server_url}/store/{output.location}?expires={expires}&signature={signature}"

    def _headers(self) -> dict[str, str]:
        return {"Gaia-Centre": self._centre.id}


@cache
def _session() -> requests.Session:
    """Give what this process talks to servers with; a connection that is still open is used for the next result too."""
    return requests.Session()


class _Again(Exception):
    """The server could not take it now."""


def _piece(path: Path, offset: int, end: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(offset)
        return stream.read(end - offset)


def _checked(answer: requests.Response) -> requests.Response:
    if answer.status_code >= requests.codes.server_error or answer.status_code == requests.codes.unprocessable:
        raise _Again(f"status {answer.status_code}")
    if answer.status_code >= requests.codes.bad_request:
        raise DeliveryFailed(f"status {answer.status_code}")
    return answer


def _say_again(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("delivery is tried again", tries=state.attempt_number, reason=str(error))
