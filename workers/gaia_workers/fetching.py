"""
What an order needs and its centre does not hold: files of users, and what other centres made ready. Fetched by outgoing HTTP, each
once, checked by its digest, kept for a while.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from gaia_config.centres import Centre
from gaia_processes.errors import DataError, DatasetUnsuitable
from gaia_processes.text import Text
from gaia_workers.contract import Brought, Order, Uploaded, Words, sign_link

FOLDER = ".uploads"
GIVE_UP_S = 120.0
TIMEOUT_S = 30.0
LINK_S = 900
PIECE_BYTES = 2**20
KEPT_S = 86400.0
KEPT_BYTES = 20 * 10**9
"""What is kept beyond that goes before its time, what was used longest ago first."""
SPARED_S = 3600.0
"""What was used just now is spared: somebody reads it."""

_log = structlog.get_logger()


class FetchFailed(Exception):
    """A file was not given, for as long as we tried."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class FileGone(DataError):
    """A file is not given any more."""

    code = "dataset-gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """A file, where the server gives it, and what is said of it where that fails."""

    name: str
    place: str
    sha256: str
    size_bytes: int
    away: Words
    gone: Text


class Fetcher:
    """
    Fetches for one order.

    Parameters
    ----------
    root : Path
        Root of the centre's results store, on whose file system the files are kept.
    server_url : str or None
        Where the files come from; it may name another place, at the centre that made a file ready.
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

    def brings(self, reference: str) -> bool:
        """Tell whether a dataset comes from another centre."""
        return any(each.reference == reference for each in self._order.brought)

    def fetch(self, reference: str) -> Path:
        """
        Fetch an upload or what another centre made ready, or find it where it was fetched before.

        Raises
        ------
        DatasetUnsuitable
            If the order has none of that name.
        FileGone
            If it is not given any more.
        FetchFailed
            If the server, or the centre that has it, does not answer.
        """
        named: tuple[Uploaded | Brought, ...] = (*self._order.uploads, *self._order.brought)
        file = next((_wanted(each) for each in named if each.reference == reference), None)
        if file is None or self._server_url is None:
            raise DatasetUnsuitable(
                Text(
                    en=f"{self._centre.id} cannot get {reference}: nobody said where from.",
                    fr=f"{self._centre.id} ne peut pas obtenir {reference} : personne n'a dit d'où.",
                )
            )
        place = self._folder / file.sha256
        if not place.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget_old()
            self._fetch(file, place, self._server_url.rstrip("/"))
        os.utime(place)  # it is used: it is kept for longer
        return place

    def _fetch(self, file: _Wanted, place: Path, server_url: str) -> None:
        tries = Retrying(
            retry=retry_if_exception_type((requests.RequestException, _Again)),
            stop=stop_after_delay(self._give_up_s),
            wait=wait_exponential_jitter(multiplier=0.2, max=10),
        )
        draft = self._folder / f".{file.place.replace('/', '-')}-{self._order.job_id}-{self._order.attempt}"
        try:
            tries(self._download, file, draft, server_url)
            draft.rename(place)
        except RetryError as error:
            raise FetchFailed(file.away) from error
        finally:
            draft.unlink(missing_ok=True)

    def _download(self, file: _Wanted, draft: Path, server_url: str) -> None:
        with self._ask(file, server_url) as answer:
            if answer.status_code >= requests.codes.server_error:
                raise _Again(f"status {answer.status_code}")
            if answer.status_code != requests.codes.ok:
                raise FileGone(file.gone)
            self._write(answer.iter_content(PIECE_BYTES), file, draft)

    def _ask(self, file: _Wanted, server_url: str) -> requests.Response:
        """Ask the server, and once whom it names: the centre that has the file, by an address that it signed just now."""
        answer = _get(self._address(file, server_url), {"Gaia-Centre": self._centre.id})
        if answer.status_code != requests.codes.temporary_redirect:
            return answer
        answer.close()
        return _get(answer.headers["Location"], {"Accept-Encoding": "identity"})

    def _write(self, pieces: Iterable[bytes], file: _Wanted, draft: Path) -> None:
        digest, size_bytes = hashlib.sha256(), 0
        with draft.open("wb") as stream:
            for piece in pieces:
                size_bytes += len(piece)
                if size_bytes > file.size_bytes:
                    break  # it is another file, however long
                digest.update(piece)
                stream.write(piece)
        self.bytes_moved += size_bytes
        if digest.hexdigest() != file.sha256 or size_bytes != file.size_bytes:
            _log.warning("a file arrived damaged", file=file.name, size_bytes=size_bytes)
            raise _Again("damaged")

    def _address(self, file: _Wanted, server_url: str) -> str:
        location = f"{file.place}/{self._order.job_id}/{self._order.attempt}"
        expires = int(time.time()) + LINK_S
        signature = sign_link(self._centre.key, method="GET", location=location, expires=expires)
        return f"{server_url}/store/{location}?expires={expires}&signature={signature}"

    def _forget_old(self) -> None:
        """Remove what nobody has used for a while, or what there is no room for; whoever reads it still has it open."""
        room_bytes = KEPT_BYTES
        for used, size_bytes, path in sorted(_files_in(self._folder), reverse=True):
            age_s, room_bytes = time.time() - used, room_bytes - size_bytes
            if age_s > KEPT_S or (age_s > SPARED_S and room_bytes < 0):
                path.unlink(missing_ok=True)


class _Again(Exception):
    """It could not be given now."""


def _get(address: str, headers: dict[str, str]) -> requests.Response:
    return requests.get(address, headers=headers, stream=True, timeout=TIMEOUT_S, allow_redirects=False)


def _files_in(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Give when each file was used last, its size, and where it is."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path


def _wanted(source: Uploaded | Brought) -> _Wanted:
    return _uploaded(source) if isinstance(source, Uploaded) else _brought(source)


def _uploaded(upload: Uploaded) -> _Wanted:
    return _Wanted(
        name=upload.reference,
        place=f"uploads/{upload.id}",
        sha256=upload.sha256,
        size_bytes=upload.size_bytes,
        away=Words(
            en="The uploaded file could not be fetched from the server; it will be tried again.",
            fr="Le fichier déposé n'a pas pu être obtenu du serveur ; une nouvelle tentative suivra.",
        ),
        gone=Text(
            en=f"The server does not give {upload.reference} any more; upload the file again.",
            fr=f"Le serveur ne donne plus {upload.reference} ; déposez le fichier à nouveau.",
        ),
    )


def _brought(brought: Brought) -> _Wanted:
    reference, centre = brought.reference, brought.centre
    return _Wanted(
        name=reference,
        place=f"parts/{brought.part}",
        sha256=brought.sha256,
        size_bytes=brought.size_bytes,
        away=Words(
            en=f"{reference}, which {centre} had made ready, could not be fetched; it will be tried again.",
            fr=f"{reference}, que {centre} avait préparé, n'a pas pu être obtenu ; une nouvelle tentative suivra.",
        ),
        gone=Text(
            en=f"{reference}, which {centre} had made ready, is not there any more; ask again.",
            fr=f"{reference}, que {centre} avait préparé, n'est plus là ; redemandez.",
        ),
    )
