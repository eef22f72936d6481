"""
The header of a NetCDF-4 file as the HDF5 library reads it, where the file holds nothing but what nearly all files hold.

To find out what a file is, the NetCDF library reads its first 4 MiB, and then looks at every object several times; that takes
as long as inflating fifty chunks. What is not plain (types of users, groups, filters, texts, dimensions without a scale) is left
to it.

References
----------
NetCDF-4 file format, "Interoperability with HDF5" (https://docs.unidata.ucar.edu/netcdf-c/current/interoperability_hdf5.html).
"""

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gaia_workers.readers.chunks import CHUNK_LIMIT_BYTES, Layout, find_layout

_PLAIN_TYPES = frozenset(
    f"{kind}{size}" for kind, sizes in {"i": "1248", "u": "1248", "f": "48"}.items() for size in sizes
)
_DIMENSION_ALONE = "This is a netCDF dimension but not a netCDF variable."
_CLASS, _NAME, _SCALES = "CLASS", "NAME", "DIMENSION_LIST"
_OF_VARIABLES = frozenset({_CLASS, _NAME, _SCALES, "REFERENCE_LIST", "_Netcdf4Coordinates", "_Netcdf4Dimid"})
_OF_FILES = frozenset({"_NCProperties", "_nc3_strict"})
_RESERVED = ("_nc", "_NC", "_Netcdf4")  # how names begin that the NetCDF library makes up


