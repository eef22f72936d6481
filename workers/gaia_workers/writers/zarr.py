"""
Writes a lazily read dataset as a Zarr v3 group in one zip file, chunk by chunk: bounded memory, the same bytes every time.

Types and packing stay as they are, attributes are those of CF, as xarray reads them. zarr-python is not used: its zip
files carry the time of writing and each rewritten document twice (`docs/decisions`).

References
----------
Zarr core specification 3.0 (https://zarr-specs.readthedocs.io/en/latest/v3/core/): documents, chunk keys, `bytes` and
`gzip` codecs; zarr-extensions: the data type `string`, the codec `vlen-utf8`.
"""

import base64
import json
import math
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import deflate
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.blocks import Box
from gaia_processes.shared.history import append_history
from gaia_workers.writers.chunks import Assembly, plan_boxes
from gaia_workers.writers.finishing import Counter, read_ahead
from gaia_workers.writers.netcdf import choose_chunks
from gaia_workers.writers.whole import whole_or_nothing

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: a zip file must name one, and the time of writing would make other bytes."""
_LEVEL = 1
_PACKING_THREADS = 2
_GZIP = {"name": "gzip", "configuration": {"level": _LEVEL}}
_NAMES = {"i": "int", "u": "uint", "f": "float"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How one variable is written: `chunk_shape` along each dimension, read in `boxes` of whole chunks."""

    name: str
    variable: xr.Variable
    chunk_shape: tuple[int, ...]
    boxes: list[Box]


