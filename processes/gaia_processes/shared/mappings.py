"""Grid mappings as reference systems: what CF says of a plane, and what PROJ makes of it."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, text_of
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

WGS84 = CRS.from_epsg(4326)
"""What longitude and latitude mean where a file does not say more."""

_CRS_TEXTS = frozenset({"crs_wkt", "spatial_ref", "proj4", "proj4text", "proj4_params", "epsg_code", "esri_pe_string"})
_METRES = {
    "km": 1e3,
    "kilometer": 1e3,
    "kilometre": 1e3,
    "m": 1.0,
    "meter": 1.0,
    "metre": 1.0,
    "meters": 1.0,
    "metres": 1.0,
}


def read_crs(mapping: xr.Variable) -> CRS:
    """
    Read the reference system of a grid mapping variable.

    The CF attributes decide. A `crs_wkt` beside them is taken where it is a mapping of the same name (it then says the
    datum exactly), or where there are no attributes because CF has none for it, as for web maps (EPSG:3857).

    Parameters
    ----------
    mapping : xarray.Variable
        With the attributes of CF, appendix F.

    Returns
    -------
    pyproj.CRS

    Raises
    ------
    DatasetUnsuitable
        The mapping is not known.

    References
    ----------
    CF conventions 1.12, section 5.6 and appendix F.
    """
    name = text_of(mapping, "grid_mapping_name")
    written = _read_wkt(text_of(mapping, "crs_wkt"))
    if written is not None and written.to_cf().get("grid_mapping_name", "") == name:
        return written
    attributes = {key: _plain(value) for key, value in mapping.attrs.items() if key not in _CRS_TEXTS}
    try:
        return CRS.from_cf(attributes)
    except (CRSError, ProjError, KeyError, TypeError, ValueError) as error:
        raise DatasetUnsuitable(
            Text(
                en=f"The grid mapping {name!r} is not known, and the file has no longitude and latitude.",
                fr=f"La projection {name!r} est inconnue, et le fichier n'a ni longitude ni latitude.",
            )
        ) from error


def _read_wkt(text: str) -> CRS | None:
    """Read well-known text and nothing else: other texts may name files and grids."""
    if not text:
        return None
    try:
        return CRS.from_wkt(text)
    except (CRSError, ProjError):
        return None


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def crs_of(dataset: xr.Dataset, grid: Grid) -> CRS:
    """
    Give the reference system of a grid: its mapping's, else WGS 84 in degrees.

    Raises
    ------
    DatasetUnsuitable
        The mapping is not known.
    """
    if grid.mapping is None or (grid.kind == "regular" and not _has_figure(dataset.variables[grid.mapping])):
        return WGS84
    return read_crs(dataset.variables[grid.mapping])


def _has_figure(mapping: xr.Variable) -> bool:
    """Tell whether a mapping of longitude and latitude says more than that."""
    return any(name != "grid_mapping_name" for name in mapping.attrs)


def plane_unit(variable: xr.Variable, crs: CRS) -> float:
    """
    Say what one of the unit of a coordinate is in the unit of its plane.

    Parameters
    ----------
    variable : xarray.Variable
        Units of length that are not known are taken for the reference system's own.
    crs : pyproj.CRS
        Of the plane.
    """
    own_m = _METRES.get(text_of(variable, "units").lower())
    if own_m is None or not crs.is_projected or not crs.axis_info:
        return 1.0
    return own_m / crs.axis_info[0].unit_conversion_factor


def read_plane(variable: xr.Variable, crs: CRS) -> NDArray[np.float64]:
    """Read a 1-D coordinate in the plane of a mapping, in the unit of the reference system."""
    values, factor = read_numbers(variable), plane_unit(variable, crs)
    return values if factor == 1.0 else values * factor


def make_mapping(crs: CRS, geotransform: tuple[float, ...]) -> xr.Variable:
    """
    Make the grid mapping variable of a raster.

    Parameters
    ----------
    crs : pyproj.CRS
    geotransform : tuple of 6 float
        As GDAL orders them: x of the corner, step along columns, 0, y of the corner, 0, step along rows.
    """
    attrs = {key: value for key, value in crs.to_cf().items() if value is not None}
    attrs["GeoTransform"] = " ".join(f"{each!r}" for each in geotransform)
    return xr.Variable((), np.int32(0), attrs, {"chunksizes": None})


def make_axis(crs: CRS, axis: str, dim: str, centres: NDArray[np.floating[Any]]) -> xr.Variable:
    """
    Make the coordinate of the columns (`X`) or rows (`Y`) of a raster.

    Parameters
    ----------
    crs : pyproj.CRS
    axis : {"X", "Y"}
    dim : str
        Its dimension.
    centres : array of float
        Of the cells, in the unit of the reference system.
    """
    attrs = dict(next((each for each in crs.cs_to_cf() if each.get("axis") == axis), {"axis": axis}))
    if attrs.get("units") in {"metre", "meter"}:
        attrs["units"] = "m"
    return xr.Variable((dim,), centres, attrs, {"chunksizes": None})
