"""How much of the area that holds values is lost when a map is brought to another grid: to cells too little of which is valid."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.rectilinear import Rectilinear
from gaia_processes.shared.weights import Weights

_NEARLY = 1e-9
_HELD_CELLS = 2**23

type Mask = NDArray[np.bool_]


def lost_share(weights: Weights, target: Rectilinear, find_valid: Callable[[slice], Mask], *, least: float) -> float:
    """
    Give the share of the valid area within the target that lies in target cells without a value.

    Parameters
    ----------
    weights : Weights
        By area.
    target : Rectilinear
        Where they lead.
    find_valid : callable
        Tells which cells of some rows of the source hold a value.
    least : float
        Share of a target cell that must be valid; below it the cell is missing.

    Returns
    -------
    float
        0 to 1; 0 where nothing valid lies within the target.
    """
    heights = np.abs(np.diff(np.sin(np.radians(np.clip(target.latitude_edges, -90.0, 90.0))), axis=1)[:, 0])
    widths = np.abs(np.diff(target.longitude_edges, axis=1)[:, 0])
    source_cells = weights.source_shape[0] * weights.source_shape[1]
    parts = -(-max(source_cells, weights.shape[0] * weights.shape[1]) // _HELD_CELLS)
    step = max(weights.shape[0] // parts, 1)
    met = lost = 0.0
    for start in range(0, weights.shape[0], step):
        rows = slice(start, min(start + step, weights.shape[0]))
        part, valid = weights.part(rows), find_valid(weights.window(rows))
        share = part.mean(valid[np.newaxis] * 1.0)[0] * part.coverage
        areas = share * heights[rows, np.newaxis] * widths
        met += float(areas.sum())
        lost += float(areas[share < least - _NEARLY].sum())
    return lost / met if met > 0 else 0.0
