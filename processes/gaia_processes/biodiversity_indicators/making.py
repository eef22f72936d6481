"""The table of indicators: of communities (units), of species, or of pairs of communities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, override

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from gaia_processes.biodiversity_indicators.columns import column
from gaia_processes.biodiversity_indicators.counting import Counted, count, name_period, unpack
from gaia_processes.biodiversity_indicators.environment import make_environments
from gaia_processes.biodiversity_indicators.names import (
    PER_PAIR,
    PER_SPECIES,
    PER_UNIT,
    WITH_UNCERTAINTY,
    By,
    Period,
    kind_of,
)
from gaia_processes.biodiversity_indicators.records import MONTHS_BITS, Block, Records
from gaia_processes.biodiversity_indicators.units import (
    Degrees,
    Environments,
    Everything,
    Grid,
    Hexagons,
    Sites,
    Units,
    Zones,
)
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared import diversity
from gaia_processes.shared.diversity import Frequencies
from gaia_processes.shared.diversity_errors import spread_of
from gaia_processes.shared.ranges import area_of_occupancy_km2, extent_of_occurrence_km2
from gaia_processes.shared.table import Table
from gaia_processes.shared.tallies import Longs, Tally
from gaia_processes.shared.turnover import Family, Pairs
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Columns = dict[str, Any]
type Floats = NDArray[np.float64]

DEFAULT = ("richness", "shannon", "gini_simpson", "hill_1", "hill_2", "pielou", "es", "chao1", "completeness")
MOST_UNITS_IN_PAIRS = 3000
MOST_SQUARES = 20_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """
    What is wanted of the counts.

    Attributes
    ----------
    sizes : tuple of int
        n of ES(n).
    coverage : float
        At which `richness_at_coverage` compares.
    """

    indicators: tuple[str, ...]
    sizes: tuple[int, ...]
    coverage: float
    uncertainty: bool
    log_base: float | None
    chao1_form: str
    family: Family
    minus_one: bool
    min_records: int
    min_completeness: float
    period: Period


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What is known of the communities, wherever it comes from."""

    counted: Counted
    species: Sequence[str]
    units: Units
    report: dict[str, Any]
    abundance: str


# --- records ----------------------------------------------------------------------------------------------------------


def make_units(
    by: By,
    *,
    zones: gpd.GeoDataFrame | None,
    zone_id: str | None,
    size_km: float | None,
    size_deg: float | None,
    crs: str,
    resolution: int,
    environment: Sequence[Any] | None,
    bins: tuple[float, ...] | None,
    warn: Warn,
) -> Units:
    """Make the way to divide records that is asked for."""
    if by == "zones" and zones is not None:
        return Zones(zones, zone_id=zone_id)
    if by == "grid" and size_deg is not None:
        warn(
            Text(
                en="Cells of longitude and latitude have different areas: numbers of species in them do not compare.",
                fr="Les mailles en longitude et latitude n'ont pas la même aire : leurs nombres d'espèces ne se comparent pas.",
            )
        )
        return Degrees(size_deg)
    if by == "grid":
        return Grid((size_km or 100.0) * 1000.0, epsg=int(crs.rpartition(":")[2]))
    if by == "h3":
        return Hexagons(resolution)
    if by == "site":
        return Sites()
    return make_environments(environment or (), bins, warn=warn) if by == "environment" else Everything()


