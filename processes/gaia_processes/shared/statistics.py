"""
Statistics that are gathered piece by piece: over the cells of a block at once, over steps one after the other.

All sums are float64 and in the order of the steps, so that a result depends neither on how the data are cut into blocks
nor on threads. Weights are positive; what is missing has none.

References
----------
Chan, T. F., Golub, G. H., LeVeque, R. J. (1983): Algorithms for computing the sample variance. The American Statistician
37(3), 242-247 (merging of moments).
Galassi, M. et al.: GNU Scientific Library, "Weighted samples" (unbiased variance of weighted samples).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Numbers = NDArray[Any]
type Mask = NDArray[np.bool_] | None
"""True where there is a value; None where there is one everywhere."""

_SLACK = 1e-9
"""A share of weight is enough from so little below what is asked: thirty times 1/30 need not be 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """
    What some cells come to, as one value each for further statistics.

    Attributes
    ----------
    value : array
        Their mean, sum, extreme or count.
    valid : array of bool or None
        Where there is one.
    weight, squares, spread : array of float, or None
        Valid weight, sum of the squares of the weights, and weighted sum of the squared distances from the mean; only of
        means whose variance is asked for.
    """

    value: Numbers
    valid: Mask
    weight: Floats | None = None
    squares: Floats | None = None
    spread: Floats | None = None


class Gathers(Protocol):
    """Gathers the steps of one period."""

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account."""

    def result(self, whole: float, least: float) -> Floats:
        """Give the statistic; NaN where less than a share `least` of the weight `whole` is valid."""


class _Weighed:
    """The valid weight of each cell: one number for the steps that are valid everywhere, an array for the others."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._everywhere = 0.0
        self._here: Floats | None = None

    def add(self, valid: Mask, weight: float) -> None:
        if valid is None:
            self._everywhere += weight
            return
        if self._here is None:
            self._here = np.zeros(self._shape)
        np.add(self._here, weight, out=self._here, where=valid)

    @property
    def total(self) -> Floats:
        here = np.zeros(self._shape) if self._here is None else self._here
        total: Floats = here + self._everywhere
        return total

    def is_enough(self, whole: float, least: float) -> NDArray[np.bool_]:
        return _is_enough(self.total, whole, least)


def _is_enough(weight: Floats, whole: float, least: float) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = (weight > 0) & (weight >= (least - _SLACK) * whole)
    return enough


def close_mean(total: Floats, weight: Floats, whole: float, least: float) -> Floats:
    """Give means of weighted sums; NaN where less than a share `least` of the weight `whole` is valid."""
    mean: Floats = np.divide(total, weight, out=np.full(total.shape, np.nan), where=_is_enough(weight, whole, least))
    return mean


def close_sum(total: Floats, weight: Floats, whole: float, least: float) -> Floats:
    """Give sums; NaN where less than a share `least` of the weight `whole` is valid."""
    return np.where(_is_enough(weight, whole, least), total, np.nan)


class Mean:
    """Mean of the steps, each by its weight."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total = np.zeros(shape)
        self._weighed = _Weighed(shape)

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account."""
        _add_to(self._total, sample, weight)
        self._weighed.add(sample.valid, weight)

    def result(self, whole: float, least: float) -> Floats:
        """Give the mean."""
        return close_mean(self._total, self._weighed.total, whole, least)


class Sum:
    """Sum of the steps."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total = np.zeros(shape)
        self._weighed = _Weighed(shape)

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account."""
        _add_to(self._total, sample, 1.0)
        self._weighed.add(sample.valid, weight)

    def result(self, whole: float, least: float) -> Floats:
        """Give the sum."""
        return close_sum(self._total, self._weighed.total, whole, least)


class Count:
    """Number of values."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total = np.zeros(shape)
        self._weighed = _Weighed(shape)

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account; a value counts once, whatever its weight."""
        _add_to(self._total, sample, 1.0)
        self._weighed.add(sample.valid, weight)

    def result(self, whole: float, least: float) -> Floats:
        """Give the number; that of nothing is 0, where no share is asked for."""
        return np.where((least <= 0) | self._weighed.is_enough(whole, least), self._total, np.nan)


