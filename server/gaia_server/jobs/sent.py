"""Orders that their brokers have: taken out of the outbox a moment later, together."""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from gaia_server.errors import StoreDown

TOGETHER_S = 0.5
"""So long orders that were sent are collected, before they are taken out of the outbox together."""

_log = structlog.get_logger()


class Outbox(Protocol):
    """Where orders wait: the job store."""

    def orders_sent(self, sent: Sequence[tuple[str, int]]) -> None:
        """Take orders out of the outbox, by work and attempt, for their brokers have them."""


class SentOrders:
    """
    Takes orders that were sent out of the outbox, several at once, when nobody waits for it.

    Works that have ended by then took theirs out themselves, so that of short ones none is left. Until then the outbox lies about them, and not for long: whoever else sends what waits there leaves what is younger than
    `SECOND_CHANCE_S` alone. An order that comes a second time, because this process died, is refused by its claim.
    """

    def __init__(self, store: Outbox, *, pause_s: float = TOGETHER_S) -> None:
        self._store = store
        self._pause_s = pause_s
        self._orders: list[tuple[str, int]] = []
        self._lock = threading.Lock()
        self._writes = False

    def note(self, work_id: str, attempt: int) -> None:
        """Take note that the broker has the order of an attempt."""
        with self._lock:
            self._orders.append((work_id, attempt))
            begins, self._writes = not self._writes, True
        if begins:
            threading.Thread(target=self._write, name="sent orders", daemon=True).start()

    def _write(self) -> None:
        """Wait a moment for more of them, and write them all."""
        time.sleep(self._pause_s)
        with self._lock:
            orders, self._orders, self._writes = self._orders, [], False
        try:
            self._store.orders_sent(orders)
        except StoreDown as error:
            _log.warning("orders that were sent stay in the outbox", count=len(orders), reason=str(error))
        except Exception:  # noqa: BLE001 - the outbox sends them again, and their claims refuse that
            _log.exception("orders that were sent stay in the outbox", count=len(orders))
