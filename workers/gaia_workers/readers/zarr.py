"""
Zarr stores, versions 2 and 3, as undecoded, lazily read datasets: a folder, or a zip file that is not unpacked.

Chunks are read where they lie and decoded by several threads into the result; a chunk that is not there has its fill value.
zarr-python is not used (`docs/decisions`): it keeps a thread with an event loop, which no parent of forks may have, and
copies every chunk twice.

References
----------
https://zarr-specs.readthedocs.io; dimension names of version 2: xarray, "Zarr Encoding Specification".
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.errors import UnreadableData
from gaia_processes.shared.lazy import Inflated, Key, Take, index_vectors
from gaia_workers.readers import refusals
from gaia_workers.readers.chunks import Box, ByteCounter, Piece, hand_over, pieces_by_chunk, share_out
from gaia_workers.readers.zarr_codecs import DamagedChunk, check_crc32c
from gaia_workers.readers.zarr_documents import ArrayPlan, Shards, plan_v2, plan_v3, read_attributes, read_document
from gaia_workers.readers.zarr_stores import Store, open_store

_KEPT_INDEXES = 64
"""So many tables of shards are kept, for each array."""
_ABSENT = 2**64 - 1
_PART_LEAST_BYTES = 2**20
"""Of smaller chunks no parts are read: looking where they lie would take longer."""

type _Job = tuple[tuple[int, list[Piece]], ...]
"""The pieces of one chunk along each dimension."""


@dataclass(frozen=True, slots=True)
class _Range:
    """Where the bytes of a chunk lie: in which member of the store, from where, how many."""

    key: str
    begin: int
    length: int


class _Chunks:
    """The bytes of the chunks of one array, each by its place in the grid."""

    def __init__(self, store: Store, plan: ArrayPlan) -> None:
        self._store = store
        self._plan = plan
        self._indexes: OrderedDict[tuple[int, ...], NDArray[np.uint64] | None] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def have_parts(self) -> bool:
        """Whether a chunk may be read in part: members with a check sum of their own are read whole."""
        return self._plan.shards is not None or not self._store.is_checked

    def find(self, place: tuple[int, ...]) -> _Range | None:
        """Find where a chunk lies; None where it was never written."""
        if self._plan.shards is not None:
            return self._find_inner(place, self._plan.shards)
        key = self._plan.key(place)
        length = self._store.length(key)
        return None if length is None else _Range(key, 0, length)

    def read(self, place: tuple[int, ...]) -> bytes | None:
        """Read a chunk as it lies; None where it was never written."""
        if self._plan.shards is None:
            return self._store.read(self._plan.key(place))
        found = self._find_inner(place, self._plan.shards)
        return None if found is None else self.read_part(found, 0, found.length)

    def read_part(self, found: _Range, begin: int, size: int) -> bytes:
        """Read some bytes of a chunk."""
        raw = self._store.read_part(found.key, found.begin + begin, size)
        if raw is None or len(raw) != size:
            raise DamagedChunk
        return raw

    def _find_inner(self, place: tuple[int, ...], shards: Shards) -> _Range | None:
        shard = tuple(at // count for at, count in zip(place, shards.grid, strict=True))
        index = self._index(shard, shards)
        if index is None:
            return None
        begin, size = (int(each) for each in index[tuple(at % n for at, n in zip(place, shards.grid, strict=True))])
        if begin == size == _ABSENT:
            return None
        if begin >= 2**63 or size >= 2**31:
            raise DamagedChunk
        return _Range(self._plan.key(shard), begin, size)

    def _index(self, shard: tuple[int, ...], shards: Shards) -> NDArray[np.uint64] | None:
        """Read the table of a shard: offset and size of each chunk; None where there is no shard."""
        with self._lock:
            if shard in self._indexes:
                self._indexes.move_to_end(shard)
                return self._indexes[shard]
        begin = -shards.index_bytes if shards.at_end else 0
        raw = self._store.read_part(self._plan.key(shard), begin, shards.index_bytes)
        index = None if raw is None else _read_index(raw, shards)
        with self._lock:
            self._indexes[shard] = index
            while len(self._indexes) > _KEPT_INDEXES:
                self._indexes.popitem(last=False)
        return index


def _read_index(raw: bytes, shards: Shards) -> NDArray[np.uint64]:
    if len(raw) != shards.index_bytes:
        raise DamagedChunk
    content = check_crc32c(raw) if shards.checked else raw
    return np.frombuffer(content, dtype="<u8").reshape(*shards.grid, 2)


class ZarrArray(BackendArray):
    """An array of a store as xarray indexes it: nothing is read before values are asked for."""

    def __init__(
        self, store: Store, plan: ArrayPlan, pool: Callable[[], ThreadPoolExecutor | None], counter: ByteCounter
    ) -> None:
        self._plan = plan
        self._chunks = _Chunks(store, plan)
        self._pool = pool
        self._counter = counter
        self.shape = plan.shape
        self.dtype = plan.dtype
        self.chunk_shape: tuple[int, ...] | None = plan.chunk_shape or None
        self._chunk_bytes = math.prod(plan.chunk_shape) * plan.dtype.itemsize

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        values = self._read_box(index_vectors(key, self.shape))
        dropped = tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)
        return values[dropped]

    def _read_box(self, indices: list[NDArray[np.intp]]) -> NDArray[Any]:
        result: NDArray[Any] = np.empty([len(each) for each in indices], dtype=self.dtype)
        grouped = [pieces_by_chunk(each, chunk) for each, chunk in zip(indices, self._plan.chunk_shape, strict=True)]
        jobs: list[_Job] = list(product(*grouped))
        pool = self._pool()
        share_out(pool, jobs, lambda some: self._fill(result, some), chunk_bytes=self._chunk_bytes)
        return result

    def hand_out(self, chunks: NDArray[np.intp], take: Take) -> None:
        """Decode whole chunks, and have each taken in its order."""
        places: list[tuple[int, ...]] = [tuple(each) for each in chunks.tolist()]
        hand_over(self._pool(), places, self._whole, take, chunk_bytes=self._chunk_bytes)

    def _whole(self, place: tuple[int, ...]) -> Inflated:
        """Read and decode a chunk."""
        try:
            cells, read_bytes = self._decode(place, None)
        except (DamagedChunk, OSError) as error:
            raise refusals.refuse_damaged_variable(self._plan.name) from error
        self._counter.add(read_bytes)
        values = np.full(self._plan.chunk_shape, self._plan.fill, self.dtype) if cells is None else cells
        data = np.ascontiguousarray(values, dtype=self.dtype).reshape(-1).view(np.uint8)
        return Inflated(data=data, is_shuffled=False)

    def _rows(self, boxes: list[Box]) -> tuple[int, int] | None:
        """Give what is needed along the first dimension of a chunk that is longer than one."""
        axis = next((axis for axis, size in enumerate(self._plan.chunk_shape) if size > 1), None)
        if axis is None or not boxes:
            return None
        ends = [_ends(box.fro[axis]) for box in boxes]
        return min(begin for begin, _ in ends), max(end for _, end in ends)

    def _fill(self, result: NDArray[Any], jobs: list[_Job]) -> None:
        """Bring some chunks into the result; each writes its own cells only."""
        read_bytes = 0
        for job in jobs:
            boxes = [Box.of(each) for each in product(*(own for _, own in job))]
            try:
                cells, count = self._decode(tuple(owner for owner, _ in job), self._rows(boxes))
            except (DamagedChunk, OSError) as error:
                raise refusals.refuse_damaged_variable(self._plan.name) from error
            read_bytes += count
            values = (
                np.broadcast_to(np.asarray(self._plan.fill, self.dtype), self._plan.chunk_shape)
                if cells is None
                else _given(cells, self.dtype)
            )
            for box in boxes:
                box.copy(result, values)
        self._counter.add(read_bytes)

    def _decode(self, place: tuple[int, ...], rows: tuple[int, int] | None) -> tuple[NDArray[Any] | None, int]:
        """Give a chunk, of which some rows are wanted, and the bytes that were read; None for one that was never written."""
        if rows is not None and self._is_worth_a_part(rows):
            found = self._chunks.find(place)
            if found is None:
                return None, 0
            parts = _Parts(self._chunks, found)
            cells = self._plan.chain.decode_part(parts.read, found.length, rows=rows)
            if cells is not None:
                return cells, parts.read_bytes
        raw = self._chunks.read(place)
        return (None, 0) if raw is None else (self._plan.chain.decode(raw, rows=rows), len(raw))

    def _is_worth_a_part(self, rows: tuple[int, int]) -> bool:
        """Tell whether rows are so few of a large chunk that finding their bytes takes less than reading them all."""
        long = next((size for size in self._plan.chunk_shape if size > 1), 1)
        few = 2 * (rows[1] - rows[0]) <= long and self._chunk_bytes >= _PART_LEAST_BYTES
        return few and self._plan.chain.has_parts and self._chunks.have_parts


class _Parts:
    """Parts of one chunk; counts the bytes that are read of it."""

    def __init__(self, chunks: _Chunks, found: _Range) -> None:
        self._chunks = chunks
        self._found = found
        self.read_bytes = 0

    def read(self, begin: int, size: int) -> bytes:
        """Read some bytes."""
        self.read_bytes += size
        return self._chunks.read_part(self._found, begin, size)


def _ends(index: Any) -> tuple[int, int]:
    """Give the first and the last (exclusive) place of an index within a chunk."""
    if isinstance(index, slice):
        return int(index.start), int(index.stop)
    return int(index.min()), int(index.max()) + 1


def _given(cells: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give decoded cells in the type that the reader has for them; copying into the result turns bytes round."""
    if dtype.kind != "O" or cells.dtype.kind == "O":
        return cells
    texts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in cells.ravel()]
    return np.array(texts, dtype=object).reshape(cells.shape)


