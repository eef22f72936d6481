"""
How the bytes of one chunk of a Zarr array become its cells: the codecs of Zarr v2 and v3 that are read, and no others.

A codec is taken by its name from a list: some of those that exist run what the data say (`pickle`). How large each step's
result must be follows from the document, so that no chunk can swell to more.

References
----------
Zarr v2 specification (https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html); Zarr v3 core and codecs
(https://zarr-specs.readthedocs.io/en/latest/v3/core/); numcodecs (https://numcodecs.readthedocs.io); Zstandard frames:
RFC 8878, 3.1.1.1.
"""

import bz2
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import deflate
import google_crc32c
import numcodecs
import numcodecs.blosc
import numcodecs.lz4
import numcodecs.zstd
import numpy as np
from numpy.typing import NDArray

from gaia_workers.readers.chunks import CHUNK_LIMIT_BYTES

# Our own threads share the chunks: blosc must not hold its one lock for all, nor start threads of its own.
numcodecs.blosc.use_threads = False

type Buffer = bytes | bytearray | memoryview | NDArray[Any]
type Step = Callable[[Buffer], Buffer]
type Config = Mapping[str, Any]

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOSC_HEADER_BYTES = 16
_BLOSC_COPIED = 0x2  # the flag of a buffer that is not compressed at all
_HEAD_BYTES = 1024
"""So much of a chunk is read to find its blocks: a table of 252."""


class UnknownCodec(ValueError):
    """A codec that is not read; the message is its name."""


class DamagedChunk(ValueError):
    """The bytes of a chunk are not what they should be."""


# --- compressors -----------------------------------------------------------------------------------------------------


def _check_size(size: int, wanted: int | None) -> int:
    """Refuse a chunk that says it is larger or smaller than it must be; a size that is not known has a limit."""
    if size != wanted and (wanted is not None or size > CHUNK_LIMIT_BYTES):
        raise DamagedChunk
    return size


def _blosc(data: Buffer, wanted: int | None) -> Buffer:
    if len(data) < _BLOSC_HEADER_BYTES:
        raise DamagedChunk
    size, _, packed = struct.unpack_from("<III", data, 4)
    if packed > len(data):
        raise DamagedChunk  # blosc would read on behind the end
    room = np.empty(_check_size(size, wanted), dtype=np.uint8)
    if size:
        numcodecs.blosc.decompress(data, room)
    return room


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blocks:
    """Some neighbouring blocks of a blosc buffer: its header, their places, and from where to where the bytes of each lie."""

    flags: bytes
    size: int
    block: int
    first: int
    spans: list[tuple[int, int]]


