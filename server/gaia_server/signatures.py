"""
How callbacks are signed, so that a receiver knows from whom they come, unchanged and fresh.

Each receiving host has a key of its own, made of the service's: one receiver cannot speak in the service's name to another.
"""

import hashlib
import hmac
import os
import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated

import typer

from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings

HEADER = "Gaia-Signature"
LEAST_CHARACTERS = 32
PLACE = Path("keys") / "callbacks"


def open_key(settings: Settings) -> str:
    """
    Get the key of the service from the settings, or from the file in its home; make one where there is none.

    Raises
    ------
    ConfigurationError
        If it is too short to be one.
    """
    given = settings.callback_key
    path = settings.home / PLACE
    if given is None:
        try:
            _make(path)
        except OSError as error:
            reason = error.strerror
            raise ConfigurationError(
                f"{PLACE} cannot be written in GAIA_HOME ({reason}); set GAIA_CALLBACK_KEY"
            ) from None
    key = path.read_text(encoding="ascii").strip() if given is None else given.get_secret_value()
    if len(key) < LEAST_CHARACTERS:
        where = f"the file {PLACE} in GAIA_HOME" if given is None else "GAIA_CALLBACK_KEY"
        raise ConfigurationError(f"{where} holds no key: at least {LEAST_CHARACTERS} characters are needed")
    return key


def _make(path: Path) -> None:
    """Write a new key, unless there is one: of two processes that start at once the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token_urlsafe(48)}\n")


def key_of(host: str, key: str) -> str:
    """Make the key of a receiving host."""
    return _hmac(key, f"gaia callback key for {host.lower()}".encode())


def sign(body: bytes, *, time_s: int, key: str) -> str:
    """
    Sign a body at a time.

    Parameters
    ----------
    time_s : int
        Seconds since 1970, UTC.
    key : str
        The receiving host's own.

    Returns
    -------
    str
        Value of the header `Gaia-Signature`.
    """
    return f"t={time_s},v1={_hmac(key, str(time_s).encode() + b'.' + body)}"


def _hmac(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def command(host: Annotated[str, typer.Argument(help="Host that receives callbacks, as portal.example.org.")]) -> None:
    """Tell the key by which a host verifies the callbacks that it receives."""
    sys.stdout.write(key_of(host, open_key(Settings())) + "\n")
