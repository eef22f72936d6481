"""
Style sheets, scripts and pictures of the pages: held in memory, and served under an address that changes with them.

A page names them as `/assets/<version>/<name>`, where the version is a digest of them all; so they may be kept for ever.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "web"
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """
    One file.

    Attributes
    ----------
    etag : str
        Digest of the content, without quotes.
    """

    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assets:
    """All files by name, and the version under which they are named."""

    files: Mapping[str, Asset]
    version: str


def read_assets(more: Mapping[str, bytes] | None = None) -> Assets:
    """
    Read all files of the folder.

    Parameters
    ----------
    more : mapping of bytes, optional
        Further files by name, made at start.
    """
    contents = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    contents |= more or {}
    files = {name: _make(name, content) for name, content in sorted(contents.items())}
    together = "".join(f"{name} {file.etag}\n" for name, file in files.items())
    return Assets(files=files, version=_digest(together.encode()))


def _make(name: str, content: bytes) -> Asset:
    guessed = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    return Asset(content=content, media_type=guessed or "application/octet-stream", etag=_digest(content))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
