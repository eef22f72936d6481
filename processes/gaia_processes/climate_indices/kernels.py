"""
The kernels of the indices: arrays of days and cells in, a value a period and cell out. No file, no calendar library.

Missing days are NaN. Which periods are missing for want of days is decided by the caller; a kernel counts the days there
are. Comparisons are strict or loose as the definitions say.

References
----------
Zhang et al. (2011), doi:10.1002/wcc.147 (definitions); Hyndman and Fan (1996), doi:10.1080/00031305.1996.10473566 (quantile
8); Zhang et al. (2005), doi:10.1175/JCLI3366.1 (bootstrap inside the base).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gaia_processes.climate_indices.indices import Index
from gaia_processes.climate_indices.standardized import standardize, sum_of_months

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

WINDOW = 5
"""Days of RX5day, and around a day of the year for its percentile."""
_SPELL, _SEASON = 6, 6
_MONTH_MISSING, _ROW_MISSING = 11, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """A month: its year, its place in it (0 to 11), the first day of it, the one after its last, and how many it should have."""

    year: int
    number: int
    first: int
    last: int
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """
    The days of a record.

    Attributes
    ----------
    periods : tuple of (int, int)
        First day and the one after the last of each period.
    year : array of int, shape (days,)
    day_of_year : array of int, shape (days,)
        From 0; 29 February has that of 28 February, so that every year of a calendar has the same days.
    leap_day : array of bool, shape (days,)
    halves : tuple of (int, int, int)
        For the year of each period: the day of its 1 July, of the 1 January after it (-1 where the record does not hold the
        year from that July on), and the one after the last of that year.
    months : tuple of Month
        All of which the record has a day.
    """

    periods: tuple[tuple[int, int], ...]
    year: NDArray[np.int64]
    day_of_year: NDArray[np.int64]
    leap_day: Bools
    halves: tuple[tuple[int, int, int], ...] = ()
    months: tuple[Month, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a request says of the definitions: see the inputs of the same names."""

    within: bool = False
    carry: bool = False
    bootstrap: bool = False
    base: tuple[int, int] = (1961, 1990)
    thresholds: dict[str, float] = field(default_factory=dict)
    spi_months: int = 3
    least: float = 1.0
    wmo: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """
    Some cells over the whole record.

    Attributes
    ----------
    values : dict of array, shape (days, cells)
        By quantity: °C, mm a day; NaN is missing.
    south : array of bool, shape (cells,)
        Cells south of the equator.
    """

    values: dict[str, Floats]
    calendar: Calendar
    options: Options
    south: Bools

    def of(self, index: Index) -> Floats:
        """Give the values of the (first) quantity that an index needs."""
        return self.values[index.needs[0]]


def threshold_of(index: Index, options: Options) -> float:
    """Give the threshold that holds: that of the request, or of the definition."""
    own = options.thresholds.get(index.id, index.threshold)
    return float("nan") if own is None else float(own)


# --- over the days of each period -----------------------------------------------------------------------------------


def _over(calendar: Calendar, each: Callable[[slice], Floats]) -> Floats:
    return np.stack([each(slice(first, end)) for first, end in calendar.periods])


def _count(band: Band, there: Bools) -> Floats:
    return _over(band.calendar, lambda days: there[days].sum(axis=0, dtype=np.float64))


def _total(band: Band, amounts: Floats) -> Floats:
    return _over(band.calendar, lambda days: np.nansum(amounts[days], axis=0))


def _divide(total: Floats, number: Floats) -> Floats:
    """Divide by a number of days; missing where there is none."""
    mean: Floats = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean


def _greatest(band: Band, values: Floats) -> Floats:
    filled = np.where(np.isnan(values), -np.inf, values)
    return _without_infinite(_over(band.calendar, lambda days: filled[days].max(axis=0)))


def _without_infinite(values: Floats) -> Floats:
    return np.where(np.isinf(values), np.nan, values)


def count_below(band: Band, index: Index) -> Floats:
    """Count the days below the threshold."""
    return _count(band, band.of(index) < threshold_of(index, band.options))


def count_above(band: Band, index: Index) -> Floats:
    """Count the days above the threshold."""
    return _count(band, band.of(index) > threshold_of(index, band.options))


def count_from(band: Band, index: Index) -> Floats:
    """Count the days at or above the threshold."""
    return _count(band, band.of(index) >= threshold_of(index, band.options))


def greatest(band: Band, index: Index) -> Floats:
    """Give the greatest value."""
    return _greatest(band, band.of(index))


def least(band: Band, index: Index) -> Floats:
    """Give the least value."""
    return -_greatest(band, -band.of(index))


def mean_range(band: Band, index: Index) -> Floats:
    """Give the mean of the daily ranges of the days that have both ends."""
    ranges = band.values[index.needs[0]] - band.values[index.needs[1]]
    there = _count(band, ~np.isnan(ranges))
    return _divide(_total(band, ranges), there)


