"""What the routes work with: made once at start, handed to the app, so that a test makes it without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from flask import current_app

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre, read_centres
from gaia_config.settings import Settings
from gaia_processes.catalogue import all_processes, by_id
from gaia_processes.process import Process
from gaia_server.ended import EndedStatuses
from gaia_server.errors import NoSuchProcess
from gaia_server.events import Feeds
from gaia_server.jobs.outlook import Outlooks
from gaia_server.jobs.store import Store
from gaia_server.outbound import Outbound, open_outbound
from gaia_server.plugins import open_transport
from gaia_server.push import Deliveries
from gaia_server.references import References
from gaia_server.results import STORE, ResultFiles
from gaia_server.submission import Submission
from gaia_server.uploads.uploads import Uploads, open_uploads

EXTENSION = "gaia"


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """
    What the server is made of.

    Attributes
    ----------
    files : ResultFiles
        Opens the outputs of jobs.
    deliveries : Deliveries
        Takes what centres push.
    outbound : Outbound
        Calls others, where the configuration lets it.
    feeds : Feeds
        Tells event streams how their jobs go on.
    outlooks : Outlooks
        Tells where jobs that wait stand, and when they should begin.
    uploads : Uploads
        The files of users.
    ended : EndedStatuses
        Statuses that change no more.
    """

    settings: Settings
    store: Store
    submission: Submission
    federation: Federation
    centres: Mapping[str, Centre]
    processes: Mapping[str, Process]
    files: ResultFiles
    deliveries: Deliveries
    feeds: Feeds
    outlooks: Outlooks
    outbound: Outbound
    uploads: Uploads
    ended: EndedStatuses = field(default_factory=EndedStatuses)

    @property
    def references(self) -> References:
        """What follows inputs by reference."""
        return References(self.outbound, max_depth=self.settings.max_json_depth)

    def process(self, process_id: str) -> Process:
        """
        Get a process.

        Raises
        ------
        NoSuchProcess
            If it is not on offer.
        """
        try:
            return self.processes[process_id]
        except KeyError:
            raise NoSuchProcess(process_id, known=tuple(self.processes)) from None


def open_services(settings: Settings) -> Services:
    """
    Open everything that a web process needs.

    Raises
    ------
    gaia_config.errors.ConfigurationError
        If the configuration cannot be used.
    """
    centres = read_centres(settings.centres)
    federation = Federation(centres)
    kept_for = timedelta(seconds=settings.result_lifetime_s)
    store = Store.open(settings.store_url.get_secret_value(), kept_for=kept_for)
    submission = Submission(
        settings=settings,
        store=store,
        transport=open_transport(settings, centres),
        federation=federation,
        centres=centres,
    )
    kept = settings.home / STORE
    return Services(
        settings=settings,
        store=store,
        submission=submission,
        federation=federation,
        centres=centres,
        processes=by_id(all_processes()),
        files=ResultFiles(
            store=kept, centres=centres, link_lifetime_s=settings.link_lifetime_s, lose=store.retention.lose
        ),
        deliveries=Deliveries(store=kept, jobs=store, centres=centres),
        outbound=open_outbound(settings),
        uploads=open_uploads(settings, store.engine),
        feeds=Feeds(store, submission.changes),
        outlooks=Outlooks(store.lanes, submission.last_loads, delegated=_delegated(centres), each=settings.max_running),
    )


def _delegated(centres: Mapping[str, Centre]) -> set[tuple[str, str]]:
    return {
        (centre.id, queue.name) for centre in centres.values() for queue in centre.queues if queue.executor == "slurm"
    }


def current_services() -> Services:
    """Get the services of the app that answers the request at hand."""
    return cast("Services", current_app.extensions[EXTENSION])
