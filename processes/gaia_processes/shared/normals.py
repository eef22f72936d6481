"""
Records that are climatologies themselves, and what is made of them.

Their steps are places in the year, not times: December follows on November and comes before January, so that a winter of
them is whole, and what is made of them is of the years that they are made of.

References
----------
CF conventions 1.12, section 7.4 (climatological statistics).
"""

from dataclasses import replace

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.inputs.seasons import Season
from gaia_processes.shared.periods import Periods, Steps, find_periods, number_of, pool_steps, whole_record
from gaia_processes.shared.references import references_of
from gaia_processes.shared.times import TimeAxis, read_numbers_exactly, unit_s

type Floats = NDArray[np.float64]

_YEAR_DAYS = 366.5
_DAY_S = 86400.0


def read_spans(dataset: xr.Dataset, axis: TimeAxis) -> Floats | None:
    """
    Read the climatology bounds of a time axis.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    axis : TimeAxis
        One of its time axes.

    Returns
    -------
    array of float, shape (steps, 2), or None
        From the begin of the first period to the end of the last that each step is made of, in the units of the axis; None
        where the record is no climatology, or one of parts of the day.
    """
    time = dataset.variables[axis.name]
    own = next((name for name in references_of(time, ("climatology",)) if name in dataset.variables), None)
    if own is None or dataset.variables[own].shape != (*time.shape, 2) or time.attrs.get("units") != axis.units:
        return None
    spans = np.atleast_2d(read_numbers_exactly(dataset.variables[own]))
    if not np.isfinite(spans).all():
        return None
    lengths_days = np.diff(within_year(axis, spans), axis=1) * unit_s(axis.units) / _DAY_S
    return spans if float(lengths_days.sum()) <= _YEAR_DAYS else None


def within_year(axis: TimeAxis, spans: Floats) -> Floats:
    """
    Give begin and end of the steps of a climatology in one year: that of 1981-12-01 to 2010-03-01 is a winter.

    Parameters
    ----------
    axis : TimeAxis
        Of the climatology; its values say which year.
    spans : array of float, shape (steps, 2)
        As `read_spans` gives them.
    """
    starts, ends = (_dates(axis, each) for each in spans.T)
    edges = np.empty(spans.shape)
    for at, (start, end, middle) in enumerate(zip(starts, ends, _dates(axis, axis.values), strict=True)):
        year = middle.year - ((start.month, start.day) > (middle.month, middle.day))
        crosses = (end.month, end.day) <= (start.month, start.day)
        edges[at] = (
            number_of(axis, year, start.month, start.day),
            number_of(axis, year + crosses, end.month, end.day),
        )
    return edges


def _dates(axis: TimeAxis, values: Floats) -> list[cftime.datetime]:
    return list(cftime.num2date(values, axis.units, axis.calendar, only_use_cftime_datetimes=True))


def divide_year(steps: Steps, spans: Floats, period: str, seasons: tuple[Season, ...]) -> Periods:
    """
    Put the steps of a climatology together.

    Parameters
    ----------
    steps : Steps
        Of the climatology, with the bounds that they have in one year.
    spans : array of float, shape (steps, 2)
        Their climatology bounds.
    period : str
        `all`, `year`, `season`, `month` or `day`; all of a climatology is a year.
    seasons : tuple of Season
        What seasons there are.

    Returns
    -------
    Periods
        In the order of keys, with climatology bounds.
    """
    if period in {"all", "year"}:
        whole = whole_record(steps)
        return replace(whole, bounds=np.array([[spans[:, 0].min(), spans[:, 1].max()]]))
    pooled = pool_steps(find_periods(steps, period, seasons))
    first_month = [seasons[key].months[0] if period == "season" else 1 for key in pooled.key]
    bounds = [_span_of(steps, spans, np.flatnonzero(pooled.owner == at), first) for at, first in enumerate(first_month)]
    return replace(pooled, bounds=np.array(bounds, dtype=np.float64).reshape(-1, 2))


def _span_of(steps: Steps, spans: Floats, own: NDArray[np.intp], first_month: int) -> tuple[float, float]:
    """Give begin and end of what some steps are made of, taken in their order from a month of the year on."""
    places = (steps.month[own] - first_month) % 12 * 31 + steps.day[own]
    begin, end = spans[own[np.argmin(places)], 0], spans[own[np.argmax(places)], 1]
    if begin >= end:  # January to December of one year: its winter began the year before
        (date,) = _dates(steps.axis, np.array([begin]))
        begin = number_of(steps.axis, date.year - 1, date.month, date.day)
    return float(begin), float(end)
