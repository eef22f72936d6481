"""The periods of a result, and the calendar of their days that the kernels see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaia_processes.climate_indices.days import DAY_S, number_days
from gaia_processes.climate_indices.indices import Index
from gaia_processes.climate_indices.kernels import (
    Calendar,
    Month,
    Options,
)
from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.seasons import Season
from gaia_processes.shared.periods import Periods, Steps, find_periods, is_complete
from gaia_processes.shared.times import render, select_steps, unit_s
from gaia_processes.text import Text

type Warn = Callable[[Text], None]

_SPI_YEARS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """The periods of the result, and the calendar that the kernels see."""

    periods: Periods
    calendar: Calendar
    name: str


def divide(
    days: Steps, period: str, seasons: tuple[Season, ...], chosen: Interval | None, options: Options, warn: Warn
) -> Division:
    """
    Divide the days into periods.

    Parameters
    ----------
    days : Steps
        All days.
    period : str
        `year`, `season` or `month`.
    seasons : tuple of Season
    chosen : Interval, optional
        Only periods of which it has a day.
    options : Options
        How much of a period must be there.
    warn : callable
        Is told what a person should know.

    Raises
    ------
    SelectionEmpty
        No complete period.
    """
    found = find_periods(days, period, seasons)
    keep = is_complete(found, 1.0 if options.wmo else options.least)
    inside = np.flatnonzero(keep)
    kept = np.arange(inside[0], inside[-1] + 1) if len(inside) else np.arange(0)
    if chosen is not None and len(kept):
        met = np.unique(found.owner[select_steps(days.axis, chosen, warn)])
        kept = kept[np.isin(kept, met)]
    if not len(kept):
        ends = render(days.axis, float(days.axis.values[0])), render(days.axis, float(days.axis.values[-1]))
        raise SelectionEmpty(
            Text(
                en=f"The days that are there, from {ends[0]} to {ends[1]}, hold no complete {period} that is asked for; a "
                "min_valid_fraction below 1 takes incomplete ones.",
                fr=f"Les jours présents, de {ends[0]} à {ends[1]}, n'ont aucune période ({period}) complète parmi celles "
                "demandées ; un min_valid_fraction inférieur à 1 en admet d'incomplètes.",
            )
        )
    periods = found.take(kept)
    return Division(periods=periods, calendar=_calendar(days, periods), name=period)


def _calendar(days: Steps, periods: Periods) -> Calendar:
    owner = periods.owner
    stretches = tuple(
        (int(own[0]), int(own[-1]) + 1) for own in (np.flatnonzero(owner == at) for at in range(len(periods.key)))
    )
    keys = 100 * days.month + days.day
    leap = (keys == 229) & (days.axis.calendar != "360_day")
    ordinary = np.unique(keys[~leap])
    # A record of less than a year does not have all days: those of a whole year are counted, by the calendar.
    known = ordinary if len(ordinary) >= 360 else _days_of_year(days)
    day_of_year = np.searchsorted(known, np.where(leap, 228, keys))
    return Calendar(
        periods=stretches,
        year=days.year,
        day_of_year=day_of_year.astype(np.int64),
        leap_day=leap,
        halves=_halves(days, periods),
        months=_months(days),
    )


def _months(days: Steps) -> tuple[Month, ...]:
    """Name the months of the record, and tell how long they are by the calendar."""
    found = find_periods(days, "month", ())
    lengths = np.round(np.diff(found.bounds, axis=1)[:, 0] * unit_s(days.axis.units) / DAY_S).astype(int)
    firsts = np.flatnonzero(np.diff(found.owner, prepend=-1))
    lasts = [*firsts[1:], len(days.year)]
    return tuple(
        Month(year=int(year), number=int(key) - 1, first=int(first), last=int(last), days=int(length))
        for year, key, first, last, length in zip(found.year, found.key, firsts, lasts, lengths, strict=True)
    )


def _days_of_year(days: Steps) -> NDArray[np.int64]:
    if days.axis.calendar == "360_day":
        return np.array([100 * month + day for month in range(1, 13) for day in range(1, 31)])
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return np.array(
        [100 * month + day for month, length in enumerate(lengths, start=1) for day in range(1, length + 1)]
    )


def _halves(days: Steps, periods: Periods) -> tuple[tuple[int, int, int], ...]:
    """Find 1 July of each year, the 1 January after and the 1 July after that; the two last are -1 where days are lacking."""
    keys = number_days(days)
    found = {int(year): _halves_of(keys, int(year)) for year in np.unique(periods.year)}
    return tuple(found[int(year)] for year in periods.year)


def _halves_of(keys: NDArray[np.int64], year: int) -> tuple[int, int, int]:
    july = int(np.searchsorted(keys, year * 10000 + 701))
    january, stop = (int(np.searchsorted(keys, (year + 1) * 10000 + key)) for key in (101, 701))
    whole = july < len(keys) and keys[july] == year * 10000 + 701 and keys[-1] // 100 >= (year + 1) * 100 + 6
    whole = whole and (stop < len(keys) or keys[-1] % 100 == 30)
    return july, (january if whole else -1), stop


def check_baseline(asked: tuple[Index, ...], days: Steps, options: Options, warn: Warn) -> None:
    """
    See that the baseline has days, and warn where it has too few years for SPI.

    Raises
    ------
    DatasetUnsuitable
        It has none.
    """
    first, last = options.base
    inside = (days.year >= first) & (days.year <= last)
    if any(index.has_baseline for index in asked) and not inside.any():
        raise DatasetUnsuitable(
            Text(
                en=f"The baseline {first}/{last} has no day in the data, which have {days.year[0]} to {days.year[-1]}.",
                fr=f"La période de référence {first}/{last} n'a aucun jour dans les données, qui vont de {days.year[0]} à "
                f"{days.year[-1]}.",
            )
        )
    years = len(np.unique(days.year[inside]))
    if any(index.kind == "standardized" for index in asked) and years < _SPI_YEARS:
        warn(
            Text(
                en=f"The distribution of SPI is made of {years} years; WMO asks for {_SPI_YEARS} at least.",
                fr=f"La distribution de SPI est faite de {years} années ; l'OMM en demande au moins {_SPI_YEARS}.",
            )
        )
