"""
Diversity of communities, from how many of their species have each abundance.

Every index here depends on the abundances alone, not on which species have them: they are computed for all units at once from
their frequencies (f_k species with k individuals), which are few even where species are many. x are abundances, N their sum, S the
number of species, p = x / N.

A unit without species has richness 0, everything else is missing (NaN); so is what a unit is too small for, and what is defined
for individuals where abundances are not whole numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gaia_processes.shared.tallies import Floats, Longs, Tally, segment_sums, tally

RARE_ABUNDANCE = 10
"""Species with at most so many individuals are rare in ACE (Chao and Lee 1992)."""
_DIRECT_TERMS = 2048
_COUNTED_BELOW = 2**20


@dataclass(frozen=True)
class Frequencies:
    """
    How many species of each unit have each abundance.

    Attributes
    ----------
    starts : array of int64, shape (units + 1,)
    x : array of float64
        Abundances that occur in a unit, ascending.
    f : array of float64
        How many species of the unit have each.
    """

    starts: Longs
    x: Floats
    f: Floats

    @classmethod
    def of(cls, made: Tally) -> "Frequencies":
        """Count them."""
        units, x = made.unit_of_each(), made.abundance
        if len(x) and x.max() < _COUNTED_BELOW and np.array_equal(x, np.floor(x)):
            counted = tally(units.astype(np.int64), x.astype(np.int32)).with_units(np.arange(len(made.units)))
            return cls(starts=counted.starts, x=counted.species.astype(np.float64), f=counted.abundance)
        order = np.lexsort((x, units))
        units, x = units[order], x[order]
        is_first = np.ones(len(x), bool)
        is_first[1:] = (units[1:] != units[:-1]) | (x[1:] != x[:-1])
        firsts = np.flatnonzero(is_first)
        starts = np.searchsorted(units[firsts], np.arange(len(made.units) + 1)).astype(np.int64)
        return cls(starts=starts, x=x[firsts], f=np.diff(np.append(firsts, len(x))).astype(np.float64))

    @classmethod
    def of_abundances(cls, *units: Iterable[float]) -> "Frequencies":
        """
        Count them for units by hand.

        Examples
        --------
        >>> richness(Frequencies.of_abundances([5, 3, 1, 1], [])).tolist()
        [4.0, 0.0]
        """
        return cls.of(Tally.of(*(dict(enumerate(unit)) for unit in units)))

    @cached_property
    def n(self) -> Floats:
        """N of each unit."""
        return segment_sums(self.starts, self.f * self.x)

    @cached_property
    def s(self) -> Floats:
        """S of each unit."""
        return segment_sums(self.starts, self.f)

    @cached_property
    def p(self) -> Floats:
        """Share of one species with each abundance."""
        return np.asarray(self.x / self.spread(self.n), np.float64)

    @cached_property
    def are_whole(self) -> NDArray[np.bool_]:
        """Whether all abundances of a unit are whole numbers, so that they can be numbers of individuals."""
        return np.asarray(segment_sums(self.starts, self.x != np.floor(self.x)) == 0)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give the value of its unit to each entry."""
        return np.repeat(values, np.diff(self.starts))

    def sums(self, values: NDArray[Any]) -> Floats:
        """Sum f times a value over the species of each unit."""
        return segment_sums(self.starts, self.f * values)

    def count(self, abundance: int) -> Floats:
        """Count the species of each unit with an abundance: f_k; missing where abundances are not whole."""
        return np.where(self.are_whole, segment_sums(self.starts, np.where(self.x == abundance, self.f, 0.0)), np.nan)


def richness(units: Frequencies) -> Floats:
    """S: number of species; 0 where there are none."""
    return units.s


def shannon(units: Frequencies, *, log_base: float | None = None) -> Floats:
    """H = -Σ p ln p (Shannon 1948), in units of the logarithm: natural, or to `log_base`."""
    scale = 1.0 if log_base is None else np.log(log_base)
    return _filled(units, -units.sums(units.p * np.log(units.p)) / scale + 0.0)


def simpson_dominance(units: Frequencies) -> Floats:
    """D = Σ p² (Simpson 1949): the chance that two individuals, drawn with putting back, are of one species."""
    return _filled(units, units.sums(units.p**2))


def gini_simpson(units: Frequencies) -> Floats:
    """1 - D."""
    return 1.0 - simpson_dominance(units)


def inverse_simpson(units: Frequencies) -> Floats:
    """1 / D."""
    return 1.0 / simpson_dominance(units)


def simpson_unbiased(units: Frequencies) -> Floats:
    """1 - Σ x (x - 1) / (N (N - 1)) (Simpson 1949): two drawn without putting back are of two species; N ≥ 2."""
    pairs = np.where((units.n >= 2) & units.are_whole, units.n * (units.n - 1), np.nan)
    return 1.0 - units.sums(units.x * (units.x - 1)) / pairs