class _NotPlainError(Exception):
    """The NetCDF library must read this header."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attributes:
    """
    What is said of a variable or a file.

    Attributes
    ----------
    values : dict
        Texts, numbers of NumPy or arrays, lists of texts, in the order in which they were written.
    strings : tuple of str
        Names of those that are stored as strings, not as characters.
    """

    values: dict[str, Any]
    strings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVariable:
    """
    A variable as it lies in the file.

    Attributes
    ----------
    dataset : h5py.Dataset
        Numbers in the order of this machine.
    layout : Layout or None
        Of chunks; None where it lies in one piece.
    dims : tuple of str
    attributes : Attributes
    encoding : dict
        How it is stored, in the words of xarray's encoding.
    """

    dataset: h5py.Dataset
    layout: Layout | None
    dims: tuple[str, ...]
    attributes: Attributes
    encoding: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """
    All of a file but the values.

    Attributes
    ----------
    variables : dict of StoredVariable
        In the order in which they were made.
    unlimited : frozenset of str
        Dimensions that may grow.
    attributes : Attributes
        Of the file.
    """

    variables: dict[str, StoredVariable]
    unlimited: frozenset[str]
    attributes: Attributes


def read_header(file: h5py.File) -> Header | None:
    """
    Read the header of a file, and nothing that lies in other files.

    Parameters
    ----------
    file : h5py.File
        Open for reading.

    Returns
    -------
    Header or None
        What the NetCDF library says of the same file; None where that library must be asked.
    """
    try:
        return _read_header(file)
    except _NotPlainError:
        return None


def _read_header(file: h5py.File) -> Header:
    root = h5py.h5g.open(file.id, b"/")
    attributes, _ = _read_attributes(root, _OF_FILES)
    if attributes.values.keys() & _OF_VARIABLES:
        raise _NotPlainError
    items = {name: _open_item(root, name) for name in _names(root)}
    told = {name: _read_attributes(item.id, _OF_VARIABLES) for name, item in items.items()}
    scales = {name: items[name] for name, (_, hidden) in told.items() if _CLASS in hidden}
    if any(len(scale.shape) != 1 for scale in scales.values()):
        raise _NotPlainError
    dims = {
        name: _dims(file, name, item, told[name][1], scales)
        for name, item in items.items()
        if name not in scales or not _name_of(told[name][1]).startswith(_DIMENSION_ALONE)
    }
    layouts = {name: _layout(items[name]) for name in dims}
    variables = {
        name: StoredVariable(
            dataset=items[name],
            layout=layout,
            dims=dims[name],
            attributes=told[name][0],
            encoding=_encoding(items[name], layout),
        )
        for name, layout in layouts.items()
    }
    unlimited = frozenset(name for name, scale in scales.items() if scale.maxshape == (None,))
    return Header(variables=variables, unlimited=unlimited, attributes=attributes)


def _names(root: Any) -> list[str]:
    """Name the members in the order in which they were made; the NetCDF library has another one where that was not kept."""
    found: list[tuple[int, bytes, bool]] = []

    def note(name: bytes, link: Any) -> None:
        # Nothing may be raised through the library, which changes `link` from one call to the next.
        found.append((link.corder, name, bool(link.corder_valid) and link.type == h5py.h5l.TYPE_HARD))

    root.links.iterate(note, info=True)
    names = [name.decode() for _, name, _ in sorted(found)]
    if not all(plain for *_, plain in found) or any(name.startswith(_RESERVED) for name in names):
        raise _NotPlainError
    return names


def _open_item(root: Any, name: str) -> h5py.Dataset:
    opened = h5py.h5o.open(root, name.encode())
    if not isinstance(opened, h5py.h5d.DatasetID):
        raise _NotPlainError
    return h5py.Dataset(opened)


def _dims(
    file: h5py.File, name: str, dataset: h5py.Dataset, hidden: dict[str, Any], scales: dict[str, h5py.Dataset]
) -> tuple[str, ...]:
    """Name the dimensions of a variable by their scales."""
    if name in scales:
        return (name,)
    if not dataset.shape:
        return ()
    listed = hidden.get(_SCALES)
    if listed is None or listed.shape != (len(dataset.shape),):
        raise _NotPlainError
    references = _read(listed, listed.shape, listed.dtype)
    if any(len(each) != 1 for each in references):
        raise _NotPlainError
    paths = [h5py.h5r.get_name(each[0], file.id) for each in references]
    dims = tuple("" if path is None else path.decode().removeprefix("/") for path in paths)
    if any(dim not in scales or scales[dim].shape != (size,) for dim, size in zip(dims, dataset.shape, strict=True)):
        raise _NotPlainError
    return dims


def _name_of(hidden: dict[str, Any]) -> str:
    """Give the name that a scale of a dimension has; empty for none."""
    if _NAME not in hidden:
        return ""
    return _read_text(hidden[_NAME], hidden[_NAME].get_type(), _shape(hidden[_NAME]))


def _layout(dataset: h5py.Dataset) -> Layout | None:
    """Find how chunks are stored; None for numbers in one piece."""
    dtype, creation = dataset.dtype, dataset.id.get_create_plist()
    if dtype.metadata or dtype.byteorder == ">" or f"{dtype.kind}{dtype.itemsize}" not in _PLAIN_TYPES:
        raise _NotPlainError
    if creation.get_layout() == h5py.h5d.CONTIGUOUS and not creation.get_external_count():
        return None
    layout = find_layout(dataset)
    if layout is None or layout.chunk_bytes > CHUNK_LIMIT_BYTES:
        raise _NotPlainError
    return layout


def _encoding(dataset: h5py.Dataset, layout: Layout | None) -> dict[str, Any]:
    """Say how a variable is stored."""
    filters = () if layout is None else layout.filters
    level = dataset.compression_opts if "deflate" in filters else 0
    return {
        "dtype": dataset.dtype,
        "endian": "little",
        "chunksizes": None if layout is None else layout.chunk_shape,
        "zlib": "deflate" in filters,
        "shuffle": "shuffle" in filters,
        "fletcher32": False,
        "complevel": int(level),
    }


# --- attributes ------------------------------------------------------------------------------------------------------


def _read_attributes(item: Any, hidden: frozenset[str]) -> tuple[Attributes, dict[str, Any]]:
    """Read what is said of an object, and find what the NetCDF library keeps to itself."""
    found: list[tuple[int, bytes, bool]] = []

    def note(name: bytes, attribute: Any) -> None:
        found.append((attribute.corder, name, bool(attribute.corder_valid)))

    h5py.h5a.iterate(item, note, info=True)
    if not all(ordered for *_, ordered in found):
        raise _NotPlainError
    values, kept, strings = dict[str, Any](), dict[str, Any](), list[str]()
    for _, name, _ in sorted(found):
        attribute, text = h5py.h5a.open(item, name), name.decode()
        if text in hidden:
            kept[text] = attribute
            continue
        if text.startswith(_RESERVED):
            raise _NotPlainError
        kind, shape = attribute.get_type(), _shape(attribute)
        if isinstance(kind, h5py.h5t.TypeStringID):
            read = _read_strings if kind.is_variable_str() else _read_text
            values[text] = read(attribute, kind, shape)
            strings += [text] if kind.is_variable_str() else []
        else:
            values[text] = _read_numbers(attribute, kind, shape)
    return Attributes(values=values, strings=tuple(strings)), kept


def _shape(attribute: Any) -> tuple[int, ...] | None:
    """Give the shape of an attribute; None where it has no value."""
    space = attribute.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return None
    shape: tuple[int, ...] = space.get_simple_extent_dims()
    return shape


def _read_text(attribute: Any, kind: Any, shape: tuple[int, ...] | None) -> str:
    """Read characters as one text."""
    if shape is None:
        return ""
    if shape:
        raise _NotPlainError
    return _plain_text(_read(attribute, shape, kind.dtype).tobytes())


def _read_strings(attribute: Any, kind: Any, shape: tuple[int, ...] | None) -> str | list[str]:
    """Read strings as a text or a list of them."""
    if shape is None:
        raise _NotPlainError
    texts = [_plain_text(each) for each in _read(attribute, shape, kind.dtype).ravel()]
    return texts[0] if len(texts) == 1 else texts


def _read(attribute: Any, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    value = np.empty(shape, dtype=dtype)
    attribute.read(value)
    return value


def _plain_text(raw: Any) -> str:
    """Decode a text as the NetCDF library for Python does."""
    return bytes(raw or b"").decode("utf-8", "replace").replace("\0", "")


def _read_numbers(attribute: Any, kind: Any, shape: tuple[int, ...] | None) -> Any:
    """Read one number, or a row of them, in the order of this machine."""
    dtype = kind.dtype
    number = not dtype.metadata and f"{dtype.kind}{dtype.itemsize}" in _PLAIN_TYPES
    if not number or shape is None or len(shape) > 1 or 0 in shape:
        raise _NotPlainError
    value = _read(attribute, shape, dtype).astype(dtype.newbyteorder("="))
    return value.reshape(-1)[0] if value.size == 1 else value