def degrees_above(band: Band, index: Index) -> Floats:
    """Sum by how much the days are above the threshold."""
    return _total(band, np.maximum(band.of(index) - threshold_of(index, band.options), 0.0))


def degrees_below(band: Band, index: Index) -> Floats:
    """Sum by how much the days are below the threshold."""
    return _total(band, np.maximum(threshold_of(index, band.options) - band.of(index), 0.0))


def _wet(band: Band, index: Index) -> Bools:
    there: Bools = band.of(index) >= threshold_of(index, band.options)
    return there


def wet_total(band: Band, index: Index) -> Floats:
    """Sum the wet days."""
    return _total(band, np.where(_wet(band, index), band.of(index), 0.0))


def wet_mean(band: Band, index: Index) -> Floats:
    """Give the mean of the wet days; missing where there is none."""
    days = _count(band, _wet(band, index))
    return _divide(wet_total(band, index), days)


def greatest_of_five(band: Band, index: Index) -> Floats:
    """Give the greatest sum of five days in a row; the sum belongs to its last day, or must lie within the period."""
    values = band.of(index)
    if not band.options.within:
        return _greatest(band, _sums_of_five(values))
    return _without_infinite(_over(band.calendar, lambda days: _greatest_within(values[days])))


def _sums_of_five(values: Floats) -> Floats:
    sums = np.full(values.shape, np.nan)
    if len(values) >= WINDOW:
        sums[WINDOW - 1 :] = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=0).sum(axis=-1)
    return sums


def _greatest_within(values: Floats) -> Floats:
    sums = _sums_of_five(values)
    found: Floats = np.where(np.isnan(sums), -np.inf, sums).max(axis=0)
    return found


# --- spells ---------------------------------------------------------------------------------------------------------


def run_lengths(there: Bools) -> NDArray[np.int64]:
    """
    Count for each day how many days in a row, until it, a condition holds.

    Parameters
    ----------
    there : array of bool, shape (days, cells)

    Returns
    -------
    array of int, shape (days, cells)
        0 where it does not hold.
    """
    counted = np.cumsum(there, axis=0, dtype=np.int64)
    before = np.maximum.accumulate(np.where(there, 0, counted), axis=0)
    return counted - before


def _ends(there: Bools) -> Bools:
    """Tell on which days a run ends; the last day of the record ends it too."""
    following = np.zeros_like(there)
    following[:-1] = there[1:]
    return there & ~following


def _longest(band: Band, there: Bools) -> Floats:
    """Give the longest run, cut at the edges of the period; or whole, in the period in which it ends."""
    if not band.options.carry:
        return _over(band.calendar, lambda days: run_lengths(there[days]).max(axis=0).astype(np.float64))
    lengths = np.where(_ends(there), run_lengths(there), 0)
    found = _over(band.calendar, lambda days: lengths[days].max(axis=0).astype(np.float64))
    inside = _over(band.calendar, lambda days: there[days].all(axis=0).astype(np.float64))
    return np.where((inside > 0) & (found == 0), np.nan, found)


def longest_dry(band: Band, index: Index) -> Floats:
    """Give the longest run of days below the threshold."""
    return _longest(band, band.of(index) < threshold_of(index, band.options))


def longest_wet(band: Band, index: Index) -> Floats:
    """Give the longest run of days at or above the threshold."""
    return _longest(band, _wet(band, index))


def in_long_runs(there: Bools, least_days: int) -> Bools:
    """Tell which days belong to a run of at least some days."""
    ends = _ends(there)
    lengths = run_lengths(there)
    # From the last day backwards, the length at the end of its run is what each day gets.
    total = np.where(ends, lengths, 0)[::-1]
    place = np.maximum.accumulate(np.where(ends[::-1], np.arange(len(there))[:, None], 0), axis=0)
    whole = np.take_along_axis(total, place, axis=0)[::-1]
    return there & (whole >= least_days)


def _days_in_spells(band: Band, there: Bools) -> Floats:
    if band.options.carry:
        return _count(band, in_long_runs(there, _SPELL))
    return _over(band.calendar, lambda days: in_long_runs(there[days], _SPELL).sum(axis=0, dtype=np.float64))


