"""How uncertain indices of diversity are: standard errors and intervals of 95 %, where somebody has published them."""

from dataclasses import dataclass

import numpy as np

from gaia_processes.shared.diversity import (
    Frequencies,
    chao1,
    gini_simpson,
    goods_coverage,
    hurlbert,
    log_absent,
    shannon,
    simpson_dominance,
)
from gaia_processes.shared.tallies import Floats

Z_95 = 1.959963984540054
_MOST_ABUNDANCES = 2000


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard error, and the ends of the interval of 95 %; arrays of shape (units,)."""

    se: Floats
    lower: Floats
    upper: Floats


def spread_of(name: str, units: Frequencies, *, size: int = 0, log_base: float | None = None) -> Spread:
    """
    Tell how uncertain an index is.

    Parameters
    ----------
    name : str
        `shannon`, `simpson_dominance`, `gini_simpson`, `es`, `chao1` or `goods_coverage`.
    size : int
        n of `es`.
    log_base : float, optional
        Of `shannon`.
    """
    if name == "chao1":
        return _chao1(units)
    if name == "shannon":
        scale = 1.0 if log_base is None else np.log(log_base)
        return _normal(shannon(units, log_base=log_base), np.sqrt(_variance_of_shannon(units)) / scale, most=np.inf)
    if name == "es":
        return _normal(hurlbert(units, size), np.sqrt(_variance_of_hurlbert(units, size)), most=np.inf)
    if name == "goods_coverage":
        return _normal(goods_coverage(units), _error_of_coverage(units), most=1.0)
    value = simpson_dominance(units) if name == "simpson_dominance" else gini_simpson(units)
    return _normal(value, np.sqrt(_variance_of_simpson(units)), most=1.0)


def _normal(value: Floats, se: Floats, *, most: float) -> Spread:
    return Spread(se=se, lower=np.maximum(value - Z_95 * se, 0.0), upper=np.minimum(value + Z_95 * se, most))


def _chao1(units: Frequencies) -> Spread:
    """Variance of the bias-corrected form and its log-normal interval (Chao 1987; Colwell 2013, EstimateS, eq. 6, 7, 13, 14)."""
    f1, f2, s, n = units.count(1), units.count(2), units.s, units.n
    estimate = chao1(units)
    doubled = 2 * (f2 + 1)
    both = (
        f1 * (f1 - 1) / doubled + f1 * (2 * f1 - 1) ** 2 / doubled**2 + f1**2 * f2 * (f1 - 1) ** 2 / (4 * (f2 + 1) ** 4)
    )
    # Without doubletons the general form would count their variance twice.
    alone = f1 * (f1 - 1) / 2 + f1 * (2 * f1 - 1) ** 2 / 4 - f1**4 / (4 * np.where(estimate > 0, estimate, 1.0))
    share = np.exp(-n / np.where(s > 0, s, 1.0))
    none = s * share * (1 - share)
    variance = np.where(f1 > 0, np.where(f2 > 0, both, alone), none)
    variance = np.where(np.isnan(estimate), np.nan, np.maximum(variance, 0.0))
    unseen = estimate - s
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp(Z_95 * np.sqrt(np.log1p(variance / np.where(unseen > 0, unseen, 1.0) ** 2)))
    lower = np.where(unseen > 0, s + unseen / factor, s)
    upper = np.where(unseen > 0, s + unseen * factor, estimate)
    gone = np.isnan(estimate)
    return Spread(se=np.sqrt(variance), lower=np.where(gone, np.nan, lower), upper=np.where(gone, np.nan, upper))


def _variance_of_shannon(units: Frequencies) -> Floats:
    """(Σ p ln² p - H²) / N + (S - 1) / (2 N²) (Hutcheson 1970), to its second term; in nats²."""
    n = np.where(units.n > 0, units.n, np.nan)
    squared = units.sums(units.p * np.log(units.p) ** 2)
    variance = (squared - shannon(units) ** 2) / n + (units.s - 1) / (2 * n**2)
    return np.where(units.are_whole, np.maximum(variance, 0.0), np.nan)


def _variance_of_simpson(units: Frequencies) -> Floats:
    """4 (Σ p³ - (Σ p²)²) / N (Simpson 1949, for large N)."""
    n = np.where(units.n > 0, units.n, np.nan)
    variance = 4 * (units.sums(units.p**3) - units.sums(units.p**2) ** 2) / n
    return np.where(units.are_whole, np.maximum(variance, 0.0), np.nan)


def _error_of_coverage(units: Frequencies) -> Floats:
    """√(f1 (1 - f1 / N) + 2 f2) / N (Esty 1983)."""
    n = np.where(units.n > 0, units.n, np.nan)
    f1, f2 = units.count(1), units.count(2)
    return np.sqrt(f1 * (1 - f1 / n) + 2 * f2) / n


def _variance_of_hurlbert(units: Frequencies, size: int) -> Floats:
    """Σ a (1 - a) + Σ Σ (a_ij - a_i a_j), a the chance to draw none of a species, or of two (Heck et al. 1975, eq. 2)."""
    variance = np.full(len(units.n), np.nan)
    for unit in np.flatnonzero((units.n >= size) & units.are_whole & (units.s > 0)):
        x = units.x[units.starts[unit] : units.starts[unit + 1]]
        f = units.f[units.starts[unit] : units.starts[unit + 1]]
        if len(x) <= _MOST_ABUNDANCES:
            variance[unit] = _variance_of_one(x, f, float(units.n[unit]), size)
    return variance


def _variance_of_one(x: Floats, f: Floats, n: float, size: int) -> float:
    absent = np.exp(log_absent(np.full(len(x), n), x, float(size)))
    pairs = np.add.outer(x, x)
    together = np.exp(log_absent(np.full(pairs.size, n), np.minimum(pairs.ravel(), n), float(size))).reshape(
        pairs.shape
    )
    times = np.multiply.outer(f, f) - np.diag(f)
    covariance = np.sum(times * (together - np.multiply.outer(absent, absent)))
    return max(float(np.sum(f * absent * (1 - absent)) + covariance), 0.0)