def _make_variable(plan: ArrayPlan, array: ZarrArray) -> xr.Variable:
    encoding = {
        "dtype": plan.dtype,
        "endian": "native",
        "chunksizes": plan.chunk_shape or None,
        # What was compressed is compressed in NetCDF as well, by what every program knows.
        "zlib": plan.compressed,
        "shuffle": plan.compressed,
        "complevel": int(plan.compressed),
        "fletcher32": False,
        "string_attributes": (),
    }
    return xr.Variable(plan.dims, LazilyIndexedArray(array), plan.attrs, encoding)


def _read_plans(store: Store) -> tuple[list[ArrayPlan], dict[str, Any]]:
    """Read the documents of a store: its arrays at the root, and its own attributes."""
    root = store.read("zarr.json")
    if root is None:
        return _read_v2(store)
    document = read_document(root, "zarr.json")
    if document.get("node_type") == "array":
        raise UnreadableData(refusals.SINGLE_ARRAY)
    attributes = document.get("attributes", {})
    plans = []
    for name in store.folders():
        content = store.read(f"{name}/zarr.json")
        own = {} if content is None else read_document(content, name)
        if own.get("node_type") == "array":
            plans.append(plan_v3(name, own))
    return plans, attributes if isinstance(attributes, dict) else {}


