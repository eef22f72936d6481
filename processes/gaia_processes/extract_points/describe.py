"""What the world is told about `extract-points`."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gaia_processes.cube import Cube, GridKind
from gaia_processes.errors import Fault
from gaia_processes.formats import CSV, CSV_FR, GEOJSON, GEOPACKAGE, GEOPARQUET, NETCDF
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.constraints import ChoiceConstraint, Constraint
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.duration import DurationField
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    EncodingInput,
    LevelsInput,
    MatchTimeInput,
    NearestLevelInput,
    PointsInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.selection import check_selection, chosen_variables, selection_constraints
from gaia_processes.inputs.sources import ColumnOf, InlineFeatures, InlineTable
from gaia_processes.process import STRICT, Beside, Estimate, Output, Process
from gaia_processes.text import Text

_WRITTEN_PER_S = 20e6
_ROW_BYTES = 64
_VALUE_BYTES = 8
_LIKELY_POINTS = 10_000

METHODS: dict[GridKind, tuple[str, ...]] = {
    "regular": ("nearest", "bilinear"),
    "rotated": ("nearest", "bilinear"),
    "curvilinear": ("nearest", "bilinear"),
    "projected": ("nearest", "bilinear"),
}
"""By the grid of the data: how values can be taken at points."""


class Inputs(BaseModel):
    """Inputs of `extract-points`."""

    model_config = STRICT

    dataset: DatasetInput
    points: PointsInput
    method: Annotated[
        Literal["nearest", "bilinear"],
        Told(
            title=Text(en="Method", fr="Méthode"),
            description=Text(
                en="`nearest` takes the value of the cell whose centre is nearest (of an image, of the pixel that holds the "
                "point), `bilinear` interpolates between the four centres around. Categories (`flag_values`) are never "
                "interpolated.",
                fr="`nearest` prend la valeur de la maille au centre le plus proche (d'une image, du pixel qui contient le "
                "point), `bilinear` interpole entre les quatre centres voisins. Les catégories (`flag_values`) ne sont "
                "jamais interpolées.",
            ),
            foremost=True,
        ),
    ] = "nearest"
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    nearest_level: NearestLevelInput = False
    match_time: MatchTimeInput = None
    time_method: Annotated[
        Literal["nearest", "containing", "linear"] | None,
        Told(
            title=Text(en="Choice of time steps", fr="Choix des pas de temps"),
            description=Text(
                en="With `match_time`: the step whose bounds contain the time (`containing`), the nearest step (`nearest`), or "
                "between the two beside it (`linear`). Left out: `containing` where the data have bounds of time, else "
                "`nearest`. A date alone means the day; dates are those of the data's calendar.",
                fr="Avec `match_time` : le pas dont les bornes contiennent la date (`containing`), le plus proche (`nearest`), "
                "ou entre les deux qui l'encadrent (`linear`). Absent : `containing` si les données ont des bornes de temps, "
                "sinon `nearest`. Une date seule désigne le jour ; les dates sont celles du calendrier des données.",
            ),
            conditional=True,
        ),
    ] = None
    time_tolerance: Annotated[
        DurationField | None,
        Told(
            title=Text(en="Tolerance in time", fr="Tolérance temporelle"),
            description=Text(
                en="With `match_time`: how far from its time the nearest step may be, as P1D or PT6H. Left out: half a step. "
                "Without a step so near a value is missing.",
                fr="Avec `match_time` : à quelle distance de sa date peut être le pas le plus proche, comme P1D ou PT6H. Absent : "
                "un demi-pas. Sans pas aussi proche, la valeur est manquante.",
            ),
            example="P1D",
            conditional=True,
        ),
    ] = None
    match_level: Annotated[
        Annotated[str, Field(min_length=1, max_length=200)] | None,
        ColumnOf(inputs=("points",)),
        Told(
            title=Text(en="Column of levels", fr="Colonne des niveaux"),
            description=Text(
                en="The column of the points with the level of each, in the unit of the data. Left out: a row for each point and "
                "level.",
                fr="La colonne des points qui donne le niveau de chacun, dans l'unité des données. Absent : une ligne par point "
                "et niveau.",
            ),
            example="depth",
            conditional=True,
        ),
    ] = None
    min_valid_fraction: Annotated[
        Annotated[Number, Field(ge=0, le=1)],
        Told(
            title=Text(en="Least valid share", fr="Part valide minimale"),
            description=Text(
                en="With `bilinear`: a value is missing where a smaller share of its weight holds values; else the corners that "
                "hold one count as the whole.",
                fr="Avec `bilinear` : une valeur est manquante quand une part plus petite de son poids a des valeurs ; sinon, les "
                "coins qui en ont une comptent pour le tout.",
            ),
            foremost=False,
        ),
    ] = 0.5
    max_distance_km: Annotated[
        Annotated[Number, Field(gt=0, le=20_100)] | None,
        Told(
            title=Text(en="Greatest distance", fr="Distance maximale"),
            description=Text(
                en="With `nearest`: how far the centre of a cell may lie from a point, in km. Left out: the point must lie in "
                "the cell.",
                fr="Avec `nearest` : à quelle distance d'un point peut être le centre d'une maille, en km. Absent : le point "
                "doit être dans la maille.",
            ),
            example=50,
            conditional=True,
        ),
    ] = None
    nearest_valid_km: Annotated[
        Annotated[Number, Field(gt=0, le=2_000)] | None,
        Told(
            title=Text(en="Nearest value within", fr="Valeur la plus proche à moins de"),
            description=Text(
                en="With `nearest`, at coasts: where the nearest cell holds no value, the nearest one that does, up to so many "
                "km away. Left out: such points are missing.",
                fr="Avec `nearest`, près des côtes : quand la maille la plus proche n'a pas de valeur, la plus proche qui en a "
                "une, jusqu'à tant de km. Absent : ces points sont manquants.",
            ),
            example=100,
            conditional=True,
        ),
    ] = None
    encoding: EncodingInput = "utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What is read of the data, wherever the points lie."""

    variables: tuple[str, ...] | None
    datetime: Interval | None
    levels: Levels | None
    bbox: Bbox | None = None


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    because = Text(
        en=f"the grid of the dataset is of the kind {cube.grid!r}.",
        fr=f"la grille du jeu de données est du genre « {cube.grid} ».",
    )
    methods = METHODS.get(cube.grid, ())
    return {
        **selection_constraints(inputs, cube, nearest_level=inputs.nearest_level),
        "method": ChoiceConstraint(name="method", left=methods, because=because),
    }


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return (
        *check_selection(inputs, cube, nearest_level=inputs.nearest_level),
        *constraints(inputs, cube)["method"].judge(inputs.method),
        *_check_axes(inputs, cube),
        *_check_grids(inputs, cube),
    )


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:  # noqa: ARG001 - the signature of every such check
    """Find what is wrong with the inputs whatever the dataset."""
    return (*_check_nearest(inputs), *_check_matching(inputs))


