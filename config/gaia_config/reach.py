"""Whether what a configuration names is there and answers: brokers, the store, the transport. Goes there, and not for long."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from gaia_config.errors import ConfigurationError
from gaia_config.settings import variable

LIMIT_S = 3.0
"""So long one address may take to answer."""
TRANSPORTS = "gaia.transports"

type Visit = Callable[[], None]


def find_unreachable(visits: Iterable[Visit]) -> Iterator[str]:
    """Go to several places at once, and tell of those that do not answer, a sentence each."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        for visit in [pool.submit(each) for each in visits]:
            try:
                visit.result()
            except ConfigurationError as error:
                yield str(error)


def visit_broker(url: str, *, name: str) -> None:
    """
    Ask a Redis whether it is there and takes the password.

    Parameters
    ----------
    url : str
        A well-formed address; its password is not repeated.
    name : str
        Where it stands in the configuration.

    Raises
    ------
    ConfigurationError
        It does not answer in time, or refuses.
    """
    redis = _import("redis", "server or worker")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=LIMIT_S, socket_timeout=LIMIT_S, retry=None) as client:
            client.ping()
    except redis.AuthenticationError:
        raise ConfigurationError(
            f"{name}: the Redis at {without_password(url)} does not take this user and password; correct them"
        ) from None
    except (redis.RedisError, OSError):
        raise ConfigurationError(
            f"{name}: no Redis answers at {without_password(url)}; start it, or correct the address"
        ) from None


def visit_store(url: str) -> None:
    """
    Ask a PostgreSQL whether it is there and lets us in; a SQLite file has nobody to ask.

    Raises
    ------
    ConfigurationError
        It does not answer in time, or refuses.
    """
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != "postgresql":
        return
    psycopg = _import("psycopg", "server")
    try:
        psycopg.connect(f"postgresql://{rest}", connect_timeout=int(LIMIT_S)).close()
    except psycopg.Error as error:
        refused = "FATAL" in str(error)  # the server's own word: it is there, and says no
        said = "refuses this user, password or database" if refused else "does not answer"
        raise ConfigurationError(
            f"{variable('store_url')}: the PostgreSQL at {without_password(url)} {said}; "
            f"{'correct them' if refused else 'start it, or correct the address'}"
        ) from None


def check_transport(name: str) -> None:
    """
    See that a transport of this name is installed.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    found = entry_points(group=TRANSPORTS).names
    if name not in found:
        raise ConfigurationError(
            f"{variable('transport')}: there is no {name!r}; installed are {', '.join(sorted(found)) or 'none'}"
        )


def without_password(url: str) -> str:
    """
    Write an address so that anybody may read it: without user, password and options.

    Examples
    --------
    >>> without_password("redis://:secret@broker.example.org:6379/0?password=secret")
    'redis://broker.example.org:6379/0'
    >>> without_password("unix:///run/redis.sock?password=secret")
    'unix:///run/redis.sock'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _import(name: str, extra: str) -> Any:
    """Import a client that only those need who go there."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        problem = f"{name} is not installed, and without it nobody can look; install gaia[{extra}]"
        raise ConfigurationError(problem) from None