def _read_v2(store: Store) -> tuple[list[ArrayPlan], dict[str, Any]]:
    if store.read(".zarray") is not None:
        raise UnreadableData(refusals.SINGLE_ARRAY)
    plans = []
    for name in store.folders():
        content = store.read(f"{name}/.zarray")
        if content is not None:
            attributes = store.read(f"{name}/.zattrs")
            told = {} if attributes is None else read_document(attributes, name)
            plans.append(plan_v2(name, read_document(content, name), told))
    own = store.read(".zattrs")
    return plans, {} if own is None else read_document(own, ".zattrs")


def _check_sizes(plans: list[ArrayPlan]) -> None:
    """Refuse arrays that share a dimension but not its length: they make no dataset."""
    sizes: dict[str, int] = {}
    for plan in plans:
        for dim, size in zip(plan.dims, plan.shape, strict=True):
            if sizes.setdefault(dim, size) != size:
                raise refusals.refuse_dimension(plan.name, dim, size, sizes[dim])


def _assemble(store: Store, plans: list[ArrayPlan], attributes: dict[str, Any], make: Any) -> xr.Dataset:
    if not plans:
        raise UnreadableData(refusals.NO_ARRAYS)
    _check_sizes(plans)
    variables = {plan.name: _make_variable(plan, make(store, plan)) for plan in plans}
    coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    dataset = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), read_attributes(attributes))
    dataset.encoding = {"unlimited_dims": set(), "string_attributes": (), "order": tuple(variables)}
    return dataset


@contextmanager
def open_dataset(path: Path, *, threads: int = 2, counter: ByteCounter | None = None) -> Iterator[xr.Dataset]:
    """
    Open a Zarr store as a dataset that is not decoded and not yet read.

    Parameters
    ----------
    path : Path
        The folder of a store, or a zip file of one.
    threads : int
        Threads that decode chunks; the values do not depend on it.
    counter : ByteCounter, optional
        Counts the bytes that are read for values.

    Yields
    ------
    xarray.Dataset
        As `gaia_workers.readers.netcdf.open_dataset` gives it: the arrays at the root of the store, by their dimensions.
        Not usable after the context.

    Raises
    ------
    UnreadableData
        No store, an archive that is not safe, documents that make no sense, types or codecs that are not read, or chunks
        beyond the limit.
    """
    tally = counter or ByteCounter()
    with ExitStack() as stack:
        pools: list[ThreadPoolExecutor] = []

        def pool() -> ThreadPoolExecutor | None:
            """Give the threads; they start with the first read, so that a fork before it is safe."""
            if threads > 1 and not pools:
                pools.append(stack.enter_context(ThreadPoolExecutor(threads)))
            return pools[0] if pools else None

        try:
            store = stack.enter_context(open_store(path))
            plans, attributes = _read_plans(store)
        except OSError as error:
            raise UnreadableData(refusals.DAMAGED_ZARR) from error
        yield _assemble(store, plans, attributes, lambda own, plan: ZarrArray(own, plan, pool, tally))


def stored_bytes(path: Path) -> dict[str, int]:
    """
    Say how many bytes the values of each variable take in a store that `open_dataset` accepts.

    Parameters
    ----------
    path : Path
        A folder or a zip file.

    Returns
    -------
    dict of int
        By the name of the variable; compressed where they are.
    """
    with open_store(path) as store:
        plans, _ = _read_plans(store)
        return {plan.name: store.size_bytes(plan.name) for plan in plans}
