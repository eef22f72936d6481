"""Some of many numbers, spread evenly over all of them: enough to part them into classes, in memory that does not grow."""

import numpy as np
from numpy.typing import NDArray

_MOST = 2**17
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


class Sample:
    """
    Keeps all numbers while they are few, then every other one, then every fourth, …, and always the least and the greatest.

    Which are kept follows from their place alone (multiples of the golden ratio), so the same numbers give the same sample,
    and nothing that returns every so many rows is met more often than the rest.

    Parameters
    ----------
    most : int
        So many are kept.

    Examples
    --------
    >>> sample = Sample(most=4)
    >>> sample.add(np.arange(100.0))
    >>> sample.values()
    array([ 0., 34., 68., 89.,  0., 99.])
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._share, self._count = most, 1.0, 0
        self._values, self._ranks = np.empty(0), np.empty(0)
        self._least, self._greatest = np.inf, -np.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Add finite numbers."""
        if not values.size:
            return
        self._least, self._greatest = min(self._least, values.min()), max(self._greatest, values.max())
        ranks = (np.arange(self._count, self._count + len(values)) * _GOLDEN) % 1.0
        self._count += len(values)
        kept = ranks < self._share
        self._values = np.concatenate([self._values, values[kept]])
        self._ranks = np.concatenate([self._ranks, ranks[kept]])
        while len(self._values) > self._most:
            self._share /= 2
            kept = self._ranks < self._share
            self._values, self._ranks = self._values[kept], self._ranks[kept]

    def values(self) -> NDArray[np.float64]:
        """Give what was kept."""
        if self._share == 1.0:
            return self._values
        return np.concatenate([self._values, [self._least, self._greatest]])
