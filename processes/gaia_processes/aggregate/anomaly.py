"""Values as their distance from a climatology."""

from typing import cast

import numpy as np

from gaia_processes.aggregate.division import Division
from gaia_processes.shared.periods import Periods
from gaia_processes.shared.reduction import Places, Reduction
from gaia_processes.shared.shelf import Shelf
from gaia_processes.shared.statistics import Floats


def leave(values: Floats, _places: dict[str, Places]) -> Floats:
    """Leave values as they are."""
    return values


class Apart:
    """Takes the climatology off, or divides by it; each part of it is made once."""

    def __init__(self, base: Reduction, time: Division, *, ratio: bool) -> None:
        self._base, self._time, self._ratio = base, time, ratio
        self._shelf = Shelf()

    def __call__(self, values: Floats, places: dict[str, Places]) -> Floats:
        """Give values as their distance from, or their share of, the climatology."""
        time, axis = self._time, self._base.result_dims.index(self._time.dim)
        years = cast("Periods", time.base_years)
        keys = np.searchsorted(years.key, time.periods.key[places[time.dim]])
        normal = np.stack(self._climatology(places, keys, axis), axis=axis)
        if not self._ratio:
            return values - normal
        shares: Floats = np.divide(
            values, normal, out=np.full(values.shape, np.nan), where=np.isfinite(normal) & (normal != 0)
        )
        return shares

    def _climatology(self, places: dict[str, Places], keys: Places, axis: int) -> list[Floats]:
        """Give the climatology of some periods of the year for some cells."""
        beside = {dim: each for dim, each in places.items() if dim != self._time.dim}
        window = b"|".join(each.tobytes() for each in beside.values())
        missing = np.array([key for key in np.unique(keys) if (int(key), window) not in self._shelf], dtype=np.intp)
        if len(missing):
            made = self._base.read({**beside, self._time.dim: missing})
            for at, key in enumerate(missing):
                self._shelf.put((int(key), window), np.take(made, at, axis=axis))
        return [self._shelf.get((int(key), window)) for key in keys]
