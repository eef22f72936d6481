"""
Records of species as Darwin Core has them: which column is what, which records are let through, and why the others are not.

Records are judged in blocks, so that a table larger than memory goes through; nothing is dropped in silence.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gaia_processes.biodiversity_indicators.names import CHECKS, Abundance, Period
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.dialect import UNREAD, find_coordinates
from gaia_processes.inputs.interval import Interval
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]

BLOCK_ROWS = 2**19
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
        Records without a date are `undated` where it is not `all`, or `datetime` is given.
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

    table: pl.LazyFrame
    rules: Rules
    removed: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ragged: list[str] = field(default_factory=list)
    read: int = 0
    kept: int = 0

    def __post_init__(self) -> None:
        names = self.table.collect_schema().names()
        self._is_ragged = UNREAD in names
        self._columns = columns_of([name for name in names if name != UNREAD])
        self._codes: dict[str, int] = {}
        self._seen = _Seen()
        self._demand()
        self._chosen = self.table.select(self._wanted())

    def blocks(self) -> Iterator[Block]:
        """Give the records that count, in their order; what is left out is counted while they are read."""
        for batch in self._chosen.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True):
            self.read += len(batch)
            left = self._judge(batch.with_columns(species=pl.Series(self._code(batch))))
            self.kept += len(left)
            if len(left):
                yield self._as_block(left)

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

    def _wanted(self) -> list[pl.Expr]:
        """Take what is needed of each record, under names of our own."""
        text, number = pl.String, pl.Float64
        place = self._place_columns()
        chosen = [self._raw_name().alias("name"), self._rank().alias("rank")]
        if self._is_ragged:
            chosen.append(pl.col(UNREAD).alias("unread"))
        chosen += [
            self._cast(term, text).alias(name)
            for name, term in (("status", "occurrenceStatus"), ("basis", "basisOfRecord"))
        ]
        chosen.append(self._cast("issue" if self._find("issue") else "issues", text).alias("issue"))
        chosen += [
            self._cast(term, number).alias(name)
            for name, term in (("count", "individualCount"), ("uncertainty", "coordinateUncertaintyInMeters"))
        ]
        for name, column in zip(("x", "y"), place or (None, None), strict=True):
            chosen.append((pl.lit(None) if column is None else pl.col(column)).cast(number, strict=False).alias(name))
        chosen.append(self._month().alias("month"))
        chosen.append((self._month() * 31 + self._day()).alias("day"))
        chosen.append(self._cast("eventDate" if self._find("eventDate") else "year", text).alias("date"))
        chosen.append(self._taxon().alias("wanted"))
        if self.rules.abundance != "records":
            chosen.append(self._cast(self.rules.abundance, number).alias("amount"))
        if (site := self.site_column()) is not None:
            chosen.append(pl.col(site).cast(text, strict=False).str.strip_chars().alias("site"))
        return chosen

    def _cast(self, term: str, kind: Any) -> pl.Expr:
        column = self._find(term)
        return (pl.lit(None) if column is None else pl.col(column)).cast(kind, strict=False)

    def _rank(self) -> pl.Expr:
        return self._cast("taxonRank", pl.String).str.strip_chars().str.to_uppercase()

    def _raw_name(self) -> pl.Expr:
        """Give the first name that is not blank, as it is written."""
        texts = [pl.col(each).cast(pl.String, strict=False) for each in self._name_columns()]
        return texts[0] if len(texts) == 1 else pl.coalesce(_unless_blank(each) for each in texts)

    def _name(self) -> pl.Expr:
        """Give the name of the species: of what is below a species, its first two words."""
        name = _unless_blank(self._raw_name().str.strip_chars())
        if self._find("taxonRank") is None:
            return name
        return pl.when(self._rank().is_in(BELOW_SPECIES)).then(name.str.extract(_TWO_WORDS)).otherwise(name)

    def _month(self) -> pl.Expr:
        """Months since January of the year 0, null without a date."""
        date, year = self._find("eventDate"), self._find("year")
        found = []
        if date is not None:
            text = pl.col(date).cast(pl.String, strict=False)
            whole = text.str.extract(_DATE, 1).cast(pl.Int64, strict=False)
            month = text.str.extract(_DATE, 2).cast(pl.Int64, strict=False)
            right = month.is_null() | month.is_between(1, 12)
            found.append(pl.when(right).then(whole * 12 + month.fill_null(1) - 1))
        if year is not None:
            whole = pl.col(year).cast(pl.Float64, strict=False)
            month = self._cast("month", pl.Float64)
            inside = pl.when(month.is_between(1, 12)).then(month).otherwise(1.0)
            found.append(
                pl.when(whole.is_between(0, 9999)).then((whole * 12 + inside - 1).cast(pl.Int64, strict=False))
            )
        return pl.coalesce(found) if found else pl.lit(None, dtype=pl.Int64)

    def _day(self) -> pl.Expr:
        """Days behind the first of the month; 0 where nothing says."""
        date, day = self._find("eventDate"), self._cast("day", pl.Int64)
        if date is not None:
            text = pl.col(date).cast(pl.String, strict=False)
            day = pl.coalesce([text.str.extract(_DATE, 3).cast(pl.Int64, strict=False), day])
        return pl.when(day.is_between(1, 31)).then(day - 1).otherwise(0)

    def _taxon(self) -> pl.Expr:
        """Tell whether a record is of one of the taxa that are asked for."""
        if not self.rules.taxa:
            return pl.lit(value=True)
        hits = [self._is_taxon(taxon) for taxon in self.rules.taxa]
        return pl.any_horizontal(hits).fill_null(value=False)

    def _is_taxon(self, taxon: str) -> pl.Expr:
        rank, _, name = taxon.rpartition(":")
        terms = (rank,) if rank else (*RANKS, *NAMES)
        if rank and self._find(rank) is None:
            raise _lacking((rank,), self._columns)
        columns = [column for term in terms if (column := self._find(term)) is not None]
        same = [
            pl.col(each).cast(pl.String, strict=False).str.strip_chars().str.to_lowercase() == name.strip().lower()
            for each in columns
        ]
        return pl.any_horizontal([*same, self._name().str.to_lowercase() == name.strip().lower()] if not rank else same)

    # --- which records count ------------------------------------------------------------------------------------------

    def _judge(self, block: pl.DataFrame) -> pl.DataFrame:
        """Leave out what does not count, each record for the first thing that is wrong with it."""
        wrongs = tuple(self._wrongs())
        if self._is_ragged:
            self.ragged += block["unread"].drop_nulls().head(_TOLD_ROWS - len(self.ragged)).to_list()
        if not block.select(pl.any_horizontal([wrong for _, wrong in wrongs]).any()).item():
            return self._without_duplicates(block) if "duplicate" in self.rules.checks else block
        reasons = pl.coalesce([pl.when(wrong).then(pl.lit(name)) for name, wrong in wrongs])
        judged = block.with_columns(reasons.alias("reason"))
        counts = judged.group_by("reason").len()
        self.removed.update({name: count for name, count in counts.iter_rows() if name is not None})
        left = judged.filter(pl.col("reason").is_null())
        return self._without_duplicates(left) if "duplicate" in self.rules.checks else left

    def _wrongs(self) -> Iterator[tuple[str, pl.Expr]]:
        """Give what can be wrong, in the order in which it counts."""
        rules, x, y = self.rules, pl.col("x"), pl.col("y")
        gone = x.is_null() | y.is_null() | x.is_nan() | y.is_nan()
        issues = pl.any_horizontal([pl.col("issue").str.contains(each, literal=True) for each in SPATIAL_ISSUES])
        status = pl.col("status").str.strip_chars().str.to_uppercase()
        near = (x.abs() <= rules.zeros_radius_deg) & (y.abs() <= rules.zeros_radius_deg)
        known = {
            "missing": gone,
            "range": (x.abs() > 180) | (y.abs() > 90),
            "zero": near if rules.zeros_radius_deg == 0 else (x**2 + y**2).sqrt() <= rules.zeros_radius_deg,
            "equal": x == y,
            "issue": issues,
            "absent": ((status != "PRESENT") & (status != "")) | (pl.col("count") == 0),
            "basis": pl.col("basis").str.strip_chars().str.to_uppercase().is_in(NO_WILD_ORGANISMS),
            "rank": pl.col("rank").is_in(ABOVE_SPECIES),
            "uncertainty": pl.col("uncertainty") > rules.max_uncertainty_m,
        }
        if self._is_ragged:
            yield RAGGED, pl.col("unread").is_not_null()
        if rules.taxa or rules.bbox is not None or rules.datetime is not None:
            yield UNWANTED, ~self._selected()
        for name in CHECKS:
            if name in rules.checks and name in known and name not in self.skipped:
                yield name, known[name].fill_null(value=False)
        if rules.placed:  # what lies nowhere cannot be put anywhere, whichever checks are asked for
            yield "missing", gone
            yield "range", (x.abs() > 360) | (y.abs() > 90)
        if rules.dated:
            yield UNDATED, pl.col("month").is_null()
        yield UNNAMED, pl.col("species") == _NO_NAME

    def _selected(self) -> pl.Expr:
        """Tell which records the request wants: of the taxa, in the box, of the time."""
        wanted = pl.col("wanted")
        if self.rules.bbox is not None:
            wanted = wanted & _in_box(self.rules.bbox)
        if self.rules.datetime is not None:
            first, last = _days_of(self.rules.datetime)
            inside = pl.col("day").is_between(first, last) | pl.col("month").is_null()
            wanted = wanted & inside
        return wanted.fill_null(value=False)

    def _without_duplicates(self, left: pl.DataFrame) -> pl.DataFrame:
        if not len(left):
            return left
        marks = left.select("species", "x", "y", "date").hash_rows(seed=1).to_numpy()
        fresh = self._seen.take_new(marks)
        self.removed["duplicate"] += int(len(fresh) - np.count_nonzero(fresh))
        return left.filter(pl.Series(fresh))

    def _as_block(self, left: pl.DataFrame) -> Block:
        return Block(
            species=left["species"].to_numpy(),
            longitude=left["x"].fill_null(float("nan")).to_numpy(),
            latitude=left["y"].fill_null(float("nan")).to_numpy(),
            month=left["month"].fill_null(0).to_numpy()
            if self.rules.period != "all"
            else np.zeros(len(left), np.int64),
            amount=left["amount"].fill_null(float("nan")).to_numpy() if "amount" in left.columns else None,
            site=left["site"] if "site" in left.columns else None,
        )

    def _code(self, batch: pl.DataFrame) -> NDArray[np.int32]:
        """
        Give numbers to the species, as they first come; `_NO_NAME` to a record without a name.

        A name is looked at once in a batch, however many records have it.
        """
        coded = batch["name"].to_arrow(compat_level=pl.CompatLevel.newest()).dictionary_encode()
        written = coded.dictionary.to_pylist()
        here = coded.indices.fill_null(len(written)).to_numpy(zero_copy_only=False)
        species = np.asarray(self._numbers(written)[here], np.int32)
        below = batch["rank"].is_in(BELOW_SPECIES).fill_null(value=False).to_numpy()
        if below.any():
            shorter = [re.match(_TWO_WORDS, name.strip()) for name in written]
            species[below] = self._numbers([pair.group(1) if pair else "" for pair in shorter])[here[below]]
        return species

    def _numbers(self, names: list[str]) -> NDArray[np.int32]:
        """Give the numbers of names, and one more for none."""
        numbers = np.full(len(names) + 1, _NO_NAME, np.int32)
        for place, name in enumerate(map(str.strip, names)):
            if name:
                numbers[place] = self._codes.setdefault(name, len(self._codes))
        return numbers

    @property
    def species(self) -> list[str]:
        """Names, by code; of records that do not count too."""
        return list(self._codes)


def _unless_blank(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.strip_chars() != "").then(text)


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Find columns by their terms: case does not count, nor does a prefix like `dwc:` or that of an address."""
    return {_PREFIX.sub("", name.strip()).lower(): name for name in reversed(names)}


