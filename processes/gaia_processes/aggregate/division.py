"""The periods that a time axis is divided into: those of the result, those of a climatology, and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.aggregate.options import Options
from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.seasons import Season
from gaia_processes.shared.normals import divide_year, read_spans, within_year
from gaia_processes.shared.periods import (
    Periods,
    Steps,
    find_periods,
    is_complete,
    pool_steps,
    pool_years,
    read_steps,
    whole_record,
    without_incomplete_ends,
)
from gaia_processes.shared.times import TimeAxis, limits_in, read_time, render, select_steps
from gaia_processes.text import Text

type Warn = Callable[[Text], None]

_FEW_YEARS = 30
_DAY_S = 86400.0
_LEAP_DAY = 229
_STEP_DAYS = {"day": 1.0, "month": 31.0, "year": 366.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """
    What becomes of a time axis.

    Attributes
    ----------
    name, dim : str
        Coordinate and dimension.
    axis, steps : TimeAxis, Steps
        Of the source.
    periods : Periods
        In which the statistic is taken.
    over_years : Periods or None
        What of them is averaged.
    base, base_years : Periods or None
        Of which the climatology of anomalies is made.
    of_normals : bool
        Whether the source is a climatology itself.
    """

    name: str
    dim: str
    axis: TimeAxis
    steps: Steps
    periods: Periods
    over_years: Periods | None = None
    base: Periods | None = None
    base_years: Periods | None = None
    of_normals: bool = False

    @property
    def result(self) -> Periods:
        """Periods of the result."""
        return self.periods if self.over_years is None else self.over_years

    @property
    def is_daily(self) -> bool:
        """Whether every step is a day."""
        lengths = self.steps.lengths_s
        return bool(self.steps.known and np.allclose(lengths, _DAY_S, rtol=1e-3))


def divide(dataset: xr.Dataset, coordinate: str, options: Options, *, chosen: Interval | None, warn: Warn) -> Division:
    """
    Divide a time axis into the periods that are asked for.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    coordinate : str
        Its time coordinate.
    options : Options
    chosen : Interval, optional
        The time that was asked for; of anomalies it chooses the periods.
    warn : callable
        Is told what is left out, and of few years.

    Raises
    ------
    DatasetUnsuitable
        The steps are longer than the periods, or a climatology is to be made of one.
    SelectionEmpty
        No complete period.
    """
    axis = read_time(dataset, coordinate)
    spans = read_spans(dataset, axis)
    if spans is not None:
        return _divide_normals(axis, spans, options)
    return _Divider(axis, options, chosen, warn).divide()


def _divide_normals(axis: TimeAxis, spans: NDArray[np.float64], options: Options) -> Division:
    """Divide the year of a climatology."""
    if options.climatology or options.is_anomaly:
        raise _is_climatology(axis)
    steps = read_steps(replace(axis, bounds=within_year(axis, spans)))
    if options.step != "all":
        _refuse_coarse(steps, options.step, options.all_seasons)
    periods = divide_year(steps, spans, options.step, options.all_seasons)
    return Division(
        name=axis.name, dim=str(axis.dim), axis=axis, steps=steps, of_normals=True,
        periods=_some(periods, axis, options),
    )  # fmt: skip


class _Divider:
    """One time axis, and what is asked of it."""

    def __init__(self, axis: TimeAxis, options: Options, chosen: Interval | None, warn: Warn) -> None:
        self._axis, self._options, self._chosen, self._warn = axis, options, chosen, warn

    def divide(self) -> Division:
        """Divide the axis into the periods that are asked for."""
        axis, options, coordinate = self._axis, self._options, self._axis.name
        steps = read_steps(axis)
        dim = str(axis.dim)
        if options.step == "all":
            return Division(name=coordinate, dim=dim, axis=axis, steps=steps, periods=whole_record(steps))
        _refuse_coarse(steps, options.step, options.all_seasons)
        found = find_periods(steps, options.step, options.all_seasons, years=options.years)
        if options.pools:
            return Division(
                name=coordinate, dim=dim, axis=axis, steps=steps, periods=_some(pool_steps(found), axis, options)
            )
        kept = without_incomplete_ends(found, options.least(1.0))
        if not len(kept.key):
            raise _none_complete(axis, options)
        if self._chosen is not None:
            self._tell_left_out(found, kept, self._chosen)
        if options.climatology:
            years = self._over_years(kept)
            return Division(name=coordinate, dim=dim, axis=axis, steps=steps, periods=kept, over_years=years)
        if options.baseline is None:
            return Division(name=coordinate, dim=dim, axis=axis, steps=steps, periods=kept)
        years = self._over_years(kept)
        return Division(
            name=coordinate, dim=dim, axis=axis, steps=steps, base=kept, base_years=years,
            periods=self._chosen_periods(kept, years),
        )  # fmt: skip

    def _tell_left_out(self, found: Periods, kept: Periods, asked: Interval) -> None:
        """Say which periods are left out though they lie wholly within the time that was asked for."""
        axis = self._axis
        low, high = limits_in(axis, asked)
        begins = found.bounds[:, 0]
        lost = (begins < kept.bounds[0, 0]) | (begins > kept.bounds[-1, 0])
        lost &= (begins >= low - axis.tolerance) & (found.bounds[:, 1] <= high + axis.tolerance)
        if lost.any():
            ends = [tuple(render(axis, float(each))[:10] for each in pair) for pair in found.bounds[lost]]
            listed = ", ".join(f"{begin}/{end}" for begin, end in ends)
            self._warn(
                Text(
                    en=f"Left out, for the steps in the time that was asked for do not cover them whole: {listed}. Ask for a longer time, or lower min_valid_fraction.",
                    fr=f"Laissées de côté, car les pas de la période demandée ne les couvrent pas entièrement : {listed}. Demandez une période plus longue, ou baissez min_valid_fraction.",
                )
            )

    def _over_years(self, periods: Periods) -> Periods:
        """Say which periods a climatology is made of: complete ones of the baseline, without the leap day."""
        axis, options, years = self._axis, self._options, self._options.baseline
        keep = is_complete(periods, options.least(1.0))
        if years is not None:
            keep &= (periods.year >= years.first) & (periods.year <= years.last)
        if options.step == "day" and not options.leap_day and axis.calendar != "360_day":
            keep &= periods.key != _LEAP_DAY
        if not keep.any():
            raise _none_complete(axis, options)
        pooled = pool_years(periods, keep)
        count = len(np.unique(periods.year[keep]))
        if count < _FEW_YEARS:
            self._warn(
                Text(
                    en=f"The climatology is made of {count} years; {_FEW_YEARS} are usual.",
                    fr=f"La climatologie est faite de {count} années ; {_FEW_YEARS} sont l'usage.",
                )
            )
        return pooled

    def _chosen_periods(self, periods: Periods, years: Periods) -> Periods:
        """Keep the periods of which anomalies are asked for: those that the interval meets, and that have a climatology."""
        axis = self._axis
        keep = np.isin(periods.key, years.key)
        if self._chosen is not None:
            met = np.unique(periods.owner[select_steps(axis, self._chosen, self._warn)])
            keep &= np.isin(np.arange(len(periods.key)), met)
        if not keep.any():
            raise _none_complete(axis, self._options)
        return periods.take(np.flatnonzero(keep))


def _refuse_coarse(steps: Steps, period: str, seasons: tuple[Season, ...]) -> None:
    """Refuse periods that are shorter than the steps of the data."""
    if not steps.known:
        return
    days = _STEP_DAYS.get(period) or 31.0 * max(len(season.months) for season in seasons)
    length = float(np.median(steps.lengths_s)) / _DAY_S
    if length > days * 1.01 + 1e-6:
        raise DatasetUnsuitable(
            Text(
                en=f"The steps of the data are {length:g} days long, longer than the period {period!r}; take a longer one.",
                fr=f"Les pas des données durent {length:g} jours, plus que la période {period!r} ; prenez-en une plus longue.",
            )
        )


def _is_climatology(axis: TimeAxis) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"The data are a climatology already ({axis.name!r} has climatology bounds), which knows no single years; leave climatology and baseline out.",
            fr=f"Les données sont déjà une climatologie ({axis.name!r} a des bornes climatologiques), qui ne connaît pas d'années ; n'indiquez ni climatology ni baseline.",
        )
    )


def _some(periods: Periods, axis: TimeAxis, options: Options) -> Periods:
    if not len(periods.key):
        raise _none_complete(axis, options)
    return periods


def _none_complete(axis: TimeAxis, options: Options) -> SelectionEmpty:
    first, last = render(axis, float(axis.values.min())), render(axis, float(axis.values.max()))
    years = f" in {options.baseline.as_text()}" if options.baseline else ""
    ans = f" dans {options.baseline.as_text()}" if options.baseline else ""
    return SelectionEmpty(
        Text(
            en=f"The data, from {first} to {last}, hold no complete {options.step}{years}; a min_valid_fraction below 1 takes incomplete ones.",
            fr=f"Les données, de {first} à {last}, n'ont aucune période ({options.step}) complète{ans} ; un "
            "min_valid_fraction inférieur à 1 en admet d'incomplètes.",
        )
    )
