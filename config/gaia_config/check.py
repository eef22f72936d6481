"""
`gaia check`: reads a whole configuration as the server and the workers would, sees that brokers and store answer, and says
what is wrong, starting nothing.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console

from gaia_config.catalogue import read_catalogue
from gaia_config.centres import Centre, read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.filesystems import refuse_network
from gaia_config.reach import Visit, check_transport, find_unreachable, visit_broker, visit_store
from gaia_config.settings import Settings, variable

BROKER_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
OURS = ("GAIA_BOX", "GAIA_BOX_PID")  # what `gaia up` tells its children; no settings
STORE_SCHEMES = re.compile(r"(sqlite|postgresql)(\+[a-z0-9]+)?")


def check_broker(url: str, *, name: str) -> None:
    """
    Check the form of a broker's address, without going there.

    Parameters
    ----------
    url : str
        The address; not repeated in the error, it holds a password.
    name : str
        Where it stands.

    Raises
    ------
    ConfigurationError
        It is not the address of a Redis.
    """
    remedy = "write it as redis://:password@host:6379/0 (rediss:// with TLS, unix:///path for a socket)"
    try:
        parts = urlsplit(url)
        complete = parts.path if parts.scheme in BROKER_SCHEMES[2:] else parts.hostname and parts.port != 0
    except ValueError:
        raise ConfigurationError(f"{name}: the port is not a number from 1 to 65535; {remedy}") from None
    if parts.scheme not in BROKER_SCHEMES or not complete:
        raise ConfigurationError(f"{name}: this is not the address of a Redis; {remedy}")


def find_sqlite_file(store_url: str) -> Path | None:
    """Find the file of a SQLite store; None for any other store and for one in memory."""
    match = re.fullmatch(r"sqlite(?:\+[a-z0-9]+)?:///([^?]+)(?:\?.*)?", store_url)
    return Path(unquote(match[1])) if match and match[1] != ":memory:" else None


def check_store(store_url: str, *, mounts: str | None = None) -> None:
    """
    Check the address of the job store, and that a SQLite file is on a disk of this machine.

    Raises
    ------
    ConfigurationError
        It is neither SQLite on a local disk nor PostgreSQL.
    """
    if not STORE_SCHEMES.fullmatch(store_url.partition("://")[0]):
        remedy = "write sqlite:////folder/jobs.sqlite or postgresql+psycopg://user:password@host/database"
        raise ConfigurationError(f"GAIA_STORE_URL: this is not the address of a store; {remedy}")
    if (file := find_sqlite_file(store_url)) is not None:
        refuse_network(file, mounts=mounts)


def check_centre(centre: Centre) -> None:
    """
    Check one centre: its broker's address, its catalogue, and the files there where its data folder is on this machine.

    Raises
    ------
    ConfigurationError
        Something is wrong or missing; names it and the remedy.
    """
    check_broker(centre.broker_url, name=f"broker_url of {centre.id}")
    datasets = read_catalogue(centre.catalogue, centre.id)
    if centre.data is None or not os.access(centre.data, os.R_OK | os.X_OK):
        return
    for dataset in datasets:
        for replica in dataset.replicas:
            for part, path in zip(replica.files, replica.paths(centre.data), strict=True):
                if not path.exists():
                    problem = f"{dataset.id}: {part.href} is not in {centre.data}; bring it back, or publish it anew"
                    raise ConfigurationError(problem, file=centre.catalogue)


def find_strangers(environment: Mapping[str, str], also: Iterable[str] = OURS) -> Iterator[str]:
    """Find variables that look like settings and are none, each with what was perhaps meant."""
    known = [variable(field) for field in Settings.model_fields] + list(also)
    for name in sorted(environment):
        if name.startswith("GAIA_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield f"{name} is not a setting" + (f"; was {near[0]} meant?" if near else "")


def find_faults(settings: Settings) -> Iterator[str]:
    """
    Find all that is wrong with a configuration, a sentence each.

    Where the settings name a centre, this is the machine of its worker: it goes to that centre's broker alone, and has no store.
    """
    broker, store = settings.broker_url.get_secret_value(), settings.store_url.get_secret_value()
    central = settings.centre is None
    written = [*_tried(check_broker, broker, name=variable("broker_url")), *_tried(check_store, store)]
    yield from written
    yield from _tried(check_transport, settings.transport)
    try:
        centres = read_centres(settings.centres, only=settings.centre)
    except ConfigurationError as error:
        yield str(error)
        centres = {}
    for centre in centres.values():
        yield from _tried(check_centre, centre)
    visits = [partial(visit_store, store)] if central and not written else []
    yield from find_unreachable([*visits, *broker_visits(centres, settings if central and not written else None)])


def broker_visits(centres: Mapping[str, Centre], settings: Settings | None, *, but: str | None = None) -> list[Visit]:
    """
    List a visit to each broker there is, once, whoever names it.

    Parameters
    ----------
    settings : Settings or None
        Those that name the broker of the server itself; None to leave it out.
    but : str, optional
        The address of a broker that is not visited: it is still to be started.
    """
    named = {centre.broker_url: f"broker_url of {centre.id}" for centre in reversed(tuple(centres.values()))}
    if settings is not None and "broker_url" in settings.model_fields_set:  # the box does without the default
        named[settings.broker_url.get_secret_value()] = variable("broker_url")
    named = {url: name for url, name in named.items() if url != but and not list(_tried(check_broker, url, name=name))}
    return [partial(visit_broker, url, name=name) for url, name in named.items()]


def command() -> None:
    """Check the settings, the centres and their catalogues, and that brokers and store answer, without starting anything."""
    settings = Settings()
    faults = list(find_faults(settings))
    notes = list(find_strangers(os.environ))
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for sentence in [*faults, *notes]:
        console.print(sentence)
    if faults:
        raise SystemExit(2)
    centres = read_centres(settings.centres, only=settings.centre)
    Console(soft_wrap=True, highlight=False, markup=False).print(
        f"The configuration is good: {settings.centres} names {', '.join(centres)}."
    )


def _tried[**P](check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
    try:
        check(*args, **kwargs)
    except ConfigurationError as error:
        yield str(error)