def hill(units: Frequencies, order: float) -> Floats:
    """
    Give the number of equally common species of the same diversity (Hill 1973): (Σ p^q)^(1 / (1 - q)), e^H for q = 1.

    Parameters
    ----------
    order : float
        q, 0 or more: how much common species count more than rare ones.
    """
    if order == 1:
        return np.exp(shannon(units))
    if np.isinf(order):
        largest = np.full(len(units.n), np.nan)
        largest[units.s > 0] = units.p[units.starts[1:][units.s > 0] - 1]
        return 1.0 / largest
    return _filled(units, units.sums(units.p**order)) ** (1.0 / (1.0 - order))


def pielou(units: Frequencies) -> Floats:
    """J = H / ln S (Pielou 1966); missing where S ≤ 1."""
    return shannon(units) / np.where(units.s > 1, np.log(np.maximum(units.s, 2.0)), np.nan)


def hurlbert(units: Frequencies, size: int) -> Floats:
    """
    ES(n) = Σ 1 - C(N - x, n) / C(N, n): species expected among n individuals (Hurlbert 1971); missing where N < n.

    Parameters
    ----------
    size : int
        n, at least 1.
    """
    big_enough = (units.n >= size) & units.are_whole
    chosen = _entries(units, big_enough)
    absent = log_absent(chosen.spread(chosen.n), chosen.x, float(size))
    return _back(units, big_enough, chosen.sums(-np.expm1(absent)))


def expected_coverage(units: Frequencies, size: int) -> Floats:
    """
    Coverage that a sample of n individuals is expected to have (Chao and Jost 2012, eq. 4a); missing where N ≤ n.

    1 - Σ x / N · C(N - x, n) / C(N - 1, n): the share, of all individuals, of the species that are in it.
    """
    big_enough = (units.n > size) & units.are_whole
    chosen = _entries(units, big_enough)
    absent = log_absent(chosen.spread(chosen.n) - 1.0, chosen.x - 1.0, float(size))
    return _back(units, big_enough, 1.0 - chosen.sums(chosen.p * np.exp(absent)))


def chao1(units: Frequencies) -> Floats:
    """S + f1 (f1 - 1) / (2 (f2 + 1)): least number of species there are, seen or not, bias-corrected (Chao 2005)."""
    f1, f2 = units.count(1), units.count(2)
    return _filled(units, units.s + f1 * (f1 - 1) / (2 * (f2 + 1)))


def chao1_classic(units: Frequencies) -> Floats:
    """S + (N - 1) / N · f1² / (2 f2) (Chao 1984); where f2 = 0, (N - 1) / N · f1 (f1 - 1) / 2 (Chao 1987)."""
    f1, f2 = units.count(1), units.count(2)
    there = np.maximum(units.n, 1.0)
    unseen = np.where(f2 > 0, f1**2 / (2 * np.maximum(f2, 1.0)), f1 * (f1 - 1) / 2)
    return _filled(units, units.s + (there - 1) / there * unseen)


def ace(units: Frequencies) -> Floats:
    """
    Abundance-based coverage estimate of the number of species (Chao and Lee 1992).

    S_abundant + S_rare / C + f1 / C · γ², with C = 1 - f1 / N_rare, and γ² = max(S_rare / C · Σ k (k - 1) f_k / (N_rare (N_rare - 1)) - 1, 0).
    S where there are no rare species; missing where all rare species are singletons (C = 0).
    """
    f1 = units.count(1)
    rare = units.x <= RARE_ABUNDANCE
    s_rare, n_rare = units.sums(rare), units.sums(rare * units.x)
    covered = 1.0 - f1 / np.where(n_rare > 0, n_rare, np.nan)
    covered = np.where(covered > 0, covered, np.nan)
    pairs = units.sums(rare * units.x * (units.x - 1))
    gamma2 = np.maximum(s_rare / covered * pairs / np.maximum(n_rare * (n_rare - 1), 1.0) - 1.0, 0.0)
    estimate = units.s - s_rare + s_rare / covered + f1 / covered * gamma2
    return _filled(units, np.where((s_rare == 0) & units.are_whole, units.s, estimate))


def goods_coverage(units: Frequencies) -> Floats:
    """1 - f1 / N (Good 1953): share of the individuals there are that belong to species that were seen."""
    return 1.0 - units.count(1) / _there(units)


def chao_jost_coverage(units: Frequencies) -> Floats:
    """
    Coverage of the sample, less biased (Chao and Jost 2012, eq. 4a): 1 - f1 / N · (N - 1) f1 / ((N - 1) f1 + 2 f2).

    Where f2 = 0, the last factor is (N - 1) (f1 - 1) / ((N - 1) (f1 - 1) + 2).
    """
    n, f1, f2 = _there(units), units.count(1), units.count(2)
    doubled = np.where(f2 > 0, (n - 1) * f1, (n - 1) * (f1 - 1))
    rest = np.where(f2 > 0, 2 * f2, 2.0)
    # Without singletons nothing is uncovered, whatever the factor.
    factor = np.where(f1 > 0, doubled / np.where(f1 > 0, doubled + rest, 1.0), 0.0)
    return 1.0 - f1 / n * factor


