"""
Writes a lazily read dataset as NetCDF-4, block by block: memory stays bounded, and the same input gives the same bytes.

Types, packing, fill values, compression, byte order and unlimited dimensions stay as `encoding` and the attributes say.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.blocks import Box, plan_blocks
from gaia_processes.shared.history import append_history
from gaia_processes.shared.table import Table
from gaia_processes.text import Text
from gaia_workers.readers.chunks import Handover, find_handover
from gaia_workers.readers.netcdf import NETCDF_LOCK
from gaia_workers.writers.chunks import Assembly, even_out, find_dataset, pack, plan_chunks
from gaia_workers.writers.finishing import Counter, read_ahead
from gaia_workers.writers.whole import whole_or_nothing

_CHUNK_LEAST_BYTES = 2**16
_CHUNK_MOST_BYTES = 2**21
_CACHE_BYTES = 2**22
_LARGE_BYTES = 2**20
_PACKING_THREADS = 2
NO_SERIES = Text(
    en="These rows are no series that NetCDF could hold; ask for CSV, GeoJSON, GeoPackage or GeoParquet.",
    fr="Ces lignes ne forment pas de séries pour NetCDF ; demandez CSV, GeoJSON, GeoPackage ou GeoParquet.",
)


def choose_chunks(shape: tuple[int, ...], source: tuple[int, ...] | None, item_bytes: int) -> tuple[int, ...]:
    """
    Choose the chunks of a variable: the source's, clipped to the shape, neither tiny nor huge.

    Parameters
    ----------
    shape : tuple of int
        Of what is written.
    source : tuple of int or None
        Chunks of the source; None where it has none.
    item_bytes : int
        Bytes of one value.

    Returns
    -------
    tuple of int
        About 64 KiB a chunk or more where the shape allows it (a series of one cell in chunks of one step would be useless),
        at most 2 MiB.
    """
    start = source if source is not None and len(source) == len(shape) else (1,) * len(shape)
    chunks = [max(min(chunk, size), 1) for chunk, size in zip(start, shape, strict=True)]
    for place in reversed(range(len(shape))) if source is None else range(len(shape)):
        have = math.prod(chunks) * item_bytes
        if 2 * have > _CHUNK_LEAST_BYTES:
            break
        wanted = chunks[place] * max(-(-_CHUNK_LEAST_BYTES // max(have, 1)), 1)
        parts = max(-(-shape[place] // wanted), 1)
        # Parts of equal length: a short last chunk would be stored at full length.
        chunks[place] = max(-(-shape[place] // parts), 1) if wanted > chunks[place] else chunks[place]
    while math.prod(chunks) * item_bytes > _CHUNK_MOST_BYTES:
        place = int(np.argmax(chunks))
        chunks[place] = -(-chunks[place] // 2)
    return tuple(chunks)


def _set_attributes(item: Any, attrs: dict[str, Any], strings: tuple[str, ...]) -> None:
    """Write attributes in the types that they had: characters as characters, strings as strings."""
    for name, value in attrs.items():
        if isinstance(value, str) and name not in strings:
            # The NetCDF library would make a string of what is not ASCII.
            item.setncattr(name, value if value.isascii() else value.encode())
        elif isinstance(value, str | list):
            item.setncattr_string(name, value)
        else:
            item.setncattr(name, value)


def _storage(variable: xr.Variable, unlimited: set[str]) -> dict[str, Any]:
    """Say in the words of the NetCDF library how a variable is stored."""
    if not variable.ndim or variable.dtype.kind == "O":
        return {}
    encoding = variable.encoding
    storage: dict[str, Any] = {"endian": encoding.get("endian", "native")}
    packed = bool(encoding.get("zlib"))
    source = encoding.get("chunksizes")
    chunked = packed or source is not None or encoding.get("fletcher32") or unlimited & set(variable.dims)
    if chunked:
        storage["chunksizes"] = choose_chunks(variable.shape, source, variable.dtype.itemsize)
        storage["fletcher32"] = bool(encoding.get("fletcher32", False))
    else:
        storage["contiguous"] = True
    if packed:
        storage |= {
            "zlib": True,
            "complevel": int(encoding.get("complevel", 1)),
            "shuffle": bool(encoding.get("shuffle")),
        }
    return storage


def _fill_value(variable: xr.Variable) -> Any:
    fill = variable.attrs.get("_FillValue")
    if fill is None or variable.dtype.kind == "O":
        return None
    return fill.encode() if isinstance(fill, str) else fill


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How one variable is written; where that is done chunk by chunk, `boxes` are what chunks are made of, or handed over."""

    name: str
    variable: xr.Variable
    storage: dict[str, Any]
    boxes: list[Box]
    by_chunk: bool
    handover: Handover | None = None