class Extreme:
    """The least or the greatest of the steps."""

    def __init__(self, shape: tuple[int, ...], pick: np.ufunc, start: float) -> None:
        self._pick = pick
        self._found = np.full(shape, start)
        self._weighed = _Weighed(shape)

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account."""
        where = True if sample.valid is None else sample.valid
        self._pick(self._found, sample.value, out=self._found, where=where)
        self._weighed.add(sample.valid, weight)

    def result(self, whole: float, least: float) -> Floats:
        """Give the extreme."""
        return np.where(self._weighed.is_enough(whole, least), self._found, np.nan)


class Moments:
    """
    Variance of all values of the steps, each by its weight.

    `ddof` takes that many degrees of freedom off: the divisor is W - ddof * (sum of squared weights) / W, which is N -
    ddof where all weights are equal.
    """

    def __init__(self, shape: tuple[int, ...], *, ddof: int, root: bool) -> None:
        self._ddof, self._root = ddof, root
        self._weight, self._squares = np.zeros(shape), np.zeros(shape)
        self._mean, self._spread = np.zeros(shape), np.zeros(shape)
        self._weighed = _Weighed(shape)

    def add(self, sample: Sample, weight: float) -> None:
        """Take one step into account."""
        valid = np.ones(self._mean.shape, dtype=bool) if sample.valid is None else sample.valid
        own = valid * (weight if sample.weight is None else weight * sample.weight)
        squares = valid * weight**2 if sample.squares is None else valid * weight**2 * sample.squares
        total = self._weight + own
        apart = np.where(valid, sample.value, 0.0) - self._mean
        share = np.divide(own, total, out=np.zeros_like(total), where=total > 0)
        self._spread += apart**2 * share * self._weight
        if sample.spread is not None:
            self._spread += np.where(valid, sample.spread, 0.0) * weight
        self._mean += apart * share
        self._weight = total
        self._squares += squares
        self._weighed.add(sample.valid, weight)

    def result(self, whole: float, least: float) -> Floats:
        """Give the variance, or its root."""
        safe = np.where(self._weight > 0, self._weight, 1.0)
        divisor = self._weight - self._ddof * self._squares / safe
        enough = self._weighed.is_enough(whole, least) & (divisor > 1e-12 * safe)
        found = np.divide(self._spread, divisor, out=np.full(divisor.shape, np.nan), where=enough)
        result: Floats = np.sqrt(found) if self._root else found
        return result


def _add_to(total: Floats, sample: Sample, factor: float) -> None:
    """Add a step to sums, in float64 whatever its own type."""
    value = sample.value if factor == 1.0 else np.multiply(sample.value, factor, dtype=np.float64)
    np.add(total, value, out=total, where=True if sample.valid is None else sample.valid)


# --- over cells -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CellSums:
    """
    What the cells of some blocks of the same steps come to; arrays of the shape (steps, ...).

    `weight` is the valid weight, `squares` that of squared weights; `total` the weighted sum where a mean is asked for,
    the plain sum, the extreme or the number of values where those are; `spread` as in `Sample`.
    """

    weight: Floats
    squares: Floats
    total: Floats
    spread: Floats


def gather_cells(values: Numbers, valid: Mask, weights: Floats, statistic: str) -> CellSums:
    """
    Gather the cells of a block.

    Parameters
    ----------
    values : array, shape (steps, ..., cells)
        What is missing may be anything.
    valid : array of bool or None
        Where there is a value.
    weights : array of float, shape (cells,)
        Sizes of the cells; 0 leaves a cell out.
    statistic : str
        `mean`, `sum`, `min`, `max`, `count`, `std` or `var`.
    """
    if valid is None and np.all(weights > 0):
        return _gather_all(values, weights, statistic)
    counted = np.broadcast_to(weights > 0, values.shape) if valid is None else valid & (weights > 0)
    own = np.where(counted, weights, 0.0)
    weight, squares = own.sum(axis=-1), (own**2).sum(axis=-1)
    spread = np.zeros_like(weight)
    if statistic == "count":
        return CellSums(weight, squares, counted.sum(axis=-1, dtype=np.float64), spread)
    if statistic in _STARTS:
        pick, start = _STARTS[statistic]
        return CellSums(weight, squares, pick.reduce(np.where(counted, values, start), axis=-1), spread)
    exact = np.where(counted, values, 0.0).astype(np.float64, copy=False)
    if statistic == "sum":
        return CellSums(weight, squares, exact.sum(axis=-1), spread)
    total = (exact * own).sum(axis=-1)
    if statistic != "mean":
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        spread = (own * (exact - mean[..., np.newaxis]) ** 2).sum(axis=-1)
    return CellSums(weight, squares, total, spread)


def _gather_all(values: Numbers, weights: Floats, statistic: str) -> CellSums:
    """Gather the cells of a block of which none is missing: the same sums with less work."""
    shape = values.shape[:-1]
    weight, squares = np.full(shape, weights.sum()), np.full(shape, (weights**2).sum())
    spread = np.zeros(shape)
    if statistic == "count":
        return CellSums(weight, squares, np.full(shape, float(values.shape[-1])), spread)
    if statistic in _STARTS:
        return CellSums(weight, squares, _STARTS[statistic][0].reduce(values, axis=-1), spread)
    if statistic == "sum":
        return CellSums(weight, squares, values.sum(axis=-1, dtype=np.float64), spread)
    total = np.multiply(values, weights, dtype=np.float64).sum(axis=-1)
    if statistic != "mean":
        apart = values - (total / weights.sum())[..., np.newaxis]
        spread = (apart**2 * weights).sum(axis=-1)
    return CellSums(weight, squares, total, spread)


def merge_cells(first: CellSums | None, second: CellSums, statistic: str) -> CellSums:
    """Put two blocks of the same steps together."""
    if first is None:
        return second
    weight = first.weight + second.weight
    put = _STARTS[statistic][0] if statistic in _STARTS else np.add
    total = put(first.total, second.total)
    spread = first.spread + second.spread
    if statistic in {"std", "var"}:
        safe_first, safe_second = (np.where(each.weight > 0, each.weight, 1.0) for each in (first, second))
        apart = second.total / safe_second - first.total / safe_first
        spread = spread + apart**2 * first.weight * second.weight / np.where(weight > 0, weight, 1.0)
    return CellSums(weight, first.squares + second.squares, total, spread)


def close_cells(sums: CellSums, statistic: str, *, whole: float, least: float) -> Sample:
    """Make a value of what was gathered; missing where less than a share `least` of the weight `whole` is valid."""
    valid = (sums.weight > 0) & (sums.weight >= (least - _SLACK) * whole)
    if statistic == "count" and least <= 0:
        return Sample(value=sums.total, valid=None)
    if statistic not in {"mean", "std", "var"}:
        return Sample(value=sums.total, valid=valid)
    mean = np.divide(sums.total, sums.weight, out=np.full(sums.total.shape, np.nan), where=valid)
    if statistic == "mean":
        return Sample(value=mean, valid=valid)
    # Weights of cells are taken as shares, so that the length of a step keeps its meaning beside them.
    share = sums.weight / whole
    return Sample(value=mean, valid=valid, weight=share, squares=sums.squares / whole**2, spread=sums.spread / whole)


_STARTS: dict[str, tuple[np.ufunc, float]] = {"min": (np.minimum, np.inf), "max": (np.maximum, -np.inf)}


def gatherer(statistic: str, shape: tuple[int, ...], *, ddof: int = 0) -> Gathers:
    """Give what gathers the steps of a period for a statistic."""
    if statistic in _STARTS:
        return Extreme(shape, *_STARTS[statistic])
    if statistic in {"std", "var"}:
        return Moments(shape, ddof=ddof, root=statistic == "std")
    return _SIMPLE[statistic](shape)


_SIMPLE: dict[str, Callable[[tuple[int, ...]], Gathers]] = {"mean": Mean, "sum": Sum, "count": Count}


# --- quantiles ------------------------------------------------------------------------------------------------------


def quantile_of_steps(values: Floats, share: float) -> Floats:
    """
    Give a quantile over the first axis, NaN left out; all steps count alike.

    Parameters
    ----------
    values : array of float, shape (steps, ...)
        NaN where there is no value.
    share : float
        0 to 1.

    Notes
    -----
    Linear between the ordered values (Hyndman and Fan 1996, definition 7).
    """
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=0)
    place = share * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low = np.take_along_axis(ordered, below[np.newaxis], axis=0)[0].astype(np.float64)
    high = np.take_along_axis(ordered, above[np.newaxis], axis=0)[0].astype(np.float64)
    found: Floats = np.where(count > 0, low + (high - low) * (place - below), np.nan)
    return found


def quantile_by_weight(values: Floats, weights: Floats, share: float) -> Floats:
    """
    Give a quantile over the last axis by weight, NaN left out.

    Parameters
    ----------
    values : array of float, shape (..., n)
        NaN where there is no value.
    weights : array of float, shape (n,)
        Not negative.
    share : float
        0 to 1.

    Notes
    -----
    Inverse of the weighted distribution with averaging: the first value at which the weight reaches `share` of all; the
    mean of it and the next where it is reached exactly. Splitting or merging cells cannot change it.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1).astype(np.float64)
    own = np.where(np.isfinite(ordered), weights[order], 0.0)
    heaps = np.cumsum(own, axis=-1)
    total = heaps[..., -1:]
    target = share * total
    slack = _SLACK * total
    last = np.maximum((own > 0).cumsum(axis=-1).argmax(axis=-1), 0)[..., np.newaxis]
    first = np.minimum(((heaps < target - slack) | (own <= 0) & (heaps <= 0)).sum(axis=-1)[..., np.newaxis], last)
    reached = np.take_along_axis(heaps, first, axis=-1)
    beyond = heaps > reached + slack
    following = np.where(beyond.any(axis=-1)[..., np.newaxis], beyond.argmax(axis=-1)[..., np.newaxis], last)
    exact = np.abs(reached - target) <= slack
    low, high = (np.take_along_axis(ordered, each, axis=-1) for each in (first, following))
    found: Floats = np.where(total > 0, np.where(exact, (low + high) / 2, low), np.nan)[..., 0]
    return found
