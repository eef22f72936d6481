"""
What the documents of a Zarr store say of its arrays, versions 2 and 3 brought into one form.

Attributes become what CF has: numbers of the type that CF asks for, where JSON knows numbers alone. A mark of missing
cells is `fill_value` in version 2, and the attribute `_FillValue` in version 3, as xarray writes and reads them.
"""

import base64
import binascii
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gaia_processes.shared.values import PACKING
from gaia_workers.readers import refusals
from gaia_workers.readers.chunks import CHUNK_LIMIT_BYTES
from gaia_workers.readers.zarr_codecs import Chain, UnknownCodec, make_links

DOCUMENT_LIMIT_BYTES = 2**24
_LONGEST = 2**30
"""Dimensions that are longer are refused: a document declares them for nothing, and places along them are counted."""
_INDEX_LIMIT_BYTES = 2**26
_OWN_TYPE = ("missing_value", "valid_min", "valid_max", "valid_range", "flag_values", "flag_masks")
"""Attributes that are of the type of their variable (CF 2.5.1, 3.5)."""
_NUMBER_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_BINARY_BYTES = 4  # values of integers up to this size fit into float32 with all their digits, halved
_V3_TYPES = {
    "bool": "?",
    **{f"int{8 * size}": f"i{size}" for size in (1, 2, 4, 8)},
    **{f"uint{8 * size}": f"u{size}" for size in (1, 2, 4, 8)},
    **{f"float{8 * size}": f"f{size}" for size in (2, 4, 8)},
    "string": "O",
}

type Size = Annotated[int, Field(ge=0, le=_LONGEST)]
type Length = Annotated[int, Field(ge=1)]