def _plan(dataset: xr.Dataset, name: str, unlimited: set[str]) -> _Plan:
    variable = dataset.variables[name]
    storage = _storage(variable, unlimited)
    handover = _find_handover(variable, storage)
    if handover is None and "chunksizes" in storage:
        storage["chunksizes"] = even_out(variable, storage["chunksizes"])
    chunks = plan_chunks(variable, storage)
    boxes = list(plan_blocks(variable)) if chunks is None else chunks
    return _Plan(
        name=name, variable=variable, storage=storage, boxes=boxes, by_chunk=chunks is not None, handover=handover
    )


def _find_handover(variable: xr.Variable, storage: dict[str, Any]) -> Handover | None:
    """Find whether the chunks can be written as they lie in the source."""
    if plan_chunks(variable, storage) is None:
        return None
    filters = tuple(name for name, key in (("shuffle", "shuffle"), ("deflate", "zlib")) if storage.get(key))
    return find_handover(variable, storage["chunksizes"], filters)


def _define(target: Any, plan: _Plan) -> None:
    """Write everything of a variable but its values."""
    variable = plan.variable
    order = ">" if variable.encoding.get("endian") == "big" else "="
    kind = str if variable.dtype.kind == "O" else variable.dtype.newbyteorder(order)
    if plan.storage.get("contiguous") and variable.nbytes >= _LARGE_BYTES:
        target.set_fill_off()  # every value is written: HDF5 would write them all once more before, as fill values
    made = target.createVariable(plan.name, kind, variable.dims, fill_value=_fill_value(variable), **plan.storage)
    target.set_fill_on()
    made.set_auto_maskandscale(False)
    made.set_auto_chartostring(False)
    if "chunksizes" in plan.storage:
        made.set_var_chunk_cache(size=_CACHE_BYTES)
    plain = {key: value for key, value in variable.attrs.items() if key != "_FillValue"}
    _set_attributes(made, plain, variable.encoding.get("string_attributes", ()))


def _read_ahead(plans: list[_Plan]) -> Iterator[tuple[_Plan, Box, NDArray[Any]]]:
    """Read box after box; the next is read while the one that was given is worked on."""
    boxes = ((plan, box) for plan in plans for box in plan.boxes)
    for (plan, box), values in read_ahead(boxes, lambda each: np.asarray(each[0].variable[each[1]].values)):
        yield plan, box, values


def _write_boxes(target: Any, plans: list[_Plan], progress: Counter) -> None:
    """Let the NetCDF library write values."""
    for plan, box, values in _read_ahead(plans):
        with NETCDF_LOCK:
            target.variables[plan.name][box if box else ...] = values
        progress.add(values.nbytes)