def _check_nearest(inputs: Inputs) -> Iterator[Fault]:
    """Refuse distances where nothing nearest is looked for."""
    for name in ("max_distance_km", "nearest_valid_km"):
        if getattr(inputs, name) is not None and inputs.method != "nearest":
            yield _fault(
                name,
                f"{name} means something with the method nearest alone, not with {inputs.method}; leave it out.",
                f"{name} n'a de sens qu'avec la méthode nearest, pas avec {inputs.method} ; ne l'indiquez pas.",
                given=getattr(inputs, name),
            )


def _check_matching(inputs: Inputs) -> Iterator[Fault]:
    """Refuse ways to choose a step where none is chosen."""
    for name in ("time_method", "time_tolerance"):
        value = getattr(inputs, name)
        if value is not None and inputs.match_time is None:
            yield _fault(
                name,
                f"{name} means something beside match_time alone; name the column of times in match_time, or leave it out.",
                f"{name} n'a de sens qu'avec match_time ; nommez la colonne des dates dans match_time, ou ne l'indiquez pas.",
                given=value if isinstance(value, str) else value.as_text(),
            )
    if inputs.time_tolerance is not None and inputs.time_method == "containing":
        yield _fault(
            "time_tolerance",
            "time_tolerance means nothing with the time_method containing: a step contains a time or does not; leave it out.",
            "time_tolerance n'a pas de sens avec la time_method containing : un pas contient une date ou non ; ne l'indiquez "
            "pas.",
            given=inputs.time_tolerance.as_text(),
        )


def _check_axes(inputs: Inputs, cube: Cube) -> Iterator[Fault]:
    """Refuse to choose steps or levels of data that have none."""
    used = {name for each in chosen_variables(inputs, cube) for name in cube.variables[each].dimensions}
    axes = [axis for name, axis in cube.dimensions.items() if name in used]
    if inputs.match_time is not None and not any(axis.type == "temporal" for axis in axes):
        yield _fault(
            "match_time",
            "The variables have no axis of time to choose steps of; leave match_time out.",
            "Les variables n'ont pas d'axe de temps où choisir un pas ; ne donnez pas match_time.",
            given=inputs.match_time,
        )
    if inputs.match_level is not None and not any(axis.axis == "z" for axis in axes):
        yield _fault(
            "match_level",
            "The variables have no levels to choose from; leave match_level out.",
            "Les variables n'ont pas de niveaux où choisir ; ne donnez pas match_level.",
            given=inputs.match_level,
        )


