"""The commands `gaia jobs …`: forget jobs that ended long ago, with what they left."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_config.sizes import render_size
from gaia_server.errors import StoreDown
from gaia_server.jobs.retention import Forgotten
from gaia_server.jobs.store import Store
from gaia_workers.contract import utc_now

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"(?P<count>\d{1,6}) ?(?P<unit>[smhdw])", re.ASCII)

commands = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after the jobs that are stored.")


@commands.command()
def prune(
    older_than: Annotated[
        str | None,
        typer.Option(help="Forget jobs that ended so long ago, as 30d, 12h, 90m; GAIA_JOB_LIFETIME_S if left out."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
) -> None:
    """Forget jobs that ended long ago; results that no other job has are removed at their centres by the recorder."""
    settings = Settings()
    age = timedelta(seconds=settings.job_lifetime_s) if older_than is None else read_age(older_than)
    try:
        store = Store.open(settings.store_url.get_secret_value())
        try:
            gone = store.retention.would_forget(utc_now() - age) if dry_run else forget_all(store, age)
        finally:
            store.close()
    except StoreDown:
        raise ConfigurationError("the job store does not answer; see GAIA_STORE_URL") from None
    verb = "would be forgotten" if dry_run else "forgotten"
    typer.echo(f"{gone.jobs} jobs {verb}, with {render_size(gone.size_bytes)} of results that no other job has")


def forget_all(store: Store, age: timedelta) -> Forgotten:
    """Forget all jobs that are so old, in small transactions; those that are accepted meanwhile hardly notice."""
    before, gone = utc_now() - age, Forgotten()
    while (batch := store.retention.forget(before, utc_now())).jobs:
        gone += batch
    return gone


def read_age(text: str) -> timedelta:
    """
    Read how long ago.

    Raises
    ------
    ConfigurationError
        If it is no whole number with a unit.

    Examples
    --------
    >>> read_age("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"--older-than: {text!r} is no age; write a number and s, m, h, d or w, as 30d")
    return timedelta(seconds=int(match["count"]) * _UNITS_S[match["unit"]])
