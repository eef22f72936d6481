"""What the world is told about `climate-indices`."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from gaia_processes.climate_indices.indices import BASELINE, INDICES, SETTABLE, Index, IndexId
from gaia_processes.climate_indices.quantities import (
    UNITS,
    Described,
    Quantity,
    find_conversion,
    find_quantities,
)
from gaia_processes.climate_indices.titles import TITLES
from gaia_processes.cube import Axis, Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import COVERAGE_JSON, GEOTIFF, GRIDDED, PNG, Format
from gaia_processes.inputs.axes import time_extent
from gaia_processes.inputs.bad_value import BadValue, make_fault, show
from gaia_processes.inputs.constraints import Allowed, Constraint, judge
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetField,
    DatetimeInput,
    InclusionInput,
    LevelsInput,
    MaskOutsideInput,
    NearestLevelInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.holding import (
    explain_no_coverage,
    explain_no_map,
    explain_no_raster,
    explain_several,
    explain_several_on_map,
)
from gaia_processes.inputs.number import Number, Whole, read_number
from gaia_processes.inputs.seasons import SeasonField
from gaia_processes.inputs.selection import selection_constraints
from gaia_processes.inputs.years import YearsField
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text

_COUNTED_PER_S = 40e6
_SORTED_PER_S = 4e6
_RESULT_BYTES = 4
_YEAR_DAYS = 365.25
_PER_YEAR = {"year": 1, "season": 4, "month": 12}


def read_thresholds(value: object) -> object:
    """
    Read an object of numbers by index.

    Raises
    ------
    BadValue
        If it is no object, or names an index whose threshold is not to be chosen.
    """
    if not isinstance(value, Mapping):
        raise BadValue.of(
            f"{show(value)} is no object of thresholds by index, as {{'SU': 30}}.",
            f"{show(value)} n'est pas un objet de seuils par indice, comme {{'SU': 30}}.",
            given=value,
        )
    unknown = [str(name) for name in value if name not in SETTABLE]
    if unknown:
        listed = ", ".join(SETTABLE)
        raise BadValue.of(
            f"No threshold can be chosen for {', '.join(map(show, unknown))}; it can for {listed}.",
            f"Aucun seuil ne peut être choisi pour {', '.join(map(show, unknown))} ; il peut l'être pour {listed}.",
            given=unknown[0],
            allowed=SETTABLE,
        )
    return {str(name): read_number(each, at=f"/{name}") for name, each in value.items()}


class Inputs(BaseModel):
    """Inputs of `climate-indices`."""

    model_config = STRICT

    dataset: Annotated[
        Annotated[tuple[DatasetField, ...], Field(min_length=1, max_length=8)],
        Told(
            title=Text(en="Datasets", fr="Jeux de données"),
            description=Text(
                en="Ids of the datasets that together hold the daily values, on one grid: minimum, maximum and mean "
                "temperature and precipitation may lie in one or in several.",
                fr="Identifiants des jeux de données qui contiennent ensemble les valeurs journalières, sur une même grille : "
                "températures minimale, maximale et moyenne et précipitations peuvent être dans un ou plusieurs.",
            ),
        ),
    ]
    indices: Annotated[
        Annotated[tuple[IndexId, ...], Field(min_length=1, max_length=len(INDICES))],
        Told(
            title=Text(en="Indices", fr="Indices"),
            description=Text(
                en="Which indices, by the names of ETCCDI: of the minimum FD, TR, TNx, TNn, TN10p, TN90p, CSDI; of the maximum "
                "ID, SU, TXx, TXn, TX10p, TX90p, WSDI; of both DTR; of the mean GSL, GDD, HDD, CDDcool; of precipitation RX1day, "
                "RX5day, SDII, PRCPTOT, RR1, R10mm, R20mm, Rnnmm, CDD, CWD, R95pTOT, R99pTOT; and SPI, the standardized precipitation of months.",
                fr="Quels indices, par les noms de l'ETCCDI : du minimum FD, TR, TNx, TNn, TN10p, TN90p, CSDI ; du maximum ID, SU, "
                "TXx, TXn, TX10p, TX90p, WSDI ; des deux DTR ; de la moyenne GSL, GDD, HDD, CDDcool ; des précipitations RX1day, "
                "RX5day, SDII, PRCPTOT, RR1, R10mm, R20mm, Rnnmm, CDD, CWD, R95pTOT, R99pTOT ; et SPI, les précipitations standardisées des mois.",
            ),
            example=["FD", "SU"],
        ),
    ]
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    period: Annotated[
        Literal["year", "season", "month"],
        Told(
            title=Text(en="Period", fr="Période"),
            description=Text(
                en="What of time becomes one value: each `year`, `season` or `month`. A season belongs to the year of its "
                "January. Periods that the record does not hold whole are left out at its ends and missing within.",
                fr="Ce qui du temps devient une valeur : chaque année (`year`), saison (`season`) ou mois (`month`). Une saison "
                "appartient à l'année de son mois de janvier. Les périodes incomplètes sont omises aux bouts des données et "
                "manquantes au milieu.",
            ),
            foremost=True,
        ),
    ] = "year"
    seasons: Annotated[
        Annotated[tuple[SeasonField, ...], Field(min_length=1, max_length=12)] | None,
        Told(
            title=Text(en="Seasons", fr="Saisons"),
            description=Text(
                en="The seasons of the period `season`: initials of months in a row, as `DJF` or `JJAS`, or months, as `12-2`. "
                "Left out: DJF, MAM, JJA, SON.",
                fr="Les saisons de la période `season` : initiales (anglaises) de mois qui se suivent, comme `DJF` ou `JJAS`, ou "
                "des mois, comme `12-2`. Absent : DJF, MAM, JJA, SON.",
            ),
            example=["6-9"],
            conditional=True,
        ),
    ] = None
    thresholds: Annotated[
        Annotated[
            dict[str, float],
            BeforeValidator(read_thresholds),
            WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}}),
        ]
        | None,
        Told(
            title=Text(en="Thresholds", fr="Seuils"),
            description=Text(
                en="Other thresholds than those of the definitions, by index, in degrees Celsius or in mm of a day: "
                f"of {', '.join(SETTABLE)}. Rnnmm has none of its own and needs one.",
                fr="D'autres seuils que ceux des définitions, par indice, en degrés Celsius ou en mm par jour : de "
                f"{', '.join(SETTABLE)}. Rnnmm n'en a pas et en demande un.",
            ),
            example={"SU": 30},
            conditional=True,
        ),
    ] = None
    baseline: Annotated[
        YearsField | None,
        Told(
            title=Text(en="Baseline", fr="Période de référence"),
            description=Text(
                en="The years whose days make the percentiles of TX10p, TX90p, TN10p, TN90p, WSDI, CSDI, R95pTOT and R99pTOT, "
                "or whose months make the distribution of SPI. The data must have them. Left out: 1961/1990.",
                fr="Les années dont les jours font les percentiles de TX10p, TX90p, TN10p, TN90p, WSDI, CSDI, R95pTOT et R99pTOT, "
                "ou dont les mois font la distribution de SPI. Les données doivent les avoir. Absent : 1961/1990.",
            ),
            example="1981/2010",
            foremost=False,
        ),
    ] = None
    within: Annotated[
        bool,
        Told(
            title=Text(en="Within", fr="À l'intérieur"),
            description=Text(
                en="With true, the five days of RX5day must lie within the period; without, they belong to that of the last.",
                fr="Avec true, les cinq jours de RX5day doivent être dans la période ; sinon, ils sont à celle du dernier.",
            ),
        ),
    ] = False
    carry: Annotated[
        bool,
        Told(
            title=Text(en="Carry", fr="Report"),
            description=Text(
                en="With true, spells may cross the edge of a period: CDD and CWD count in the one in which they end, WSDI and "
                "CSDI each day in its own. Without, spells are cut there.",
                fr="Avec true, les séquences peuvent traverser le bord d'une période : CDD et CWD comptent dans celle où elles "
                "finissent, WSDI et CSDI chaque jour dans la sienne. Sinon, elles y sont coupées.",
            ),
        ),
    ] = False
    bootstrap: Annotated[
        bool,
        Told(
            title=Text(en="Bootstrap", fr="Rééchantillonnage"),
            description=Text(
                en="With true, years of the baseline are compared with percentiles that do not know them (Zhang et al. 2005): "
                "TX10p, TX90p, TN10p and TN90p have no step at its ends. It takes many times longer.",
                fr="Avec true, les années de référence sont comparées à des percentiles qui les ignorent (Zhang et al. 2005) : "
                "TX10p, TX90p, TN10p et TN90p n'ont pas de saut à ses bouts. C'est bien plus long.",
            ),
        ),
    ] = False
    spi_months: Annotated[
        Annotated[Whole, Field(ge=1, le=72)],
        Told(
            title=Text(en="Months of SPI", fr="Mois de SPI"),
            description=Text(
                en="How many months SPI sums, the last of which is that of the value: 1 to 3 for what a drought does to soils, 6 "
                "to 24 for rivers and groundwater.",
                fr="Combien de mois SPI cumule, dont le dernier est celui de la valeur : 1 à 3 pour ce qu'une sécheresse fait aux "
                "sols, 6 à 24 pour les rivières et les nappes.",
            ),
            example=6,
            conditional=True,
        ),
    ] = 3
    min_valid_fraction: Annotated[
        Annotated[Number, Field(ge=0, le=1)],
        Told(
            title=Text(en="Least valid share", fr="Part valide minimale"),
            description=Text(
                en="A value is missing where less than this share of the days of its period is there. 1: one missing day makes "
                "the period missing.",
                fr="Une valeur est manquante où une part moindre des jours de sa période est présente. 1 : un jour manquant rend "
                "la période manquante.",
            ),
            example=0.9,
            foremost=False,
        ),
    ] = 1.0
    missing_rule: Annotated[
        Literal["fraction", "wmo"],
        Told(
            title=Text(en="Rule for missing days", fr="Règle des jours manquants"),
            description=Text(
                en="`fraction`: a value is missing where less than min_valid_fraction of the days of its period is there. `wmo`: "
                "where one of its months lacks eleven days or more, or five in a row.",
                fr="`fraction` : une valeur est manquante où moins de min_valid_fraction des jours de sa période sont présents. "
                "`wmo` : où à l'un de ses mois il manque onze jours ou plus, ou cinq de suite.",
            ),
            foremost=False,
        ),
    ] = "fraction"
    inclusion: InclusionInput = "centre"
    mask_outside: MaskOutsideInput = True
    nearest_level: NearestLevelInput = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ruled:
    """What an input may be, and what is wrong with the one that was given."""

    allowed: Allowed
    faults: tuple[Fault, ...]

    def judge(self, value: Any) -> tuple[Fault, ...]:  # noqa: ARG002 - the faults are those of this very value
        """Say what is wrong."""
        return self.faults


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for the datasets, from the catalogue alone."""
    known = Inputs.model_construct(**{name: value for name, value in inputs if value is not None})
    there = _quantities(known, cube)
    faults = tuple(_faults(known, cube, there))
    possible = tuple(id for id, index in INDICES.items() if not _lacking(index, there))
    years = _years(cube, there)
    allowed = {"indices": Allowed(values=possible), "baseline": Allowed(extent=years)}
    ruled: dict[str, Constraint] = {
        name: _Ruled(allowed=allowed.get(name, Allowed()), faults=tuple(each for each in faults if each.input == name))
        for name in dict.fromkeys([*allowed, *(fault.input for fault in faults)])
    }
    return dict(selection_constraints(known, cube, nearest_level=known.nearest_level)) | ruled


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for the datasets."""
    return judge(constraints(inputs, cube), inputs)


def _quantities(inputs: Inputs, cube: Cube) -> dict[Quantity, tuple[str, ...]]:
    """Find the variables of each quantity, of those that are chosen."""
    asked = inputs.variables or ()
    names = tuple(name for name in cube.data_variables if name in asked) or cube.data_variables
    return find_quantities({name: _described(name, cube) for name in names})


def _described(name: str, cube: Cube) -> Described:
    variable = cube.variables[name]
    standard_name = variable.standard_name or variable.description
    return Described(name=name, standard_name=standard_name, cell_methods=variable.cell_methods, unit=variable.unit)


def _lacking(index: Index, there: Mapping[Quantity, object]) -> tuple[Quantity, ...]:
    """Name the quantities that an index needs and the data lack; a mean can be made of the extremes."""
    has_mean = "tas" in there or {"tasmax", "tasmin"} <= there.keys()
    return tuple(each for each in index.needs if each not in there and not (each == "tas" and has_mean))


def _faults(inputs: Inputs, cube: Cube, there: Mapping[Quantity, tuple[str, ...]]) -> Iterator[Fault]:
    indices = [(at, INDICES[id]) for at, id in enumerate(getattr(inputs, "indices", ()) or ())]
    for at, index in indices:
        if lacking := _lacking(index, there):
            yield _lacks(at, index, lacking, there)
    needed = dict.fromkeys(quantity for _, index in indices for quantity in index.needs if quantity in there)
    for quantity in needed:
        yield from _faults_of_variable(quantity, there[quantity], cube)
    yield from _faults_of_options(inputs, [index for _, index in indices], _years(cube, there))


def _lacks(at: int, index: Index, lacking: tuple[Quantity, ...], there: Mapping[Quantity, object]) -> Fault:
    names, known = ", ".join(lacking), ", ".join(there) or "-"
    fault = _fault(
        "indices",
        f"{index.id} needs daily {names}, which the data lack; they have {known}. Name a dataset that has it in dataset too.",
        f"{index.id} demande {names} journalier, que les données n'ont pas ; elles ont {known}. Nommez aussi dans dataset un "
        "jeu de données qui l'a.",
        given=index.id,
        allowed=tuple(id for id, each in INDICES.items() if not _lacking(each, there)),
    )
    return replace(fault, pointer=f"/inputs/indices/{at}")


def _faults_of_variable(quantity: Quantity, names: tuple[str, ...], cube: Cube) -> Iterator[Fault]:
    if len(names) > 1:
        yield _fault(
            "variables",
            f"{', '.join(names)} could all be {quantity}; name the one that is meant.",
            f"{', '.join(names)} pourraient tous être {quantity} ; indiquez lequel.",
            given=None,
            allowed=names,
        )
        return
    variable = cube.variables[names[0]]
    if find_conversion(quantity, variable.unit or "") is None:
        known = tuple(UNITS[quantity])
        yield _fault(
            "dataset",
            f"The unit {show(variable.unit)} of {names[0]} is not known for {quantity}; known are {', '.join(known)}.",
            f"L'unité {show(variable.unit)} de {names[0]} n'est pas connue pour {quantity} ; sont connues {', '.join(known)}.",
            given=None,
        )
    for axis in _times(names[0], cube):
        length = _step_days(axis)
        if length is not None and not 0.9 < length < 1.1:
            yield _fault(
                "dataset",
                f"The indices are of daily data; the steps of {names[0]} are {length:.3g} days long.",
                f"Les indices se font de données journalières ; les pas de {names[0]} durent {length:.3g} jours.",
                given=None,
            )


def _faults_of_options(inputs: Inputs, indices: list[Index], years: tuple[int, int] | None) -> Iterator[Fault]:
    ids, base = {index.id for index in indices}, inputs.baseline or BASELINE
    if years and any(index.has_baseline for index in indices) and (base.first < years[0] or base.last > years[1]):
        yield _fault(
            "baseline",
            f"The baseline is of the years {base.as_text()}, and the data have {years[0]} to {years[1]}; name years of "
            "the data as baseline.",
            f"La référence est des années {base.as_text()}, et les données ont {years[0]} à {years[1]} ; indiquez des années "
            "des données comme baseline.",
            given=base.as_text(),
            allowed=(f"{years[0]:04d}/{years[1]:04d}",),
        )
    given = inputs.thresholds or {}
    if "Rnnmm" in ids and "Rnnmm" not in given:
        yield _fault(
            "thresholds",
            'Rnnmm counts the days from a threshold on; name it, as {"Rnnmm": 25}.',
            'Rnnmm compte les jours à partir d\'un seuil ; indiquez-le, comme {"Rnnmm": 25}.',
            given=None,
        )
    for name in given:
        if ids and name not in ids:
            fault = _fault(
                "thresholds",
                f"A threshold of {name} means something only where {name} is among the indices.",
                f"Un seuil de {name} n'a de sens que si {name} est parmi les indices.",
                given=given[name],
            )
            yield replace(fault, pointer=f"/inputs/thresholds/{name}")
    if "GSL" in ids and inputs.period != "year":
        yield _fault(
            "period",
            f"GSL is the length of a season of the year; the period year is right, {inputs.period} is not.",
            f"GSL est la durée d'une saison de l'année ; il faut la période year, pas {inputs.period}.",
            given=inputs.period,
            allowed=("year",),
        )
    if "SPI" in ids and inputs.period != "month":
        yield _fault(
            "period",
            f"SPI is of months (spi_months says how many it sums); the period month is right, {inputs.period} is not.",
            f"SPI est fait de mois (spi_months dit combien il en cumule) ; il faut la période month, pas {inputs.period}.",
            given=inputs.period,
            allowed=("month",),
        )
    if inputs.missing_rule == "wmo" and inputs.min_valid_fraction != 1.0:
        yield _fault(
            "min_valid_fraction",
            "min_valid_fraction means something only with missing_rule: fraction; leave one of them out.",
            "min_valid_fraction n'a de sens qu'avec missing_rule: fraction ; n'indiquez que l'un des deux.",
            given=inputs.min_valid_fraction,
        )
    if inputs.seasons is not None and inputs.period != "season":
        yield _fault(
            "seasons",
            "seasons means something only with period: season; leave it out, or ask for that.",
            "seasons n'a de sens qu'avec period: season ; ne l'indiquez pas, ou demandez cela.",
            given=[each.name for each in inputs.seasons],
        )


def check_others(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Say which of several datasets has another grid or calendar than the first."""
    del inputs
    ordered = [(int(key.partition("/")[2]), cube) for key, cube in cubes.items() if key.startswith("dataset/")]
    if len(ordered) < 2:
        return ()
    (_, first), *others = sorted(ordered, key=lambda each: each[0])
    return tuple(fault for at, cube in others for fault in _differences(at, first, cube))


