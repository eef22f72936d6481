"""What writers of files do around their work: they count, and read one step ahead. Whoever publishes a file syncs it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor


class Counter:
    """Counts the bytes that are written, and tells."""

    def __init__(self, tell: Callable[[int, int], None], total: int) -> None:
        self._tell = tell
        self._total = total
        self._done = 0
        tell(0, total)

    def add(self, count: int) -> None:
        """Count some more, and tell."""
        self._done += count
        self._tell(self._done, self._total)


def read_ahead[Item, Read](items: Iterable[Item], read: Callable[[Item], Read]) -> Iterator[tuple[Item, Read]]:
    """Read item after item; the next is read while the one that was given is worked on."""
    with ThreadPoolExecutor(1) as ahead:
        waiting: deque[tuple[Item, Future[Read]]] = deque()
        for item in items:
            waiting.append((item, ahead.submit(read, item)))
            if len(waiting) > 1:
                earlier, reading = waiting.popleft()
                yield earlier, reading.result()
        for item, reading in waiting:
            yield item, reading.result()