def _check_grids(inputs: Inputs, cube: Cube) -> Iterator[Fault]:
    """Refuse variables that lie on several grids, or on different levels: a row has one cell."""
    names = chosen_variables(inputs, cube)
    for kinds in (("x", "y"), ("z",)):
        dims = {
            name: tuple(dim for dim in cube.variables[name].dimensions if cube.dimensions[dim].axis in kinds)
            for name in names
            if all(dim in cube.dimensions for dim in cube.variables[name].dimensions)
        }
        several = {each for each in dims.values() if each}
        if len({frozenset(each) for each in several}) > 1:
            listed = "; ".join(f"{name} ({', '.join(each)})" for name, each in dims.items() if each)
            yield _fault(
                "variables",
                f"The variables do not share rows, columns and levels: {listed}. Name those that do.",
                f"Les variables ne partagent pas lignes, colonnes et niveaux : {listed}. Nommez celles qui les partagent.",
                given=list(inputs.variables) if inputs.variables else None,
            )


def _fault(name: str, en: str, fr: str, *, given: object = None) -> Fault:
    return Fault(input=name, pointer=f"/inputs/{name}", problem=Text(en=en, fr=fr), given=given)


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what taking values costs; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    part = _Read(variables=inputs.variables, datetime=inputs.datetime, levels=inputs.levels)
    bytes_read, source_bytes, seconds = selection_cost(part, cube)
    names = chosen_variables(inputs, cube)
    cells = math.prod(found[1].size for kind in ("x", "y") if (found := cube.find_axis(kind)) is not None) or 1
    values = source_bytes / cells / 4 / max(len(names), 1)
    each = 1.0 if inputs.match_time is not None else max(values, 1.0)
    rows = _count_points(inputs) * each
    written = rows * (_ROW_BYTES + _VALUE_BYTES * len(names))
    return Estimate(bytes_read=bytes_read, bytes_written=math.ceil(written), seconds=seconds + written / _WRITTEN_PER_S)


def _count_points(inputs: Inputs) -> int:
    """Count points that came along with the request; of others nothing is known here."""
    if isinstance(inputs.points, InlineTable):
        return len(inputs.points.text.strip().splitlines()) - 1
    return len(inputs.points.collection.features) if isinstance(inputs.points, InlineFeatures) else _LIKELY_POINTS


EXTRACT_POINTS = Process(
    id="extract-points",
    version="1.0.1",
    title=Text(en="Values at points", fr="Valeurs en des points"),
    description=Text(
        en="Takes the values of gridded data at points: of the nearest cell or interpolated, at every time step or at the time "
        "of each point. Order, repetitions and columns of the points are kept; every row says how far its cell is, and why "
        "where it has no value.",
        fr="Prend les valeurs de données sur grille en des points : de la maille la plus proche ou interpolées, à chaque pas de "
        "temps ou à la date de chaque point. L'ordre, les répétitions et les colonnes des points sont gardés ; chaque ligne "
        "dit à quelle distance est sa maille, et pourquoi si elle n'a pas de valeur.",
    ),
    keywords=(
        Text(en="points", fr="points"),
        Text(en="stations", fr="stations"),
        Text(en="observations", fr="observations"),
        Text(en="time series", fr="séries temporelles"),
        Text(en="interpolation", fr="interpolation"),
    ),
    beside={
        "time_method": Beside("match_time"),
        "time_tolerance": Beside("match_time"),
        "max_distance_km": Beside("method", ("nearest",)),
        "nearest_valid_km": Beside("method", ("nearest",)),
    },
    inputs=Inputs,
    outputs={
        "points": Output(
            title=Text(en="Values at points", fr="Valeurs en des points"),
            description=Text(
                en="The points' own columns, then each variable, `distance_km`, `grid_longitude`, `grid_latitude`, `time` and "
                "`level` where the data have them, and `status`: ok, missing_value, outside, bad_coordinate.",
                fr="Les colonnes des points, puis chaque variable, `distance_km`, `grid_longitude`, `grid_latitude`, `time` et "
                "`level` si les données en ont, et `status` : ok, missing_value, outside, bad_coordinate.",
            ),
            formats=(CSV, CSV_FR, GEOJSON, GEOPACKAGE, GEOPARQUET, NETCDF),
        ),
    },
    package="gaia_processes.extract_points",
    check=check,
    check_others=check_alone,
    constraints=constraints,
    estimate=estimate,
)
