"""
The weights between a pair of grids, whatever their kinds; costly ones are kept under a hash of both.

Weights between grids of rows and columns take milliseconds and are always made anew.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gaia_processes.shared import curvilinear, rectilinear
from gaia_processes.shared.curvilinear import Curvilinear
from gaia_processes.shared.rectilinear import Rectilinear
from gaia_processes.shared.sphere import unit_vectors
from gaia_processes.shared.weights import Picks, Sparse, Weights

type Arrays = Mapping[str, NDArray[Any]]
type WeightMethod = Literal["bilinear", "conservative"]

_VERSION = b"2"
"""Changes when other numbers come out for the same grids."""


class KeepsArrays(Protocol):
    """Keeps arrays that are costly to make."""

    def find(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Give what is kept under a key, or make it and keep it."""


class _NothingKept:
    def find(self, key: str, make: Callable[[], Arrays]) -> Arrays:  # noqa: ARG002 - the signature of all that keep
        return make()


NOTHING_KEPT: KeepsArrays = _NothingKept()


def find_weights(
    source: Rectilinear | Curvilinear,
    target: Rectilinear,
    method: WeightMethod,
    *,
    repeated: bool = False,
    cache: KeepsArrays = NOTHING_KEPT,
) -> Weights:
    """
    Find the weights of a method.

    Parameters
    ----------
    source, target
        Grids.
    method : {"bilinear", "conservative"}
        Which.
    repeated : bool
        Count cells that repeat others as often as they come.
    cache : KeepsArrays
        Where weights of curvilinear grids are kept.

    Raises
    ------
    DatasetUnsuitable
        The source lacks the corners that the method needs.
    """
    if isinstance(source, Rectilinear):
        if method == "conservative":
            return rectilinear.conservative(source, target, repeated=repeated)
        return rectilinear.bilinear(source, target)

    def make() -> Arrays:
        made = (curvilinear.conservative if method == "conservative" else curvilinear.bilinear)(source, target)
        matrix = made.matrix
        return {
            "shares": matrix.data, "places": matrix.indices, "starts": matrix.indptr, "coverage": made.coverage,
        }  # fmt: skip

    kept = cache.find(_key(method, source, target), make)
    cells = source.shape[0] * source.shape[1]
    matrix = csr_array((kept["shares"], kept["places"], kept["starts"]), shape=(kept["coverage"].size, cells))
    return Sparse(matrix=matrix, shape=target.shape, source_shape=source.shape, coverage=kept["coverage"])


def find_nearest(
    source: Rectilinear | Curvilinear,
    target: Rectilinear,
    *,
    max_distance_km: float | None = None,
    cache: KeepsArrays = NOTHING_KEPT,
) -> Picks:
    """Find the nearest cells; parameters as of `find_weights` and `rectilinear.nearest`."""
    if isinstance(source, Rectilinear):
        return rectilinear.nearest(source, target, max_distance_km=max_distance_km)

    def make() -> Arrays:
        return {"places": curvilinear.nearest(source, target, max_distance_km=max_distance_km).places}

    kept = cache.find(_key(f"nearest {max_distance_km}", source, target), make)
    return Picks(places=kept["places"], source_shape=source.shape)


def vectors_of(grid: Rectilinear | Curvilinear) -> NDArray[np.float64]:
    """Give the vectors of length 1 to the centres, row by row, shape (cells, 3)."""
    if isinstance(grid, Curvilinear):
        return grid.vectors.reshape(-1, 3)
    return unit_vectors(*np.meshgrid(grid.longitudes, grid.latitudes)).reshape(-1, 3)


def _key(method: str, source: Curvilinear, target: Rectilinear) -> str:
    """Hash all that weights depend on."""
    made = sha256(_VERSION + method.encode())
    arrays = (
        source.longitudes, source.latitudes, source.corner_longitudes, source.corner_latitudes, source.first,
        target.longitudes, target.latitudes, target.longitude_edges, target.latitude_edges,
    )  # fmt: skip
    for array in arrays:
        if array is not None:
            made.update(repr((array.shape, array.dtype.str)).encode())
            made.update(np.ascontiguousarray(array).data)
    return made.hexdigest()