def growing_season(band: Band, index: Index) -> Floats:
    """
    Give the days from the first of six in a row above the threshold to the first of six below, after the middle of the year.

    The year begins on 1 January, its middle is 1 July; south of the equator it begins on that 1 July. A season begins before
    the middle; 0 without a beginning, until the end of the year without an end. In the south, whose years are not those of
    the periods, a missing day makes the season missing.
    """
    limit, values = threshold_of(index, band.options), band.of(index)
    warm = run_starts(values > limit, _SEASON)
    cold = run_starts(values < limit, _SEASON)
    found = np.full((len(band.calendar.periods), values.shape[1]), np.nan)
    north, south = ~band.south, band.south
    for at, ((first, end), (july, january, stop)) in enumerate(
        zip(band.calendar.periods, band.calendar.halves, strict=True)
    ):
        found[at, north] = _season(warm[:, north], cold[:, north], first, july, end)
        if january >= 0:
            length = _season(warm[:, south], cold[:, south], july, january, stop)
            found[at, south] = np.where(np.isnan(values[july:stop, south]).any(axis=0), np.nan, length)
    return found


def run_starts(there: Bools, days: int) -> Bools:
    """Tell on which days a run of at least some days begins; days inside of such a run count too."""
    starts = np.zeros_like(there)
    if len(there) >= days:
        starts[: len(there) - days + 1] = run_lengths(there)[days - 1 :] >= days
    return starts


def _season(warm: Bools, cold: Bools, first: int, middle: int, end: int) -> Floats:
    """Measure the season of one year of some cells; runs must lie within the year."""
    last = end - _SEASON + 1
    begun, start = _first_of(warm[first : max(min(middle, last), first)])
    days = np.arange(middle, last)[:, None]
    after = cold[middle:last] & (days > first + start)
    ended, length = _first_of(after)
    stop = np.where(ended, middle + length, end)
    return np.where(begun, stop - (first + start), 0).astype(np.float64)


def _first_of(there: Bools) -> tuple[Bools, NDArray[np.intp]]:
    """Tell where something is at all, and at which place first."""
    if not len(there):
        return np.zeros(there.shape[1], dtype=bool), np.zeros(there.shape[1], dtype=np.intp)
    return there.any(axis=0), there.argmax(axis=0)


# --- percentiles ----------------------------------------------------------------------------------------------------


def quantile_8(values: Floats, share: float) -> Floats:
    """
    Give a quantile of the values that are there, as Hyndman and Fan's definition 8.

    Parameters
    ----------
    values : array, shape (n, ...)
        NaN is left out.
    share : float
        0 to 1.

    Returns
    -------
    array, shape (...)
        NaN where there is no value.

    Examples
    --------
    >>> float(quantile_8(np.array([1.0, 2.0, 3.0, 4.0]), 0.5))
    2.5
    """
    ordered = np.sort(values, axis=0)
    number = (~np.isnan(values)).sum(axis=0)
    place = np.clip(number * share + (share + 1) / 3, 1, np.maximum(number, 1))
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(number, 1))
    below, above = (np.take_along_axis(ordered, (at - 1)[None], axis=0)[0] for at in (low, high))
    found: Floats = below + (place - low) * (above - below)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """The days of the baseline, without leap days: places in the record, day of the year and year of each."""

    places: NDArray[np.intp]
    day_of_year: NDArray[np.int64]
    year: NDArray[np.int64]


def _base(calendar: Calendar, options: Options) -> _Base:
    first, last = options.base
    places = np.flatnonzero((calendar.year >= first) & (calendar.year <= last) & ~calendar.leap_day)
    return _Base(places=places, day_of_year=calendar.day_of_year[places], year=calendar.year[places])


def day_limits(values: Floats, base: _Base, share: float) -> Floats:
    """
    Give the percentile of each day of the year, of the values of five days around it in all years of the base.

    Parameters
    ----------
    values : array, shape (days of the base, cells)
        NaN is missing.

    Returns
    -------
    array, shape (days of the year, cells)
    """
    half = WINDOW // 2
    padded = np.full((len(values) + 2 * half, values.shape[1]), np.nan)
    padded[half : half + len(values)] = values
    count = int(base.day_of_year.max()) + 1
    limits = np.empty((count, values.shape[1]))
    for day in range(count):
        own = np.flatnonzero(base.day_of_year == day)
        limits[day] = quantile_8(padded[(own[:, None] + np.arange(WINDOW)).ravel()], share)
    return limits


def _limits(band: Band, index: Index) -> Floats:
    """Give the percentile that each day of the record is compared with."""
    base = _base(band.calendar, band.options)
    limits = day_limits(band.of(index)[base.places], base, index.percentile or 0.0)
    return limits[np.minimum(band.calendar.day_of_year, len(limits) - 1)]


def _is_beyond(values: Floats, limits: Floats, index: Index) -> Bools:
    there: Bools = values > limits if (index.percentile or 0.0) > 0.5 else values < limits
    return there


def _share(band: Band, index: Index) -> Floats:
    """Give the percentage of the days that there are which lie beyond their percentile."""
    values = band.of(index)
    beyond = _is_beyond(values, _limits(band, index), index).astype(np.float64)
    if band.options.bootstrap:
        for days, mean in _resampled(band, index):
            beyond[days] = mean
    known = _count(band, ~np.isnan(values))
    total = _over(band.calendar, lambda days: beyond[days].sum(axis=0))
    return _divide(100.0 * total, known)


