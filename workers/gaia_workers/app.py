"""The Celery application of one centre: its settings, and the one task that it has."""

from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery

from gaia_config.centres import Centre
from gaia_workers.messages import CONNECT_TIMEOUT_S, LONGEST_JOB_S, TASK

SILENCE_LIMIT_S = 5.0

# Each line is there because the default does harm; the measurements are in the decision page on the broker.
SETTINGS: dict[str, Any] = {
    "task_acks_late": True,  # an early acknowledgement and a killed worker: the order is gone
    "task_reject_on_worker_lost": False,  # else a task that kills its child comes back for ever; the reconciler counts
    "task_ignore_result": True,  # the job store knows; a broker that is away must not fail finished work
    "worker_prefetch_multiplier": 1,  # prefetched orders are hidden from idle workers
    "task_serializer": "json",
    "accept_content": ["json"],  # pickle would let the broker run code
    "result_serializer": "json",
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_connection_timeout": CONNECT_TIMEOUT_S,
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # work goes on; the lease is renewed when it is back
    "worker_soft_shutdown_timeout": 1.0,
    "timezone": "UTC",
}


def make_app(centre: Centre, carry_out: Callable[[Mapping[str, Any]], None]) -> Celery:
    """
    Make the Celery application of a centre's worker; the server sends without Celery (`messages.py`).

    Parameters
    ----------
    centre : Centre
    carry_out : callable
        What to do with an envelope that arrives.

    Returns
    -------
    celery.Celery
    """
    app = Celery(f"gaia.{centre.id}", broker=centre.broker_url, set_as_current=False)
    app.conf.update(SETTINGS, broker_transport_options=_transport_options(centre))
    app.task(carry_out, name=TASK)
    return app


def _transport_options(centre: Centre) -> dict[str, Any]:
    return {
        "global_keyprefix": centre.prefix,
        "priority_steps": [0],  # orders have none; each step would be one more key to wait at, and to name each time
        "visibility_timeout": LONGEST_JOB_S,  # a redelivery changes nothing (the claim refuses it), but is useless work
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "socket_timeout": SILENCE_LIMIT_S,  # a connection that a firewall has forgotten would hold the worker for ever
        "health_check_interval": SILENCE_LIMIT_S,
    }