def _hand_over(file: h5py.File, plan: _Plan, handover: Handover, progress: Counter) -> None:
    """Write the chunks of the source as they are."""
    dataset = find_dataset(file, plan.name, plan.variable.shape)
    shape = plan.storage["chunksizes"]
    with ThreadPoolExecutor(_PACKING_THREADS) as readers:
        for box in plan.boxes:
            spans = [range(each.start, each.stop, chunk) for each, chunk in zip(box, shape, strict=True)]
            starts = list(product(*spans))
            for start, data in zip(starts, readers.map(handover.read, starts), strict=True):
                dataset.id.write_direct_chunk(start, data)
            progress.add(math.prod(each.stop - each.start for each in box) * plan.variable.dtype.itemsize)


def _write_chunks(file: h5py.File, plans: list[_Plan], progress: Counter) -> None:
    """Write whole chunks, packed by several threads."""
    datasets = {plan.name: find_dataset(file, plan.name, plan.variable.shape) for plan in plans}
    assemblies = {plan.name: Assembly(plan.variable.shape, plan.storage["chunksizes"]) for plan in plans}
    with ThreadPoolExecutor(_PACKING_THREADS) as packers:
        for plan, box, values in _read_ahead(plans):
            level = plan.storage["complevel"] if plan.storage.get("zlib") else None
            pieces = list(assemblies[plan.name].add(box, values))
            shuffle = plan.storage.get("shuffle", False)
            # What is not deflated is not worth handing to another thread.
            packing = partial(pack, chunk_shape=plan.storage["chunksizes"], shuffle=shuffle, level=level)
            cells = [each for _, each in pieces]
            packed = map(packing, cells) if level is None else packers.map(packing, cells)
            for (start, _), data in zip(pieces, packed, strict=True):
                datasets[plan.name].id.write_direct_chunk(start, data)
            progress.add(values.nbytes)


def write(dataset: xr.Dataset | Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a dataset, or the series of a table, as a NetCDF-4 file.

    Parameters
    ----------
    dataset : xarray.Dataset or Table
        Undecoded; its values are read block by block.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all, after each block of at most 512 KiB.
    history : str
        A line for the attribute `history`.

    Raises
    ------
    DatasetUnsuitable
        A table that has no series.
    """
    if isinstance(dataset, Table):
        dataset = _series(dataset)
    order = dataset.encoding.get("order", ())
    names = sorted((str(name) for name in dataset.variables), key=lambda name: _place(order, name))
    unlimited = set(dataset.encoding.get("unlimited_dims", ())) & {str(dim) for dim in dataset.dims}
    plans = [_plan(dataset, name, unlimited) for name in names]
    count = Counter(progress, sum(plan.variable.nbytes for plan in plans))
    with whole_or_nothing(path):
        _write_file(path, dataset, plans, unlimited, append_history(dataset.attrs, history), count)


def _series(table: Table) -> xr.Dataset:
    """Give the series of a table, with the attributes of the table where they have none."""
    if table.series is None:
        raise DatasetUnsuitable(NO_SERIES)
    series = table.series()
    return series.assign_attrs({**table.attributes, **series.attrs})


def _write_file(
    path: Path, dataset: xr.Dataset, plans: list[_Plan], unlimited: set[str], attrs: dict[str, Any], progress: Counter
) -> None:
    """Make the file with the NetCDF library, then put the large variables in."""
    with NETCDF_LOCK:
        target = netCDF4.Dataset(str(path.absolute()), "w", format="NETCDF4")
    try:
        with NETCDF_LOCK:
            for dim, size in dataset.sizes.items():
                target.createDimension(str(dim), None if dim in unlimited else size)
            for plan in plans:
                _define(target, plan)
            _set_attributes(target, attrs, dataset.encoding.get("string_attributes", ()))
        _write_boxes(target, [plan for plan in plans if not plan.by_chunk], progress)
    finally:
        with NETCDF_LOCK:
            target.close()
    large = [plan for plan in plans if plan.by_chunk]
    if large:
        with h5py.File(path, "r+", locking=False) as file:
            _write_chunks(file, [plan for plan in large if plan.handover is None], progress)
            for plan in large:
                if plan.handover is not None:
                    _hand_over(file, plan, plan.handover, progress)


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
