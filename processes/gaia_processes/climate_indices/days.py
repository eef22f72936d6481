"""Days as numbers, and the axis of all days that several quantities span."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gaia_processes.errors import SelectionEmpty
from gaia_processes.shared.periods import Steps, number_of, read_steps
from gaia_processes.shared.times import TimeAxis, unit_s
from gaia_processes.text import Text

type Warn = Callable[[Text], None]

DAY_S = 86400.0


def number_days(steps: Steps) -> NDArray[np.int64]:
    """Give a number for each day, the same in all datasets of a calendar."""
    return (steps.year * 100 + steps.month) * 100 + steps.day


def join_days(all_steps: list[Steps], warn: Warn) -> Steps:
    """Make the axis of all days that every quantity spans, gaps filled with days of which nothing is known."""
    axis = all_steps[0].axis
    ends = [(int(number_days(steps).min()), int(number_days(steps).max())) for steps in all_steps]
    first, last = max(begin for begin, _ in ends), min(end for _, end in ends)
    if first > last:
        raise SelectionEmpty(
            Text(
                en="The datasets have no day in common: their times do not overlap.",
                fr="Les jeux de données n'ont aucun jour en commun : leurs temps ne se recouvrent pas.",
            )
        )
    if len(set(ends)) > 1:
        warn(
            Text(
                en=f"The datasets span different times; what they share is {_day(first)} to {_day(last)}.",
                fr=f"Les jeux de données couvrent des temps différents ; ils ont en commun {_day(first)} à {_day(last)}.",
            )
        )
    per_day = DAY_S / unit_s(axis.units)
    begin, end = (number_of(axis, key // 10000, key // 100 % 100, key % 100) for key in (first, last))
    count = round((end - begin) / per_day) + 1
    begins = begin + per_day * np.arange(count)
    bounds = np.stack([begins, begins + per_day], axis=-1)
    whole = TimeAxis(
        name=axis.name, dim=axis.dim, values=bounds.mean(axis=1), bounds=bounds, units=axis.units,
        calendar=axis.calendar, tolerance=axis.tolerance,
    )  # fmt: skip
    return read_steps(whole)


def _day(key: int) -> str:
    return f"{key // 10000:04d}-{key // 100 % 100:02d}-{key % 100:02d}"
