"""
Records of species as Darwin Core has them: which column is what, which records are let through, and why the others are not.

Records are judged in blocks, so that a table larger than memory goes through; nothing is dropped in silence.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gaia_processes.biodiversity_indicators.names import CHECKS, Abundance, Period
from gaia_processes.biodiversity_indicators.reading import Batch, Texts, count_rows, read_batches
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.dialect import UNREAD, find_coordinates
from gaia_processes.inputs.interval import Interval
from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_processes.shared.record_loops import FINE, Reasons, Seen, judge_by_value, judge_places, make_marks, read_only
from gaia_processes.text import Text

type Bools = NDArray[np.bool_]
type Codes = NDArray[np.int32]
type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]
type Judge = Callable[[Batch, Reasons, int], None]

MONTHS_BITS = 17
"""A month of the years 0 to 9999, counted from January of the year 0, fits into so many bits."""
NAMES = ("acceptedNameUsage", "acceptedScientificName", "species", "scientificName")
"""Where the name of a species is looked for, the best first: accepted names let synonyms be one species."""
RANKS = ("kingdom", "phylum", "class", "order", "family", "subfamily", "tribe", "genus", "subgenus")
SITES = ("eventID", "locationID")
SPATIAL_ISSUES = (
    "ZERO_COORDINATE",
    "COORDINATE_INVALID",
    "COORDINATE_OUT_OF_RANGE",
    "COUNTRY_COORDINATE_MISMATCH",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
)
NO_WILD_ORGANISMS = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN", "FOSSILSPECIMEN", "LIVINGSPECIMEN")
BELOW_SPECIES = ("SUBSPECIES", "VARIETY", "SUBVARIETY", "FORM", "SUBFORM", "INFRASPECIFIC_NAME", "CULTIVAR", "STRAIN")
ABOVE_SPECIES = (
    "KINGDOM", "SUBKINGDOM", "PHYLUM", "DIVISION", "SUBPHYLUM", "CLASS", "SUBCLASS", "SUPERORDER", "ORDER", "SUBORDER",
    "INFRAORDER", "SUPERFAMILY", "FAMILY", "SUBFAMILY", "TRIBE", "SUBTRIBE", "GENUS", "SUBGENUS", "SECTION", "SERIES",
    "UNRANKED",
)  # fmt: skip
UNNAMED, UNWANTED, UNDATED = "unnamed", "not_selected", "undated"
RAGGED = "ragged"
"""Rows of a file that have more or fewer values than its header: nobody knows which value is which."""
_TOLD_ROWS = 100
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "issue": ("issue", "issues"),
    "absent": ("occurrenceStatus", "individualCount"),
    "basis": ("basisOfRecord",),
    "rank": ("taxonRank",),
    "uncertainty": ("coordinateUncertaintyInMeters",),
}
"""Columns of which one at least must be there for a check to mean anything."""
_PLACED = ("missing", "range", "zero", "equal")
_DATE = r"^\s*(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?"
_PREFIX = re.compile(r"^.*[:/#]")
_TWO_WORDS = r"^(\S+\s+\S+)"
_NO_NAME = -1
_NO_MONTH = -1
_MONTH, _YEAR = 30, 12 * 31 - 1
"""The last day of a month and of a year, counted from its first in months of 31 days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """
    Which records count.

    Attributes
    ----------
    checks : tuple of str
        Of `CHECKS`.
    taxa : tuple of str
        Names, or `rank:name`; none takes all.
    zeros_radius_deg : float
        So near to (0, 0), in degrees, a record is `zero`.
    max_uncertainty_m : float
        A record less certain than this is `uncertainty`.
    placed : bool
        Whether records must lie somewhere.
    period : str
        Records without a date are `undated` where it is not `all`, or `datetime` is given; of `month` those without a month.
    """

    checks: tuple[str, ...] = CHECKS
    taxa: tuple[str, ...] = ()
    zeros_radius_deg: float = 0.0
    max_uncertainty_m: float = 10_000.0
    bbox: Bbox | None = None
    datetime: Interval | None = None
    period: Period = "all"
    placed: bool = True
    abundance: Abundance = "records"
    site: str | None = None

    @property
    def dated(self) -> bool:
        """Whether records must say when."""
        return self.period != "all" or self.datetime is not None