def of_records(records: Records, units: Units, asked: Asked, warn: Warn) -> Source:
    """Count records; says what was left out, and what could not be checked."""
    counted = count(
        records, units, period=asked.period,
        squares="aoo" in asked.indicators or "eoo" in asked.indicators, points="eoo" in asked.indicators,
    )  # fmt: skip
    report = records.report() | {"outside_units": counted.outside}
    if isinstance(units, Environments):
        report["without_environment"] = units.without_value
    if not len(counted.records.units) and not isinstance(units, Zones):
        raise _nothing_left(report)
    mode = records.rules.abundance
    if mode != "records" and counted.amounts is None:
        warn(
            Text(
                en=f"{counted.incomplete} of {records.kept} records have no {mode}; records are counted instead.",
                fr=f"{counted.incomplete} observations sur {records.kept} n'ont pas de {mode} ; on compte les observations.",
            )
        )
        mode = "records"
    for name, needed in records.skipped.items():
        warn(
            Text(
                en=f"The check {name!r} was not made: there is no column {' or '.join(needed)}.",
                fr=f"Le contrôle « {name} » n'a pas été fait : il n'y a pas de colonne {' ou '.join(needed)}.",
            )
        )
    return Source(counted=counted, species=records.species, units=units, report=report, abundance=mode)


def _nothing_left(report: Mapping[str, Any]) -> DatasetUnsuitable:
    removed = ", ".join(f"{name} {number}" for name, number in report["removed"].items() if number) or "-"
    read, outside = report["records_read"], report["outside_units"]
    return DatasetUnsuitable(
        Text(
            en=f"Of {read} records none is left: removed were {removed}; in no unit were {outside}.",
            fr=f"Des {read} observations, aucune ne reste : ont été retirées {removed} ; hors de toute unité, {outside}.",
        )
    )


# --- community tables -------------------------------------------------------------------------------------------------


