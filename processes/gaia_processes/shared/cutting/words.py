"""What is said of a box that finds nothing, or less than was hoped for."""

import xarray as xr

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid
from gaia_processes.text import Text


def _box_text(bbox: Bbox) -> str:
    return f"[{bbox.west:g}, {bbox.south:g}, {bbox.east:g}, {bbox.north:g}]"


def outside(bbox: Bbox, extent: tuple[float, float, float, float] | None) -> SelectionEmpty:
    """Say that nothing lies in a box, and from where to where the data go."""
    box = _box_text(bbox)
    if extent is None:
        return SelectionEmpty(
            Text(
                en=f"No cell lies in {box}: the data have none.",
                fr=f"Aucune cellule dans {box} : les données n'en ont pas.",
            )
        )
    west, south, east, north = extent
    return SelectionEmpty(
        Text(
            en=f"No cell lies in {box}: the data go from {west:g} to {east:g} in longitude and from {south:g} to {north:g} in latitude.",
            fr=f"Aucune cellule dans {box} : les données vont de {west:g} à {east:g} en longitude et de {south:g} à {north:g} en latitude.",
        )
    )


def no_grid(dataset: xr.Dataset, grids: list[Grid]) -> DatasetUnsuitable:
    """Say why no box can be cut out."""
    cells = next((grid for grid in grids if grid.longitude and grid.latitude and grid.x_dim), None)
    if cells is not None:
        count = dataset.sizes[str(cells.x_dim)]
        return DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: the data lie at {count} points along {cells.x_dim!r}, without rows and columns.",
                fr=f"Aucun rectangle ne peut être découpé : les données sont en {count} points le long de {cells.x_dim!r}, sans lignes ni colonnes.",
            )
        )
    missing = [
        (en, fr)
        for en, fr, absent in (
            ("longitude", "longitude", not any(grid.longitude for grid in grids)),
            ("latitude", "latitude", not any(grid.latitude for grid in grids)),
        )
        if absent
    ] or [("a common grid", "une grille commune")]
    return DatasetUnsuitable(
        Text(
            en=f"No box can be cut out: the data have no coordinate for {' and '.join(en for en, _ in missing)}.",
            fr=f"Aucun rectangle ne peut être découpé : les données n'ont pas de coordonnée pour {' et '.join(fr for _, fr in missing)}.",
        )
    )


def holder_given(bbox: Bbox) -> Text:
    """Say that a box smaller than a cell was taken for the point in its middle."""
    return Text(
        en=f"The box {_box_text(bbox)} holds no centre of a cell: the cell that holds the middle of the box is given.",
        fr=f"La boîte {_box_text(bbox)} ne contient aucun centre de maille : la maille qui contient son milieu est donnée.",
    )
