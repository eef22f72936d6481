"""
Counting how many records, or how much of a quantity, each unit has of each species: without hash tables, and without a table of
units by species.

A row becomes one whole number, unit · species, and sorting these (`sorting`) brings the rows of one species in one unit together.
A row costs 12 bytes while it waits to be counted, a species of a unit 12 bytes for good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared import sorting
from gaia_processes.shared.sorting import Keys

type Ints = NDArray[np.int32]
type Longs = NDArray[np.int64]
type Floats = NDArray[np.float64]
type Block = tuple[Longs, Ints, Floats | None]
"""Units, species and amounts of some rows."""

WAITING_ROWS = 2**24
"""So many rows wait before they are counted together."""
_WIDEST = 2**64


@dataclass(frozen=True, slots=True)
class Tally:
    """
    The species of each unit, with their abundances.

    Attributes
    ----------
    units : array of int64, shape (units,)
        Ids of the units, ascending.
    starts : array of int64, shape (units + 1,)
        The species of unit u stand at `starts[u]` to `starts[u + 1]`; none for an empty unit.
    species : array of int32
        Codes, ascending inside each unit.
    abundance : array of float64
        Above 0; whole numbers where records or individuals were counted.
    species_count : int
        How many codes there are; not all need to occur.
    """

    units: Longs
    starts: Longs
    species: Ints
    abundance: Floats
    species_count: int

    @classmethod
    def of(cls, *units: Mapping[int, float]) -> Self:
        """
        Make one of units by hand, each as abundance by species; what is 0 is not there.

        Examples
        --------
        >>> Tally.of({0: 5, 2: 1}, {}).starts.tolist()
        [0, 2, 2]
        """
        there = [sorted((code, x) for code, x in unit.items() if x > 0) for unit in units]
        species = [code for unit in there for code, _ in unit]
        return cls(
            units=np.arange(len(units), dtype=np.int64),
            starts=np.cumsum([0, *map(len, there)], dtype=np.int64),
            species=np.array(species, np.int32),
            abundance=np.array([x for unit in there for _, x in unit], np.float64),
            species_count=max(species, default=-1) + 1,
        )

    def unit_of_each(self) -> Ints:
        """Give the place of the unit of each entry."""
        return np.repeat(np.arange(len(self.units), dtype=np.int32), np.diff(self.starts))

    def richness(self) -> Floats:
        """Count the species of each unit."""
        return np.diff(self.starts).astype(np.float64)

    def totals(self) -> Floats:
        """Sum the abundance of each unit."""
        return segment_sums(self.starts, self.abundance)

    def ranges(self) -> Longs:
        """Count the units of each species, shape (species_count,)."""
        return np.bincount(self.species, minlength=self.species_count).astype(np.int64)

    def renamed(self, codes: Ints, species_count: int) -> "Tally":
        """Give the species other codes; those that get the same one are added up."""
        return tally(
            np.repeat(self.units, np.diff(self.starts)), codes[self.species], self.abundance, species_count
        ).with_units(self.units)

    def with_units(self, units: Longs) -> "Tally":
        """Let the units be these, ascending, which are all of them and may be more; those that are new are empty."""
        lengths = np.zeros(len(units), np.int64)
        lengths[np.searchsorted(units, self.units)] = np.diff(self.starts)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return Tally(units, starts, self.species, self.abundance, self.species_count)

    def pooled(self, unit_of: Callable[[Longs], Longs]) -> "Tally":
        """Add units up: those that `unit_of` gives the same id become one."""
        ids = unit_of(self.units)
        pooled = tally(np.repeat(ids, np.diff(self.starts)), self.species, self.abundance, self.species_count)
        return pooled.with_units(np.unique(ids))


class Tallier:
    """
    Takes rows in blocks, and counts them when enough have come.

    Examples
    --------
    >>> tallier = Tallier()
    >>> tallier.add(np.array([7, 7, 3]), np.array([0, 0, 1], np.int32))
    >>> made = tallier.finish(species_count=2)
    >>> made.units.tolist(), made.species.tolist(), made.abundance.tolist()
    ([3, 7], [1, 0], [1.0, 2.0])
    """

    def __init__(self, *, waiting_rows: int = WAITING_ROWS) -> None:
        self._waiting_rows = waiting_rows
        self._waiting: list[Block] = []
        self._rows = 0
        self._counted: Tally | None = None

    def add(self, units: Longs, species: Ints, amounts: Floats | None = None) -> None:
        """
        Take rows.

        Parameters
        ----------
        units : array of int64
            0 or more.
        species : array of int32
            0 or more.
        amounts : array of float64, optional
            Above 0; without it each row counts 1.
        """
        self._waiting.append((units, species, amounts))
        self._rows += len(units)
        if self._rows >= self._waiting_rows:
            self._count()

    def finish(self, species_count: int) -> Tally:
        """Count what is left, and give all."""
        self._count()
        made = self._counted
        if made is None:
            return tally(np.empty(0, np.int64), np.empty(0, np.int32), None, species_count)
        return Tally(made.units, made.starts, made.species, made.abundance, species_count)

    def _count(self) -> None:
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if not waiting:
            return
        fresh = _tally(waiting)
        del waiting
        self._counted = fresh if self._counted is None else added(self._counted, fresh)


def added(one: Tally, other: Tally) -> Tally:
    """Add two tallies up."""
    most_units, most = len(one.units) + len(other.units), len(one.species) + len(other.species)
    units, starts = np.empty(most_units, np.int64), np.empty(most_units + 1, np.int64)
    species, abundance = np.empty(most, np.int32), np.empty(most, np.float64)
    found, filled = sorting.merge(
        one.units, one.starts, one.species, one.abundance, other.units, other.starts, other.species, other.abundance,
        units, starts, species, abundance,
    )  # fmt: skip
    return Tally(
        units=units[:found].copy(),
        starts=starts[: found + 1].copy(),
        species=species[:filled].copy(),
        abundance=abundance[:filled].copy(),
        species_count=max(one.species_count, other.species_count),
    )


def tally(units: Longs, species: Ints, amounts: Floats | None = None, species_count: int | None = None) -> Tally:
    """
    Count rows, or sum their amounts, by unit and species.

    Parameters
    ----------
    units : array of int64, shape (rows,)
        0 or more; any order.
    species : array of int32, shape (rows,)
    amounts : array of float64, shape (rows,), optional
        Above 0; without it each row counts 1.
    species_count : int, optional
        Left out: the greatest code and one.
    """
    return _tally([(units, species, amounts)], species_count or 0)


def _tally(blocks: list[Block], species_count: int = 0) -> Tally:
    """Count rows that come in blocks, of which none has amounts or all have."""
    blocks = [each for each in blocks if len(each[0])]
    if not blocks:
        return Tally(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0), species_count)
    width = max(int(species.max()) for _, species, _ in blocks) + 1
    base, ids = _base_of([units for units, _, _ in blocks], width)
    keys, largest = _keys_of(blocks, base, ids, width)
    amounts = _joined([each for _, _, each in blocks if each is not None])
    if amounts is None:
        keys, summed = sorting.sort(keys, largest), None
    else:
        keys, summed = _summed(keys, amounts)
    runs, count = sorting.count_runs(keys, keys.dtype.type(width))
    found, starts = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    species, abundance = np.empty(runs, np.int32), np.empty(runs, np.float64)
    sorting.fill_runs(keys, keys.dtype.type(width), species, abundance, found, starts)
    return Tally(
        units=found + base if ids is None else ids[found],
        starts=starts,
        species=species,
        abundance=abundance if summed is None else summed,
        species_count=max(species_count, width),
    )


def segment_sums(starts: Longs, values: NDArray[Any]) -> Floats:
    """
    Sum values over segments; empty ones give 0.

    Parameters
    ----------
    starts : array, shape (segments + 1,)
    values : array, shape (starts[-1],)

    Examples
    --------
    >>> segment_sums(np.array([0, 2, 2, 3]), np.array([1.0, 2.0, 4.0])).tolist()
    [3.0, 0.0, 4.0]
    """
    lengths = np.diff(starts)
    sums = np.zeros(len(lengths), np.float64)
    filled = lengths > 0
    if filled.any():
        sums[filled] = np.add.reduceat(values.astype(np.float64, copy=False), starts[:-1][filled])
    return sums


def run_lengths(ordered: NDArray[Any]) -> tuple[Longs, Longs]:
    """Find where equal values in a row begin, and how many there are of each."""
    firsts = (
        np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else np.empty(0, np.int64)
    )
    return firsts, np.diff(np.append(firsts, len(ordered)))


def _joined(parts: list[Floats]) -> Floats | None:
    return np.concatenate(parts) if parts else None


def _base_of(units: list[Longs], width: int) -> tuple[int, Longs | None]:
    """Find what to take off the ids so that unit · species fits into 64 bits, or else the ids that there are."""
    lowest, highest = min(int(each.min()) for each in units), max(int(each.max()) for each in units)
    if (highest - lowest + 1) * width < _WIDEST:
        return lowest, None
    return 0, np.unique(np.concatenate(units))


def _keys_of(blocks: list[Block], base: int, ids: Longs | None, width: int) -> tuple[Keys, int]:
    """Write unit and species as one number each; says which number none exceeds."""
    span = max(int(units.max()) for units, _, _ in blocks) - base + 1 if ids is None else len(ids)
    keys: Any = np.empty(sum(len(units) for units, _, _ in blocks), np.uint32 if span * width < 2**32 else np.uint64)
    done = 0
    for units, species, _ in blocks:
        places = units if ids is None else np.searchsorted(ids, units)
        sorting.write_keys(keys[done : done + len(units)], places, base, width, species)
        done += len(units)
    return keys, span * width - 1


def _summed(keys: Keys, amounts: Floats) -> tuple[Keys, Floats]:
    """Sum amounts by key; gives each key once, ascending."""
    packed = _packed(keys, amounts)
    if packed is not None:
        keys, amounts = packed
    else:
        order = np.argsort(keys, kind="stable")
        keys, amounts = keys[order], amounts[order]
    firsts, _ = run_lengths(keys)
    return keys[firsts], np.add.reduceat(amounts, firsts)


def _packed(keys: Keys, amounts: Floats) -> tuple[Keys, Floats] | None:
    """Sort keys and their amounts as one number each, where amounts are whole and small: far faster than sorting places."""
    most = float(amounts.max())
    bound = int(most) + 1 if most < 2**40 else 0
    largest = (int(keys.max()) + 1) * bound
    if not bound or largest >= _WIDEST or not np.array_equal(amounts, np.floor(amounts)):
        return None
    both = keys.astype(np.uint64) * np.uint64(bound) + amounts.astype(np.uint64)
    both = sorting.sort(both, largest)
    firsts = both // np.uint64(bound)
    return firsts, (both - firsts * np.uint64(bound)).astype(np.float64)
