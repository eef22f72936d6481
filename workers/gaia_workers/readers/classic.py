"""
The header of NetCDF-3 files (CDF-1, CDF-2, CDF-5), read for one thing: how long the file must be.

The NetCDF library reads zeros beyond the end of such a file and says nothing.

References
----------
NetCDF classic file format specification, https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html
"""

import math
import struct
from dataclasses import dataclass
from typing import BinaryIO

from gaia_processes.errors import UnreadableData
from gaia_workers.readers import refusals

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_STREAMING = {4: 2**32 - 1, 8: 2**64 - 1}
_NAME_LIMIT_BYTES = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """Where one variable lies: its first byte, bytes (of one record where it has records), unpadded."""

    begin: int
    size_bytes: int
    has_records: bool


class _Header:
    """Reads the items of a header one after the other; `count` bytes wide counts, `offset` bytes wide offsets."""

    def __init__(self, stream: BinaryIO, *, version: int, size_bytes: int) -> None:
        self._stream = stream
        self._size_bytes = size_bytes
        self.count_bytes = 8 if version == 5 else 4
        self._offset_bytes = 4 if version == 1 else 8

    def _integer(self, width_bytes: int) -> int:
        raw = self._stream.read(width_bytes)
        if len(raw) < width_bytes:
            raise UnreadableData(refusals.DAMAGED)
        return int(struct.unpack(">Q" if width_bytes == 8 else ">I", raw)[0])

    def number(self) -> int:
        """Read a count that can stand for things in this file."""
        return self._integer(self.count_bytes)

    def plausible(self) -> int:
        """Read a count of things that lie in the header itself: never more than the file has bytes."""
        count = self.number()
        if count > self._size_bytes:
            raise UnreadableData(refusals.DAMAGED)
        return count

    def tag(self) -> int:
        """Read the tag of a list."""
        return self._integer(4)

    def offset(self) -> int:
        """Read the place of a variable in the file."""
        return self._integer(self._offset_bytes)

    def skip(self, size_bytes: int) -> None:
        """Pass over bytes and their padding to four."""
        self._stream.seek(size_bytes + -size_bytes % 4, 1)

    def skip_name(self) -> None:
        """Pass over a name."""
        length = self.number()
        if length > _NAME_LIMIT_BYTES:
            raise UnreadableData(refusals.DAMAGED)
        self.skip(length)

    def type_bytes(self) -> int:
        """Read a type, as the bytes of one value."""
        width_bytes = _TYPE_BYTES.get(self.tag())
        if width_bytes is None:
            raise UnreadableData(refusals.DAMAGED)
        return width_bytes

    def skip_attributes(self) -> None:
        """Pass over a list of attributes."""
        self.tag()
        for _ in range(self.plausible()):
            self.skip_name()
            width_bytes = self.type_bytes()
            self.skip(width_bytes * self.plausible())


def _read_dimensions(header: _Header) -> list[int]:
    header.tag()
    lengths = []
    for _ in range(header.plausible()):
        header.skip_name()
        lengths.append(header.number())
    return lengths


def _read_variable(header: _Header, lengths: list[int]) -> _Layout:
    header.skip_name()
    dimensions = [header.number() for _ in range(header.plausible())]
    if any(dimension >= len(lengths) for dimension in dimensions):
        raise UnreadableData(refusals.DAMAGED)
    header.skip_attributes()
    width_bytes = header.type_bytes()
    header.number()  # the declared size is redundant, and overflows for large variables
    shape = [lengths[dimension] for dimension in dimensions]
    has_records = bool(shape) and shape[0] == 0
    return _Layout(
        begin=header.offset(),
        size_bytes=width_bytes * math.prod(shape[1:] if has_records else shape),
        has_records=has_records,
    )


def declared_bytes(stream: BinaryIO, *, version: int, size_bytes: int) -> int:
    """
    Read from a header how many bytes the file must have at least.

    Parameters
    ----------
    stream : binary file
        Stands after the four bytes of magic.
    version : int
        1, 2 or 5.
    size_bytes : int
        Size of the file.

    Returns
    -------
    int
        End of the last value that the header declares (padding behind it does not count).

    Raises
    ------
    UnreadableData
        The header itself is cut or makes no sense.
    """
    header = _Header(stream, version=version, size_bytes=size_bytes)
    records = header.number()
    if records == _STREAMING[header.count_bytes]:
        raise UnreadableData(refusals.DAMAGED)
    lengths = _read_dimensions(header)
    header.skip_attributes()
    header.tag()
    layouts = [_read_variable(header, lengths) for _ in range(header.plausible())]
    return _end_of(layouts, records)


def _end_of(layouts: list[_Layout], records: int) -> int:
    recorded = [layout for layout in layouts if layout.has_records]
    # A single record variable is not padded between its records (specification, "Note on padding").
    padded = [each.size_bytes if len(recorded) == 1 else each.size_bytes + -each.size_bytes % 4 for each in recorded]
    stride_bytes = sum(padded)
    ends = [each.begin + each.size_bytes for each in layouts if not each.has_records]
    if records:
        ends += [each.begin + (records - 1) * stride_bytes + each.size_bytes for each in recorded]
    return max(ends, default=0)
