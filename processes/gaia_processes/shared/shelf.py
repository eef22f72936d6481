"""Arrays that are needed again: in memory while they are few, else in a file without a name that goes with the process."""

import os
import tempfile
import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IN_MEMORY_BYTES = 2**27


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where an array lies in the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Shelf:
    """
    Keeps arrays by name.

    Parameters
    ----------
    in_memory_bytes : int
        What is more goes to a file.
    """

    def __init__(self, in_memory_bytes: int = _IN_MEMORY_BYTES) -> None:
        self._left = in_memory_bytes
        self._held: dict[Hashable, NDArray[Any]] = {}
        self._stored: dict[Hashable, _Stored] = {}
        self._file: Any = None
        self._end = 0

    def __contains__(self, name: Hashable) -> bool:
        return name in self._held or name in self._stored

    def put(self, name: Hashable, array: NDArray[Any]) -> None:
        """Keep an array."""
        own = np.array(array, order="C")
        if own.nbytes <= self._left:
            self._left -= own.nbytes
            self._held[name] = own
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed, and gone, with the shelf
            weakref.finalize(self, self._file.close)
        self._stored[name] = _Stored(self._end, own.shape, own.dtype)
        data = own.tobytes()
        os.pwrite(self._file.fileno(), data, self._end)
        self._end += len(data)

    def get(self, name: Hashable) -> NDArray[Any]:
        """Give an array that is kept."""
        if name in self._held:
            return self._held[name]
        where = self._stored[name]
        size = int(np.prod(where.shape, dtype=np.int64)) * where.dtype.itemsize
        data = os.pread(self._file.fileno(), size, where.offset)
        return np.frombuffer(data, where.dtype).reshape(where.shape)
