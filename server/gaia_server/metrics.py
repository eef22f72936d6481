"""
What the service tells Prometheus: read from the store and the brokers at each scrape, so that every web process tells the same.

Counters that one web process alone could keep are left out; a front that counts requests is there in every installation.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gaia_server.jobs.states import State
from gaia_server.services import Services
from gaia_workers.contract import Load, utc_now

MEDIA_TYPE = CONTENT_TYPE_LATEST


def write_metrics(services: Services) -> bytes:
    """
    Write the figures of this moment in the text format of Prometheus.

    Raises
    ------
    StoreDown
        If the store does not answer: no figures are better than half of them.
    """
    registry = CollectorRegistry()
    registry.register(_Figures(services))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read all figures."""
        yield from self._of_jobs()
        loads = self._services.submission.loads()
        yield from _of_centres(loads)
        yield from _of_queues(loads)

    def _of_jobs(self) -> Iterator[GaugeMetricFamily]:
        store = self._services.store
        jobs = GaugeMetricFamily("gaia_jobs", "Jobs in the store, by state.", labels=["state"])
        counts = store.count_by_state()
        for state in State:
            jobs.add_metric([state.value], counts.get(state, 0))
        yield jobs
        oldest = store.oldest_waiting()
        age_s = 0.0 if oldest is None else max((utc_now() - oldest).total_seconds(), 0.0)
        yield GaugeMetricFamily("gaia_oldest_waiting_seconds", "Age of the job that has waited longest.", value=age_s)
        yield GaugeMetricFamily(
            "gaia_outbox_messages", "Orders and dismissals that no broker has taken yet.", value=store.count_outgoing()
        )


def _of_centres(loads: dict[str, Load]) -> Iterator[GaugeMetricFamily]:
    up = GaugeMetricFamily("gaia_centre_up", "Whether a worker of the centre gives signs of life.", labels=["centre"])
    running = GaugeMetricFamily("gaia_centre_running", "Tasks that run at the centre.", labels=["centre"])
    slots = GaugeMetricFamily("gaia_centre_slots", "Tasks that the centre can run at once.", labels=["centre"])
    for centre, load in sorted(loads.items()):
        up.add_metric([centre], float(load.alive))
        running.add_metric([centre], load.running)
        slots.add_metric([centre], load.slots)
    return iter((up, running, slots))


def _of_queues(loads: dict[str, Load]) -> Iterator[GaugeMetricFamily]:
    waiting = GaugeMetricFamily(
        "gaia_queue_waiting",
        "Jobs that wait in a lane of the centre, here or at its broker.",
        labels=["centre", "queue"],
    )
    for centre, load in sorted(loads.items()):
        for queue, length in sorted(load.waiting.items()):
            waiting.add_metric([centre, queue], length)
    yield waiting
