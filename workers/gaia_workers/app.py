"""The Celery application of one centre: its settings, the one task that it has, and how it reads what lies in a queue."""

import ssl
from collections.abc import Callable, Mapping
from queue import Empty
from typing import Any

import redis
import structlog
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

from gaia_config.centres import Centre
from gaia_workers.messages import CONNECT_TIMEOUT_S, LONGEST_JOB_S, TASK

SILENCE_LIMIT_S = 5.0

_log = structlog.get_logger()


class QueueReader(kombu_redis.Channel):
    """Reads a queue, and throws away what is no message at all: kombu ends the worker there, and with it all that it computes."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu leaves it out
        except (Empty, redis.RedisError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever lay in the queue, the agent must live
            _log.warning("order refused", reason=f"not a message: {type(error).__name__}")
            return True  # it was taken from the queue; the next one may be read


class Transport(kombu_redis.Transport):
    """Redis as kombu uses it, but for the reading."""

    Channel = QueueReader


# By these names kombu finds its own; another name would lose what it does for each scheme, as TLS for the second.
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport")

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
    "broker_channel_error_retry": True,  # a right that is missing, or a key that somebody made something else of, may come right
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
    if centre.broker_url.startswith("rediss:"):  # kombu would ask nobody who they are
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
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
