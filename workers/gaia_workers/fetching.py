"""The files of users, fetched from the server by outgoing HTTP: each once, checked by its digest, kept for a while."""

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import requests
import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from gaia_config.centres import Centre
from gaia_processes.errors import DataError, DatasetUnsuitable
from gaia_processes.text import Text
from gaia_workers.contract import Order, Uploaded, Words, sign_link

FOLDER = ".uploads"
GIVE_UP_S = 120.0
TIMEOUT_S = 30.0
LINK_S = 900
PIECE_BYTES = 2**20
KEPT_S = 86400.0

_log = structlog.get_logger()


class FetchFailed(Exception):
    """The server did not give a file, for as long as we tried."""

    words = Words(
        en="The uploaded file could not be fetched from the server; it will be tried again.",
        fr="Le fichier déposé n'a pas pu être obtenu du serveur ; une nouvelle tentative suivra.",
    )


class UploadGone(DataError):
    """The server has the file no more."""

    code = "dataset-gone"


class Fetcher:
    """
    Fetches the uploads of one order.

    Parameters
    ----------
    root : Path
        Root of the centre's results store, on whose file system the files are kept.
    server_url : str or None
        Where they come from.
    """

    def __init__(
        self, order: Order, *, centre: Centre, root: Path, server_url: str | None, give_up_s: float = GIVE_UP_S
    ) -> None:
        self._order = order
        self._centre = centre
        self._folder = root / FOLDER
        self._server_url = server_url
        self._give_up_s = give_up_s
        self.bytes_moved = 0

    def fetch(self, reference: str) -> Path:
        """
        Fetch an upload, or find it where it was fetched before.

        Raises
        ------
        DatasetUnsuitable
            If the order has none of that name.
        UploadGone
            If the server has it no more.
        FetchFailed
            If the server does not answer.
        """
        upload = next((each for each in self._order.uploads if each.reference == reference), None)
        if upload is None or self._server_url is None:
            raise DatasetUnsuitable(
                Text(
                    en=f"{self._centre.id} cannot get {reference}: nobody said where from.",
                    fr=f"{self._centre.id} ne peut pas obtenir {reference} : personne n'a dit d'où.",
                )
            )
        place = self._folder / upload.sha256
        if not place.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget_old()
            self._fetch(upload, place, self._server_url.rstrip("/"))
        os.utime(place)  # it is used: it is kept for longer
        return place

    def _fetch(self, upload: Uploaded, place: Path, server_url: str) -> None:
        tries = Retrying(
            retry=retry_if_exception_type((requests.RequestException, _Again)),
            stop=stop_after_delay(self._give_up_s),
            wait=wait_exponential_jitter(multiplier=0.2, max=10),
        )
        draft = self._folder / f".{upload.id}-{self._order.job_id}-{self._order.attempt}"
        try:
            tries(self._download, upload, draft, server_url)
            draft.rename(place)
        except RetryError as error:
            raise FetchFailed from error
        finally:
            draft.unlink(missing_ok=True)

    def _download(self, upload: Uploaded, draft: Path, server_url: str) -> None:
        answer = requests.get(
            self._address(upload, server_url), headers={"Gaia-Centre": self._centre.id},
            stream=True, timeout=TIMEOUT_S, allow_redirects=False,
        )  # fmt: skip
        with answer:
            if answer.status_code >= requests.codes.server_error:
                raise _Again(f"status {answer.status_code}")
            if answer.status_code != requests.codes.ok:
                raise _gone(upload)
            self._write(answer.iter_content(PIECE_BYTES), upload, draft)

    def _write(self, pieces: Iterable[bytes], upload: Uploaded, draft: Path) -> None:
        digest, size_bytes = hashlib.sha256(), 0
        with draft.open("wb") as stream:
            for piece in pieces:
                size_bytes += len(piece)
                if size_bytes > upload.size_bytes:
                    break  # it is another file, however long
                digest.update(piece)
                stream.write(piece)
        self.bytes_moved += size_bytes
        if digest.hexdigest() != upload.sha256 or size_bytes != upload.size_bytes:
            _log.warning("an upload arrived damaged", upload=upload.reference, size_bytes=size_bytes)
            raise _Again("damaged")

    def _address(self, upload: Uploaded, server_url: str) -> str:
        location = f"uploads/{upload.id}/{self._order.job_id}/{self._order.attempt}"
        expires = int(time.time()) + LINK_S
        signature = sign_link(self._centre.key, method="GET", location=location, expires=expires)
        return f"{server_url}/store/{location}?expires={expires}&signature={signature}"

    def _forget_old(self) -> None:
        """Remove what nobody has used for a while; whoever reads it still has it open."""
        for path in self._folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime > KEPT_S:
                    path.unlink()
            except FileNotFoundError:
                continue


class _Again(Exception):
    """The server could not give it now."""


def _gone(upload: Uploaded) -> UploadGone:
    return UploadGone(
        Text(
            en=f"The server does not give {upload.reference} any more; upload the file again.",
            fr=f"Le serveur ne donne plus {upload.reference} ; déposez le fichier à nouveau.",
        )
    )