class _V2Codec(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    id: str


class _V2Array(BaseModel):
    """`.zarray`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    zarr_format: Literal[2]
    shape: tuple[Size, ...]
    chunks: tuple[Length, ...]
    dtype: str
    compressor: _V2Codec | None = None
    fill_value: Any = None
    order: Literal["C", "F"] = "C"
    filters: tuple[_V2Codec, ...] | None = None
    dimension_separator: Literal[".", "/"] = "."


class _V3Named(BaseModel):
    """An extension point of version 3: a name, and settings."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    configuration: dict[str, Any] = Field(default_factory=dict)


class _V3Array(BaseModel):
    """`zarr.json` of an array."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    zarr_format: Literal[3]
    shape: tuple[Size, ...]
    data_type: str | _V3Named
    chunk_grid: _V3Named
    chunk_key_encoding: _V3Named | str
    fill_value: Any
    codecs: tuple[_V3Named | str, ...]
    attributes: dict[str, Any] = Field(default_factory=dict)
    dimension_names: tuple[str | None, ...] | None = None
    storage_transformers: tuple[Any, ...] = ()


class _Grid(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    chunk_shape: tuple[Length, ...]


class _Sharding(BaseModel):
    """Settings of the codec `sharding_indexed`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    chunk_shape: tuple[Length, ...]
    codecs: tuple[_V3Named | str, ...]
    index_codecs: tuple[_V3Named | str, ...]
    index_location: Literal["start", "end"] = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shards:
    """
    How several chunks lie in one member (codec `sharding_indexed`).

    Attributes
    ----------
    grid : tuple of int
        Chunks of a shard along each dimension.
    index_bytes : int
        Of the table that says where each chunk lies, its check sum included.
    checked : bool
        Whether the table has a check sum (crc32c).
    at_end : bool
        Whether the table stands behind the chunks.
    """

    grid: tuple[int, ...]
    index_bytes: int
    checked: bool
    at_end: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayPlan:
    """
    One array of a store, as it is read.

    Attributes
    ----------
    name : str
    dims : tuple of str
    shape, chunk_shape : tuple of int
        In cells; with shards the chunks in them.
    dtype : numpy.dtype
        Of the values as they are given: in the order of this machine, truth values as int8, texts as objects.
    fill : numpy scalar or str
        Value of the cells of chunks that are not there.
    chain : Chain
        How a chunk is read.
    key : callable
        Gives the member of a chunk, or of a shard, by its place in the grid.
    shards : Shards or None
    compressed : bool
        Whether any codec makes it smaller.
    attrs : dict
        As CF has them.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any
    chain: Chain
    key: Callable[[tuple[int, ...]], str]
    shards: Shards | None
    compressed: bool
    attrs: dict[str, Any]


def read_document(content: bytes, name: str) -> dict[str, Any]:
    """
    Read a document.

    Raises
    ------
    UnreadableData
        It is no JSON object.
    """
    try:
        document = json.loads(content) if len(content) <= DOCUMENT_LIMIT_BYTES else None
    except (ValueError, RecursionError) as error:
        raise refusals.refuse_document(name, "-") from error
    if not isinstance(document, dict):
        raise refusals.refuse_document(name, "-")
    return document


# --- version 2 -------------------------------------------------------------------------------------------------------


def plan_v2(name: str, document: Mapping[str, Any], attributes: Mapping[str, Any]) -> ArrayPlan:
    """
    Plan how an array of version 2 is read.

    Parameters
    ----------
    name : str
        Of the array.
    document, attributes : mapping
        `.zarray` and `.zattrs`.

    Raises
    ------
    UnreadableData
        The document makes no sense, or asks for what is not read.
    """
    told = _read(_V2Array, document, name)
    stored = _dtype_of(name, told.dtype)
    codecs = [*(told.filters or ()), *([told.compressor] if told.compressor else [])]
    settings = [(each.id, dict(each.model_extra or {})) for each in codecs]
    texts = stored.kind == "O"
    if texts and (not settings or settings[0][0] != "vlen-utf8"):
        raise refusals.refuse_codec(name, settings[0][0] if settings else "object")
    if len(told.chunks) != len(told.shape):
        raise refusals.refuse_document(name, "chunks")
    dims = _dims_v2(name, document, attributes, len(told.shape))
    chain = _chain(name, told.chunks, stored, settings[1:] if texts else settings, _reversed(told.order, told.shape))
    fill = _fill_v2(told.fill_value, stored)
    return ArrayPlan(
        name=name,
        dims=dims,
        shape=told.shape,
        chunk_shape=told.chunks,
        dtype=_given(stored),
        fill=_as_given(fill, stored),
        chain=chain,
        key=_keys(f"{name}/", told.dimension_separator),
        shards=None,
        compressed=told.compressor is not None,
        attrs=read_attributes(attributes, dtype=_given(stored)) | _missing_v2(name, told, stored, fill, dims),
    )


def _reversed(order: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    return tuple(reversed(range(len(shape)))) if order == "F" and len(shape) > 1 else None


def _dims_v2(name: str, document: Mapping[str, Any], attributes: Mapping[str, Any], rank: int) -> tuple[str, ...]:
    """Find the names of the dimensions, as xarray writes them, or the NetCDF library (NCZarr)."""
    own = attributes.get("_ARRAY_DIMENSIONS")
    if own is None:
        described = attributes.get("_nczarr_array") or document.get("_nczarr_array") or document.get("_NCZARR_ARRAY")
        own = described.get("dimrefs") if isinstance(described, dict) else None
        own = [str(each).rpartition("/")[2] for each in own] if isinstance(own, list) else None
    return _check_dims(name, own, rank)


def _check_dims(name: str, dims: Any, rank: int) -> tuple[str, ...]:
    if dims is None and rank == 0:
        return ()
    good = isinstance(dims, list | tuple) and len(dims) == rank and all(isinstance(each, str) and each for each in dims)
    if not good or len(set(dims)) != rank:
        raise refusals.refuse_undimensioned(name)
    return tuple(dims)


def _missing_v2(name: str, told: _V2Array, stored: np.dtype[Any], fill: Any, dims: tuple[str, ...]) -> dict[str, Any]:
    """Give the mark of missing cells; none for coordinates of dimensions, in which CF knows no missing cell."""
    if told.fill_value is None or stored.kind not in "iuf" or dims == (name,):
        return {}
    return {"_FillValue": _given(stored).type(fill)}


def _fill_v2(value: Any, stored: np.dtype[Any]) -> Any:
    if stored.kind in "OU":
        return value if isinstance(value, str) else ""
    if stored.kind == "S":
        return _from_base64(value).decode("utf-8", "replace").rstrip("\0") if isinstance(value, str) else ""
    return _number(value, stored)


# --- version 3 -------------------------------------------------------------------------------------------------------


def plan_v3(name: str, document: Mapping[str, Any]) -> ArrayPlan:
    """
    Plan how an array of version 3 is read.

    Parameters
    ----------
    name : str
        Of the array.
    document : mapping
        Its `zarr.json`.

    Raises
    ------
    UnreadableData
        The document makes no sense, or asks for what is not read.
    """
    told = _read(_V3Array, document, name)
    stored = _dtype_v3(name, told.data_type)
    if told.chunk_grid.name != "regular" or told.storage_transformers:
        raise refusals.refuse_document(
            name, "chunk_grid" if told.chunk_grid.name != "regular" else "storage_transformers"
        )
    outer = _read(_Grid, told.chunk_grid.configuration, name).chunk_shape
    codecs = _named(told.codecs)
    shards = None
    chunk_shape = outer
    if codecs and codecs[0][0] == "sharding_indexed":
        if len(codecs) > 1:
            raise refusals.refuse_codec(name, codecs[1][0])
        sharding = _read(_Sharding, codecs[0][1], name)
        chunk_shape, codecs = sharding.chunk_shape, _named(sharding.codecs)
        shards = _shards(name, sharding, outer)
    if not len(told.shape) == len(outer) == len(chunk_shape):
        raise refusals.refuse_document(name, "chunk_shape")
    chain = _chain_v3(name, chunk_shape, stored, codecs)
    dims = _check_dims(name, told.dimension_names, len(told.shape))
    return ArrayPlan(
        name=name,
        dims=dims,
        shape=told.shape,
        chunk_shape=chunk_shape,
        dtype=_given(stored),
        fill=_as_given(_fill_v3(told.fill_value, stored), stored),
        chain=chain,
        key=_keys_v3(name, told.chunk_key_encoding),
        shards=shards,
        compressed=any(link.name not in ("bytes", "crc32c", "shuffle") for link in chain.links),
        attrs=_without_fill(read_attributes(told.attributes, dtype=_given(stored)), name, dims),
    )


def _without_fill(attrs: dict[str, Any], name: str, dims: tuple[str, ...]) -> dict[str, Any]:
    """Leave out the mark of missing cells of a coordinate of a dimension, which xarray writes and CF does not know."""
    return {key: value for key, value in attrs.items() if key != "_FillValue" or dims != (name,)}


def _named(codecs: tuple[_V3Named | str, ...]) -> list[tuple[str, dict[str, Any]]]:
    """Give names and settings; numcodecs' own codecs without their prefix, so that both versions have one name."""
    named = [(each, {}) if isinstance(each, str) else (each.name, each.configuration) for each in codecs]
    return [(name.removeprefix("numcodecs."), settings) for name, settings in named]


def _dtype_v3(name: str, told: str | _V3Named) -> np.dtype[Any]:
    if isinstance(told, str):
        if told not in _V3_TYPES:
            raise refusals.refuse_type(name, told[:80])
        return np.dtype(_V3_TYPES[told])
    length = told.configuration.get("length_bytes")
    if told.name == "null_terminated_bytes" and isinstance(length, int) and 0 < length < _LONGEST:
        return np.dtype(f"S{length}")
    if told.name == "fixed_length_utf32" and isinstance(length, int) and 0 < length < _LONGEST and not length % 4:
        return np.dtype(f"U{length // 4}")
    raise refusals.refuse_type(name, told.name[:80])


def _shards(name: str, sharding: _Sharding, outer: tuple[int, ...]) -> Shards:
    inner = sharding.chunk_shape
    if len(inner) != len(outer) or any(whole % part for whole, part in zip(outer, inner, strict=True)):
        raise refusals.refuse_document(name, "sharding_indexed.chunk_shape")
    codecs = _named(sharding.index_codecs)
    names = [each for each, _ in codecs]
    if names not in (["bytes"], ["bytes", "crc32c"]) or codecs[0][1].get("endian", "little") != "little":
        raise refusals.refuse_codec(name, ", ".join(names)[:80])
    grid = tuple(whole // part for whole, part in zip(outer, inner, strict=True))
    checked = len(names) == 2
    index_bytes = 16 * math.prod(grid) + (4 if checked else 0)
    if index_bytes > _INDEX_LIMIT_BYTES:
        raise refusals.refuse_huge_chunk(name, index_bytes, _INDEX_LIMIT_BYTES)
    return Shards(grid=grid, index_bytes=index_bytes, checked=checked, at_end=sharding.index_location == "end")


def _chain_v3(
    name: str, chunk_shape: tuple[int, ...], stored: np.dtype[Any], codecs: list[tuple[str, dict[str, Any]]]
) -> Chain:
    order = None
    if codecs and codecs[0][0] == "transpose":
        order = _order(name, codecs[0][1].get("order"), len(chunk_shape))
        codecs = codecs[1:]
    serializers = [at for at, (each, _) in enumerate(codecs) if each in ("bytes", "vlen-utf8")]
    if len(serializers) != 1:
        raise refusals.refuse_codec(name, ", ".join(each for each, _ in codecs)[:80] or "-")
    (at,) = serializers
    serializer, settings = codecs[at]
    if (serializer == "vlen-utf8") != (stored.kind == "O"):
        raise refusals.refuse_codec(name, serializer)
    if stored.itemsize > 1 and settings.get("endian") == "big":
        stored = stored.newbyteorder(">")
    return _chain(name, chunk_shape, stored, [*codecs[:at], *codecs[at + 1 :]], order)


def _order(name: str, order: Any, rank: int) -> tuple[int, ...]:
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(map(str, range(rank))):
        raise refusals.refuse_document(name, "transpose.order")
    return tuple(map(int, order))


def _fill_v3(value: Any, stored: np.dtype[Any]) -> Any:
    if stored.kind in "OUS":
        return value if isinstance(value, str) and stored.kind != "S" else ""
    return _number(value, stored)


def _keys_v3(name: str, told: _V3Named | str) -> Callable[[tuple[int, ...]], str]:
    encoding = _V3Named(name=told) if isinstance(told, str) else told
    separator = encoding.configuration.get("separator", "/" if encoding.name == "default" else ".")
    if encoding.name not in ("default", "v2") or separator not in ("/", "."):
        raise refusals.refuse_document(name, "chunk_key_encoding")
    if encoding.name == "v2":
        return _keys(f"{name}/", separator)
    return lambda place: f"{name}/" + separator.join(["c", *map(str, place)])


# --- both ------------------------------------------------------------------------------------------------------------


def _read[Model: BaseModel](model: type[Model], document: Mapping[str, Any], name: str) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise refusals.refuse_document(name, field[:80]) from None


def _keys(prefix: str, separator: str) -> Callable[[tuple[int, ...]], str]:
    return lambda place: prefix + (separator.join(map(str, place)) or "0")


def _dtype_of(name: str, text: str) -> np.dtype[Any]:
    """Read a type of version 2 (`<f4`, `|S5`); times and structures are refused."""
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError):
        raise refusals.refuse_type(name, text[:80]) from None
    if dtype.kind not in "biufSUO" or dtype.itemsize > _LONGEST or (dtype.kind == "f" and dtype.itemsize > 8):
        raise refusals.refuse_type(name, text[:80])
    return dtype


def _given(stored: np.dtype[Any]) -> np.dtype[Any]:
    """Give the type in which values are given: NetCDF, and what is computed here, know no halves and no truth values."""
    if stored.kind == "b":
        return np.dtype(np.int8)
    if stored.kind == "f" and stored.itemsize == 2:
        return np.dtype(np.float32)
    if stored.kind in "OU" or (stored.kind == "S" and stored.itemsize > 1):
        return np.dtype(object)
    return stored.newbyteorder("=")


def _as_given(fill: Any, stored: np.dtype[Any]) -> Any:
    given = _given(stored)
    if given.kind == "O":
        return fill
    return np.bytes_(fill) if given.kind == "S" else given.type(fill)


def _chain(
    name: str,
    chunk_shape: tuple[int, ...],
    stored: np.dtype[Any],
    codecs: list[tuple[str, dict[str, Any]]],
    order: tuple[int, ...] | None,
) -> Chain:
    cells = math.prod(chunk_shape)
    chunk_bytes = cells * stored.itemsize
    if chunk_bytes > CHUNK_LIMIT_BYTES:
        raise refusals.refuse_huge_chunk(name, chunk_bytes, CHUNK_LIMIT_BYTES)
    try:
        links = make_links(codecs, cells=cells, size=None if stored.kind == "O" else chunk_bytes)
    except UnknownCodec as unknown:
        raise refusals.refuse_codec(name, str(unknown)[:80]) from None
    return Chain(shape=chunk_shape, dtype=stored, links=links, order=order)


def _number(value: Any, stored: np.dtype[Any]) -> Any:
    """Read a number of a document: JSON's own, a word, or the bytes of a float in hexadecimal (version 3)."""
    if isinstance(value, str) and value in _NUMBER_WORDS:
        value = _NUMBER_WORDS[value]
    elif isinstance(value, str) and value.startswith("0x") and stored.kind == "f":
        raw = bytes.fromhex(value[2:].zfill(2 * stored.itemsize)[-2 * stored.itemsize :])
        value = float(np.frombuffer(raw, dtype=stored.newbyteorder(">"))[0])
    return _cast(value, _given(stored)) if isinstance(value, int | float) else 0


def _cast(value: Any, dtype: np.dtype[Any]) -> Any:
    """Give a number in a type; 0 where it is none of that type."""
    with np.errstate(all="ignore"):
        try:
            return np.asarray(value).astype(dtype)[()] if dtype.kind == "f" else dtype.type(value)
        except (OverflowError, ValueError, TypeError):
            return dtype.type(0)


def _from_base64(value: str) -> bytes:
    try:
        return base64.standard_b64decode(value)
    except (binascii.Error, ValueError):
        return b""


# --- attributes ------------------------------------------------------------------------------------------------------


def read_attributes(told: Mapping[str, Any], *, dtype: np.dtype[Any] | None = None) -> dict[str, Any]:
    """
    Bring attributes into the types of CF.

    Parameters
    ----------
    told : mapping
        As JSON has them.
    dtype : numpy.dtype, optional
        Of the values of their variable; none for a group.

    Returns
    -------
    dict
        Texts, NumPy scalars and arrays, lists of texts. What belongs to Zarr's own bookkeeping is left out.
    """
    attrs = {}
    for name, value in told.items():
        if name == "_ARRAY_DIMENSIONS" or name.lower().startswith("_nczarr"):
            continue
        read = _fill_attribute(value, dtype) if name == "_FillValue" else _attribute(name, value, dtype)
        if read is not None:
            attrs[name] = read
    return attrs | _packing(attrs, dtype)


def _fill_attribute(value: Any, dtype: np.dtype[Any] | None) -> Any:
    """Read the mark of missing cells: a number, or base64 of a little-endian double for floats, as xarray writes it."""
    if dtype is None or dtype.kind not in "iuf":
        return None
    if isinstance(value, str) and value not in _NUMBER_WORDS:
        raw = _from_base64(value)
        return _cast(struct.unpack("<d", raw)[0], dtype) if len(raw) == 8 else None
    value = _NUMBER_WORDS.get(value, value) if isinstance(value, str) else value
    return _cast(value, dtype) if isinstance(value, int | float) else None


def _attribute(name: str, value: Any, dtype: np.dtype[Any] | None) -> Any:
    if name in _OWN_TYPE and dtype is not None and dtype.kind in "iuf":
        value = _in_words(value)
        numbers = np.asarray(value)
        if numbers.dtype.kind in "iuf" and np.can_cast(numbers.astype(dtype), dtype):
            return numbers.astype(dtype)[()]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return np.int8(value)
    if isinstance(value, int | float):
        return _plain_number(value)
    if isinstance(value, list) and value:
        if all(isinstance(each, str) for each in value):
            return value
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
            return _plain_numbers(value)
    return json.dumps(value, ensure_ascii=False)


def _in_words(value: Any) -> Any:
    """Give numbers for the words that stand for what JSON has no number for."""
    if isinstance(value, list):
        return [_in_words(each) for each in value]
    return _NUMBER_WORDS.get(value, value) if isinstance(value, str) else value


def _plain_number(value: float) -> Any:
    return _plain_numbers([value])[0]


def _plain_numbers(values: list[Any]) -> NDArray[Any]:
    """Give whole numbers in the type that older programs know, where they fit."""
    if all(isinstance(each, int) for each in values):
        small = all(-(2**31) <= each < 2**31 for each in values)
        return np.array(values, dtype=np.int32) if small else _wide(values)
    return np.array(values, dtype=np.float64)


def _wide(values: list[int]) -> NDArray[Any]:
    fits = all(-(2**63) <= each < 2**63 for each in values)
    return np.array(values, dtype=np.int64) if fits else np.array(values, dtype=np.float64)


def _packing(attrs: dict[str, Any], dtype: np.dtype[Any] | None) -> dict[str, Any]:
    """
    Give scale and offset in single precision, where they were written so.

    JSON does not say. What both keep exactly, and suffices for the digits of short integers, is taken for float32.
    """
    told = {name: float(attrs[name]) for name in PACKING if isinstance(attrs.get(name), np.number)}
    if dtype is None or dtype.kind not in "iu" or dtype.itemsize >= _BINARY_BYTES:
        return {name: np.float64(value) for name, value in told.items()}
    single = all(float(np.float32(value)) == value for value in told.values())
    return {name: np.float32(value) if single else np.float64(value) for name, value in told.items()}
