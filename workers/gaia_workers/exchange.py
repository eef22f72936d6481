"""Scripts that a broker runs for every job, without the layers of the Redis client, which take longer than all the rest."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.connection import AbstractConnection
from redis.exceptions import NoScriptError


class Exchange:
    """
    Runs scripts in a broker; each thread has a connection of its own, which stays open.

    Parameters
    ----------
    client : redis.Redis
        Whose connections are made anew here: with its address, its timeouts, its way to decode.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._pool = client.connection_pool
        self._mine = threading.local()
        self._all: weakref.WeakSet[AbstractConnection] = weakref.WeakSet()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """
        Run a script.

        Raises
        ------
        redis.RedisError
            If the broker does not answer, or refuses. It is not asked twice: it may have run what it did not answer.
        """
        try:
            return self._ask("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:  # a broker that was started anew has never seen it
            return self._ask("EVAL", script.script, len(keys), *keys, *args)

    def close(self) -> None:
        """Give the connections back."""
        for connection in tuple(self._all):
            connection.disconnect()  # type: ignore[no-untyped-call]  # redis leaves it out

    def _ask(self, *command: Any) -> Any:
        connection = self._connection()
        try:
            connection.send_command(*command)  # type: ignore[no-untyped-call]  # redis leaves it out
            return connection.read_response()
        except redis.ResponseError:
            raise  # it was read whole
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]  # whatever answer still comes belongs to nobody
            raise

    def _connection(self) -> AbstractConnection:
        """Give this thread's connection; one that the other end has closed, or said something on unasked, is opened anew."""
        connection: AbstractConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._pool.connection_class(**self._pool.connection_kwargs)
            self._all.add(connection)
        elif connection.is_connected and _is_stale(connection):
            connection.disconnect()  # type: ignore[no-untyped-call]  # redis leaves it out
        return connection


def _is_stale(connection: AbstractConnection) -> bool:
    """Tell whether the other end has closed a connection, or has said what nobody asked for."""
    try:
        return bool(connection.can_read(timeout=0))
    except (redis.ConnectionError, redis.TimeoutError, OSError):
        return True
