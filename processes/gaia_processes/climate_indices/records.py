"""
The daily values of a record, of which a stretch of days is known at a time: memory does not grow with the record.

Stretches are whole periods, a few at once where they are short, and the days around them that an index looks at. The days of
a quantity are read in the order of its chunks, each chunk once; the youngest take the place of the oldest.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.climate_indices.bands import Bands
from gaia_processes.climate_indices.kernels import Calendar, Month
from gaia_processes.shared.lazy import find_cuts
from gaia_processes.shared.reduction import decode

_READ_BYTES = 2**25


# --- which days are worked on at once -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """
    The days outside of a period that its indices look at.

    Attributes
    ----------
    before : int
        Days before its first.
    following_july : bool
        Whether to the end of the June after its year, which is the year of the south.
    all_days : bool
        Whether all of the record.
    """

    before: int = 0
    following_july: bool = False
    all_days: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Some periods in a row, and the days, from `first` to before `last`, that are known while they are worked on."""

    periods: slice
    first: int
    last: int


def find_stretches(calendar: Calendar, reach: Reach, most_days: int) -> tuple[Stretch, ...]:
    """
    Put the periods of a record together to stretches of days.

    Parameters
    ----------
    calendar : Calendar
        Of the record.
    reach : Reach
        Of all indices together.
    most_days : int
        That a stretch of several periods may have; one period is never divided.

    Returns
    -------
    tuple of Stretch
        In the order of the periods.
    """
    count = len(calendar.periods)
    if reach.all_days:
        return (Stretch(periods=slice(0, count), first=0, last=len(calendar.year)),)
    spans = [_span(calendar, at, reach) for at in range(count)]
    found: list[Stretch] = []
    for at, (first, last) in enumerate(spans):
        before = found[-1] if found else None
        if before is not None and max(last, before.last) - before.first <= most_days:
            found[-1] = replace(before, periods=slice(before.periods.start, at + 1), last=max(last, before.last))
        else:
            found.append(Stretch(periods=slice(at, at + 1), first=first, last=last))
    return tuple(found)


def _span(calendar: Calendar, at: int, reach: Reach) -> tuple[int, int]:
    first, last = calendar.periods[at]
    if reach.following_july:
        _, january, stop = calendar.halves[at]
        last = max(last, stop) if january >= 0 else last
    return max(first - reach.before, 0), last


def cut_calendar(calendar: Calendar, stretch: Stretch) -> Calendar:
    """Give the calendar of a stretch alone, in which its first day is the first."""
    days, first = slice(stretch.first, stretch.last), stretch.first
    return Calendar(
        periods=tuple((begin - first, end - first) for begin, end in calendar.periods[stretch.periods]),
        year=calendar.year[days],
        day_of_year=calendar.day_of_year[days],
        leap_day=calendar.leap_day[days],
        halves=tuple(
            (july - first, january - first if january >= 0 else -1, stop - first)
            for july, january, stop in calendar.halves[stretch.periods]
        ),
        months=tuple(
            replace(each, first=each.first - first, last=each.last - first)
            for each in _months_within(calendar.months, stretch)
        ),
    )


def _months_within(months: tuple[Month, ...], stretch: Stretch) -> tuple[Month, ...]:
    begin = bisect_left(months, stretch.first, key=lambda month: month.first)
    end = bisect_right(months, stretch.last, key=lambda month: month.last)
    return months[begin:end]


