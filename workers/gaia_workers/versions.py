"""
Which version of a process an order asks for, beside the one that is here: the two differ for a while whenever a federation is
upgraded.
"""

import re

from gaia_processes.process import Process
from gaia_workers.contract import Order, Words

_NUMBER = re.compile(r"\d+")


def is_behind(process: Process, order: Order) -> bool:
    """Tell whether an order asks for a newer version than the one here, which would not give what was promised."""
    return _numbers(process.version) < _numbers(order.process_version)


def is_ahead(process: Process, order: Order) -> bool:
    """Tell whether an order asks for an older version than the one here: nobody has that any more, once all is upgraded."""
    return process.version != order.process_version and not is_behind(process, order)


def waits_for_upgrade(process: Process, order: Order) -> Words:
    """Say what a job waits for whose order asks for a newer version."""
    return Words(
        en=f"waits until {order.centre} is upgraded: it has version {process.version} of {process.id}, version {order.process_version} was asked",
        fr=f"attend la mise à jour de {order.centre} : il a la version {process.version} de {process.id}, la {order.process_version} est demandée",
    )


def done_by_newer(process: Process, order: Order) -> Words:
    """Say that another version did what was asked."""
    return Words(
        en=f"Version {process.version} of {process.id} does this; it was version {order.process_version} when it was asked for.",
        fr=f"La version {process.version} de {process.id} s'en charge ; c'était la version {order.process_version} au moment de la demande.",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, _NUMBER.findall(version)))
