"""What the world is told about `zonal-statistics`."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import NETCDF, TABULAR
from gaia_processes.inputs.bad_value import make_fault
from gaia_processes.inputs.constraints import Constraint
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    LevelsInput,
    NearestLevelInput,
    Told,
    VariablesInput,
    ZoneIdInput,
    ZonesInput,
)
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.selection import check_selection, chosen_variables, selection_constraints
from gaia_processes.inputs.sources import InlineFeatures
from gaia_processes.process import STRICT, Beside, Estimate, Output, Process
from gaia_processes.text import Text
from gaia_processes.zonal_statistics.names import BY_WEIGHTS, CLASSED, ORDERED, Statistic, Weighting

_SUMMED_PER_S = 200e6
_SORTED_PER_S = 20e6
_LIKELY_ZONES = 1000
_ROW_BYTES = 64
_VALUE_BYTES = 8
_GRIDS = frozenset({"regular", "rotated", "curvilinear", "projected"})


class Inputs(BaseModel):
    """Inputs of `zonal-statistics`."""

    model_config = STRICT

    dataset: DatasetInput
    zones: ZonesInput
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    nearest_level: NearestLevelInput = False
    zone_id: ZoneIdInput = None
    statistics: Annotated[
        Annotated[tuple[Statistic, ...], Field(min_length=1, max_length=20)],
        Told(
            title=Text(en="Statistics", fr="Statistiques"),
            description=Text(
                en="What is computed in each zone. A cell counts by the share of it that the zone covers; `min`, `max` and "
                "`variety` take every cell that is touched. `majority` and `minority` are the values with the largest and the "
                "smallest share, of equals the smallest; `fractions` has a column for each class with its share, `areas` with "
                "its area in km2; `quantile` needs `quantiles`, `weighted_mean` and `weighted_sum` need `weights`. The share of "
                "valid cells (`coverage`) is always given.",
                fr="Ce qui est calculé dans chaque zone. Une maille compte pour la part que la zone en couvre ; `min`, `max` et "
                "`variety` prennent toute maille touchée. `majority` et `minority` sont les valeurs à la plus grande et à la plus "
                "petite part, de plusieurs la plus petite ; `fractions` a une colonne par classe avec sa part, `areas` avec sa "
                "surface en km2 ; `quantile` demande `quantiles`, `weighted_mean` et `weighted_sum` demandent `weights`. La part "
                "des mailles valides (`coverage`) est toujours donnée.",
            ),
            example=["mean", "max"],
            foremost=True,
        ),
    ] = ("mean",)
    quantiles: Annotated[
        Annotated[tuple[Annotated[Number, Field(ge=0, le=1)], ...], Field(min_length=1, max_length=100)] | None,
        Told(
            title=Text(en="Quantiles", fr="Quantiles"),
            description=Text(
                en="With the statistic `quantile`: which ones, from 0 (the least value) to 1 (the greatest).",
                fr="Avec la statistique `quantile` : lesquels, de 0 (la plus petite valeur) à 1 (la plus grande).",
            ),
            example=[0.25, 0.975],
            conditional=True,
        ),
    ] = None
    classes: Annotated[
        Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000)] | None,
        Told(
            title=Text(en="Classes", fr="Classes"),
            description=Text(
                en="With `fractions` or `areas`: the values that have a column each. Left out: those that the data list as "
                "`flag_values`, else all that are met.",
                fr="Avec `fractions` ou `areas` : les valeurs qui ont chacune une colonne. Absent : celles que les données "
                "énumèrent dans `flag_values`, sinon toutes celles rencontrées.",
            ),
            example=[1, 2, 3],
            conditional=True,
        ),
    ] = None
    weighting: Annotated[
        Weighting,
        Told(
            title=Text(en="Weighting", fr="Pondération"),
            description=Text(
                en="On grids of longitudes and latitudes: `area` weighs cells by their area on the sphere (not in `count`, `sum` "
                "and `coverage`), `cells` counts each as one.",
                fr="Sur les grilles de longitudes et latitudes : `area` pondère les mailles par leur surface sur la sphère (sauf "
                "pour `count`, `sum` et `coverage`), `cells` compte chacune pour une.",
            ),
            foremost=True,
        ),
    ] = "area"
    weights: Annotated[
        Annotated[str, Field(min_length=1, max_length=200)] | None,
        Told(
            title=Text(en="Variable of weights", fr="Variable de poids"),
            description=Text(
                en="With `weighted_mean` or `weighted_sum`: the variable of the dataset that weighs its cells (people, forest "
                "cover). A cell without a weight counts as missing.",
                fr="Avec `weighted_mean` ou `weighted_sum` : la variable du jeu de données qui pondère ses mailles (population, "
                "couvert forestier). Une maille sans poids compte comme manquante.",
            ),
            example="population",
            conditional=True,
        ),
    ] = None
    min_valid_fraction: Annotated[
        Annotated[Number, Field(ge=0, le=1)] | None,
        Told(
            title=Text(en="Least valid share", fr="Part valide minimale"),
            description=Text(
                en="The statistics of a zone are missing where less than this share of its cells is valid. Left out: 0, one valid "
                "cell is enough.",
                fr="Les statistiques d'une zone sont manquantes où une part moindre de ses mailles est valide. Absent : 0, une "
                "maille valide suffit.",
            ),
            example=0.5,
            foremost=False,
        ),
    ] = None


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    return selection_constraints(inputs, cube, nearest_level=inputs.nearest_level)


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return (
        *check_selection(inputs, cube, nearest_level=inputs.nearest_level),
        *_check_grid(cube),
        *_check_weights(inputs, cube),
    )


def _check_grid(cube: Cube) -> Iterator[Fault]:
    if cube.grid not in _GRIDS:
        yield _fault(
            "dataset",
            f"Zones need cells in rows and columns; the grid of the dataset is of the kind {cube.grid!r}.",
            f"Les zones demandent des mailles en lignes et colonnes ; la grille du jeu de données est du genre « {cube.grid} ».",
            given=None,
        )


def _check_weights(inputs: Inputs, cube: Cube) -> Iterator[Fault]:
    if inputs.weights is not None and inputs.weights not in cube.variables:
        known = cube.data_variables
        yield _fault(
            "weights",
            f"There is no variable {inputs.weights!r} in the dataset; variables are: {', '.join(known[:20])}.",
            f"Il n'y a pas de variable {inputs.weights!r} dans le jeu de données ; les variables sont : {', '.join(known[:20])}.",
            given=inputs.weights,
            allowed=known,
        )


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every such check
    """Find what is wrong with the inputs whatever the dataset."""
    return tuple(_check_options(inputs))


def _check_options(inputs: Inputs) -> Iterator[Fault]:
    # Of inputs of which some cannot be read, statistics may be unknown.
    asked = set(inputs.statistics or ())
    if "quantile" in asked and inputs.quantiles is None:
        yield _fault(
            "quantiles",
            "The statistic quantile needs the input quantiles, numbers from 0 to 1, as [0.25, 0.975].",
            "La statistique quantile demande l'entrée quantiles, des nombres de 0 à 1, comme [0.25, 0.975].",
            given=None,
        )
    if BY_WEIGHTS & asked and inputs.weights is None:
        yield _fault(
            "weights",
            "weighted_mean and weighted_sum need the input weights, the name of a variable of the dataset.",
            "weighted_mean et weighted_sum demandent l'entrée weights, le nom d'une variable du jeu de données.",
            given=None,
        )
    needed = {"quantiles": frozenset({"quantile"}), "classes": CLASSED, "weights": BY_WEIGHTS}
    for name, some in needed.items():
        value = getattr(inputs, name)
        if value is not None and not some & asked:
            listed = ", ".join(sorted(some))
            yield _fault(
                name,
                f"{name} means something only with the statistics {listed}; leave it out, or ask for one of them.",
                f"{name} n'a de sens qu'avec les statistiques {listed} ; ne l'indiquez pas, ou demandez-en une.",
                given=value if isinstance(value, str) else list(value),
            )


def _fault(name: str, en: str, fr: str, *, given: object, allowed: tuple[object, ...] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what statistics of zones cost; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    bytes_read, values_bytes, seconds = selection_cost(inputs, cube)
    names = chosen_variables(inputs, cube)
    cells = math.prod(found[1].size for kind in ("x", "y") if (found := cube.find_axis(kind)) is not None) or 1
    steps = max(values_bytes / cells / 4 / max(len(names), 1), 1.0)
    rows = _count_zones(inputs) * steps
    written = rows * (_ROW_BYTES + _VALUE_BYTES * (len(inputs.statistics) + 1) * len(names))
    passes = 2 if ORDERED & set(inputs.statistics) else 1
    pace = _SORTED_PER_S if passes == 2 else _SUMMED_PER_S
    return Estimate(
        bytes_read=bytes_read * passes,
        bytes_written=math.ceil(written),
        seconds=seconds + values_bytes / pace + written / 20e6,
    )


def _count_zones(inputs: Inputs) -> int:
    """Count zones that came along with the request; of others nothing is known here."""
    return len(inputs.zones.collection.features) if isinstance(inputs.zones, InlineFeatures) else _LIKELY_ZONES


ZONAL_STATISTICS = Process(
    id="zonal-statistics",
    version="1.0.1",
    title=Text(en="Zonal statistics", fr="Statistiques par zone"),
    description=Text(
        en="Statistics of gridded data in polygons: means, sums, extremes, quantiles, class shares and areas, for every time "
        "step and level. Cells count by the exact share of them that a zone covers, and by their area; zones may have holes "
        "and parts, cross the antimeridian, hold a pole, be smaller than a cell, and lie in any reference system. Every zone "
        "has its row, with its own properties, in the order in which it came.",
        fr="Statistiques de données sur grille dans des polygones : moyennes, sommes, extrêmes, quantiles, parts et surfaces de "
        "classes, à chaque pas de temps et niveau. Les mailles comptent pour la part exacte qu'une zone en couvre, et pour "
        "leur surface ; les zones peuvent avoir des trous et des parties, traverser l'antiméridien, contenir un pôle, être plus "
        "petites qu'une maille, et être dans tout système de référence. Chaque zone a sa ligne, avec ses propriétés, dans "
        "l'ordre où elle est venue.",
    ),
    keywords=(
        Text(en="zonal statistics", fr="statistiques zonales"),
        Text(en="polygons", fr="polygones"),
        Text(en="land cover", fr="occupation du sol"),
        Text(en="time series", fr="séries temporelles"),
        Text(en="climate", fr="climat"),
    ),
    example={"statistics": ["mean", "max"]},
    beside={
        "quantiles": Beside("statistics", ("quantile",)),
        "classes": Beside("statistics", ("fractions", "areas")),
        "weights": Beside("statistics", ("weighted_mean", "weighted_sum")),
    },
    inputs=Inputs,
    outputs={
        "statistics": Output(
            title=Text(en="Statistics", fr="Statistiques"),
            description=Text(
                en="The zones' own properties, `time` and `level` where the data have them, then a column for each variable and "
                "statistic, as `tas_mean`, `tas_q25`, `landcover_frac_3`, and always `<variable>_coverage`.",
                fr="Les propriétés des zones, `time` et `level` si les données en ont, puis une colonne par variable et "
                "statistique, comme `tas_mean`, `tas_q25`, `landcover_frac_3`, et toujours `<variable>_coverage`.",
            ),
            formats=(*TABULAR, NETCDF),
        ),
    },
    package="gaia_processes.zonal_statistics",
    check=check,
    check_others=check_alone,
    constraints=constraints,
    estimate=estimate,
)
