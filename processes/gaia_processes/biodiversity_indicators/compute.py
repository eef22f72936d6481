"""
Indicators of biodiversity: of communities (units), of species, of pairs of communities, from records or from a table of counts.

Rules, formulas and their sources: `docs/science.md`; the kernels are `gaia_processes.shared.diversity`, `.turnover`, `.ranges`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from gaia_processes.biodiversity_indicators.names import CHECKS, DEFAULT, PLACED, Abundance, By, Period
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.shared import record_loops
from gaia_processes.shared.table import Table
from gaia_processes.shared.tallies import added, tally
from gaia_processes.text import Text

if TYPE_CHECKING:
    import polars as pl

    from gaia_processes.shared.parquet_rows import ParquetRows
    from gaia_processes.shared.turnover import Family

type Records = pl.LazyFrame | ParquetRows
type Warn = Callable[[Text], None]


def compute(
    dataset: "Records | None" = None,
    *,
    occurrences: "Records | None" = None,
    community: "pl.DataFrame | None" = None,
    taxa: tuple[str, ...] | None = None,
    by: By | None = None,
    zones: gpd.GeoDataFrame | None = None,
    zone_id: str | None = None,
    cell_size_km: float | None = None,
    cell_size_degrees: float | None = None,
    grid_crs: str = "EPSG:6933",
    h3_resolution: int = 4,
    site: str | None = None,
    environment: Sequence[Any] | None = None,
    bins: tuple[float, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    period: Period = "all",
    indicators: tuple[str, ...] = DEFAULT,
    sample_size: tuple[int, ...] = (50,),
    target_coverage: float = 0.9,
    abundance: Abundance = "records",
    uncertainty: bool = False,
    checks: tuple[str, ...] = CHECKS,
    zeros_radius: float = 0.0,
    max_uncertainty_m: float = 10_000.0,
    log_base: float | None = None,
    chao1_form: str = "bias_corrected",
    beta_family: "Family" = "sorensen",
    whittaker_minus_one: bool = False,
    min_records: int = 50,
    min_completeness: float = 0.8,
    encoding: str = "utf-8",  # noqa: ARG001 - heeded by whoever opens the tables
    warn: Warn,
    note: Warn,
) -> Table:
    """
    Compute indicators.

    Parameters
    ----------
    dataset, occurrences : polars.LazyFrame or ParquetRows, optional
        Records with Darwin Core terms as columns.
    community : polars.DataFrame, optional
        The first column names the sites, each other is a species with its abundances. One of the three is given.
    taxa, bbox, datetime
        Which records count.
    by : {"all", "zones", "grid", "h3", "site", "environment"}
        What a unit is. Default: `site` of a community table, else `all`.
    zones, zone_id, cell_size_km, cell_size_degrees, grid_crs, h3_resolution, site, environment, bins
        What the units are.
    period : {"all", "year", "month"}
        Makes a row for each unit and period.
    indicators : tuple of str
        All per unit, all per species, or all per pair.
    sample_size : tuple of int
        n of ES(n).
    checks : tuple of str
        Cleaning.
    warn, note : callable
        Are told what a person should know.

    Returns
    -------
    Table
        A row a unit (and period), a species (and period), or a pair of units (and period). `report` has the values of the whole
        and what cleaning removed.

    Raises
    ------
    DatasetUnsuitable
        A column is lacking, or nothing is left.
    """
    # Polars starts threads when it is imported, and whatever imports this module may be forked afterwards.
    from gaia_processes.biodiversity_indicators import making, records

    asked = making.Asked(
        indicators=indicators, sizes=sample_size, coverage=target_coverage,
        uncertainty=uncertainty, log_base=log_base, chao1_form=chao1_form, family=beta_family, minus_one=whittaker_minus_one,
        min_records=min_records, min_completeness=min_completeness, period=period,
    )  # fmt: skip
    if community is not None:
        source = making.of_community(community, by or "site")
    else:
        table = occurrences if occurrences is not None else dataset
        if table is None:
            raise DatasetUnsuitable(Text(en="There are no occurrences.", fr="Il n'y a pas d'occurrences."))
        rules = records.Rules(
            checks=tuple(name for name in CHECKS if name in checks), taxa=taxa or (), zeros_radius_deg=zeros_radius,
            max_uncertainty_m=max_uncertainty_m, bbox=bbox, datetime=datetime, period=period, abundance=abundance, site=site,
            placed=by in PLACED or bbox is not None or any(each in ("aoo", "eoo") for each in asked.indicators),
        )  # fmt: skip
        units = making.make_units(
            by or "all", zones=zones, zone_id=zone_id, size_km=cell_size_km, size_deg=cell_size_degrees, crs=grid_crs,
            resolution=h3_resolution, environment=environment, bins=bins, warn=warn,
        )  # fmt: skip
        source = making.of_records(records.Records(table, rules), units, asked, warn)
    return making.Making(source, asked).table(note)


def warm() -> None:
    """Compile the loops, before tasks are forked."""
    units, species = np.array([3, 1, 3], np.int64), np.zeros(3, np.int32)
    added(tally(units, species), tally(units + 2**40, species))
    degrees = record_loops.read_only(np.zeros(3))
    bits = record_loops.read_only(np.zeros(3, np.uint64))
    reasons, marks = np.full(3, record_loops.FINE, np.uint8), np.empty(3, np.uint64)
    record_loops.judge_by_value(reasons, record_loops.read_only(species), reasons)
    record_loops.judge_places(reasons, degrees, degrees, 0, 1, 2, 3, 4, 0.0)
    record_loops.make_marks(marks, record_loops.read_only(species), bits, bits, bits)
    record_loops.Seen(0).judge(reasons, marks, 0)
    record_loops.cells_of_degrees(units, degrees, degrees, 1.0, 9, 256)