class _Rows(Units):
    """The sites of a community table, each row a unit."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    @override
    def place(self, block: Block) -> Longs:
        raise TypeError("the rows of a community table are units already")

    @override
    def all(self, found: Longs) -> Longs:
        return np.arange(len(self._names), dtype=np.int64)

    @override
    def name(self, units: Longs) -> list[str]:
        return [self._names[unit] for unit in units]


def of_community(community: pl.DataFrame, by: By) -> Source:
    """Read the counts of a community table."""
    site, *species = community.columns
    table = community.select(pl.col(species).cast(pl.Float64)).fill_null(0.0).to_numpy()
    table = np.where(np.isnan(table), 0.0, table)
    if (table < 0).any() or np.isinf(table).any():
        row, place = np.argwhere((table < 0) | np.isinf(table))[0]
        raise DatasetUnsuitable(
            Text(
                en=f"The community table has {table[row, place]:g} for {species[place]!r} at {community[site][int(row)]!r}; an abundance is 0 or more.",
                fr=f"Le tableau de communautés a {table[row, place]:g} pour {species[place]!r} à {community[site][int(row)]!r} ; une abondance vaut 0 ou plus.",
            )
        )
    if by == "all":
        table = table.sum(axis=0, keepdims=True)
    rows, columns = np.nonzero(table)
    tally = Tally(
        units=np.arange(len(table), dtype=np.int64),
        starts=np.searchsorted(rows, np.arange(len(table) + 1)).astype(np.int64),
        species=columns.astype(np.int32),
        abundance=table[rows, columns],
        species_count=len(species),
    )
    names = ["all"] if by == "all" else [str(each) for each in community[site]]
    counted = Counted(records=tally, amounts=None, incomplete=0, squares={}, points={}, outside=0)
    return Source(
        counted=counted, species=species, units=_Rows(names), abundance="community table",
        report={"sites": len(community), "species": len(species)},
    )  # fmt: skip


# --- rows -------------------------------------------------------------------------------------------------------------


class Making:
    """Makes the table of what was counted."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source = source
        self._asked = asked
        counted = source.counted
        self._units, self._periods = self._all_keys()
        keys = self._keys(self._units, self._periods)
        self._records = counted.records.with_units(keys)
        self._tally = self._records if counted.amounts is None else counted.amounts.with_units(keys)
        self._by_unit = self._pooled(counted.records)

    def table(self, note: Warn) -> Table:
        """Give the rows of the kind that is asked for."""
        kind = kind_of(self._asked.indicators)
        frame = {"unit": self._rows_of_units, "species": self._rows_of_species, "pair": self._rows_of_pairs}[kind]()
        whole = self._whole()
        units = int(np.count_nonzero(np.diff(self._units))) + min(len(self._units), 1)
        note(
            Text(
                en=f"Counted {int(self._records.totals().sum())} records of {whole['gamma']} species in {units} units.",
                fr=f"Comptage de {int(self._records.totals().sum())} observations de {whole['gamma']} espèces dans {units} unités.",
            )
        )
        known = (*PER_UNIT, *PER_SPECIES, *PER_PAIR)
        computed = [str(name) for name in frame.columns if _is_ours(str(name))]
        shown = next((name for name in computed if name.partition("_")[0] in known or name in known), None)
        return Table.of(
            frame,
            columns=tuple(column(name) for name in computed),
            shown=shown,
            report=self._source.report
            | {
                "abundance": self._source.abundance,
                "whole": whole,
                "ebv_class": _EBV_CLASS[kind],
                "options": self._options(),
            },
            attributes={"title": "Biodiversity indicators"},
        )

    def _options(self) -> dict[str, Any]:
        asked = self._asked
        return {
            "log_base": "e" if asked.log_base is None else asked.log_base,
            "chao1_form": asked.chao1_form,
            "target_coverage": asked.coverage,
            "beta_family": asked.family,
        }

    # units and periods

    def _all_keys(self) -> tuple[Longs, Longs]:
        """Give units and periods of all rows: all units there are, in all periods that any record is of."""
        found, asked = self._source.counted.records.units, self._asked
        if asked.period == "all":
            units = self._source.units.all(found)
            return units, np.zeros(len(units), np.int64)
        periods = np.unique(found & (2**MONTHS_BITS - 1))
        units = self._source.units.all(np.unique(found >> MONTHS_BITS))
        return np.repeat(units, len(periods)), np.tile(periods, len(units))

    def _keys(self, units: Longs, periods: Longs) -> Longs:
        return units if self._asked.period == "all" else (units << MONTHS_BITS) | periods

    def _pooled(self, tally: Tally) -> Tally:
        """Add up the periods of each unit."""
        return tally if self._asked.period == "all" else tally.pooled(lambda keys: keys >> MONTHS_BITS)

    def _period_names(self, periods: Sequence[int]) -> list[str]:
        return [name_period(int(number), self._asked.period) for number in periods]

    # a row a unit

    def _rows_of_units(self) -> "pd.DataFrame | gpd.GeoDataFrame":
        units = self._source.units
        distinct, place = np.unique(self._units, return_inverse=True)
        known = units.frame(distinct).iloc[place].reset_index(drop=True)
        names = np.array(units.name(distinct), dtype=object)[place]
        columns: Columns = {"unit": names}
        if self._asked.period != "all":
            columns["period"] = self._period_names(self._periods.tolist())
        columns["n_records"] = self._records.totals().astype(np.int64)
        columns["n_species"] = self._records.richness().astype(np.int64)
        columns |= self._unit_indicators()
        if not isinstance(known, gpd.GeoDataFrame):
            # Where two have one name, what was computed counts, and the own column is kept beside it.
            own = {(f"{name}_" if name in columns else str(name)): known[name] for name in known.columns}
            return pd.DataFrame({"unit": columns.pop("unit"), **own, **columns})
        geometry = known.geometry.name
        own = {
            (f"{name}_" if name in columns else str(name)): known[name] for name in known.columns if name != geometry
        }
        rows = {"unit": columns.pop("unit"), **own, **columns}
        return gpd.GeoDataFrame(rows, geometry=known.geometry.to_numpy(), crs=known.crs)

    def _unit_indicators(self) -> Columns:
        asked, units = self._asked, Frequencies.of(self._tally)
        columns: Columns = {}
        for name in (each for each in PER_UNIT if each in asked.indicators):
            if name == "es":
                for size in asked.sizes:
                    label = "es" if len(asked.sizes) == 1 else f"es_{size}"
                    columns[label] = diversity.hurlbert(units, size)
                    columns |= self._spread(name, units, label, size=size)
                continue
            values = self._unit_indicator(name, units)
            columns[name] = values.astype(np.int64) if name in ("richness", "hill_0") else values
            if name == "completeness":
                enough = self._records.totals() >= asked.min_records
                columns["well_sampled"] = enough & (columns[name] >= asked.min_completeness)
            if not (name == "chao1" and asked.chao1_form == "classic"):
                columns |= self._spread(name, units, name)
        return columns

    def _unit_indicator(self, name: str, units: Frequencies) -> Floats:
        asked = self._asked
        if name == "shannon":
            return diversity.shannon(units, log_base=asked.log_base)
        if name.startswith("hill_"):
            return diversity.hill(units, float(name.removeprefix("hill_")))
        if name == "chao1" and asked.chao1_form == "classic":
            return diversity.chao1_classic(units)
        if name == "richness_at_coverage":
            return diversity.hurlbert_each(units, diversity.size_for_coverage(units, asked.coverage))
        if name.endswith("weighted_endemism"):
            return self._endemism(corrected=name.startswith("corrected"))
        found: Floats = getattr(diversity, name)(units)
        return found

    def _endemism(self, *, corrected: bool) -> Floats:
        """Σ 1 / range, with the range of a species in the whole input, whatever the period."""
        ranges = self._by_unit.ranges().astype(np.float64)
        shares = 1.0 / ranges[self._records.species]
        weighted = np.add.reduceat(np.append(shares, 0.0), self._records.starts[:-1])
        richness = self._records.richness()
        weighted = np.where(richness > 0, weighted, 0.0)
        return (
            np.where(richness > 0, weighted / np.maximum(richness, 1), np.nan)
            if corrected
            else np.where(richness > 0, weighted, np.nan)
        )

    def _spread(self, name: str, units: Frequencies, label: str, *, size: int = 0) -> Columns:
        if not self._asked.uncertainty or name not in WITH_UNCERTAINTY:
            return {}
        spread = spread_of(name, units, size=size, log_base=self._asked.log_base)
        return {f"{label}_se": spread.se, f"{label}_lower": spread.lower, f"{label}_upper": spread.upper}

    # a row a species

    def _rows_of_species(self) -> pd.DataFrame:
        asked, frames = self._asked, []
        for number in np.unique(self._periods).tolist():
            chosen = _take(self._records, self._periods == number)
            there = np.unique(chosen.species)
            columns: Columns = {"species": np.array(self._source.species, dtype=object)[there]}
            if asked.period != "all":
                columns["period"] = self._period_names([number] * len(there))
            totals = np.bincount(chosen.species, weights=chosen.abundance, minlength=chosen.species_count)
            columns["n_records"] = totals[there].astype(np.int64)
            if "occupancy" in asked.indicators:
                sampled = int(np.count_nonzero(chosen.richness()))
                columns["occupancy"] = chosen.ranges()[there] / float(max(sampled, 1))
            columns |= self._areas(number, there)
            frames.append(pd.DataFrame(columns))
        rows = pd.concat(frames, ignore_index=True)
        return rows.sort_values(
            [name for name in ("species", "period") if name in rows], kind="stable", ignore_index=True
        )

    def _areas(self, number: int, there: NDArray[np.int32]) -> Columns:
        asked, counted = self._asked, self._source.counted
        columns: Columns = {}
        squares = _by_species(counted.squares[number], there) if number in counted.squares else {}
        aoo = np.array([area_of_occupancy_km2(squares[each]) for each in there.tolist() if each in squares]).reshape(
            -1, 2
        )
        if "aoo" in asked.indicators:
            columns |= {"aoo": aoo[:, 0], "aoo_min": aoo[:, 1]}
        if "eoo" in asked.indicators:
            points = _by_species(counted.points[number], there)
            hulls = np.array([extent_of_occurrence_km2(*unpack(points[each])) for each in there.tolist()])
            columns |= {"eoo": np.maximum(hulls, aoo[:, 0]), "eoo_hull": hulls}
        return columns

    # a row a pair

    def _rows_of_pairs(self) -> pd.DataFrame:
        asked, frames = self._asked, []
        for number in np.unique(self._periods).tolist():
            chosen = self._periods == number
            tally = _take(self._tally, chosen)
            if len(tally.units) > MOST_UNITS_IN_PAIRS:
                raise _too_many_pairs(len(tally.units))
            names = np.array(self._source.units.name(self._units[chosen]), dtype=object)
            pairs = Pairs.of(tally)
            columns: Columns = {"unit_a": names[pairs.first], "unit_b": names[pairs.second]}
            if asked.period != "all":
                columns["period"] = self._period_names([number] * len(pairs.first))
            for name in (each for each in PER_PAIR if each in asked.indicators):
                values = getattr(pairs, name)
                columns[name] = values(asked.family) if name in ("turnover", "nestedness") else values()
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    # the whole

    def _whole(self) -> dict[str, Any]:
        """Give what is one number for all: gamma, alpha, Whittaker's beta, Chao2 (units as samples)."""
        richness = self._by_unit.richness()
        sampled = richness[richness > 0]
        ranges = self._by_unit.ranges()
        gamma = int(np.count_nonzero(ranges))
        alpha = float(sampled.mean()) if len(sampled) else None
        whittaker = gamma / alpha - (1 if self._asked.minus_one else 0) if alpha else None
        return {
            "gamma": gamma,
            "alpha": alpha,
            "whittaker": whittaker,
            "chao2": chao2(ranges, len(sampled)),
            "units": len(sampled),
        }


