"""Which software computes here: part of the provenance of every result."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTIONS = (
    "gaia", "numpy", "xarray", "dask", "cftime", "netCDF4", "h5py", "pyproj", "rasterio", "zarr", "scipy", "xclim",
)  # fmt: skip
"""Those whose versions can change a result; one that is not installed is left out."""


@cache
def software_here() -> dict[str, str]:
    """Name what computes here, with its versions."""
    return {name: found for name in DISTRIBUTIONS if (found := _version(name))} | {"Python": platform.python_version()}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
