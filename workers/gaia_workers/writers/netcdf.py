"""
Writes a lazily read dataset as NetCDF-4, block by block: memory stays bounded, and the same input gives the same bytes.

Types, packing, fill values, compression, byte order and unlimited dimensions stay as `encoding` and the attributes say.
"""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.blocks import plan_blocks
from gaia_processes.shared.history import append_history
from gaia_workers.readers.netcdf import NETCDF_LOCK

_CHUNK_LEAST_BYTES = 2**16
_CHUNK_MOST_BYTES = 2**21
_CACHE_BYTES = 2**22

type Block = tuple[str, tuple[slice, ...]]


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


def _define(target: Any, dataset: xr.Dataset, names: list[str], attrs: dict[str, Any]) -> None:
    """Write everything but the values."""
    unlimited = set(dataset.encoding.get("unlimited_dims", ())) & {str(dim) for dim in dataset.dims}
    for dim, size in dataset.sizes.items():
        target.createDimension(str(dim), None if dim in unlimited else size)
    for name in names:
        variable = dataset.variables[name]
        order = ">" if variable.encoding.get("endian") == "big" else "="
        kind = str if variable.dtype.kind == "O" else variable.dtype.newbyteorder(order)
        made = target.createVariable(
            name, kind, variable.dims, fill_value=_fill_value(variable), **_storage(variable, unlimited)
        )
        made.set_auto_maskandscale(False)
        made.set_auto_chartostring(False)
        if variable.ndim and made.chunking() != "contiguous":
            made.set_var_chunk_cache(size=_CACHE_BYTES)
        plain = {key: value for key, value in variable.attrs.items() if key != "_FillValue"}
        _set_attributes(made, plain, variable.encoding.get("string_attributes", ()))
    _set_attributes(target, attrs, dataset.encoding.get("string_attributes", ()))


def _blocks(dataset: xr.Dataset, names: list[str]) -> Iterator[Block]:
    for name in names:
        for box in plan_blocks(dataset.variables[name]):
            yield name, box


def _read(dataset: xr.Dataset, block: Block) -> NDArray[Any]:
    name, box = block
    return np.asarray(dataset.variables[name][box].values)


def _stream(target: Any, dataset: xr.Dataset, names: list[str], progress: Callable[[int, int], None]) -> None:
    """Write all values; the next block is read while one is written."""
    total = sum(dataset.variables[name].nbytes for name in names)
    done = 0
    progress(done, total)
    with ThreadPoolExecutor(1) as ahead:
        waiting = None
        for block in [*_blocks(dataset, names), None]:
            following = ahead.submit(_read, dataset, block) if block is not None else None
            if waiting is not None:
                (name, box), reading = waiting
                values = reading.result()
                with NETCDF_LOCK:
                    target.variables[name][box if box else ...] = values
                done += values.nbytes
                progress(done, total)
            waiting = None if block is None or following is None else (block, following)


def write(dataset: xr.Dataset, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a dataset as a NetCDF-4 file.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded; its values are read block by block.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all, after each block of at most 512 KiB.
    history : str
        A line for the attribute `history`.
    """
    order = dataset.encoding.get("order", ())
    names = sorted((str(name) for name in dataset.variables), key=lambda name: _place(order, name))
    attrs = append_history(dataset.attrs, history)
    try:
        with NETCDF_LOCK:
            target = netCDF4.Dataset(str(path.absolute()), "w", format="NETCDF4")
        try:
            with NETCDF_LOCK:
                _define(target, dataset, names, attrs)
            _stream(target, dataset, names, progress)
        finally:
            with NETCDF_LOCK:
                target.close()
        _sync(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _place(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _sync(path: Path) -> None:
    """Bring the bytes onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
