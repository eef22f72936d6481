"""Numbers as they are meant, from variables as they are stored."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import map_lazily

PACKING = ("scale_factor", "add_offset")
MISSING = ("_FillValue", "missing_value")

# What the NetCDF library fills cells with that were never written (netcdf.h, NC_FILL_*).
DEFAULT_FILLS: dict[str, float | int] = {
    "i1": -127,
    "i2": -32767,
    "i4": -2147483647,
    "i8": -9223372036854775806,
    "u1": 255,
    "u2": 65535,
    "u4": 4294967295,
    "u8": 18446744073709551614,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}

WIDER = {"int8": "int16", "uint8": "int16", "int16": "int32", "uint16": "int32"}
"""In what whole numbers are given where none of them is free to mark missing cells."""
_OF_THE_TYPE = ("valid_range", "valid_min", "valid_max", "actual_range", "flag_values", "flag_masks")


def find_missing(values: NDArray[Any], attrs: dict[str, Any]) -> NDArray[np.bool_]:
    """
    Find the cells that hold no value.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers as stored.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    numpy.ndarray of bool
        True where the value is NaN, infinite or one of `_FillValue` and `missing_value`.
    """
    missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    for mark in _marks(values.dtype, attrs):
        missing |= values == mark
    return missing


def _marks(dtype: np.dtype[Any], attrs: dict[str, Any]) -> Iterator[Any]:
    """
    Give the numbers that mark missing cells.

    A mark in float64 of values in float32 (`missing_value = 1.e20`) is meant as float32 rounds it: as it stands, no value is
    equal to it.
    """
    for name in MISSING:
        marks = attrs.get(name)
        if marks is None or isinstance(marks, str):
            continue
        numbers = np.atleast_1d(np.asarray(marks))
        if dtype.kind == numbers.dtype.kind == "f":
            with np.errstate(over="ignore"):
                numbers = numbers.astype(dtype)
        yield from numbers[numbers == numbers]  # nothing is equal to NaN, which is missing by itself


def find_invalid(values: NDArray[Any], attrs: dict[str, Any]) -> NDArray[np.bool_]:
    """
    Find the cells that hold no value, or one that their own metadata call wrong.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers as stored.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    numpy.ndarray of bool
        As `find_missing`, and what `valid_range`, `valid_min` and `valid_max` exclude (CF 2.5.1: in packed units).
    """
    invalid = find_missing(values, attrs)
    low, high = _valid_range(attrs)
    if low is not None:
        invalid |= values < low
    if high is not None:
        invalid |= values > high
    return invalid


def _valid_range(attrs: dict[str, Any]) -> tuple[Any, Any]:
    """Give the least and the greatest value that are valid; None where they are not told."""
    pair = attrs.get("valid_range")
    both = pair if pair is not None and not isinstance(pair, str) and np.size(pair) == 2 else (None, None)
    low, high = (
        end if end is not None and not isinstance(end, str) else attrs.get(name)
        for end, name in zip(both, ("valid_min", "valid_max"), strict=True)
    )
    return None if isinstance(low, str) else low, None if isinstance(high, str) else high


def is_surely_whole(values: NDArray[Any], attrs: dict[str, Any]) -> bool:
    """
    Tell by the extremes alone, which are quickly found, that no cell is invalid.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers as stored.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    bool
        False where `find_invalid` must be asked.
    """
    if not values.size or values.dtype.kind not in "iuf":
        return False
    least, greatest = values.min(), values.max()  # NaN where there is one
    low, high = _valid_range(attrs)
    return bool(
        np.isfinite(least)
        and np.isfinite(greatest)
        and all(mark < least or mark > greatest for mark in _marks(values.dtype, attrs))
        and (low is None or least >= low)
        and (high is None or greatest <= high)
    )


def find_packing(attrs: dict[str, Any]) -> tuple[float, float] | None:
    """Find the factor and the offset of packed numbers; None where they are not packed."""
    if not any(name in attrs for name in PACKING):
        return None
    scale, offset = (float(np.asarray(attrs.get(n, d)).flat[0]) for n, d in zip(PACKING, (1, 0), strict=True))
    return scale, offset


def find_rules(dtype: np.dtype[Any], attrs: dict[str, Any]) -> NDArray[np.float64] | None:
    """
    Say by numbers alone, for compiled loops, how values are unpacked and which are invalid.

    Parameters
    ----------
    dtype : numpy.dtype
        Of numbers as stored, of which float64 holds each.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    array of float, shape (6,), or None
        Scale and offset (1 and 0 where nothing is packed), two numbers that mark missing values (NaN for none), the least
        and the greatest that is valid; None where more than two numbers mark missing values.
    """
    marks = np.unique(np.array([float(each) for each in _marks(dtype, attrs)]))
    if len(marks) > 2:
        return None
    packing = find_packing(attrs) or (1.0, 0.0)
    # An end is compared in the type in which NumPy compares it.
    ends = (
        unset if end is None else float(np.asarray(end).astype(np.result_type(dtype, end)))
        for end, unset in zip(_valid_range(attrs), (-np.inf, np.inf), strict=True)
    )
    return np.array([*packing, *marks, *[np.nan] * (2 - len(marks)), *ends])


def unpack(values: NDArray[Any], attrs: dict[str, Any]) -> NDArray[Any]:
    """
    Give stored numbers as they are meant; floats that are not packed stay as they are.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers as stored; cells that hold no value become anything.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    numpy.ndarray of float
    """
    packing = find_packing(attrs)
    if packing is None:
        return values if values.dtype.kind == "f" else values.astype(np.float64)
    return values * np.float64(packing[0]) + packing[1]


def read_numbers(variable: xr.Variable) -> NDArray[np.float64]:
    """
    Read the values of a variable as they are meant.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded numbers.

    Returns
    -------
    numpy.ndarray of float64
        Unpacked; NaN where there is no value.
    """
    stored = np.asarray(variable.values)
    if stored.dtype.kind not in "iuf":
        return np.full(stored.shape, np.nan)
    missing = find_missing(stored, variable.attrs)
    # A float32 axis of 0.1 degrees means 359.9, not 359.899994: its shortest decimal text says so.
    numbers = stored.astype(str).astype(np.float64) if _is_short_float_axis(stored) else stored.astype(np.float64)
    if any(name in variable.attrs for name in PACKING):
        scale, offset = (
            float(variable.attrs.get(name, default)) for name, default in zip(PACKING, (1, 0), strict=True)
        )
        numbers = numbers * scale + offset
    numbers[missing] = np.nan
    return numbers


def precision_of(variable: xr.Variable) -> np.dtype[Any]:
    """
    Say in which type the numbers of a variable are known: the one they are stored in, or unpacked into.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded numbers.

    Returns
    -------
    numpy.dtype
        Of the packing attributes where there are some (CF 8.1).
    """
    packing = [np.asarray(variable.attrs[name]).dtype for name in PACKING if name in variable.attrs]
    return np.result_type(*packing) if packing else variable.dtype


def _is_short_float_axis(stored: NDArray[Any]) -> bool:
    return stored.dtype == np.float32 and stored.ndim == 1


def is_categorical(variable: xr.Variable) -> bool:
    """Tell whether the numbers of a variable name classes (CF 3.5, flags), so that no mean of them means anything."""
    return any(
        name in variable.attrs and not isinstance(variable.attrs[name], str) for name in ("flag_values", "flag_masks")
    )


def fill_of(variable: xr.Variable) -> Any:
    """
    Give the value that marks missing cells of a variable.

    Parameters
    ----------
    variable : xarray.Variable
        Numbers as stored.

    Returns
    -------
    numpy scalar or None
        Its `_FillValue`, else its `missing_value`, else what the NetCDF library uses; None for text.
    """
    for name in MISSING:
        mark = variable.attrs.get(name)
        if mark is not None and not isinstance(mark, str):
            return np.asarray(mark, dtype=variable.dtype).reshape(-1)[0]
    default = DEFAULT_FILLS.get(variable.dtype.str[1:])
    return None if default is None else variable.dtype.type(default)


def roomy_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """
    Give the type in which one number is free to mark missing cells.

    Parameters
    ----------
    dtype : numpy.dtype
        Of numbers without a mark.

    Returns
    -------
    numpy.dtype
        A wider one of bytes, which have no number to spare (the NetCDF library fills none either), and of uint16, whose
        greatest number images have where they are saturated; of others the same, whose default fill is none of their values.
    """
    return np.dtype(WIDER[dtype.name]) if dtype.name in {"int8", "uint8", "uint16"} else dtype


def with_room_for_missing(variable: xr.Variable) -> xr.Variable:
    """
    Give a variable some cells of which will be missing in a type that has a number free for them.

    Parameters
    ----------
    variable : xarray.Variable
        Numbers as stored, read lazily.

    Returns
    -------
    xarray.Variable
        The same where a number marks missing cells already, or one can be spared (`roomy_type`); else of the wider type with a
        `_FillValue`.
    """
    if any(name in variable.attrs for name in MISSING):
        return variable
    dtype = roomy_type(variable.dtype)
    if dtype == variable.dtype:
        return variable
    made = map_lazily(variable, lambda values, _: values.astype(dtype), dtype=dtype)
    told = {name: np.asarray(value).astype(dtype)[()] if name in _OF_THE_TYPE and not isinstance(value, str) else value
            for name, value in variable.attrs.items() if name != "dtype"}  # fmt: skip
    made.attrs = {"_FillValue": dtype.type(np.iinfo(dtype).min), **told}
    made.encoding = {**variable.encoding, "dtype": dtype, "endian": "native"}
    return made
