"""A table on its way into a file: its blocks one by one, and how far it has come."""

from collections.abc import Callable, Iterator

from gaia_processes.shared.table import Block, Table
from gaia_workers.writers.finishing import Counter


def counted(table: Table, progress: Callable[[int, int], None]) -> Iterator[Block]:
    """Give block after block; each that was worked on is counted, in rows."""
    count = Counter(progress, max(table.rows, 1))
    for block in table.frames():
        yield block
        count.add(len(block))