# --- the days of a quantity -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """
    In which order the steps of a variable are read, and to which days they belong.

    Attributes
    ----------
    places : array of int, shape (steps of the variable,)
        The day of each step; what lies outside of the record is in no batch.
    batches : tuple of array of int
        Steps that are read at once.
    begins : array of int
        The first day of each batch.
    gaps : array of int
        Days of which there is no step, ascending.
    ascending : bool
        Whether the steps stand in the order of the days.
    """

    places: NDArray[np.intp]
    batches: tuple[NDArray[np.intp], ...]
    begins: NDArray[np.intp]
    gaps: NDArray[np.intp]
    ascending: bool

    def reads(self, stretch: Stretch) -> int:
        """Count the batches that must have been read for a stretch."""
        return int(np.searchsorted(self.begins, stretch.last)) if self.ascending else len(self.begins)

    def days_kept(self, stretches: Sequence[Stretch]) -> int:
        """Count the days that must be known at once: from the begin of a stretch to the last that was read for its end."""
        ends = np.maximum.accumulate([0, *(int(self.places[batch].max()) + 1 for batch in self.batches)])
        return max(max(int(ends[self.reads(each)]), each.last) - each.first for each in stretches)


def plan_reading(variable: xr.Variable, places: NDArray[np.intp], days: tuple[int, int]) -> Plan:
    """
    Plan how a variable is read.

    Parameters
    ----------
    variable : xarray.Variable
        Time first.
    places : array of int
        The day of each step.
    days : tuple of int
        The first day that is needed, and the one after the last.
    """
    wanted = np.flatnonzero((places >= days[0]) & (places < days[1]))
    batches = tuple(_batches(variable, wanted))
    return Plan(
        places=places,
        batches=batches,
        begins=np.array([places[batch].min() for batch in batches], dtype=np.intp),
        gaps=np.setdiff1d(np.arange(*days), places[wanted]),
        ascending=bool(np.all(np.diff(places[wanted]) > 0)),
    )


def _batches(variable: xr.Variable, steps: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Cut the steps where chunks of the source begin, a few MiB at a time: so that none is read twice."""
    step_bytes = max(int(np.prod(variable.shape[1:], dtype=np.int64)) * 8, 1)
    most = max(_READ_BYTES // step_bytes, 1)
    found = find_cuts(variable)
    chunk = found[0][0] if found is not None and len(found[0]) == variable.ndim else 1
    most = max(most // chunk * chunk, chunk if chunk * step_bytes <= 8 * _READ_BYTES else most)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(steps, np.arange(0, len(variable), most))]))
    return [part for part in np.split(steps, cuts[1:]) if len(part)]


class Record:
    """
    The values of a quantity, of the days of one stretch after another.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded, time first.
    plan : Plan
        How it is read.
    days : int
        How many are known at once; so many that no day of a stretch is overwritten (`Plan.days_kept`).
    width : int
        Cells of a band.
    dtype : numpy.dtype
        In which the values are kept.
    in_file : bool
        Whether they lie in a temporary file.
    """

    def __init__(
        self, variable: xr.Variable, plan: Plan, *, days: int, width: int, dtype: np.dtype[Any], in_file: bool
    ) -> None:
        self._variable, self._plan, self._dtype = variable, plan, dtype
        self._cells = int(np.prod(variable.shape[1:], dtype=np.int64))
        self._days, self._bands = days, Bands(days, self._cells, width, dtype, in_file=in_file)
        self._read, self._filled = 0, 0

    def read(self, stretch: Stretch, tell: Callable[[int], None]) -> None:
        """
        Read what is still needed of a stretch; it does not begin before the one that was read last.

        Parameters
        ----------
        stretch : Stretch
            Whose days are known from then on.
        tell : callable
            Is told of how many steps were read.
        """
        upto = self._plan.reads(stretch)
        for batch in self._plan.batches[self._read : upto]:
            self._put(batch, stretch.first)
            tell(len(batch))
        self._read = max(self._read, upto)
        begin, end = np.searchsorted(self._plan.gaps, (max(self._filled, stretch.first), stretch.last))
        nothing = np.full((1, self._cells), np.nan, self._dtype)
        for gap in self._plan.gaps[begin:end]:
            self._bands.put_steps(np.array([gap % self._days]), nothing)
        self._filled = max(self._filled, stretch.last)

    def _put(self, batch: NDArray[np.intp], first: int) -> None:
        found = decode(np.asarray(self._variable[batch].values), self._variable.attrs)
        numbers = found.numbers.astype(self._dtype, copy=False)
        values = numbers if found.valid is None else np.where(found.valid, numbers, np.nan)
        days = self._plan.places[batch]
        order = np.argsort(days, kind="stable")
        order = order[days[order] >= first]
        flat = values.reshape(len(batch), -1)
        unchanged = np.array_equal(order, np.arange(len(batch)))
        self._bands.put_steps(days[order] % self._days, flat if unchanged else flat[order])

    def band(self, number: int, stretch: Stretch) -> NDArray[Any]:
        """Give the days of a stretch that was read, of a band of cells."""
        first, count = stretch.first % self._days, stretch.last - stretch.first
        until_end = min(count, self._days - first)
        values = self._bands.band(number, first, first + until_end)
        if until_end == count:
            return values
        return np.concatenate([values, self._bands.band(number, 0, count - until_end)])