@dataclass(frozen=True, slots=True)
class Block:
    """
    Records that count, arrays of one length.

    Attributes
    ----------
    species : array of int32
        Codes; `Records.species` has their names.
    longitude, latitude : array of float
        Degrees, NaN where they do not matter.
    month : array of int64
        Months since January of the year 0; of a year alone its January. 0 where dates do not matter.
    amount : array of float or None
        Individuals or quantity, NaN where a record says none; None where records are counted.
    site : polars.Series or None
        Names of sites.
    """

    species: NDArray[np.int32]
    longitude: Floats
    latitude: Floats
    month: Longs
    amount: Floats | None
    site: pl.Series | None


@dataclass
class Records:
    """
    The records of a table.

    Attributes
    ----------
    removed : Counter
        By check, how many records it removed; by `ragged`, `unnamed`, `not_selected`, `undated` those that are left out for that.
    ragged : list of str
        The first rows of the file that could not be read, each with its number and how many values it has.
    skipped : dict
        Checks that could not be made, with the columns that they need.
    read : int
        How many there were.
    """

    table: pl.LazyFrame | ParquetRows
    rules: Rules
    removed: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ragged: list[str] = field(default_factory=list)
    read: int = 0
    kept: int = 0

    def __post_init__(self) -> None:
        table = self.table.table if isinstance(self.table, ParquetRows) else self.table
        names = table.collect_schema().names()
        self._is_ragged = UNREAD in names
        self._columns = columns_of([name for name in names if name != UNREAD])
        self._codes: dict[str, int] = {}
        self._coded: dict[tuple[str, bool], tuple[pl.Series, Codes]] = {}
        self._demand()
        self._reasons, self._judges = self._order()
        self._seen = Seen(count_rows(self.table)) if "duplicate" in self.rules.checks else None

    def blocks(self) -> Iterator[Block]:
        """Give the records that count, in their order; what is left out is counted while they are read."""
        texts = self._text_columns()
        for batch in read_batches(self.table, [*dict.fromkeys([*texts, *self._number_columns()])], texts):
            self.read += batch.rows
            species = self._code(batch)
            reasons = self._judge(batch, species)
            kept = reasons == FINE
            count = int(np.count_nonzero(kept))
            self.kept += count
            if count:
                yield self._as_block(batch, species, None if count == batch.rows else kept)

    def report(self) -> dict[str, Any]:
        """Say how many records each check removed, which could not be made, and how many are left."""
        checks = {name: self.removed.get(name, 0) for name in self.rules.checks if name not in self.skipped}
        others = {name: self.removed[name] for name in (RAGGED, UNNAMED, UNWANTED, UNDATED) if self.removed[name]}
        told = {"ragged_rows": self.ragged} if self.ragged else {}
        return told | {
            "records_read": self.read,
            "records_kept": self.kept,
            "removed": checks | others,
            "not_applied": {name: f"no column {' or '.join(needed)}" for name, needed in self.skipped.items()},
            "name_column": self._name_columns(),
        }

    # --- which column is what -----------------------------------------------------------------------------------------

    def _demand(self) -> None:
        if not self._name_columns():
            raise _lacking(("species", *NAMES), self._columns)
        if self.rules.placed and self._place_columns() is None:
            raise _lacking(("decimalLongitude and decimalLatitude",), self._columns)
        if self.rules.dated and not self._date_columns():
            raise _lacking(("eventDate", "year"), self._columns)
        if self.rules.abundance != "records" and self._find(self.rules.abundance) is None:
            raise _lacking((self.rules.abundance,), self._columns)
        for rank in (taxon.rpartition(":")[0] for taxon in self.rules.taxa):
            if rank and self._find(rank) is None:
                raise _lacking((rank,), self._columns)
        for check in self.rules.checks:
            needed = _NEEDED.get(check)
            if needed is not None and not any(self._find(each) for each in needed):
                self.skipped[check] = needed
            elif check in _PLACED and self._place_columns() is None:
                self.skipped[check] = ("decimalLongitude", "decimalLatitude")

    def _find(self, term: str) -> str | None:
        return self._columns.get(term.lower())

    def _name_columns(self) -> list[str]:
        found = [column for term in NAMES if (column := self._find(term)) is not None]
        return found or [column for term in ("acceptedTaxonKey", "speciesKey") if (column := self._find(term))]

    def _place_columns(self) -> tuple[str, str] | None:
        return find_coordinates(tuple(self._columns.values()))

    def _date_columns(self) -> list[str]:
        return [column for term in ("eventDate", "year") if (column := self._find(term)) is not None]

    def site_column(self) -> str | None:
        """Find the column that names sites."""
        if self.rules.site is not None:
            return self.rules.site
        return next((column for term in SITES if (column := self._find(term)) is not None), None)

    def _text_columns(self) -> list[str]:
        """Give the columns that are read as texts."""
        of_checks = {"absent": "occurrenceStatus", "basis": "basisOfRecord", "issue": self._issue_term()}
        terms = ["taxonRank", *(term for check, term in of_checks.items() if check in self.rules.checks)]
        if self._seen is not None or self.rules.dated:
            terms.append(self._date_term())
        for taxon in self.rules.taxa:
            rank = taxon.rpartition(":")[0]
            terms += (rank,) if rank else (*RANKS, *NAMES)
        found = [column for term in terms if (column := self._find(term)) is not None]
        site = self.site_column()
        return [*dict.fromkeys([*self._name_columns(), *found, *([site] if site is not None else []), *self._unread()])]

    def _number_columns(self) -> list[str]:
        of_checks = {"absent": "individualCount", "uncertainty": "coordinateUncertaintyInMeters"}
        terms = [term for check, term in of_checks.items() if check in self.rules.checks]
        if self.rules.abundance != "records":
            terms.append(self.rules.abundance)
        if self.rules.dated:
            terms += ["year", "month", "day"]
        found = [column for term in terms if (column := self._find(term)) is not None]
        return [*found, *(self._place_columns() or ())]

    def _unread(self) -> list[str]:
        return [UNREAD] if self._is_ragged else []

    def _issue_term(self) -> str:
        return "issue" if self._find("issue") else "issues"

    def _date_term(self) -> str:
        return "eventDate" if self._find("eventDate") else "year"

    # --- what is read of a record -------------------------------------------------------------------------------------

    def _places(self, batch: Batch) -> tuple[Floats, Floats]:
        """Give longitudes and latitudes, NaN where there are none."""
        columns = self._place_columns()
        if columns is None:
            nowhere = read_only(np.full(batch.rows, np.nan))
            return nowhere, nowhere
        return batch.numbers(columns[0]), batch.numbers(columns[1])

    def _months(self, batch: Batch) -> Longs:
        """Months since January of the year 0, `_NO_MONTH` without a date."""
        months = np.full(batch.rows, _NO_MONTH, np.int64)
        if (date := self._find("eventDate")) is not None:
            texts = batch.texts(date)
            months = texts.table(_months_of(texts.values), _NO_MONTH, np.int64)[texts.codes]
        if (year := self._find("year")) is not None and (months == _NO_MONTH).any():
            whole = batch.numbers(year)
            month = self._numbers_or_none(batch, "month")
            inside = np.where((month >= 1) & (month <= 12), month, 1.0)
            told = (whole >= 0) & (whole <= 9999)
            other = np.where(told, whole * 12 + inside - 1, _NO_MONTH).astype(np.int64)
            months = np.where(months == _NO_MONTH, other, months)
        return months

    def _days(self, batch: Batch) -> Longs:
        """Days since then, in months of 31 days; of a month alone its first."""
        day = self._numbers_or_none(batch, "day")
        if (date := self._find("eventDate")) is not None:
            texts = batch.texts(date)
            written = texts.values.str.extract(_DATE, 3).cast(pl.Float64, strict=False)
            here = texts.table(written, np.nan, np.float64)[texts.codes]
            day = np.where(np.isnan(here), day, here)
        told = (day >= 1) & (day <= 31) & (self._open_days(batch) < _YEAR)
        behind = np.where(told, day - 1, 0.0)
        return self._months(batch) * 31 + behind.astype(np.int64)

    def _open_days(self, batch: Batch) -> Longs:
        """Say how many days behind its first one a date may mean: none of a whole date, the rest of a month or of a year."""
        month, day = self._numbers_or_none(batch, "month"), self._numbers_or_none(batch, "day")
        of_month = np.where((day >= 1) & (day <= 31), 0, _MONTH)
        open_days: Longs = np.where((month >= 1) & (month <= 12), of_month, _YEAR)
        if (date := self._find("eventDate")) is not None:
            texts = batch.texts(date)
            read = texts.table(_months_of(texts.values), _NO_MONTH, np.int64)[texts.codes] != _NO_MONTH
            here = texts.table(_open_days_of(texts.values), 0, np.int64)[texts.codes]
            open_days = np.where(read, here, open_days)
        return open_days

    def _numbers_or_none(self, batch: Batch, term: str) -> Floats:
        column = self._find(term)
        return np.full(batch.rows, np.nan) if column is None else batch.numbers(column)

    def _of_taxa(self, batch: Batch) -> Bools:
        """Tell which records are of one of the taxa that are asked for."""
        found = np.zeros(batch.rows, bool)
        for taxon in self.rules.taxa:
            found |= self._is_taxon(batch, taxon)
        return found

    def _is_taxon(self, batch: Batch, taxon: str) -> Bools:
        rank, _, name = taxon.rpartition(":")
        wanted = name.strip().lower()
        columns = [column for term in ((rank,) if rank else (*RANKS, *NAMES)) if (column := self._find(term))]
        found = np.zeros(batch.rows, bool)
        for column in columns:
            texts = batch.texts(column)
            found |= texts.table(texts.values.str.strip_chars().str.to_lowercase() == wanted, False, bool)[texts.codes]
        if not rank:
            found |= self._is_species(batch, wanted)
        return found

    def _is_species(self, batch: Batch, wanted: str) -> Bools:
        """Tell which records are of a species of this name, those of what is below it too."""
        numbers = [number for name, number in self._codes.items() if name.lower() == wanted]
        return np.isin(self._code(batch), numbers)

    # --- which records count ------------------------------------------------------------------------------------------

    def _order(self) -> tuple[list[str], list[Judge]]:
        """Give what can be wrong, in the order in which it counts, with what finds it."""
        known: dict[str, Judge] = {
            "issue": self._judge_issue, "absent": self._judge_status, "basis": self._judge_basis,
            "rank": self._judge_rank, "uncertainty": self._judge_uncertainty,
        }  # fmt: skip
        nothing = _judge_nothing
        rules, found = self.rules, list[tuple[str, Judge]]()
        if self._is_ragged:
            found.append((RAGGED, self._judge_ragged))
        if rules.taxa or rules.bbox is not None or rules.datetime is not None:
            found.append((UNWANTED, self._judge_selected))
        asked = [name for name in CHECKS if name in rules.checks and name not in self.skipped]
        found += [(name, known.get(name, nothing)) for name in asked if name != "duplicate"]
        if rules.placed:  # what lies nowhere cannot be put anywhere, whichever checks are asked for
            found += [("missing", nothing), ("range", nothing)]
        if rules.dated:
            found.append((UNDATED, self._judge_dated))
        found += [(UNNAMED, nothing), ("duplicate", nothing)]
        return [name for name, _ in found], [judge for _, judge in found]

    def _judge(self, batch: Batch, species: Codes) -> Reasons:
        """Give each record the place, in that order, of the first thing that is wrong with it; `FINE` where nothing is."""
        reasons = np.full(batch.rows, FINE, np.uint8)
        for place, judge in enumerate(self._judges):
            judge(batch, reasons, place)
        if self._place_columns() is not None:
            judge_places(reasons, *self._places(batch), *self._place_reasons(), self.rules.zeros_radius_deg)
        repeated = len(self._reasons) - 1
        _lower(reasons, species == _NO_NAME, repeated - 1)
        if self._seen is not None:
            self._seen.judge(reasons, self._marks(batch, species), repeated)
        counts = np.bincount(reasons, minlength=FINE + 1)
        for place, name in enumerate(self._reasons):
            self.removed[name] += int(counts[place])
        return reasons

    def _judge_ragged(self, batch: Batch, reasons: Reasons, place: int) -> None:
        texts = batch.texts(UNREAD)
        told = texts.codes < len(texts.values)
        _lower(reasons, told, place)
        places = np.flatnonzero(told)[: _TOLD_ROWS - len(self.ragged)]
        self.ragged += texts.values.gather(pl.Series(texts.codes[places])).to_list()

    def _judge_selected(self, batch: Batch, reasons: Reasons, place: int) -> None:
        """Leave out what the request does not want: it wants records of the taxa, in the box, of the time."""
        wanted = self._of_taxa(batch) if self.rules.taxa else np.ones(batch.rows, bool)
        if self.rules.bbox is not None:
            wanted &= _in_box(self.rules.bbox, *self._places(batch))
        if self.rules.datetime is not None:
            first, last = _days_of(self.rules.datetime)
            day = self._days(batch)
            inside = (day >= first) & (day + self._open_days(batch) <= last)
            wanted &= inside | (self._months(batch) == _NO_MONTH)
        _lower(reasons, ~wanted, place)

    def _place_reasons(self) -> tuple[int, int, int, int, int]:
        """Give the reasons of what can be wrong with a place, as `judge_places` takes them; the first of each name."""
        first = {name: place for place, name in reversed([*enumerate(self._reasons)])}
        missing, beyond, zero, equal = (first.get(name, FINE) for name in _PLACED)
        if "range" not in self.rules.checks:
            return missing, FINE, zero, equal, beyond
        return missing, beyond, zero, equal, FINE

    def _judge_issue(self, batch: Batch, reasons: Reasons, place: int) -> None:
        texts = batch.texts(self._columns[self._issue_term()])
        _judge_texts(reasons, texts, texts.values.str.contains_any(list(SPATIAL_ISSUES)), place)

    def _judge_status(self, batch: Batch, reasons: Reasons, place: int) -> None:
        if (status := self._find("occurrenceStatus")) is not None:
            texts = batch.texts(status)
            written = texts.values.str.strip_chars().str.to_uppercase()
            _judge_texts(reasons, texts, (written != "PRESENT") & (written != ""), place)
        if (count := self._find("individualCount")) is not None:
            _lower(reasons, batch.numbers(count) == 0, place)

    def _judge_basis(self, batch: Batch, reasons: Reasons, place: int) -> None:
        texts = batch.texts(self._columns["basisofrecord"])
        written = texts.values.str.strip_chars().str.to_uppercase()
        _judge_texts(reasons, texts, written.is_in(NO_WILD_ORGANISMS), place)

    def _judge_rank(self, batch: Batch, reasons: Reasons, place: int) -> None:
        texts = batch.texts(self._columns["taxonrank"])
        _judge_texts(reasons, texts, _ranks(texts).is_in(ABOVE_SPECIES), place)

    def _judge_uncertainty(self, batch: Batch, reasons: Reasons, place: int) -> None:
        metres = batch.numbers(self._columns["coordinateuncertaintyinmeters"])
        _lower(reasons, metres > self.rules.max_uncertainty_m, place)

    def _judge_dated(self, batch: Batch, reasons: Reasons, place: int) -> None:
        undated = self._months(batch) == _NO_MONTH
        if self.rules.period == "month":  # in which month of its year a record lies, nobody knows
            undated = undated | (self._open_days(batch) >= _YEAR)
        _lower(reasons, undated, place)

    def _marks(self, batch: Batch, species: Codes) -> NDArray[np.uint64]:
        """Make a mark of what tells a record from others: its species, its place and its date, as it is written."""
        x, y = (each.view(np.uint64) for each in self._places(batch))
        date = self._find(self._date_term())
        dates = np.empty(0, np.uint64) if date is None else batch.prints(date)
        marks = np.empty(batch.rows, np.uint64)
        make_marks(marks, read_only(species), x, y, read_only(dates))
        return marks

    def _as_block(self, batch: Batch, species: Codes, kept: Bools | None) -> Block:
        """Take the records that count; None takes all."""

        def take[T: np.generic](values: NDArray[T]) -> NDArray[T]:
            return values if kept is None else values[kept]

        longitude, latitude = self._places(batch)
        month = np.maximum(self._months(batch), 0) if self.rules.period != "all" else np.zeros(batch.rows, np.int64)
        mode, site = self.rules.abundance, self.site_column()
        return Block(
            species=take(species),
            longitude=take(longitude),
            latitude=take(latitude),
            month=take(month),
            amount=None if mode == "records" else take(batch.numbers(self._columns[mode.lower()])),
            site=None if site is None else _site_names(batch.texts(site), kept),
        )

    # --- species ------------------------------------------------------------------------------------------------------

    def _code(self, batch: Batch) -> Codes:
        """
        Give numbers to the species, by the first name of a record that is not blank; `_NO_NAME` where none is.

        What is below a species has the number of its first two words.
        """
        below = self._below_species(batch)
        first, *others = self._name_columns()
        named, species = self._code_column(batch, first, below)
        for column in others:
            free = named == _NO_NAME
            also, shown = self._code_column(batch, column, below)
            named, species = np.where(free, also, named), np.where(free, shown, species)
        return species

    def _below_species(self, batch: Batch) -> Bools | None:
        """Tell which records are of what is below a species; None where none is."""
        if (rank := self._find("taxonRank")) is None:
            return None
        texts = batch.texts(rank)
        below: Bools = texts.table(_ranks(texts).is_in(BELOW_SPECIES), False, bool)
        return below[texts.codes] if below.any() else None

    def _code_column(self, batch: Batch, column: str, below: Bools | None) -> tuple[Codes, Codes]:
        """Give the numbers of names as they are written, and those of the species."""
        texts = batch.texts(column)
        named: Codes = self._numbers(column, texts.values, shorter=False)[texts.codes]
        if below is None:
            return named, named
        return named, np.where(below, self._numbers(column, texts.values, shorter=True)[texts.codes], named)

    def _numbers(self, column: str, names: pl.Series, *, shorter: bool) -> Codes:
        """Give the numbers of names, or of their first two words, and one more for none; batches of one list have them once."""
        before = self._coded.get((column, shorter))
        if before is not None and before[0].equals(names):
            return before[1]
        numbers = np.full(len(names) + 1, _NO_NAME, np.int32)
        used = list(map(str.strip, names.to_list()))
        if shorter:
            used = [pair.group(1) if (pair := re.match(_TWO_WORDS, name)) else "" for name in used]
        numbers[:-1] = [self._codes.get(name, _NO_NAME) for name in used]
        for place in np.flatnonzero(numbers[:-1] == _NO_NAME).tolist():
            if name := used[place]:
                numbers[place] = self._codes.setdefault(name, len(self._codes))
        self._coded[column, shorter] = (names, numbers)
        return numbers

    @property
    def species(self) -> list[str]:
        """Names, by code; of records that do not count too."""
        return list(self._codes)


