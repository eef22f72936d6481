"""What the environment of each record is: values of gridded data where it lies, divided into bins."""

from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gaia_processes.biodiversity_indicators.units import Environments, Factor
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.extract_points.compute import compute as extract_points
from gaia_processes.shared.axes import data_variables, text_of
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Warn = Callable[[Text], None]

_PLACE = "gaia:place"
_FLAGS = ("flag_values", "flag_masks")


def make_environments(environment: Sequence[Any], bins: tuple[float, ...] | None, *, warn: Warn) -> Environments:
    """
    Make units of the environment.

    Parameters
    ----------
    environment : sequence of objects
        Each with `dataset` (opened), `variable`, `method`, `datetime` and `bins`.
    bins : tuple of float, optional
        Edges for those that have none of their own.
    """
    names = [_variable_of(each) for each in environment]
    labels = [name if names.count(name) == 1 else f"{name}_{place + 1}" for place, name in enumerate(names)]
    return Environments(
        [_factor(each, name, label, bins, warn) for each, name, label in zip(environment, names, labels, strict=True)]
    )


def _variable_of(item: Any) -> str:
    """Name the variable that is meant: the one that there is, where none is named."""
    if item.variable is not None:
        return str(item.variable)
    there = [str(name) for name in data_variables(item.dataset)]
    if len(there) != 1:
        raise DatasetUnsuitable(
            Text(
                en=f"A dataset of the environment has {len(there)} variables ({', '.join(there)}); name one in `variable`.",
                fr=f"Un jeu de données de l'environnement a {len(there)} variables ({', '.join(there)}) ; nommez-en une dans `variable`.",
            )
        )
    return there[0]


def _factor(item: Any, name: str, label: str, bins: tuple[float, ...] | None, warn: Warn) -> Factor:
    edges = item.bins if item.bins is not None else bins
    variable = item.dataset[name]
    is_class = any(flag in variable.attrs for flag in _FLAGS) or variable.dtype.kind != "f"
    if edges is None and not is_class:
        raise DatasetUnsuitable(
            Text(
                en=f"{name} has values of every size: give the edges of its bins in `bins`, as [0, 10, 20].",
                fr=f"{name} a des valeurs quelconques : donnez les bornes de ses classes dans `bins`, comme [0, 10, 20].",
            )
        )
    sampler = _Sampler(item, name, warn)
    return Factor(
        name=label,
        unit=text_of(variable, "units") or "",
        edges=None if edges is None else np.asarray(edges, np.float64),
        values=sampler.values,
    )


class _Sampler:
    """Takes values at places, each place once a block; over several steps of time their mean."""

    def __init__(self, item: Any, name: str, warn: Warn) -> None:
        self._item = item
        self._name = name
        self._warn = warn

    def values(self, longitude: Floats, latitude: Floats) -> Floats:
        """Give the value at places, NaN where there is none."""
        both = np.column_stack([longitude, latitude])
        distinct, place = np.unique(both, axis=0, return_inverse=True)
        points = gpd.GeoDataFrame(
            {_PLACE: np.arange(len(distinct))}, geometry=shapely.points(distinct), crs="OGC:CRS84"
        )
        table = extract_points(
            self._item.dataset, points, method=self._item.method, variables=(self._name,), datetime=self._item.datetime,
            warn=self._warn,
        )  # fmt: skip
        sums, counts = np.zeros(len(distinct)), np.zeros(len(distinct))
        for block in table.frames():
            at = block[_PLACE].to_numpy(dtype=np.int64)
            found = block[self._name].to_numpy(dtype=np.float64, na_value=np.nan)
            there = np.isfinite(found)
            np.add.at(sums, at[there], found[there])
            np.add.at(counts, at[there], 1.0)
        means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
        return np.asarray(means[place.ravel()], np.float64)