def _differences(at: int, first: Cube, other: Cube) -> Iterator[Fault]:
    def sizes(cube: Cube) -> tuple[int | None, ...]:
        found = (cube.find_axis("x"), cube.find_axis("y"))
        return tuple(None if each is None else each[1].size for each in found)

    def calendar(cube: Cube) -> str | None:
        found = cube.find_axis("t")
        return None if found is None else found[1].calendar

    problem = None
    if sizes(first) != sizes(other):
        here, there = (" x ".join(map(str, sizes(cube))) for cube in (other, first))
        problem = Text(
            en=f"This dataset has a grid of {here} cells, the first one of {there}; regrid one like the other first.",
            fr=f"Ce jeu de données a une grille de {here} mailles, le premier de {there} ; mettez d'abord l'un sur la grille de "
            "l'autre.",
        )
    elif calendar(first) != calendar(other):
        problem = Text(
            en=f"This dataset has the calendar {calendar(other)}, the first one {calendar(first)}.",
            fr=f"Ce jeu de données a le calendrier {calendar(other)}, le premier {calendar(first)}.",
        )
    if problem is not None:
        yield Fault(input="dataset", pointer=f"/inputs/dataset/{at}", problem=problem)


def check_format(inputs: Inputs, cube: Cube, file_format: Format) -> Text | None:
    """Say why the indices cannot be had in a format: a map and a raster hold one, and not every grid."""
    names = tuple(dict.fromkeys(inputs.indices))
    if file_format is GEOTIFF:
        return explain_no_raster(cube.grid) or explain_several(names)
    if file_format is PNG:
        return explain_no_map(cube.grid) or explain_several_on_map(names)
    return explain_no_coverage(cube.grid) if file_format is COVERAGE_JSON else None


