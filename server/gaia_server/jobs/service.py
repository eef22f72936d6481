"""The recorder and the reconciler as one process, the command `gaia recorder`: what workers say goes into the store, what is lost is restored."""

import signal
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

import structlog

from gaia_config.catalogue import Federation
from gaia_config.centres import read_centres
from gaia_config.garbage import leave_alone
from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_server.errors import StoreDown
from gaia_server.jobs.caller import Caller
from gaia_server.jobs.dispatcher import Dispatcher
from gaia_server.jobs.engine import checkpoint
from gaia_server.jobs.reconciler import Reconciler
from gaia_server.jobs.store import Store
from gaia_server.jobs.sweeper import Sweeper
from gaia_server.orphans import OwnStore
from gaia_server.outbound import open_outbound
from gaia_server.plugins import open_transport
from gaia_server.push import Deliveries
from gaia_server.results import STORE, ResultFiles
from gaia_server.signatures import open_key
from gaia_server.uploads.uploads import open_uploads
from gaia_workers.contract import BadMessage, Kind, Report, Transport, TransportDown

REPORTS_AT_ONCE = 500
PAUSE_S = 1.0
PUBLISH_PERIOD_S = 1.0
CALL_PERIOD_S = 0.5
CHECKPOINT_PERIOD_S = 1.0
GATHER_S = 0.1
"""So long reports gather at a centre whose last batch was of several jobs: one transaction for all costs a fraction of one each."""
_ENDS = frozenset({Kind.FINISHED, Kind.FAILED})

_log = structlog.get_logger()


def record(
    transport: Transport, store: Store, centre: str, *, attempts: int, dispatcher: Dispatcher | None = None
) -> int:
    """
    Write one batch of a centre's reports into the store, and let out what waits there for the room that has come free.

    Parameters
    ----------
    dispatcher : Dispatcher, optional
        Knows the room and sends the orders; without, nothing is let out.

    Returns
    -------
    int
        How many works they were about. They are acknowledged only when they are in the store.
    """
    taken = transport.reports(centre, wait_s=PAUSE_S, limit=REPORTS_AT_ONCE)
    if not taken:
        return 0
    reports = [report for _, report in taken if isinstance(report, Report) and report.centre == centre]
    for number, report in taken:
        if isinstance(report, BadMessage):
            _log.warning("report refused", centre=centre, number=number, reason=str(report))
    comes_free = any(report.kind in _ENDS for report in reports)
    rooms = dispatcher.rooms(centre) if dispatcher is not None and comes_free else {}
    recorded = store.record(reports, attempts=attempts, centre=centre, rooms=rooms)
    try:
        transport.announce(recorded.changed)  # whoever waits hears of it first
    finally:
        transport.acknowledge(centre, tuple(number for number, _ in taken))
    _log_ends(reports)
    if dispatcher is not None:
        dispatcher.send(recorded.released)
    return len({report.job_id for report in reports})


def _log_ends(reports: Iterable[Report]) -> None:
    """Say in our log what ended how, so that a job can be followed by its id through all programs."""
    for report in reports:
        if report.kind in (Kind.FINISHED, Kind.FAILED):
            code = report.failure.code if report.failure else None
            _log.info("end of an attempt recorded", job=report.job_id, attempt=report.attempt, code=code)


