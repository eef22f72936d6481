"""
Periods of a calendar: which steps of a time axis make a month, a season, a year, and how much of it they cover.

A step belongs to the period that holds its middle. Of a period that begins before the record or has a gap, the share that
steps cover is known from their bounds; bounds that a file lacks are made here.

References
----------
CF conventions 1.12, sections 4.4 (time coordinate), 7.1 (cell boundaries), 7.4 (climatological statistics).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cftime
import numpy as np
from numpy.typing import NDArray

from gaia_processes.inputs.seasons import Season
from gaia_processes.shared.bounds import make_edges
from gaia_processes.shared.times import TimeAxis, unit_s

_DAY_S = 86400.0
_MONTH_DAYS = (27.0, 32.0)
_YEAR_DAYS = (359.0, 367.0)
_EVEN = 1e-6
_DATES = 2**12
_KEYS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """
    The steps of a time axis in its own calendar.

    Attributes
    ----------
    axis : TimeAxis
        Where they come from.
    year, month, day : array of int, shape (steps,)
        Of the instant that stands for each.
    bounds : array of float, shape (steps, 2)
        In the units of the axis; made where the file has none.
    known : bool
        Whether the length of the steps is known: not of a single instant.
    """

    axis: TimeAxis
    year: NDArray[np.int64]
    month: NDArray[np.int64]
    day: NDArray[np.int64]
    bounds: NDArray[np.float64]
    known: bool

    @property
    def weights(self) -> NDArray[np.float64]:
        """The lengths of the steps in days; all 1 where they are equal, or not known."""
        lengths = self.lengths_s / _DAY_S
        even = not self.known or np.ptp(lengths) <= _EVEN * lengths.max(initial=0.0)
        return np.ones(len(lengths)) if even else lengths

    @property
    def lengths_s(self) -> NDArray[np.float64]:
        """The lengths of the steps in seconds."""
        lengths: NDArray[np.float64] = np.diff(self.bounds, axis=1)[:, 0] * unit_s(self.axis.units)
        return lengths


def read_steps(axis: TimeAxis) -> Steps:
    """
    Read the steps of a time axis.

    Parameters
    ----------
    axis : TimeAxis
        Of the data.
    """
    own = axis.bounds is not None and bool(np.all(axis.bounds[:, 1] - axis.bounds[:, 0] > axis.tolerance))
    middles = axis.bounds.mean(axis=1) if own and axis.bounds is not None else axis.values
    year, month, day, clock_s = _read_dates(axis, middles)
    bounds = axis.bounds if own else _make_bounds(axis, 12 * year + month - 1, clock_s)
    return Steps(
        axis=axis,
        year=year,
        month=month,
        day=day,
        bounds=np.stack([axis.values, axis.values], axis=-1) if bounds is None else bounds,
        known=bounds is not None,
    )


def _read_dates(
    axis: TimeAxis, values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Give year, month, day and the seconds since midnight of instants; few dates at a time, for they are large."""
    parts = np.empty((3, len(values)), dtype=np.int64)
    clock_s = np.empty(len(values))
    for at in range(0, len(values), _DATES):
        some = slice(at, at + _DATES)
        dates = cftime.num2date(values[some], axis.units, axis.calendar, only_use_cftime_datetimes=True)
        parts[:, some] = np.array([(date.year, date.month, date.day) for date in dates], dtype=np.int64).T
        clock_s[some] = [3600 * each.hour + 60 * each.minute + each.second + 1e-6 * each.microsecond for each in dates]
    year, month, day = parts
    return year, month, day, clock_s