def _judge_nothing(_batch: Batch, _reasons: Reasons, _place: int) -> None:
    """Leave it to `Records._judge`, which judges places and repetitions at once."""


def _lower(reasons: Reasons, wrong: Bools, place: int) -> None:
    """Give this reason to what is wrong, where it counts sooner than what was found before."""
    reasons[wrong & (reasons > place)] = place


def _judge_texts(reasons: Reasons, texts: Texts, wrong: pl.Series, place: int) -> None:
    """Give this reason to records where something wrong is written."""
    if wrong.any():
        of_value = np.where(texts.table(wrong, False, bool), place, FINE).astype(np.uint8)
        judge_by_value(reasons, read_only(texts.codes), of_value)


def _ranks(texts: Texts) -> pl.Series:
    return texts.values.str.strip_chars().str.to_uppercase()


def _site_names(texts: Texts, kept: Bools | None) -> pl.Series:
    names = texts.rows(texts.values.str.strip_chars())
    return names if kept is None else names.filter(pl.Series(kept))


def _open_days_of(dates: pl.Series) -> pl.Series:
    """Say of texts that are dates how many days behind their first one they may mean."""
    frame = pl.select(day=dates.str.extract(_DATE, 3).is_not_null(), month=dates.str.extract(_DATE, 2).is_not_null())
    return frame.select(pl.when("day").then(0).when("month").then(_MONTH).otherwise(_YEAR)).to_series()


