"""
Climate indices of daily temperatures and precipitation, of each year, season or month.

The daily values of all quantities are read once, in the order in which they are stored, and worked on a stretch of days after
another, band of cells by band of cells: memory does not grow with the record (`gaia_processes.climate_indices.records`). Only
where an index looks at all of the record (a baseline, spells that go on) is all of it laid aside, in a temporary file.
Definitions: `docs/science.md`; kernels: `gaia_processes.climate_indices.kernels`.
"""

from collections.abc import Callable, Mapping

import xarray as xr

from gaia_processes.climate_indices.days import join_days
from gaia_processes.climate_indices.division import check_baseline, divide
from gaia_processes.climate_indices.indices import BASELINE, INDICES
from gaia_processes.climate_indices.kernels import (
    Options,
)
from gaia_processes.climate_indices.result import Result
from gaia_processes.climate_indices.sources import find_sources
from gaia_processes.climate_indices.work import Work
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.seasons import SEASONS, Season
from gaia_processes.inputs.years import Years
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.cutting.parts import Inclusion
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]


def compute(
    dataset: tuple[xr.Dataset, ...],
    *,
    indices: tuple[str, ...],
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    period: str = "year",
    seasons: tuple[Season, ...] | None = None,
    thresholds: Mapping[str, float] | None = None,
    baseline: Years | None = None,
    within: bool = False,
    carry: bool = False,
    bootstrap: bool = False,
    spi_months: int = 3,
    min_valid_fraction: float = 1.0,
    missing_rule: str = "fraction",
    inclusion: Inclusion = "centre",
    mask_outside: bool = True,
    nearest_level: bool = False,
    warn: Warn,
    progress: Progress | None = None,
) -> xr.Dataset:
    """
    Compute indices.

    Parameters
    ----------
    dataset : tuple of xarray.Dataset
        Undecoded; together they hold the quantities that the indices need, on one grid and in one calendar.
    indices : tuple of str
        Ids of `gaia_processes.climate_indices.indices.INDICES`.
    variables, bbox, levels, inclusion, mask_outside, nearest_level : optional
        Which part of the data; as in `subset`.
    datetime : Interval, optional
        Which periods: those of which it has a day. The days around them stay known, for the baseline and for spells.
    period : str
        `year`, `season` or `month`.
    seasons : tuple of Season, optional
        Default DJF, MAM, JJA, SON.
    thresholds : mapping of float, optional
        By index, in °C or mm.
    baseline : Years, optional
        Of percentiles and SPI; default `gaia_processes.climate_indices.indices.BASELINE`.
    within, carry, bootstrap : bool
        As the inputs say.
    spi_months : int
        Months that SPI sums.
    min_valid_fraction : float
        Share of the days of a period that must be there.
    missing_rule : str
        `fraction`, or `wmo`: no month of the period may lack eleven days, or five in a row.
    warn : callable
        Is told what a person should know.
    progress : callable, optional
        Is told how much of the work is done.

    Returns
    -------
    xarray.Dataset
        A variable an index, by its id; read when it is written.

    Raises
    ------
    DatasetUnsuitable
        A quantity is not there, is there twice, is not daily, has a unit that is not known, or lies on another grid.
    SelectionEmpty
        No complete period.
    """
    asked = tuple(INDICES[name] for name in dict.fromkeys(indices))
    base = baseline or BASELINE
    options = Options(
        within=within, carry=carry, bootstrap=bootstrap, base=(base.first, base.last),
        thresholds={} if thresholds is None else {name: float(value) for name, value in thresholds.items()},
        spi_months=spi_months, least=min_valid_fraction, wmo=missing_rule == "wmo",
    )  # fmt: skip
    parts = [
        cut(
            each, variables=_present(each, variables), bbox=bbox, levels=levels, inclusion=inclusion,
            mask_outside=mask_outside, nearest_level=nearest_level, warn=warn,
        )
        for each in dataset
    ]  # fmt: skip
    sources = find_sources(parts, asked, warn)
    days = join_days([source.steps for source in sources.values()], warn)
    division = divide(days, period, SEASONS if seasons is None else seasons, datetime, options, warn)
    check_baseline(asked, days, options, warn)
    made = Work(sources, days, division, asked, options).run(progress)
    first = next(iter(sources.values()))
    return Result(first=first, days=days, division=division, asked=asked, options=options).dataset(made)


def _present(dataset: xr.Dataset, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Keep those of the names that this one of several datasets has; all, where it has none of them."""
    there = tuple(name for name in wanted or () if name in dataset.variables)
    return there or None
