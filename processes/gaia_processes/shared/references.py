"""
Which variables of a dataset belong to which, by the attributes with which CF lets them name each other.

References
----------
CF conventions 1.12, sections 5 (coordinates), 5.6 (grid mappings), 7.1 (bounds), 7.2 (cell measures), 7.4
(climatology), 3.4 (ancillary data), 4.3.3 (formula terms).
"""

from collections.abc import Callable, Iterable, Mapping

import xarray as xr


def _words(text: str) -> list[str]:
    return text.split()


def _values_of_pairs(text: str) -> list[str]:
    """Give the names in `key: name key: name`."""
    return [word for word in text.split() if not word.endswith(":")]


def _mappings(text: str) -> list[str]:
    """Give the names in `crs` or `crs: x y other: lat lon`, coordinates included."""
    return [word.removesuffix(":") for word in text.split()]


BOUNDS = ("bounds", "climatology")

_READERS: dict[str, Callable[[str], list[str]]] = {
    "bounds": _words,
    "climatology": _words,
    "coordinates": _words,
    "ancillary_variables": _words,
    "grid_mapping": _mappings,
    "cell_measures": _values_of_pairs,
    "formula_terms": _values_of_pairs,
    "quantization": _words,
    "geometry": _words,
    "node_coordinates": _words,
    "node_count": _words,
    "part_node_count": _words,
    "interior_ring": _words,
}


def references_of(variable: xr.Variable, attributes: Iterable[str] = tuple(_READERS)) -> tuple[str, ...]:
    """
    Name the variables that a variable refers to.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded: the references are in its attributes.
    attributes : iterable of str
        The attributes that are looked at.

    Returns
    -------
    tuple of str
        In the order of the text; they need not be in the file.
    """
    names: list[str] = []
    for attribute in attributes:
        text = variable.attrs.get(attribute)
        if isinstance(text, str):
            names += _READERS[attribute](text)
    return tuple(dict.fromkeys(names))


def find_bounds(variables: Mapping[str, xr.Variable]) -> frozenset[str]:
    """Name the variables that hold the bounds of others."""
    return frozenset(name for each in variables.values() for name in references_of(each, BOUNDS) if name in variables)


def find_referenced(variables: Mapping[str, xr.Variable]) -> frozenset[str]:
    """Name the variables that another one refers to."""
    return frozenset(
        name for own, each in variables.items() for name in references_of(each) if name in variables and name != own
    )


def close_over(variables: Mapping[str, xr.Variable], wanted: Iterable[str]) -> tuple[str, ...]:
    """
    Name the wanted variables and all that they need: coordinates, bounds, mappings, measures, ancillaries, terms.

    Parameters
    ----------
    variables : mapping of str to xarray.Variable
        All of a dataset.
    wanted : iterable of str
        Names in it.

    Returns
    -------
    tuple of str
        In the order of the dataset.
    """
    kept: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in kept or name not in variables:
            continue
        kept.add(name)
        variable = variables[name]
        waiting += [*references_of(variable), *(str(dimension) for dimension in variable.dims)]
    return tuple(name for name in variables if name in kept)