class _Seen:
    """Marks of the records that came before: sorted stretches, merged as they grow, 8 bytes a record."""

    def __init__(self) -> None:
        self._stretches: list[NDArray[np.uint64]] = []

    def take_new(self, marks: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell which marks come for the first time, and remember them."""
        ordered, firsts = np.unique(marks, return_index=True)
        new = np.ones(len(ordered), bool)
        for stretch in self._stretches:
            place = np.minimum(np.searchsorted(stretch, ordered), len(stretch) - 1)
            new &= stretch[place] != ordered
        fresh = np.zeros(len(marks), bool)
        fresh[firsts[new]] = True
        self._remember(ordered[new])
        return fresh

    def _remember(self, ordered: NDArray[np.uint64]) -> None:
        if len(ordered):
            self._stretches.append(ordered)
        while len(self._stretches) > 1 and len(self._stretches[-2]) <= 2 * len(self._stretches[-1]):
            last, before = self._stretches.pop(), self._stretches.pop()
            merged = np.concatenate([before, last])
            merged.sort(kind="stable")
            self._stretches.append(merged)


def _in_box(box: Bbox) -> pl.Expr:
    x, y = pl.col("x"), pl.col("y")
    west, south, east, north = box.west, box.south, box.east, box.north
    rows = y.is_between(south, north)
    if east - west >= 360:
        return rows
    width = (east - west) % 360
    beyond = (x - west) - ((x - west) / 360).floor() * 360
    return rows & (beyond <= width)


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
