"""What the world is told about `aggregate`."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from gaia_processes.aggregate.options import (
    Dimension,
    Options,
    Period,
    Statistic,
    contradictions,
    missing_quantile,
)
from gaia_processes.aggregate.rules import data_constraints
from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import GRIDDED
from gaia_processes.inputs.axes import time_extent
from gaia_processes.inputs.constraints import Constraint, judge
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    DropHaloInput,
    InclusionInput,
    LevelsInput,
    MaskOutsideInput,
    NearestLevelInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.holding import explain_unfit
from gaia_processes.inputs.number import Number, Whole
from gaia_processes.inputs.seasons import SeasonField
from gaia_processes.inputs.selection import chosen_variables, selection_constraints
from gaia_processes.inputs.years import YearsField
from gaia_processes.process import STRICT, Beside, Estimate, Output, Process
from gaia_processes.text import Text

_SUMMED_PER_S = 400e6
_SORTED_PER_S = 30e6
_RESULT_BYTES = 4


class Inputs(BaseModel):
    """Inputs of `aggregate`."""

    model_config = STRICT

    dataset: DatasetInput
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    statistic: Annotated[
        Statistic,
        Told(
            title=Text(en="Statistic", fr="Statistique"),
            description=Text(
                en="What is made of the values. Means, variances and standard deviations are weighed by the length of "
                "each step, the area of each cell, the thickness of each level; so are medians and quantiles over "
                "cells and levels. `count` is the number of values that are not missing.",
                fr="Ce qui est fait des valeurs. Moyennes, variances et écarts types sont pondérés par la durée de chaque "
                "pas, la surface de chaque maille, l'épaisseur de chaque niveau ; de même les médianes et quantiles sur des "
                "mailles et des niveaux. `count` est le nombre de valeurs non manquantes.",
            ),
            foremost=True,
        ),
    ] = "mean"
    quantile: Annotated[
        Annotated[Number, Field(ge=0, le=1)] | None,
        Told(
            title=Text(en="Quantile", fr="Quantile"),
            description=Text(
                en="With the statistic `quantile`: which one, from 0 (the least value) to 1 (the greatest).",
                fr="Avec la statistique `quantile` : lequel, de 0 (la plus petite valeur) à 1 (la plus grande).",
            ),
            example=0.9,
            conditional=True,
        ),
    ] = None
    over: Annotated[
        Annotated[tuple[Dimension, ...], Field(min_length=1, max_length=4)],
        Told(
            title=Text(en="Over", fr="Selon"),
            description=Text(
                en="What is reduced: `time`, `area` (all the cells of a map), `longitude` or `latitude` (of regular "
                "grids), `level`. Of several, cells and levels are reduced at each step, then the steps.",
                fr="Ce qui est réduit : `time` (le temps), `area` (toutes les mailles d'une carte), `longitude` ou `latitude` "
                "(des grilles régulières), `level` (les niveaux). De plusieurs, les mailles et niveaux sont réduits à "
                "chaque pas, puis les pas.",
            ),
            example=["time"],
            foremost=True,
        ),
    ] = ("time",)
    period: Annotated[
        Period,
        Told(
            title=Text(en="Period", fr="Période"),
            description=Text(
                en="What of time becomes one value: `all` of it, each `year`, `season`, `month` or `day`, or with "
                "`month-of-year`, `season-of-year` and `day-of-year` the steps of all years together. A season belongs to "
                "the year of its January. Periods that the record does not hold whole are left out at its ends and "
                "missing within.",
                fr="Ce qui du temps devient une valeur : tout (`all`), chaque année (`year`), saison (`season`), mois "
                "(`month`) ou jour (`day`), ou avec `month-of-year`, `season-of-year` et `day-of-year` les pas de toutes les "
                "années ensemble. Une saison appartient à l'année de son mois de janvier. Les périodes incomplètes sont "
                "omises aux bouts des données et manquantes au milieu.",
            ),
            foremost=True,
        ),
    ] = "all"
    seasons: Annotated[
        Annotated[tuple[SeasonField, ...], Field(min_length=1, max_length=12)] | None,
        Told(
            title=Text(en="Seasons", fr="Saisons"),
            description=Text(
                en="The seasons of the period `season`: initials of months in a row, as `DJF` or `JJAS`, or months, as "
                "`12-2`; they may cross the turn of the year. Left out: DJF, MAM, JJA, SON.",
                fr="Les saisons de la période `season` : initiales (anglaises) de mois qui se suivent, comme `DJF` ou `JJAS`, "
                "ou des mois, comme `12-2` ; elles peuvent traverser le nouvel an. Absent : DJF, MAM, JJA, SON.",
            ),
            example=["NDJFM", "6-9"],
            conditional=True,
        ),
    ] = None
    years: Annotated[
        Annotated[Whole, Field(ge=1, le=10_000)],
        Told(
            title=Text(en="Years", fr="Années"),
            description=Text(
                en="How many years make one period of `year`, counted from the first whole year of the data.",
                fr="Combien d'années font une période `year`, comptées depuis la première année entière des données.",
            ),
        ),
    ] = 1
    climatology: Annotated[
        bool,
        Told(
            title=Text(en="Climatology", fr="Climatologie"),
            description=Text(
                en="With true: the statistic of each month, season, day or year (`period`), then its mean over the years.",
                fr="Avec true : la statistique de chaque mois, saison, jour ou année (`period`), puis sa moyenne sur les années.",
            ),
            foremost=True,
        ),
    ] = False
    baseline: Annotated[
        YearsField | None,
        Told(
            title=Text(en="Baseline", fr="Période de référence"),
            description=Text(
                en="Years, as `1981/2010`. With `climatology` those it is made of (left out: all). Without: the result "
                "is the distance of each period from the climatology of these years.",
                fr="Des années, comme `1981/2010`. Avec `climatology`, celles dont elle est faite (absent : toutes). Sans : le "
                "résultat est l'écart de chaque période à la climatologie de ces années.",
            ),
            example="1981/2010",
            conditional=True,
        ),
    ] = None
    ratio: Annotated[
        bool,
        Told(
            title=Text(en="Ratio", fr="Rapport"),
            description=Text(
                en="With true, anomalies are divided by the climatology instead of subtracted (for precipitation); "
                "missing where it is 0.",
                fr="Avec true, les anomalies sont des rapports à la climatologie et non des différences (pour les "
                "précipitations) ; manquant où elle est 0.",
            ),
        ),
    ] = False
    leap_day: Annotated[
        bool,
        Told(
            title=Text(en="Leap day", fr="29 février"),
            description=Text(
                en="With true, a daily climatology has 29 February too, from the years that have it.",
                fr="Avec true, une climatologie journalière a aussi le 29 février, des années qui l'ont.",
            ),
        ),
    ] = False
    min_valid_fraction: Annotated[
        Annotated[Number, Field(ge=0, le=1)] | None,
        Told(
            title=Text(en="Least valid share", fr="Part valide minimale"),
            description=Text(
                en="A value is missing where less than this share of the weight of its period or cells is valid; above it, "
                "what is valid stands for the rest. Left out: 1 over time (one missing month makes the year missing), "
                "0 over cells and levels (one valid cell is enough).",
                fr="Une valeur est manquante où une part moindre du poids de sa période ou de ses mailles est valide ; "
                "au-dessus, ce qui est valide vaut pour le reste. Absent : 1 dans le temps (un mois manquant rend l'année "
                "manquante), 0 sur les mailles et niveaux (une maille valide suffit).",
            ),
            example=0.9,
            foremost=False,
        ),
    ] = None
    ddof: Annotated[
        Annotated[Whole, Field(ge=0, le=1)],
        Told(
            title=Text(en="Degrees of freedom", fr="Degrés de liberté"),
            description=Text(
                en="What `std` and `var` take off the number of values: 0 for those of the values themselves, 1 for an "
                "estimate from a sample.",
                fr="Ce que `std` et `var` retirent du nombre de valeurs : 0 pour celles des valeurs mêmes, 1 pour une "
                "estimation d'après un échantillon.",
            ),
        ),
    ] = 0
    integrate: Annotated[
        bool,
        Told(
            title=Text(en="Integrate", fr="Intégrer"),
            description=Text(
                en="With true, the `sum` over time of a rate (as kg m-2 s-1) is of each value times the length of its "
                "step, and its unit loses the time; without, the sum of a rate is refused.",
                fr="Avec true, la somme (`sum`) dans le temps d'un taux (comme kg m-2 s-1) est celle de chaque valeur fois la "
                "durée de son pas, et son unité perd le temps ; sinon, la somme d'un taux est refusée.",
            ),
        ),
    ] = False
    inclusion: InclusionInput = "centre"
    mask_outside: MaskOutsideInput = True
    nearest_level: NearestLevelInput = False
    drop_halo: DropHaloInput = True


def options_of(inputs: Inputs) -> Options:
    """Give the options without what selects the data."""
    return Options(**{name: getattr(inputs, name) for name in Options.__dataclass_fields__})


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    selection = selection_constraints(inputs, cube, nearest_level=inputs.nearest_level)
    return selection | data_constraints(options_of(_with_defaults(inputs)), inputs, cube)


def _with_defaults(inputs: Any) -> Inputs:
    """Fill in the defaults of inputs of which some may be missing."""
    given = {name: value for name, value in inputs if value is not None}
    return Inputs.model_construct(**given)


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return (*missing_quantile(options_of(inputs)), *judge(constraints(inputs, cube), inputs))


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every such check
    """Find what is wrong with the options whatever the dataset, of which nothing may be known (a file of the user's own)."""
    if not isinstance(inputs, Inputs):
        return ()
    options = options_of(inputs)
    return (*missing_quantile(options), *contradictions(options))


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what an aggregate costs; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    bytes_read, values_bytes, seconds = selection_cost(inputs, cube)
    options = options_of(inputs)
    passes = 2 if options.is_anomaly else 1
    pace = _SORTED_PER_S if options.statistic in {"median", "quantile"} else _SUMMED_PER_S
    written = sum(math.ceil(_cells_of(name, options, cube) * _RESULT_BYTES) for name in chosen_variables(inputs, cube))
    written = min(written, values_bytes)
    return Estimate(
        bytes_read=bytes_read * passes, bytes_written=written, seconds=seconds + passes * values_bytes / pace
    )


_SPATIAL = {"area": ("x", "y"), "longitude": ("x",), "latitude": ("y",), "level": ("z",)}
_PERIOD_DAYS = {"year": 365.25, "season": 91.3, "month": 30.4, "day": 1.0}
_PERIODS_OF_YEAR = {"year": 1, "season": 4, "month": 12, "day": 366}


def _cells_of(name: str, options: Options, cube: Cube) -> int:
    """Count the values of the result of a variable, as if all of it were selected."""
    gone = {axis for each in options.over for axis in _SPATIAL.get(each, ())}
    count = 1
    for dim, size in zip(cube.variables[name].dimensions, cube.variables[name].shape, strict=False):
        axis = cube.dimensions.get(dim)
        if axis is not None and axis.type == "temporal" and "time" in options.over:
            count *= min(_count_periods(options, cube, dim), size)
        elif axis is None or axis.axis not in gone:
            count *= size
    return count


def _count_periods(options: Options, cube: Cube, dim: str) -> int:
    if options.step == "all":
        return 1
    if options.climatology or options.pools:
        return _PERIODS_OF_YEAR[options.step]
    extent = time_extent(cube.dimensions[dim])
    if extent is None:
        return cube.dimensions[dim].size
    first, last, _ = extent
    return math.ceil(float((last - first).total_seconds()) / 86400 / _PERIOD_DAYS[options.step] / options.years) + 1


AGGREGATE = Process(
    id="aggregate",
    version="1.2.0",
    title=Text(en="Aggregate", fr="Agrégation"),
    description=Text(
        en="Means, sums, extremes, variances, counts and quantiles of a gridded dataset over time, area, longitude, "
        "latitude or levels: of years, seasons, months or days, as climatologies or as anomalies from one; weighed by the "
        "length of steps, the area of cells and the thickness of levels.",
        fr="Moyennes, sommes, extrêmes, variances, effectifs et quantiles d'un jeu de données sur grille selon le temps, la "
        "surface, la longitude, la latitude ou les niveaux : d'années, de saisons, de mois ou de jours, en climatologies ou "
        "en anomalies ; pondérés par la durée des pas, la surface des mailles et l'épaisseur des niveaux.",
    ),
    keywords=(
        Text(en="aggregate", fr="agrégation"),
        Text(en="mean", fr="moyenne"),
        Text(en="climatology", fr="climatologie"),
        Text(en="anomaly", fr="anomalie"),
        Text(en="NetCDF", fr="NetCDF"),
    ),
    beside={
        "quantile": Beside("statistic", ("quantile",)),
        "seasons": Beside("period", ("season", "season-of-year")),
    },
    inputs=Inputs,
    outputs={
        "data": Output(
            title=Text(en="Aggregate", fr="Agrégat"),
            description=Text(
                en="The statistic on what is left of the grid; time with the bounds of each period.",
                fr="La statistique sur ce qui reste de la grille ; le temps avec les bornes de chaque période.",
            ),
            formats=GRIDDED,
        ),
    },
    package="gaia_processes.aggregate",
    check=check,
    check_others=check_alone,
    constraints=constraints,
    check_format=explain_unfit,
    estimate=estimate,
)
