"""Counts records by unit, period and species: what all indicators are made of."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaia_processes.biodiversity_indicators.names import Period
from gaia_processes.biodiversity_indicators.records import MONTHS_BITS, Block, Records
from gaia_processes.biodiversity_indicators.units import NOWHERE, Units
from gaia_processes.shared.equal_area import project
from gaia_processes.shared.ranges import shift_cells
from gaia_processes.shared.tallies import Longs, Tallier, Tally

_COORDINATE = 10**6
"""Places are told apart to a millionth of a degree, a tenth of a metre."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """
    What was counted.

    Attributes
    ----------
    records : Tally
        Numbers of records; its units are `unit << MONTHS_BITS | period` where there are periods.
    amounts : Tally or None
        Individuals or quantities, where every record has one.
    incomplete : int
        How many records had none, so that records are counted instead.
    squares, points : Tally or None
        Squares of 200 m, and points, with the species there; a tally for each period.
    outside : int
        Records that belong to no unit.
    """

    records: Tally
    amounts: Tally | None
    incomplete: int
    squares: dict[int, Tally]
    points: dict[int, Tally]
    outside: int


def count(records: Records, units: Units, *, period: Period, squares: bool, points: bool) -> Counted:
    """Read all records, and count them."""
    counting = _Counting(period=period, squares=squares, points=points)
    for block in _one_ahead(records.blocks()):
        counting.add(block, units.place(block))
    return counting.finish(len(records.species))


def _one_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Read the next block while the one before is counted."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = reader.submit(next, blocks, None)
            yield block


def period_of(month: Longs, period: Period) -> Longs:
    """Give the period of months: 0, the year, or the month itself."""
    if period == "month":
        return month
    return month // 12 if period == "year" else np.zeros_like(month)


def name_period(number: int, period: Period) -> str:
    """Write a period as people do: 2001, or 2001-03."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}" if period == "month" else f"{number:04d}"


class _Counting:
    def __init__(self, *, period: Period, squares: bool, points: bool) -> None:
        self._period = period
        self._want_squares = squares
        self._want_points = points
        self._records, self._amounts = Tallier(), Tallier()
        self._squares: dict[int, Tallier] = {}
        self._points: dict[int, Tallier] = {}
        self._outside = self._incomplete = 0
        self._has_amounts = False

    def add(self, block: Block, places: Longs) -> None:
        """Count records that have these units."""
        inside = places != NOWHERE
        self._outside += int(len(inside) - np.count_nonzero(inside))
        periods = period_of(block.month, self._period)
        keys = places if self._period == "all" else (places << MONTHS_BITS) | periods
        if inside.all():
            self._records.add(keys, block.species)
        else:
            self._records.add(keys[inside], block.species[inside])
        if block.amount is not None:
            self._has_amounts = True
            there = inside & (block.amount > 0)
            self._incomplete += int(np.count_nonzero(inside & ~(block.amount >= 0)))
            self._amounts.add(keys[there], block.species[there], block.amount[there])
        self._add_places(block, inside, periods)

    def _add_places(self, block: Block, inside: NDArray[np.bool_], periods: Longs) -> None:
        if not (self._want_squares or self._want_points):
            return
        for number in np.unique(periods[inside]).tolist():
            chosen = inside & (periods == number)
            longitude, latitude, species = block.longitude[chosen], block.latitude[chosen], block.species[chosen]
            if self._want_squares:
                cells = shift_cells(*project(longitude, latitude))
                self._squares.setdefault(number, Tallier()).add(cells, species)
            if self._want_points:
                self._points.setdefault(number, Tallier()).add(pack(longitude, latitude), species)

    def finish(self, species_count: int) -> Counted:
        """Give what was counted."""
        amounts = self._amounts.finish(species_count) if self._has_amounts and not self._incomplete else None
        return Counted(
            records=self._records.finish(species_count),
            amounts=amounts,
            incomplete=self._incomplete,
            squares={number: each.finish(species_count) for number, each in self._squares.items()},
            points={number: each.finish(species_count) for number, each in self._points.items()},
            outside=self._outside,
        )


def pack(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Longs:
    """Write places as whole numbers."""
    east = np.rint((longitude + 360.0) * _COORDINATE).astype(np.int64)
    north = np.rint((latitude + 90.0) * _COORDINATE).astype(np.int64)
    return np.asarray((north << 30) | east, np.int64)


def unpack(places: Longs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read places: longitude and latitude in degrees."""
    east, north = places & (2**30 - 1), places >> 30
    return east / _COORDINATE - 360.0, north / _COORDINATE - 90.0