def completeness(units: Frequencies) -> Floats:
    """S / Chao1: share of the species there are that were seen."""
    return units.s / chao1(units)


def size_for_coverage(units: Frequencies, coverage: float) -> Floats:
    """
    Smallest number of individuals whose expected coverage reaches a target (Chao and Jost 2012); missing where N does not.

    Parameters
    ----------
    coverage : float
        Between 0 and 1. It is only interpolated: a unit whose own coverage is lower has no such size.
    """
    sizes = np.full(len(units.n), np.nan)
    for unit in np.flatnonzero((units.n >= 2) & units.are_whole):
        x = units.x[units.starts[unit] : units.starts[unit + 1]]
        f = units.f[units.starts[unit] : units.starts[unit + 1]]
        sizes[unit] = _smallest_size(x, f, float(units.n[unit]), coverage)
    return sizes


def hurlbert_each(units: Frequencies, sizes: Floats) -> Floats:
    """ES(n) with an n for each unit; missing where that is missing or above N."""
    big_enough = np.nan_to_num(sizes, nan=np.inf) <= units.n
    chosen = _entries(units, big_enough)
    absent = log_absent(chosen.spread(chosen.n), chosen.x, chosen.spread(sizes[big_enough]))
    return _back(units, big_enough, chosen.sums(-np.expm1(absent)))


def log_absent(n: Floats, x: Floats, size: Floats | float) -> Floats:
    """
    Logarithm of C(N - x, n) / C(N, n): the chance that none of x among N individuals is one of n that are drawn.

    It is a product of min(n, x) factors, (N - x - i) / (N - i) or, the same, (N - n - i) / (N - i); summed one by one where these
    are few, so that no digits are lost to the difference of large logarithms.

    Parameters
    ----------
    n, x : array of float64, shape (entries,)
        N and x, whole numbers.
    size : float, or array of the same shape
        n.

    Returns
    -------
    array of float64, shape (entries,)
        -inf where it cannot be that none is drawn.
    """
    size = np.broadcast_to(np.asarray(size, np.float64), x.shape)
    few, many = np.minimum(size, x), np.maximum(size, x)
    result = np.zeros(len(x), np.float64)
    sure = x + size > n
    direct = ~sure & (few <= _DIRECT_TERMS)
    result[direct] = _summed_factors(n[direct], few[direct], many[direct])
    rest = ~sure & ~direct
    result[rest] = _difference(n[rest], many[rest], few[rest])
    result[sure] = -np.inf
    return result


def _summed_factors(n: Floats, few: Floats, many: Floats) -> Floats:
    """Σ ln(1 - many / (N - i)) for i below `few`."""
    total = np.zeros(len(n), np.float64)
    order = np.argsort(-few, kind="stable")
    n, few, many = n[order], few[order], many[order]
    left = len(n)
    for i in range(int(few[0]) if left else 0):
        left = int(np.searchsorted(-few[:left], -i, side="left"))
        total[:left] += np.log1p(-many[:left] / (n[:left] - i))
    back = np.empty_like(total)
    back[order] = total
    return back


def _difference(n: Floats, many: Floats, few: Floats) -> Floats:
    """Take ln Γ of both ends of the product, where it has many factors."""
    return np.asarray(special.betaln(n - few + 1, few) - special.betaln(n - many - few + 1, few), np.float64)


def _smallest_size(x: Floats, f: Floats, n: float, coverage: float) -> float:
    def reached(size: int) -> bool:
        if size >= n:
            return True
        absent = log_absent(np.full(len(x), n - 1.0), x - 1.0, float(size))
        return bool(1.0 - np.sum(f * x / n * np.exp(absent)) >= coverage)

    low, high = 1, int(n) - 1
    if high < 1 or not reached(high):
        return np.nan
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return float(low)


def _there(units: Frequencies) -> Floats:
    return np.where(units.n > 0, units.n, np.nan)


def _filled(units: Frequencies, values: Floats) -> Floats:
    """Let values of empty units be missing."""
    return np.where(units.s > 0, values, np.nan)


def _entries(units: Frequencies, chosen: NDArray[np.bool_]) -> Frequencies:
    """Take some of the units."""
    kept = units.spread(chosen)
    lengths = np.diff(units.starts)[chosen]
    return Frequencies(
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), x=units.x[kept], f=units.f[kept]
    )


def _back(units: Frequencies, chosen: NDArray[np.bool_], values: Floats) -> Floats:
    whole = np.full(len(units.n), np.nan)
    whole[chosen] = values
    return whole
