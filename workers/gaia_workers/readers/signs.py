"""
Whole numbers whose attribute `_Unsigned` says that their type has the wrong sign.

Classic NetCDF has no unsigned types, and DAP 2 no signed bytes; the attribute is how such numbers travel (NetCDF Users Guide,
best practices). Here the type itself says so from reading on, so that nothing behind has to know of it.
"""

from typing import Any

import numpy as np
import xarray as xr

from gaia_processes.shared.lazy import map_lazily

_UNSIGNED = "_Unsigned"
_OTHER_KIND = {"true": ("i", "u"), "false": ("u", "i")}
_OF_THE_TYPE = ("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "flag_values", "flag_masks")
"""Attributes that hold numbers of the variable's own type."""


def with_true_signs(dataset: xr.Dataset) -> xr.Dataset:
    """
    Give variables the type that `_Unsigned` says they are of.

    Parameters
    ----------
    dataset : xarray.Dataset
        Values as stored, read lazily.

    Returns
    -------
    xarray.Dataset
        The same where there is no such variable; else theirs are read as the other type, bit for bit, and the attributes
        in their type too. `_Unsigned` is gone.
    """
    others = {name: dtype for name, each in dataset.variables.items() if (dtype := _other_type(each)) is not None}
    if not others:
        return dataset
    turned = {name: _turn(dataset.variables[name], dtype) for name, dtype in others.items()}
    coordinates = {name: turned.get(name, each) for name, each in dataset.coords.variables.items()}
    data = {name: turned.get(name, dataset.variables[name]) for name in dataset.data_vars}
    made = xr.Dataset(data, xr.Coordinates(coordinates, indexes={}), dataset.attrs)
    made.encoding = dataset.encoding
    return made


def _other_type(variable: xr.Variable) -> np.dtype[Any] | None:
    said = str(variable.attrs.get(_UNSIGNED, "")).lower()
    kinds = _OTHER_KIND.get(said)
    if kinds is None or variable.dtype.kind != kinds[0]:
        return None
    turned: np.dtype[Any] = np.dtype(variable.dtype.str.replace(*kinds))
    return turned


def _turn(variable: xr.Variable, dtype: np.dtype[Any]) -> xr.Variable:
    turned = map_lazily(variable, lambda values, _: values.view(dtype), dtype=dtype)
    turned.attrs = {
        name: _turn_numbers(value, variable.dtype, dtype) if name in _OF_THE_TYPE else value
        for name, value in variable.attrs.items()
        if name != _UNSIGNED
    }
    turned.encoding = {**variable.encoding, "dtype": dtype}
    return turned


def _turn_numbers(value: Any, stored: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
    """Turn numbers of the stored type; some writers give them in the meant one, or in a wider one, already."""
    numbers = np.asarray(value)
    return (
        numbers.astype(stored).view(dtype)[()]
        if numbers.dtype.kind == stored.kind and _fits(numbers, stored)
        else value
    )


def _fits(numbers: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return bool(((numbers >= limits.min) & (numbers <= limits.max)).all())