def _make_bounds(
    axis: TimeAxis, numbers: NDArray[np.int64], clock_s: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """
    Make the bounds of steps that have none: the month, the year, the day or part of it in which each lies.

    `numbers` count the months since the year 0, `clock_s` the seconds since midnight.
    """
    order = np.argsort(axis.values, kind="stable")
    spaces = np.diff(axis.values[order])
    spaces = spaces[spaces > axis.tolerance]
    if not len(spaces):
        return None
    step_days = float(np.median(spaces)) * unit_s(axis.units) / _DAY_S
    if _MONTH_DAYS[0] < step_days < _MONTH_DAYS[1] and np.all(np.diff(numbers[order]) > 0):
        return _edges_of(axis, [(n // 12, n % 12 + 1, 1) for n in numbers], [_month_after(n) for n in numbers])
    if _YEAR_DAYS[0] < step_days < _YEAR_DAYS[1] and np.all(np.diff(numbers[order] // 12) > 0):
        return _edges_of(axis, [(n // 12, 1, 1) for n in numbers], [(n // 12 + 1, 1, 1) for n in numbers])
    parts = 1.0 / step_days
    if step_days <= 1.0 + _EVEN and abs(parts - round(parts)) < 1e-3 * parts:
        return _parts_of_days(axis, clock_s, _DAY_S / round(parts))
    edges = np.empty((len(order), 2))
    edges[order] = make_edges(axis.values[order])
    return edges


def _month_after(number: int) -> tuple[int, int, int]:
    return ((number + 1) // 12, (number + 1) % 12 + 1, 1)


def _edges_of(
    axis: TimeAxis, begins: Sequence[tuple[int, int, int]], ends: Sequence[tuple[int, int, int]]
) -> NDArray[np.float64]:
    return np.array([[number_of(axis, *a), number_of(axis, *b)] for a, b in zip(begins, ends, strict=True)])


def _parts_of_days(axis: TimeAxis, clock_s: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    """Make the bounds of steps that divide the day evenly from midnight on."""
    into_s = clock_s - np.floor((clock_s + 1e-3) / step_s) * step_s
    begins = axis.values - into_s / unit_s(axis.units)
    return np.stack([begins, begins + step_s / unit_s(axis.units)], axis=-1)


def number_of(axis: TimeAxis, year: int, month: int, day: int) -> float:
    """Give the midnight that begins a day of the axis' calendar, or the next day that it has, in the units of the axis."""
    for later in range(day, 32):
        try:
            date = cftime.datetime(year, month, later, calendar=axis.calendar)
        except ValueError:
            continue
        return float(cftime.date2num(date, axis.units, axis.calendar))
    following = (year + month // 12, month % 12 + 1)
    return number_of(axis, *following, 1)


# --- which period ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Periods:
    """
    Periods, and the steps that belong to them.

    Attributes
    ----------
    owner : array of int, shape (steps,)
        Number of the period of each step; -1 for none.
    year, key : array of int, shape (periods,)
        Its year, and its place in the year: month, number of the season, 100 * month + day, or 0. Periods are in the
        order of time, or of keys where steps of several years are pooled.
    bounds : array of float, shape (periods, 2)
        Begin and end, in the units of the axis.
    whole : array of float, shape (periods,)
        Weight of the whole period, gaps included, in the unit of the steps' weights.
    covered : array of float, shape (periods,)
        Weight of the steps that there are.
    """

    owner: NDArray[np.int64]
    year: NDArray[np.int64]
    key: NDArray[np.int64]
    bounds: NDArray[np.float64]
    whole: NDArray[np.float64]
    covered: NDArray[np.float64]

    def take(self, kept: NDArray[np.intp]) -> "Periods":
        """Keep some of the periods, in ascending order."""
        renumbered = np.full(len(self.year) + 1, -1)
        renumbered[kept] = np.arange(len(kept))
        return Periods(
            owner=renumbered[self.owner],
            year=self.year[kept],
            key=self.key[kept],
            bounds=self.bounds[kept],
            whole=self.whole[kept],
            covered=self.covered[kept],
        )


type Label = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The year and the key of the period of each step; the key is -1 where it belongs to none."""
type Limits = tuple[tuple[int, int, int], tuple[int, int, int]]
"""The day on which a period begins, and the one after its last."""


def _label_year(steps: Steps, _seasons: Sequence[Season]) -> Label:
    return steps.year, np.zeros_like(steps.year)


def _label_month(steps: Steps, _seasons: Sequence[Season]) -> Label:
    return steps.year, steps.month


def _label_day(steps: Steps, _seasons: Sequence[Season]) -> Label:
    return steps.year, 100 * steps.month + steps.day


def _label_season(steps: Steps, seasons: Sequence[Season]) -> Label:
    year, key = steps.year.copy(), np.full_like(steps.year, -1)
    for number, season in enumerate(seasons):
        own = np.isin(steps.month, season.months)
        key[own] = number
        year[own] = [season.year_of(y, m) for y, m in zip(steps.year[own], steps.month[own], strict=True)]
    return year, key


def _limit_year(year: int, _key: int, _seasons: Sequence[Season]) -> Limits:
    return (year, 1, 1), (year + 1, 1, 1)


def _limit_month(year: int, key: int, _seasons: Sequence[Season]) -> Limits:
    return (year, key, 1), (year + key // 12, key % 12 + 1, 1)


def _limit_day(year: int, key: int, _seasons: Sequence[Season]) -> Limits:
    month, day = divmod(key, 100)
    return (year, month, day), (year, month, day + 1)


def _limit_season(year: int, key: int, seasons: Sequence[Season]) -> Limits:
    months = seasons[key].months
    crosses = months[-1] < months[0]
    first = year - 1 if crosses else year
    return (first, months[0], 1), (year + months[-1] // 12, months[-1] % 12 + 1, 1)


_LABELS: dict[str, Callable[[Steps, Sequence[Season]], Label]] = {
    "year": _label_year, "month": _label_month, "day": _label_day, "season": _label_season,
}  # fmt: skip
_LIMITS: dict[str, Callable[[int, int, Sequence[Season]], Limits]] = {
    "year": _limit_year, "month": _limit_month, "day": _limit_day, "season": _limit_season,
}  # fmt: skip


def find_periods(steps: Steps, period: str, seasons: Sequence[Season], *, years: int = 1) -> Periods:
    """
    Divide the steps of a time axis into periods.

    Parameters
    ----------
    steps : Steps
        Of the data.
    period : str
        `year`, `season`, `month` or `day`.
    seasons : sequence of Season
        What seasons there are; no month in two of them.
    years : int
        Years that make one period, counted from the first that the record holds whole.

    Returns
    -------
    Periods
        Those that have a step, in the order of time.
    """
    year, key = _LABELS[period](steps, seasons)
    if years > 1:
        first = _first_whole_year(steps)
        year = first + (year - first) // years * years
    inside = key >= 0
    numbers, owner = np.unique((year * _KEYS + key)[inside], return_inverse=True)
    labels = np.stack([numbers // _KEYS, numbers % _KEYS], axis=-1)
    limits = [_LIMITS[period](int(y), int(k), seasons) for y, k in labels]
    if years > 1:
        limits = [((int(y), 1, 1), (int(y) + years, 1, 1)) for y, _ in labels]
    bounds = np.array([[number_of(steps.axis, *a), number_of(steps.axis, *b)] for a, b in limits]).reshape(-1, 2)
    order = np.argsort(bounds[:, 0], kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    owners = np.full(len(year), -1)
    owners[inside] = places[owner]
    return _weigh(steps, owners, labels[order], bounds[order])


def _first_whole_year(steps: Steps) -> int:
    """Give the first year that the record holds from its first day on."""
    first = int(steps.year.min())
    begins = number_of(steps.axis, first, 1, 1)
    return first if float(steps.bounds[:, 0].min()) <= begins + steps.axis.tolerance else first + 1


def _weigh(steps: Steps, owner: NDArray[np.int64], labels: NDArray[np.int64], bounds: NDArray[np.float64]) -> Periods:
    """Say how much of each period its steps cover; what no step covers, of this period or a neighbour, is a gap."""
    weights = steps.weights
    inside = owner >= 0
    covered = np.bincount(owner[inside], weights[inside], minlength=len(bounds))
    whole = covered.copy()
    if steps.known and len(bounds):
        gaps = np.diff(bounds, axis=1)[:, 0] - np.diff(_measure(steps.bounds, bounds), axis=1)[:, 0]
        # The weights are days, or a step each where all steps are equal.
        per_weight = float(steps.lengths_s.sum() / weights.sum()) / unit_s(steps.axis.units)
        gaps[gaps <= np.diff(bounds, axis=1)[:, 0] * _EVEN + 2 * steps.axis.tolerance] = 0.0
        whole += gaps / per_weight
    return Periods(owner=owner, year=labels[:, 0], key=labels[:, 1], bounds=bounds, whole=whole, covered=covered)


def _measure(intervals: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure how much of the line before each of some places the intervals cover, overlaps counted once."""
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ordered[:, 1])
    begins = ordered[:, 0].copy()
    begins[1:] = np.maximum(begins[1:], reach[:-1])
    lengths = np.maximum(reach - begins, 0.0)
    ends = begins + lengths
    total = np.concatenate([[0.0], np.cumsum(lengths)])
    edges = np.stack([begins, ends], axis=-1).reshape(-1)
    heights = np.stack([total[:-1], total[1:]], axis=-1).reshape(-1)
    measured: NDArray[np.float64] = np.interp(at, edges, heights)
    return measured


def pool_steps(periods: Periods) -> Periods:
    """
    Pool the steps of all years that have the same place in the year.

    Parameters
    ----------
    periods : Periods
        In the order of time.

    Returns
    -------
    Periods
        In the order of keys, of the steps that there are: nothing of them is a gap. The bounds are climatological (CF
        7.4), from the begin of the first period to the end of the last; the year is that of the first.
    """
    pooled = _pool(periods, np.ones(len(periods.key), dtype=bool))
    of_period = np.append(pooled.owner, -1)
    covered = np.bincount(pooled.owner, periods.covered, minlength=len(pooled.key))
    return replace(pooled, owner=of_period[periods.owner], whole=covered, covered=covered)


def pool_years(periods: Periods, keep: NDArray[np.bool_]) -> Periods:
    """
    Put the periods together that have the same place in the year.

    Parameters
    ----------
    periods : Periods
        In the order of time.
    keep : array of bool, shape (periods,)
        Which of them.

    Returns
    -------
    Periods
        In the order of keys, as `pool_steps`; what belongs to them are periods, not steps, each of the weight 1.
    """
    pooled = _pool(periods, keep)
    years = np.bincount(pooled.owner[pooled.owner >= 0], minlength=len(pooled.key)).astype(np.float64)
    return replace(pooled, whole=years, covered=years)


def _pool(periods: Periods, keep: NDArray[np.bool_]) -> Periods:
    keys, inverse = np.unique(periods.key[keep], return_inverse=True)
    owner = np.full(len(periods.key), -1)
    owner[keep] = inverse
    groups = [np.flatnonzero(owner == at) for at in range(len(keys))]
    bounds = [[periods.bounds[each, 0].min(), periods.bounds[each, 1].max()] for each in groups]
    nothing = np.zeros(len(keys))
    return Periods(
        owner=owner,
        year=np.array([periods.year[each[0]] for each in groups], dtype=np.int64),
        key=keys,
        bounds=np.array(bounds, dtype=np.float64).reshape(-1, 2),
        whole=nothing,
        covered=nothing,
    )


def whole_record(steps: Steps) -> Periods:
    """Make one period of all the steps that there are."""
    weights = steps.weights
    total = np.array([weights.sum()])
    return Periods(
        owner=np.zeros(len(weights), dtype=np.int64),
        year=steps.year[:1],
        key=np.zeros(1, dtype=np.int64),
        bounds=np.array([[steps.bounds[:, 0].min(), steps.bounds[:, 1].max()]]),
        whole=total,
        covered=total,
    )


def limits_of(axis: TimeAxis, period: str, seasons: Sequence[Season], year: int, key: int) -> tuple[float, float]:
    """Give begin and end of the period of a year that has a key, in the units of the axis."""
    begin, end = _LIMITS[period](year, key, seasons)
    return number_of(axis, *begin), number_of(axis, *end)


def without_incomplete_ends(periods: Periods, least: float) -> Periods:
    """
    Leave out periods at the ends of the record that it does not hold whole.

    Parameters
    ----------
    periods : Periods
        In the order of time.
    least : float
        Share of a period that must be there, 0 to 1.
    """
    enough = np.flatnonzero(is_complete(periods, least))
    kept = np.arange(enough[0], enough[-1] + 1) if len(enough) else np.arange(0)
    return periods.take(kept)


def is_complete(periods: Periods, least: float) -> NDArray[np.bool_]:
    """Tell of which periods the record holds at least a share."""
    complete: NDArray[np.bool_] = periods.covered >= (least - 1e-9) * periods.whole
    return complete
