"""By what cells and steps are weighed."""

import numpy as np
import xarray as xr

from gaia_processes.aggregate.division import Division
from gaia_processes.aggregate.options import Options, find_rate, refuse_integral, refuse_rate
from gaia_processes.aggregate.roles import Roles
from gaia_processes.errors import DatasetUnsuitable, InvalidInputs
from gaia_processes.shared.areas import cell_areas, column_widths, row_widths, thicknesses
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.reduction import Cells, Times
from gaia_processes.text import Text


def weigh_cells(
    part: xr.Dataset, name: str, roles: Roles, dims: tuple[str, ...], options: Options, *, drop_halo: bool
) -> Cells:
    """Give the cells of each step that become one value, with their weights: areas, widths, thicknesses."""
    grid, over = roles.grid, options.over
    factors: list[xr.Variable] = []
    if "area" in over and grid.x_dim in dims:
        factors.append(cell_areas(part, name, grid, drop_halo=drop_halo))
    if "longitude" in over and grid.x_dim in dims:
        factors.append(xr.Variable((grid.x_dim,), column_widths(part, str(grid.longitude), once=drop_halo)))
    if "latitude" in over and grid.y_dim in dims:
        factors.append(xr.Variable((grid.y_dim,), row_widths(part, str(grid.latitude))))
    if "level" in over and roles.vertical_dim in dims:
        factors.append(xr.Variable((roles.vertical_dim,), thicknesses(part, str(roles.vertical))))
    weights = factors[0]
    for factor in factors[1:]:
        weights = weights * factor
    weights = weights.transpose(*dims)
    return Cells(dims=dims, weights=np.asarray(weights.values, dtype=np.float64), least=options.least(0.0))


def weigh_times(variable: xr.Variable, name: str, time: Division, options: Options) -> Times:
    """
    Give the steps that become one value, with their weights.

    Raises
    ------
    InvalidInputs
        A sum of a rate that is not to be integrated, or what is no rate and is.
    DatasetUnsuitable
        Something is to be integrated over a step whose length nobody knows.
    """
    lengths = None
    if options.statistic == "sum":
        units = text_of(variable, "units")
        rate = find_rate(units)
        if rate is not None and not options.integrate:
            raise InvalidInputs([refuse_rate(name, units)])
        if options.integrate:
            if rate is None or rate.unit_s is None:
                raise InvalidInputs([refuse_integral(name, units)])
            if not time.steps.known:
                raise _no_length(time.name)
            lengths = time.steps.lengths_s / rate.unit_s
    return Times(
        dim=time.dim,
        periods=time.periods,
        weights=time.steps.weights,
        lengths=lengths,
        least=options.least(1.0),
        over_years=time.over_years,
    )


def _no_length(time: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"Nothing can be integrated over time: how long the one step of {time!r} is, the data do not say (it has no bounds).",
            fr=f"Rien ne peut être intégré dans le temps : les données ne disent pas la durée du seul pas de {time!r} (il n'a pas de "
            "bornes).",
        )
    )