def write(dataset: xr.Dataset, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a dataset as a zip file of a Zarr v3 group.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded; its values are read block by block. Characters become strings (CF 2.2 knows both).
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all, after each block.
    history : str
        A line for the attribute `history`.
    """
    order = dataset.encoding.get("order") or tuple(dataset.variables)
    names = sorted(map(str, dataset.variables), key=lambda name: order.index(name) if name in order else len(order))
    plans = [_plan(name, _without_characters(dataset.variables[name])) for name in names]
    count = Counter(progress, sum(plan.variable.nbytes for plan in plans))
    attributes = _attributes(append_history(dataset.attrs, history))
    with whole_or_nothing(path), ZipFile(path, "w", ZIP_STORED) as target:
        _put(target, "zarr.json", _document({"node_type": "group", "attributes": attributes}))
        for plan in plans:
            _put(target, f"{plan.name}/zarr.json", _document(_describe(plan)))
        _write_chunks(target, plans, count)


def _plan(name: str, variable: xr.Variable) -> _Plan:
    if variable.dtype.kind in "OU":
        variable = xr.Variable(variable.dims, np.asarray(variable.values, dtype=object), variable.attrs)
        shape = tuple(max(size, 1) for size in variable.shape)
        return _Plan(name=name, variable=variable, chunk_shape=shape, boxes=_each_chunk(variable.shape, shape))
    chunk_shape = choose_chunks(variable.shape, variable.encoding.get("chunksizes"), variable.dtype.itemsize)
    boxes = plan_boxes(variable, chunk_shape)
    # Where too much would have to be held until chunks are whole, some of the source's are read more than once.
    return _Plan(
        name=name,
        variable=variable,
        chunk_shape=chunk_shape,
        boxes=_each_chunk(variable.shape, chunk_shape) if boxes is None else boxes,
    )


def _each_chunk(shape: tuple[int, ...], chunk_shape: tuple[int, ...]) -> list[Box]:
    starts = [range(0, size, chunk) for size, chunk in zip(shape, chunk_shape, strict=True)]
    return [
        tuple(slice(at, min(at + chunk, size)) for at, chunk, size in zip(corner, chunk_shape, shape, strict=True))
        for corner in product(*starts)
    ]


def _without_characters(variable: xr.Variable) -> xr.Variable:
    """Join characters along the last dimension to texts: Zarr has no type of one character."""
    if variable.dtype.kind != "S":
        return variable
    stored = np.ascontiguousarray(variable.values)
    joined, dims = stored, variable.dims
    if stored.dtype.itemsize == 1 and stored.ndim and stored.shape[-1]:
        joined, dims = stored.view(f"S{stored.shape[-1]}")[..., 0], variable.dims[:-1]
    texts = np.array([each.decode("utf-8", "replace") for each in joined.ravel()], dtype=object).reshape(joined.shape)
    return xr.Variable(dims, texts, variable.attrs)


# --- documents -------------------------------------------------------------------------------------------------------


def _document(members: dict[str, Any]) -> bytes:
    return json.dumps({"zarr_format": 3, **members}, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _describe(plan: _Plan) -> dict[str, Any]:
    variable = plan.variable
    text = variable.dtype.kind == "O"
    serializer = {"name": "vlen-utf8"} if text else {"name": "bytes", "configuration": {"endian": "little"}}
    return {
        "node_type": "array",
        "shape": list(variable.shape),
        "data_type": "string" if text else _NAMES[variable.dtype.kind] + str(8 * variable.dtype.itemsize),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(plan.chunk_shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "" if text else 0,  # of chunks that are not there; all are
        "codecs": [serializer, _GZIP],
        "dimension_names": [str(dim) for dim in variable.dims],
        "attributes": _attributes(variable.attrs, variable.dtype),
    }


def _attributes(attrs: dict[str, Any], dtype: np.dtype[Any] | None = None) -> dict[str, Any]:
    told = {str(name): _plain(value) for name, value in attrs.items() if name != "_FillValue"}
    fill = attrs.get("_FillValue")
    if fill is not None and dtype is not None and dtype.kind in "iuf":
        told["_FillValue"] = _fill(fill, dtype)
    if told.get("missing_value") == "NaN":
        del told["missing_value"]  # JSON has no such number, and NaN is missing whatever an attribute says
    return told


def _fill(value: Any, dtype: np.dtype[Any]) -> int | str:
    """Write the mark of missing cells as xarray reads it from Zarr v3: floats as base64 of a little-endian double."""
    (number,) = np.atleast_1d(np.asarray(value, dtype=dtype))[:1]
    if dtype.kind in "iu":
        return int(number)
    return base64.standard_b64encode(struct.pack("<d", float(number))).decode()


def _plain(value: Any) -> Any:
    """Turn an attribute into what JSON knows; numbers that it does not know become words."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(each) for each in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


# --- chunks ----------------------------------------------------------------------------------------------------------


def _write_chunks(target: ZipFile, plans: list[_Plan], count: Counter) -> None:
    boxes = ((plan, box) for plan in plans for box in plan.boxes)
    assemblies = {plan.name: Assembly(plan.variable.shape, plan.chunk_shape) for plan in plans}
    with ThreadPoolExecutor(_PACKING_THREADS) as packers:
        for (plan, box), values in read_ahead(boxes, _read):
            keys, packed = list[str](), []
            for start, cells in assemblies[plan.name].add(box, values):
                keys.append(_key(plan, start))
                packed.append(packers.submit(_pack, cells, plan.chunk_shape))
            for key, packing in zip(keys, packed, strict=True):
                _put(target, key, packing.result())
            count.add(values.nbytes)


def _read(place: tuple[_Plan, Box]) -> NDArray[Any]:
    plan, box = place
    return np.asarray(plan.variable[box].values)


def _key(plan: _Plan, start: tuple[int, ...]) -> str:
    numbers = (at // chunk for at, chunk in zip(start, plan.chunk_shape, strict=True))
    return "/".join([plan.name, "c", *map(str, numbers)])


def _pack(cells: NDArray[Any], chunk_shape: tuple[int, ...]) -> bytes:
    """Make the bytes of a chunk; cells beyond the end of the array are zero, and nobody reads them."""
    if cells.dtype.kind == "O":
        return bytes(deflate.gzip_compress(_texts(cells, chunk_shape), _LEVEL))
    chunk = cells.astype(cells.dtype.newbyteorder("<"), copy=False)
    if cells.shape != chunk_shape:
        chunk = np.zeros(chunk_shape, dtype=chunk.dtype)
        chunk[tuple(slice(size) for size in cells.shape)] = cells
    return bytes(deflate.gzip_compress(chunk.tobytes(), _LEVEL))


def _texts(cells: NDArray[Any], chunk_shape: tuple[int, ...]) -> bytes:
    """Write texts as the codec `vlen-utf8`: their number, then each after its length, all of 32 bits."""
    whole_chunk = np.full(chunk_shape, "", dtype=object)
    whole_chunk[tuple(slice(size) for size in cells.shape)] = cells
    encoded = [str(each).encode() for each in whole_chunk.ravel()]
    return b"".join([struct.pack("<I", len(encoded)), *(struct.pack("<I", len(each)) + each for each in encoded)])


def _put(target: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, date_time=_EARLIEST)
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    target.writestr(entry, content)
