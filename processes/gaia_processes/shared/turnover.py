"""How unlike two communities are: presence (Jaccard, Sørensen, their parts by Baselga 2010, 2012) and abundance (Bray-Curtis)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gaia_processes.shared.tallies import Tally

type Floats = NDArray[np.float64]
type Family = Literal["sorensen", "jaccard"]

_AT_ONCE = 256


@dataclass(frozen=True)
class Pairs:
    """
    All pairs of units, each once: those of the first with all behind it, then of the second, …

    Attributes
    ----------
    first, second : array of int
        Places of the units.
    shared, one, other : array of float
        Species of both (a), of the first alone (b), of the second alone (c).
    common : array of float
        Σ min(x, y) over the species.
    total : array of float
        Σ (x + y).
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    shared: Floats
    one: Floats
    other: Floats
    common: Floats
    total: Floats

    @classmethod
    def of(cls, tally: Tally) -> "Pairs":
        """Compare all units of a tally."""
        count = len(tally.units)
        first, second = np.triu_indices(count, k=1)
        shape = (count, max(tally.species_count, 1))
        table = sparse.csr_array((tally.abundance, tally.species, tally.starts), shape=shape)
        present = sparse.csr_array((np.ones(len(tally.species)), tally.species, tally.starts), shape=shape)
        both = np.asarray((present @ present.T).todense())[first, second]
        richness, totals = tally.richness(), tally.totals()
        return cls(
            first=first,
            second=second,
            shared=both,
            one=richness[first] - both,
            other=richness[second] - both,
            common=_common(table)[first, second],
            total=totals[first] + totals[second],
        )

    def jaccard(self) -> Floats:
        """(b + c) / (a + b + c)."""
        return _share(self.one + self.other, self.shared + self.one + self.other)

    def sorensen(self) -> Floats:
        """(b + c) / (2a + b + c)."""
        return _share(self.one + self.other, 2 * self.shared + self.one + self.other)

    def turnover(self, family: Family = "sorensen") -> Floats:
        """min(b, c) / (a + min(b, c)), or of Jaccard's family 2 min(b, c) / (a + 2 min(b, c)); 1 where one unit is empty."""
        least = np.minimum(self.one, self.other) * (2 if family == "jaccard" else 1)
        parts = _share(least, self.shared + least)
        lonely = (np.minimum(self.one, self.other) + self.shared == 0) & (self.one + self.other > 0)
        return np.where(lonely, 1.0, parts)

    def nestedness(self, family: Family = "sorensen") -> Floats:
        """Give what is left of the dissimilarity without the turnover."""
        whole = self.jaccard() if family == "jaccard" else self.sorensen()
        return whole - self.turnover(family)

    def bray_curtis(self) -> Floats:
        """Σ |x - y| / Σ (x + y)."""
        return _share(self.total - 2 * self.common, self.total)


def _common(table: sparse.csr_array) -> Floats:
    """Σ min(x, y) of each pair of rows, some rows at a time."""
    count = table.shape[0]
    result = np.zeros((count, count))
    for place in range(count):
        row = table[[place]]
        columns = row.indices
        if not len(columns):
            continue
        for start in range(place + 1, count, _AT_ONCE):
            block = np.asarray(table[start : start + _AT_ONCE][:, columns].todense())
            result[place, start : start + _AT_ONCE] = np.minimum(block, row.data).sum(axis=1)
    return result


def _share(part: Floats, whole: Floats) -> Floats:
    """Divide; two empty units have no answer."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