def _times(name: str, cube: Cube) -> list[Axis]:
    dims = cube.variables[name].dimensions
    return [cube.dimensions[dim] for dim in dims if dim in cube.dimensions and cube.dimensions[dim].type == "temporal"]


def _step_days(axis: Axis) -> float | None:
    extent = time_extent(axis)
    if extent is None or axis.size < 2:
        return None
    return float((extent[1] - extent[0]).total_seconds()) / 86400 / (axis.size - 1)


def _years(cube: Cube, there: Mapping[Quantity, tuple[str, ...]]) -> tuple[int, int] | None:
    """Give the first and the last year of the data."""
    axes = [axis for names in there.values() for name in names for axis in _times(name, cube)]
    extents = [extent for axis in axes if (extent := time_extent(axis)) is not None]
    if not extents:
        return None
    return min(first.year for first, _, _ in extents), max(last.year for _, last, _ in extents)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What is read: the needed variables, over the whole record where an index looks at all of it."""

    variables: tuple[str, ...] | None
    bbox: Any
    levels: Any
    datetime: Any


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what the indices cost; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    there = _quantities(inputs, cube)
    indices = [INDICES[id] for id in dict.fromkeys(inputs.indices)]
    needed = dict.fromkeys(quantity for index in indices for quantity in index.needs)
    names = tuple(name for quantity in needed for name in there.get(quantity, ()))
    whole = inputs.carry or any(index.has_baseline for index in indices)
    selection = _Read(
        variables=names or None, bbox=inputs.bbox, levels=inputs.levels, datetime=None if whole else inputs.datetime
    )
    bytes_read, values_bytes, seconds = selection_cost(selection, cube)
    days = max((axis.size for name in names for axis in _times(name, cube)), default=1)
    share = max(_PER_YEAR[inputs.period] / _YEAR_DAYS, 1 / max(days, 1))
    one = values_bytes / max(len(names), 1)
    sorted_passes = sum(1 for index in indices if index.percentile is not None)
    base = inputs.baseline or BASELINE
    resampled = (base.last - base.first + 1) ** 2 if inputs.bootstrap else 1
    seconds += len(indices) * one / _COUNTED_PER_S + sorted_passes * resampled * one / _SORTED_PER_S
    written = math.ceil(len(indices) * one * share * _RESULT_BYTES / 4)
    return Estimate(bytes_read=bytes_read, bytes_written=written, seconds=seconds)


def _fault(name: str, en: str, fr: str, *, given: object, allowed: tuple[object, ...] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")


CLIMATE_INDICES = Process(
    id="climate-indices",
    version="1.1.0",
    title=Text(en="Climate indices", fr="Indices climatiques"),
    description=Text(
        en="The core set of ETCCDI and some more of daily temperatures and precipitation, of each year, season or month: frost "
        "and summer days, extremes, growing season, degree days, wet days and spells, days beyond the percentiles of a "
        "baseline. Units are converted and stated; of one or several datasets on the same grid.",
        fr="Le jeu de base de l'ETCCDI et quelques autres indices des températures et précipitations journalières, par année, "
        "saison ou mois : jours de gel et d'été, extrêmes, saison de croissance, degrés-jours, jours et séquences humides, "
        "jours au-delà des percentiles d'une référence. Les unités sont converties et indiquées ; d'un ou plusieurs jeux de "
        "données sur une même grille.",
    ),
    keywords=(
        Text(en="climate indices", fr="indices climatiques"),
        Text(en="ETCCDI", fr="ETCCDI"),
        Text(en="extremes", fr="extrêmes"),
        Text(en="temperature", fr="température"),
        Text(en="precipitation", fr="précipitations"),
    ),
    choices={"indices": TITLES},
    inputs=Inputs,
    outputs={
        "data": Output(
            title=Text(en="Indices", fr="Indices"),
            description=Text(
                en="A variable an index, of each period; time with the bounds of each.",
                fr="Une variable par indice, pour chaque période ; le temps avec les bornes de chacune.",
            ),
            formats=GRIDDED,
        ),
    },
    package="gaia_processes.climate_indices",
    check=check,
    check_others=check_others,
    constraints=constraints,
    check_format=check_format,
    estimate=estimate,
)