def _find_blocks(head: memoryview, length: int, wanted: int, begin: int, end: int) -> _Blocks | None:
    """
    Find the blocks that hold some bytes of a blosc buffer, by its beginning and its length; None where all must be read.

    Blocks stand for themselves, so that some of them under a header of their own are a buffer again (c-blosc,
    README_CHUNK_FORMAT).
    """
    if len(head) < _BLOSC_HEADER_BYTES:
        raise DamagedChunk
    size, block, packed = struct.unpack_from("<III", head, 4)
    if _check_size(size, wanted) == 0 or not block or packed > length or head[2] & _BLOSC_COPIED:
        return None
    first, last = begin // block, -(-end // block)
    count = -(-size // block)
    if last == count:
        # The last block may be short, and blosc takes none that is short and alone.
        first = max(min(first, count - 2), 0)
    table = _BLOSC_HEADER_BYTES + 4 * count
    if table > packed or table > len(head) or last - first >= count:
        return None
    starts = np.frombuffer(head, dtype="<i4", count=count, offset=_BLOSC_HEADER_BYTES)
    if starts.min() < _BLOSC_HEADER_BYTES or starts.max() >= packed:
        raise DamagedChunk
    ends = np.append(np.sort(starts), packed)  # several threads may have written them in any order
    chosen = starts[first:last]
    spans = list(zip(chosen.tolist(), ends[np.searchsorted(ends, chosen, side="right")].tolist(), strict=True))
    return _Blocks(flags=bytes(head[:4]), size=size, block=block, first=first, spans=spans)


def _unpack_blocks(blocks: _Blocks, pieces: list[memoryview]) -> NDArray[np.uint8]:
    """Decompress blocks into their places; the others are left as they are found."""
    lengths = np.array([len(piece) for piece in pieces])
    ahead = _BLOSC_HEADER_BYTES + 4 * len(pieces)
    places = (ahead + np.cumsum(lengths) - lengths).astype("<i4")
    room = np.empty(blocks.size, dtype=np.uint8)
    target = room[blocks.first * blocks.block : min((blocks.first + len(pieces)) * blocks.block, blocks.size)]
    header = blocks.flags + struct.pack("<III", len(target), blocks.block, ahead + int(lengths.sum()))
    numcodecs.blosc.decompress(b"".join([header, places.tobytes(), *pieces]), target)
    return room


def _blosc_part(data: Buffer, wanted: int, begin: int, end: int) -> Buffer:
    """Decompress those blocks of a blosc buffer alone that hold some of its bytes."""
    raw = memoryview(data)
    blocks = _find_blocks(raw, len(raw), wanted, begin, end)
    return _blosc(data, wanted) if blocks is None else _unpack_blocks(blocks, [raw[a:b] for a, b in blocks.spans])


def _zstd(data: Buffer, wanted: int | None) -> Buffer:
    size = _zstd_size(bytes(data[:18]))
    if size is None:
        size = wanted  # the library compares it with what comes out
    if size is None:
        raise DamagedChunk
    room = np.empty(_check_size(size, wanted), dtype=np.uint8)
    if len(room):
        numcodecs.zstd.decompress(data, room)
    return room


def _zstd_size(start: bytes) -> int | None:
    """Read how large a frame's content is; None where it does not say so."""
    if not start.startswith(_ZSTD_MAGIC) or len(start) < 5:
        raise DamagedChunk
    flags = start[4]
    single = bool(flags & 0x20)
    code = flags >> 6
    width = (1 if single else 0) if code == 0 else 1 << code
    if not width:
        return None
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    field = start[at : at + width]
    if len(field) < width:
        raise DamagedChunk
    return int.from_bytes(field, "little") + (256 if width == 2 else 0)


def _lz4(data: Buffer, wanted: int | None) -> Buffer:
    if len(data) < 4:
        raise DamagedChunk
    (size,) = struct.unpack_from("<I", data, 0)
    room = np.empty(_check_size(size, wanted), dtype=np.uint8)
    if size:
        numcodecs.lz4.decompress(data, room)
    return room


def _deflated(data: Buffer, wanted: int | None, inflate: Callable[[Buffer, int], bytearray]) -> Buffer:
    if wanted is not None:
        return inflate(data, wanted)
    stream = zlib.decompressobj(wbits=47)  # zlib and gzip alike
    return _check_end(stream.decompress(bytes(data), CHUNK_LIMIT_BYTES), stream.eof)


def _bz2(data: Buffer, wanted: int | None) -> Buffer:
    stream = bz2.BZ2Decompressor()
    return _check_end(stream.decompress(bytes(data), wanted or CHUNK_LIMIT_BYTES), stream.eof)


def _lzma(data: Buffer, wanted: int | None, config: Config) -> Buffer:
    kind, filters = config.get("format", lzma.FORMAT_XZ), config.get("filters")
    stream = lzma.LZMADecompressor(format=kind, filters=filters if kind == lzma.FORMAT_RAW else None)
    data = stream.decompress(bytes(data), wanted or CHUNK_LIMIT_BYTES)
    return data if kind == lzma.FORMAT_RAW else _check_end(data, stream.eof)


def _check_end(data: bytes, ended: bool) -> bytes:
    if not ended and len(data) >= CHUNK_LIMIT_BYTES:
        raise DamagedChunk
    return data


_COMPRESSORS: dict[str, Callable[[Buffer, int | None], Buffer]] = {
    "blosc": _blosc,
    "zstd": _zstd,
    "lz4": _lz4,
    "gzip": partial(_deflated, inflate=deflate.gzip_decompress),
    "zlib": partial(_deflated, inflate=deflate.zlib_decompress),
    "bz2": _bz2,
}


def _compressor(name: str, config: Config, wanted: int | None) -> Step | None:
    """Find what undoes a compressor, to so many bytes; None for what is none."""
    if name == "lzma":
        return lambda data: _lzma(data, wanted, config)
    undo = _COMPRESSORS.get(name)
    return None if undo is None else lambda data: undo(data, wanted)


# --- filters ---------------------------------------------------------------------------------------------------------


_SAME = ("shuffle", "bitround")
_RETYPED = ("delta", "fixedscaleoffset", "quantize", "astype")
_CHECKED = ("crc32", "adler32", "fletcher32")
_PACKED_BITS = "packbits"


def _filtered_bytes(name: str, config: Config, cells: int, size: int) -> int:
    """Count the bytes that a filter leaves, by its settings, the number of cells and the bytes before."""
    if name in _RETYPED:
        told = config.get("encode_dtype") or config.get("astype") or config.get("dtype")
        return size if told is None else cells * np.dtype(str(told)).itemsize
    if name == _PACKED_BITS:
        return 1 + -(-cells // 8)
    return size + 4 if name in _CHECKED else size


def _undo(data: Buffer, codec: Any) -> Buffer:
    undone: NDArray[Any] = codec.decode(np.frombuffer(data, dtype=np.uint8))
    return np.ascontiguousarray(undone).reshape(-1).view(np.uint8)


def check_crc32c(data: Buffer) -> Buffer:
    """Take off the check sum at the end, and compare it (Zarr v3, codec `crc32c`)."""
    content, check = memoryview(data)[:-4], bytes(memoryview(data)[-4:])
    if struct.pack("<I", google_crc32c.value(bytes(content))) != check:
        raise DamagedChunk
    return content


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One step of reading: what it is called, undoing it, and how many bytes must come out of it; None if not known."""

    name: str
    undo: Step
    size: int | None


def make_links(codecs: Sequence[tuple[str, Config]], *, cells: int, size: int | None) -> tuple[Link, ...]:
    """
    Make the steps that bring the bytes of a chunk back.

    Parameters
    ----------
    codecs : sequence of (str, mapping)
        Name and settings of each, in the order in which they were applied.
    cells : int
        Of a chunk.
    size : int or None
        Bytes of a chunk before any of them; None where they are not known (texts).

    Returns
    -------
    tuple of Link
        In the order of reading.

    Raises
    ------
    UnknownCodec
        If one is not read.
    """
    links: list[Link] = []
    for name, config in codecs:
        compressor = _compressor(name, config, size)
        if compressor is not None:
            links.append(Link(name=name, undo=compressor, size=size))
            size = None
        elif name == "crc32c":
            links.append(Link(name=name, undo=check_crc32c, size=size))
            size = None if size is None else size + 4
        elif name in (*_SAME, *_RETYPED, *_CHECKED, _PACKED_BITS):
            links.append(Link(name=name, undo=_filter(name, config), size=size))
            size = None if size is None else _filtered_bytes(name, config, cells, size)
        else:
            raise UnknownCodec(name)
    return tuple(reversed(links))


def _filter(name: str, config: Config) -> Step:
    try:
        return partial(_undo, codec=numcodecs.get_codec({**config, "id": name}))
    except (TypeError, ValueError) as error:
        raise UnknownCodec(name) from error


@contextmanager
def _refusing() -> Iterator[None]:
    """Say of whatever a codec makes of wrong bytes that they are those of no chunk."""
    try:
        yield
    except (ValueError, RuntimeError, TypeError, OSError, EOFError) as error:
        raise DamagedChunk from error
    except (deflate.DeflateError, zlib.error, lzma.LZMAError) as error:
        raise DamagedChunk from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """
    How the bytes of a chunk become its cells.

    Attributes
    ----------
    shape : tuple of int
        Of a chunk.
    dtype : numpy.dtype
        As stored, with its byte order; object for texts of any length.
    links : tuple of Link
        What is undone, in the order of reading.
    order : tuple of int or None
        Which dimension lies where, outermost first; None where they lie as they are named.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    links: tuple[Link, ...]
    order: tuple[int, ...] | None = None

    def decode(self, raw: Buffer, *, rows: tuple[int, int] | None = None) -> NDArray[Any]:
        """
        Bring the cells of a chunk back.

        Parameters
        ----------
        raw : bytes-like
            The chunk as it lies in the store.
        rows : tuple of 2 int, optional
            First and last (exclusive) place along the first dimension that is longer than one: others need not be read,
            and their cells are then anything.

        Raises
        ------
        DamagedChunk
            The bytes are not those of a chunk.
        """
        with _refusing():
            if rows is not None and self.has_parts:
                return self._lay(_blosc_part(raw, *self._part(rows)))
            data = raw
            for link in self.links:
                data = link.undo(data)
                if link.size is not None and len(data) != link.size:
                    raise DamagedChunk
            return self._lay(data)

    def decode_part(
        self, read: Callable[[int, int], bytes], length: int, *, rows: tuple[int, int]
    ) -> NDArray[Any] | None:
        """
        Bring some rows of a chunk back, and read no more of it than they need.

        Parameters
        ----------
        read : callable
            Takes an offset in the chunk and a number of bytes, gives as many.
        length : int
            Bytes of the chunk as it lies in the store.
        rows : tuple of 2 int
            As in `decode`.

        Returns
        -------
        numpy.ndarray or None
            The chunk, where cells of other rows are anything; None where it must be read whole.

        Raises
        ------
        DamagedChunk
            The bytes are not those of a chunk.
        """
        with _refusing():
            head = memoryview(read(0, min(_HEAD_BYTES, length)))
            blocks = _find_blocks(head, length, *self._part(rows))
            if blocks is None:
                return None
            begin, end = min(a for a, _ in blocks.spans), max(b for _, b in blocks.spans)
            data = memoryview(read(begin, end - begin))
            return self._lay(_unpack_blocks(blocks, [data[a - begin : b - begin] for a, b in blocks.spans]))

    @property
    def has_parts(self) -> bool:
        """Whether some rows of a chunk can be read without the others."""
        return [link.name for link in self.links] == ["blosc"] and self.order is None and self.dtype.kind != "O"

    def _part(self, rows: tuple[int, int]) -> tuple[int, int, int]:
        """Give the bytes of a chunk, and between which of them some rows lie."""
        long = next((size for size in self.shape if size > 1), 1)
        chunk_bytes = math.prod(self.shape) * self.dtype.itemsize
        row_bytes = chunk_bytes // long
        return chunk_bytes, rows[0] * row_bytes, rows[1] * row_bytes

    def _lay(self, data: Buffer) -> NDArray[Any]:
        cells = _texts(data, math.prod(self.shape)) if self.dtype.kind == "O" else np.frombuffer(data, dtype=self.dtype)
        if self.order is None:
            return cells.reshape(self.shape)
        return cells.reshape([self.shape[axis] for axis in self.order]).transpose(np.argsort(self.order))


def _texts(data: Buffer, count: int) -> NDArray[Any]:
    """Read texts (codec `vlen-utf8`): their number, then each after its length, all of 32 bits."""
    content = bytes(data)
    if len(content) < 4 or struct.unpack_from("<I", content)[0] != count:
        raise DamagedChunk
    texts = np.empty(count, dtype=object)
    at = 4
    for place in range(count):
        if at + 4 > len(content):
            raise DamagedChunk
        (length,) = struct.unpack_from("<I", content, at)
        at += 4 + length
        if at > len(content):
            raise DamagedChunk
        texts[place] = content[at - length : at].decode("utf-8", "replace")
    return texts
