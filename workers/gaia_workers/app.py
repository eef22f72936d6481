"""
The Celery worker of one centre.

Of Celery it is the program (its signals, how it ends, its pool of threads, its queues and messages); what Celery does with each
message is not there. Its consumer keeps a list of what was not acknowledged, which costs more than a small job, and hands what a
killed worker left to nobody before the longest job could have ended. Here an order is claimed in the step that takes it off its
queue (`transport.py`), and what dies is found by its lease.
"""

import threading
from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.worker import WorkController
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from gaia_config.centres import Centre
from gaia_workers.messages import CONNECT_TIMEOUT_S, queue_name

LOOK_S = 0.2
"""How soon the main thread heeds a signal to end; Celery's handlers only leave word of it."""

# Each line is there because the default does harm; the measurements are in the decision page on the broker.
SETTINGS: dict[str, Any] = {
    "task_ignore_result": True,  # the job store knows; a broker that is away must not fail finished work
    "task_serializer": "json",
    "accept_content": ["json"],  # pickle would let the broker run code
    "result_serializer": "json",
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "broker_connection_timeout": CONNECT_TIMEOUT_S,
    "worker_soft_shutdown_timeout": 1.0,
    "timezone": "UTC",
}


def make_worker(
    centre: Centre, *, slots: int, serve: Callable[[], None], close: Callable[[], object]
) -> WorkController:
    """
    Make the Celery worker of a centre; the server sends without Celery (`messages.py`).

    Parameters
    ----------
    centre : Centre
    slots : int
        How many orders are carried out at once.
    serve : callable
        Carries out one order after the other until it is told to close; is called in so many threads.
    close : callable
        Lets every `serve` end after the order that it is at.

    Returns
    -------
    celery.worker.WorkController
        Its `start` returns when it was told to end, and what was begun has ended.
    """
    app = Celery(f"gaia.{centre.id}", broker=centre.broker_url, set_as_current=False)
    app.conf.update(SETTINGS, broker_transport_options={"global_keyprefix": centre.prefix})
    app.conf.worker_consumer = _consumer(slots, serve, close)
    return app.Worker(
        pool="threads",
        concurrency=slots,
        queues=[queue_name(centre, queue.name) for queue in centre.queues],
        use_eventloop=False,
        loglevel="WARNING",
        quiet=True,
    )


def _consumer(slots: int, serve: Callable[[], None], close: Callable[[], object]) -> type[Consumer]:
    """Make the consumer that takes orders our way."""

    class TakesOrders(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        """The only step of the consumer: it has the threads of the pool serve until the worker is told to end."""

        def start(self, consumer: Consumer) -> None:
            for _ in range(slots):
                consumer.pool.apply_async(serve, callback=_nothing, accept_callback=_nothing)
            idle = threading.Event()
            while True:
                maybe_shutdown()
                idle.wait(LOOK_S)

        def stop(self, _: Consumer) -> None:
            close()  # the pool, which stops after this, waits for its threads

        terminate = stop

    class OrderConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
        class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # Celery has no types
            name = "Consumer"
            default_steps = (TakesOrders,)

    return OrderConsumer


def _nothing(*_: object) -> None:
    """Hear what the pool says of its threads."""