def _months_of(dates: pl.Series) -> pl.Series:
    """Read months since January of the year 0; null where a text is no date."""
    frame = pl.DataFrame(
        {
            "year": dates.str.extract(_DATE, 1).cast(pl.Int64, strict=False),
            "month": dates.str.extract(_DATE, 2).cast(pl.Int64, strict=False),
        }
    )
    month = pl.col("month")
    right = month.is_null() | month.is_between(1, 12)
    return frame.select(pl.when(right).then(pl.col("year") * 12 + month.fill_null(1) - 1)).to_series()


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Find columns by their terms: case does not count, nor does a prefix like `dwc:` or that of an address."""
    return {_PREFIX.sub("", name.strip()).lower(): name for name in reversed(names)}


def _in_box(box: Bbox, x: Floats, y: Floats) -> Bools:
    west, south, east, north = box.west, box.south, box.east, box.north
    rows: Bools = (y >= south) & (y <= north)
    if east - west >= 360:
        return rows
    width = (east - west) % 360
    beyond = (x - west) - np.floor((x - west) / 360) * 360
    return np.asarray(rows & (beyond <= width), bool)


def _days_of(interval: Interval) -> tuple[int, int]:
    """Give the first and last day of a time, in months of 31 days, as records count them."""
    first, last = 0, 12 * 31 * 10_000
    if interval.start is not None:
        year, month, day, *_ = interval.start.first()
        first = (year * 12 + month - 1) * 31 + day - 1
    if interval.end is not None:
        year, month, day, *_ = interval.end.last()
        last = (year * 12 + month - 1) * 31 + day - 1
    return first, last


def _lacking(wanted: tuple[str, ...], columns: Mapping[str, str]) -> DatasetUnsuitable:
    there = ", ".join(list(columns.values())[:50])
    right = ", ".join(dict.fromkeys(wanted))
    return DatasetUnsuitable(
        Text(
            en=f"The occurrences have no column {right}; there are: {there}.",
            fr=f"Les occurrences n'ont pas de colonne {right} ; il y a : {there}.",
        )
    )
