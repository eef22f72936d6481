"""What the dimensions of a variable mean, and which of them are reduced."""

from dataclasses import dataclass

import xarray as xr

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, find_grid, find_time, find_vertical, text_of
from gaia_processes.shared.vertical import is_length, is_pressure
from gaia_processes.text import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """The dimensions of a variable by what they mean; None where it has no such dimension."""

    grid: Grid
    time: str | None
    time_dim: str | None
    vertical: str | None
    vertical_dim: str | None


def roles_of(dataset: xr.Dataset, name: str) -> Roles:
    """Find out what the dimensions of a variable are."""
    dims = {str(dim) for dim in dataset.variables[name].dims}
    time, verticals = find_time(dataset, name), find_vertical(dataset, name)
    time_dims = [str(dim) for dim in dataset.variables[time].dims] if time else []
    return Roles(
        grid=find_grid(dataset, name),
        time=time if time_dims else None,
        time_dim=time_dims[0] if time_dims and time_dims[0] in dims else None,
        vertical=next((each for each in verticals if _is_measured(dataset, each)), next(iter(verticals), None)),
        vertical_dim=str(dataset.variables[verticals[0]].dims[0]) if verticals else None,
    )


def _is_measured(dataset: xr.Dataset, vertical: str) -> bool:
    """Tell whether levels are pressures, heights or depths, and not mere numbers, which have no thickness."""
    unit = text_of(dataset.variables[vertical], "units")
    return is_pressure(unit) or is_length(unit)


def reduced_cells(name: str, roles: Roles, over: tuple[str, ...]) -> tuple[str, ...]:
    """Name the dimensions of a variable whose cells are reduced."""
    grid = roles.grid
    if {"longitude", "latitude"} & set(over) and grid.kind not in {"regular", "none"}:
        raise DatasetUnsuitable(
            Text(
                en=f"{name!r} lies on a {grid.kind} grid, whose rows and columns are no latitudes and longitudes; ask for area.",
                fr=f"{name!r} est sur une grille {grid.kind}, dont les lignes et colonnes ne sont pas des latitudes et "
                "longitudes ; demandez area.",
            )
        )
    dims: list[str | None] = []
    for each in over:
        if each == "area":
            dims += [grid.y_dim, grid.x_dim]
        elif each in {"longitude", "latitude"}:
            dims.append(grid.x_dim if each == "longitude" else grid.y_dim)
        elif each == "level":
            dims.append(roles.vertical_dim)
    return tuple(dim for dim in dims if dim is not None)


def method_dim(over: str, roles: Roles) -> str:
    """Say by which name cell methods call what was reduced."""
    names = {"area": "area", "longitude": roles.grid.x_dim, "latitude": roles.grid.y_dim, "level": roles.vertical}
    return str(names[over])
