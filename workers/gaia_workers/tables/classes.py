"""Classes of numbers, and their colours: what a legend shows. Maps, QGIS styles and SLD all draw these."""

from dataclasses import dataclass
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

MOST = 7
COLOURS = "viridis"
MISSING = "#d9d9d9"
OUTLINE = "#4d4d4d"


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueClass:
    """
    A stretch of numbers.

    Attributes
    ----------
    low, high : float
        Its ends; `low` belongs to it, `high` only in the last one.
    colour : str
        As `#rrggbb`.
    label : str
        What the legend says.
    """

    low: float
    high: float
    colour: str
    label: str


def classify(values: NDArray[np.float64], unit: str | None = None) -> tuple[ValueClass, ...]:
    """
    Part numbers into at most seven classes that hold about as many each, with round ends; none where there are no numbers.

    Examples
    --------
    >>> [each.label for each in classify(np.array([1.0, 2.0, 3.0, 4.0]))]
    ['1 … 1.75', '1.75 … 2.5', '2.5 … 3.25', '3.25 … 4']
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ()
    breaks = find_breaks(finite)
    colours = mpl.colormaps[COLOURS].resampled(max(len(breaks) - 1, 2))
    suffix = f" {unit}" if unit and unit != "1" else ""
    return tuple(
        ValueClass(
            low=low, high=high, colour=mpl.colors.to_hex(colours(at)), label=f"{_short(low)} … {_short(high)}{suffix}"
        )
        for at, (low, high) in enumerate(pairwise(breaks))
    )


def find_breaks(values: NDArray[np.float64]) -> list[float]:
    """Give the ends of the classes of some finite numbers, ascending; all of them lie between the first and the last."""
    least, most = float(values.min()), float(values.max())
    if least == most:
        return [least, most]
    classes = min(MOST, len(np.unique(values)))
    quantiles = np.unique(np.quantile(values, np.linspace(0, 1, classes + 1)))
    gaps = np.diff(quantiles)
    near = np.minimum(np.append(gaps, np.inf), np.append(np.inf, gaps))
    steps = 10.0 ** (np.floor(np.log10(near)) - 1)  # a tenth of the way to the next end, or less
    inner = {_round(each, step) for each, step in zip(quantiles[1:-1], steps[1:-1], strict=True)}
    low = min(_round(np.floor(least / steps[0]) * steps[0], steps[0]), least)
    high = max(_round(np.ceil(most / steps[-1]) * steps[-1], steps[-1]), most)
    return [low, *sorted(each for each in inner if low < each < high), high]


def _round(value: float, step: float) -> float:
    digits = int(max(-np.floor(np.log10(step)), 0))
    return round(float(np.round(value / step) * step), digits)


def _short(value: float) -> str:
    return f"{value:.7g}"