class Service:
    """
    The threads of the process: a recorder a centre, the outbox, the checkpoints of the store, the dispatcher, the reconciler,
    the sweeper, the caller of subscribers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        centres = read_centres(settings.centres)
        self._centres = centres
        kept_for = timedelta(seconds=settings.result_lifetime_s)
        self._store = Store.open(settings.store_url.get_secret_value(), kept_for=kept_for)
        self._transport = open_transport(settings, centres)
        deliveries = Deliveries(store=settings.home / STORE, jobs=self._store, centres=centres)
        self._reconciler = Reconciler(
            settings=settings,
            store=self._store,
            transport=self._transport,
            federation=Federation(centres),
            centres=centres,
            discard=deliveries.discard,
        )
        self._dispatcher = Dispatcher(settings=settings, store=self._store, transport=self._transport, centres=centres)
        self._caller = Caller(
            callbacks=self._store.callbacks,
            find_job=self._store.get,
            files=ResultFiles(
                store=settings.home / STORE,
                centres=centres,
                link_lifetime_s=settings.link_lifetime_s,
                lose=self._store.retention.lose,
            ),
            outbound=open_outbound(settings),
            key=open_key(settings) if settings.outbound_hosts else "",
            base_url=settings.public_url,
            wait_s=settings.callback_wait_s,
        )
        retention = self._store.retention
        self._sweeper = Sweeper(
            settings=settings,
            retention=retention,
            centres=centres,
            own=OwnStore(settings.home / STORE, retention, centres),
        )
        self._uploads = open_uploads(settings, self._store.engine)
        self._stop = threading.Event()

    def run(self) -> None:
        """Work until told to stop."""
        threads = [
            *(self._thread(f"recorder {centre}", self._recorder(centre)) for centre in self._centres),
            self._thread("outbox", self._reconciler.publish, period_s=PUBLISH_PERIOD_S),
            self._thread("checkpoints", partial(checkpoint, self._store.engine), period_s=CHECKPOINT_PERIOD_S),
            self._thread("dispatcher", self._dispatcher.fill_all, period_s=PUBLISH_PERIOD_S),
            self._thread("reconciler", self._reconcile, period_s=self._settings.reconcile_period_s),
            self._thread("sweeper", self._sweeper.sweep, period_s=self._settings.sweep_period_s),
            self._thread("caller", self._caller.turn, period_s=CALL_PERIOD_S),
            self._thread("uploads", self._sweep_uploads, period_s=self._settings.sweep_period_s),
        ]
        leave_alone()
        for thread in threads:
            thread.start()
        _log.info("recorder is up", centres=sorted(self._centres))
        self._stop.wait()
        for thread in threads:
            thread.join(timeout=3)
        self._transport.close()
        self._store.close()

    def stop(self, *_: object) -> None:
        """Stop after the batch at hand."""
        self._stop.set()

    def _recorder(self, centre: str) -> Callable[[], None]:
        attempts = self._settings.attempts

        def batch() -> None:
            if record(self._transport, self._store, centre, attempts=attempts, dispatcher=self._dispatcher) > 1:
                self._stop.wait(GATHER_S)

        return batch

    def _reconcile(self) -> None:
        self._transport.announce(self._reconciler.reconcile())

    def _sweep_uploads(self) -> None:
        gone = self._uploads.sweep(used=self._uploads_in_use)
        if gone:
            _log.info("uploads removed", files=gone)

    def _uploads_in_use(self) -> frozenset[str]:
        return frozenset(upload.id for work in self._store.unfinished() for upload in work.uploads)

    def _thread(self, name: str, work: Callable[[], None], *, period_s: float = 0.0) -> threading.Thread:
        def loop() -> None:
            while not self._stop.is_set():
                self._survive(name, work)
                self._stop.wait(period_s)

        return threading.Thread(target=loop, name=name, daemon=True)

    def _survive(self, name: str, work: Callable[[], None]) -> None:
        """One turn; whatever goes wrong, the thread lives and tries again."""
        try:
            work()
        except (TransportDown, StoreDown) as error:
            _log.warning("tried again in a moment", thread=name, reason=str(error))
            self._stop.wait(PAUSE_S)
        except Exception:  # noqa: BLE001 - whatever a turn meets, the recorder must live
            _log.exception("a turn failed", thread=name)
            self._stop.wait(PAUSE_S)


def command() -> None:
    """Run the recorder and the reconciler: reports into the store, lost orders out again."""
    settings = Settings()
    set_up_logs(settings.log_level)
    service = Service(settings)
    signal.signal(signal.SIGTERM, service.stop)
    signal.signal(signal.SIGINT, service.stop)
    service.run()