def _resampled(band: Band, index: Index) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """
    Give for each year of the base how often its days are beyond percentiles that do not know it.

    The year is left out, and each of the others put twice in turn; the mean of these is what counts (Zhang et al. 2005).
    """
    base = _base(band.calendar, band.options)
    values = band.of(index)
    own = values[base.places]
    years = np.unique(base.year)
    for year in years:
        days = np.flatnonzero(band.calendar.year == year)
        total = np.zeros((len(days), values.shape[1]))
        out = np.flatnonzero(base.year == year)
        for other in years[years != year]:
            changed = own.copy()
            twice = np.flatnonzero(base.year == other)
            common, here, there = np.intersect1d(base.day_of_year[out], base.day_of_year[twice], return_indices=True)
            changed[out] = np.nan
            changed[out[here]] = own[twice[there]]
            limits = day_limits(changed, base, index.percentile or 0.0)
            del common
            total += _is_beyond(values[days], limits[band.calendar.day_of_year[days]], index)
        yield days, total / max(len(years) - 1, 1)


def warm_spells(band: Band, index: Index) -> Floats:
    """Count the days in runs of at least six beyond the percentile of their day."""
    return _days_in_spells(band, _is_beyond(band.of(index), _limits(band, index), index))


def heavy_total(band: Band, index: Index) -> Floats:
    """Sum the days above the percentile of the wet days of the base."""
    base, values = _base(band.calendar, band.options), band.of(index)
    own = values[base.places]
    limit = quantile_8(np.where(own >= threshold_of(index, band.options), own, np.nan), index.percentile or 0.0)
    heavy = np.where(values > limit, values, 0.0)
    total = _total(band, heavy)
    return np.where(np.isnan(limit), np.nan, total)


# --- missing days ---------------------------------------------------------------------------------------------------


def is_month_there(values: Floats, days: int) -> Bools:
    """
    Tell where enough of a month is there by WMO's rule: neither eleven days are missing nor five in a row.

    Parameters
    ----------
    values : array, shape (days that the record has of it, cells)
        NaN is missing.
    days : int
        That it should have.

    References
    ----------
    WMO (2017), No. 1203, Guidelines on the calculation of climate normals, section 4.4.1.
    """
    missing = np.isnan(values)
    return (days - (~missing).sum(axis=0) < _MONTH_MISSING) & (run_lengths(missing).max(axis=0) < _ROW_MISSING)


def are_periods_there(values: Floats, calendar: Calendar) -> Bools:
    """Tell where each month of a period is there by WMO's rule; shape (periods, cells)."""
    months = [(each.first, is_month_there(values[each.first : each.last], each.days)) for each in calendar.months]
    return np.stack(
        [
            np.logical_and.reduce([there for begin, there in months if first <= begin < end])
            for first, end in calendar.periods
        ]
    )


# --- sums of months -------------------------------------------------------------------------------------------------


def standardized(band: Band, index: Index) -> Floats:
    """Give the sum of the months up to each as its distance from what they are in the baseline, in standard deviations."""
    months, options = band.calendar.months, band.options
    totals = np.stack([_total_of(band.of(index)[each.first : each.last], each.days, options) for each in months])
    first, last = options.base
    made = standardize(
        sum_of_months(totals, options.spi_months),
        np.array([each.number for each in months]),
        np.array([first <= each.year <= last for each in months]),
    )
    place = {each.first: at for at, each in enumerate(months)}
    return made[[place[begin] for begin, _ in band.calendar.periods]]


def _total_of(amounts: Floats, days: int, options: Options) -> Floats:
    """Sum the days of a month; missing where too few of them are there."""
    there = (~np.isnan(amounts)).sum(axis=0)
    enough = is_month_there(amounts, days) if options.wmo else there >= options.least * days - 1e-9
    return np.where(enough & (there > 0), np.nansum(amounts, axis=0), np.nan)


type Kernel = Callable[[Band, Index], Floats]

KERNELS: dict[str, Kernel] = {
    "count_below": count_below,
    "count_above": count_above,
    "count_from": count_from,
    "greatest": greatest,
    "least": least,
    "mean_range": mean_range,
    "growing_season": growing_season,
    "degrees_above": degrees_above,
    "degrees_below": degrees_below,
    "greatest_of_five": greatest_of_five,
    "wet_mean": wet_mean,
    "wet_total": wet_total,
    "longest_dry": longest_dry,
    "longest_wet": longest_wet,
    "share_below": _share,
    "share_above": _share,
    "warm_spells": warm_spells,
    "cold_spells": warm_spells,
    "heavy_total": heavy_total,
    "standardized": standardized,
}