def chao2(ranges: Longs, units: int) -> float | None:
    """
    Estimate the number of species from how many units each is in (Chao 1987).

    S + (m - 1) / m · Q1² / (2 Q2), or where Q2 = 0, (m - 1) / m · Q1 (Q1 - 1) / 2.

    Parameters
    ----------
    ranges : array of int
        Units of each species.
    units : int
        m, those that were sampled; nothing can be said of fewer than two.
    """
    if units < 2:
        return None
    seen = int(np.count_nonzero(ranges))
    once, twice = int(np.count_nonzero(ranges == 1)), int(np.count_nonzero(ranges == 2))
    unseen = once**2 / (2 * twice) if twice else once * (once - 1) / 2
    return seen + (units - 1) / units * unseen


_EBV_CLASS = {
    "unit": "Community composition (taxonomic diversity)",
    "species": "Species populations (distribution)",
    "pair": "Community composition (taxonomic diversity)",
}


def _is_ours(name: str) -> bool:
    try:
        column(name)
    except KeyError:
        return False
    return True


def _take(tally: Tally, chosen: NDArray[np.bool_]) -> Tally:
    """Take some of the units."""
    lengths = np.diff(tally.starts)
    kept = np.repeat(chosen, lengths)
    starts = np.concatenate([[0], np.cumsum(lengths[chosen])]).astype(np.int64)
    return Tally(tally.units[chosen], starts, tally.species[kept], tally.abundance[kept], tally.species_count)


def _by_species(tally: Tally, there: NDArray[np.int32]) -> dict[int, Longs]:
    """Turn places with their species into species with their places."""
    places = np.repeat(tally.units, np.diff(tally.starts))
    order = np.argsort(tally.species, kind="stable")
    bounds = np.searchsorted(tally.species[order], np.append(there, 2**31 - 1))
    return {int(each): places[order[bounds[at] : bounds[at + 1]]] for at, each in enumerate(there)}


def _too_many_pairs(units: int) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"There are {units} units, which is {units * (units - 1) // 2} pairs; at most {MOST_UNITS_IN_PAIRS} units are compared. Take larger cells, fewer zones, or a box.",
            fr=f"Il y a {units} unités, soit {units * (units - 1) // 2} paires ; au plus {MOST_UNITS_IN_PAIRS} unités se comparent. Prenez des mailles plus grandes, moins de zones, ou une boîte.",
        )
    )
