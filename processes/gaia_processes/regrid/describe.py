"""What the world is told about `regrid`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gaia_processes.cube import Cube, GridKind
from gaia_processes.errors import Fault
from gaia_processes.formats import GRIDDED, Format
from gaia_processes.inputs.bad_value import shorten
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.constraints import ChoiceConstraint, Constraint
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    DropHaloInput,
    LevelsInput,
    LikeInput,
    NearestLevelInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.holding import explain_unfit
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.resolution import ResolutionField
from gaia_processes.inputs.selection import check_selection, selection_constraints
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text

MOST_CENTRES = 10_000
_WRITTEN_PER_S = 80e6
_MOST_OVERLAID_CELLS = 2**23  # each takes about 190 bytes while its overlaps are found, and a task may have 2 GiB
_FLOAT_BYTES = 4
_TARGETS = ("grid", "like", "longitudes")

METHODS: dict[GridKind, tuple[str, ...]] = {
    "regular": ("bilinear", "conservative", "nearest"),
    "rotated": ("bilinear", "conservative", "nearest"),
    "curvilinear": ("bilinear", "conservative", "nearest"),
    "projected": ("bilinear", "conservative", "nearest"),
    "unstructured": ("conservative", "nearest"),
}
"""By the grid of the source: how it can be regridded."""

type Pair = tuple[Number, Number]
Centres = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MOST_CENTRES)]
Edges = Annotated[tuple[Pair, ...], Field(min_length=1, max_length=MOST_CENTRES)]


class Inputs(BaseModel):
    """Inputs of `regrid`."""

    model_config = STRICT

    dataset: DatasetInput
    method: Annotated[
        Literal["bilinear", "conservative", "nearest"],
        Told(
            title=Text(en="Method", fr="Méthode"),
            description=Text(
                en="`bilinear` interpolates between the centres around a point (smooth fields), `conservative` takes the mean "
                "over the area of a cell and keeps integrals (fluxes, precipitation), `nearest` takes the cell whose centre "
                "is nearest (categories). Categories (`flag_values`) are never averaged.",
                fr="`bilinear` interpole entre les centres autour d'un point (champs lisses), `conservative` prend la "
                "moyenne sur la surface d'une maille et garde les intégrales (flux, précipitations), `nearest` prend la "
                "maille au centre le plus proche (catégories). Les catégories (`flag_values`) ne sont jamais moyennées.",
            ),
            foremost=True,
        ),
    ] = "bilinear"
    grid: Annotated[
        ResolutionField | None,
        Told(
            title=Text(en="Grid", fr="Grille"),
            description=Text(
                en="The target by the degrees of longitude and latitude of its cells, as `1x1` or `2.5x2`: centres at 0.5, "
                "1.5 … 359.5 and -89.5 … 89.5. Instead of it, give `like`, or `longitudes` and `latitudes`.",
                fr="La cible par les degrés de longitude et de latitude de ses mailles, comme `1x1` ou `2.5x2` : centres en "
                "0.5, 1.5 … 359.5 et -89.5 … 89.5. À sa place, donnez `like`, ou `longitudes` et `latitudes`.",
            ),
            example="1x1",
        ),
    ] = None
    like: LikeInput = None
    longitudes: Annotated[
        Centres | None,
        Told(
            title=Text(en="Longitudes", fr="Longitudes"),
            description=Text(
                en="Centres of the target's columns in degrees, in order; together with `latitudes`.",
                fr="Centres des colonnes de la cible en degrés, dans l'ordre ; avec `latitudes`.",
            ),
            example=[0, 10, 20],
            conditional=True,
        ),
    ] = None
    latitudes: Annotated[
        Centres | None,
        Told(
            title=Text(en="Latitudes", fr="Latitudes"),
            description=Text(
                en="Centres of the target's rows in degrees, in order; together with `longitudes`.",
                fr="Centres des lignes de la cible en degrés, dans l'ordre ; avec `longitudes`.",
            ),
            example=[-10, 0, 10],
            conditional=True,
        ),
    ] = None
    lon_bnds: Annotated[
        Edges | None,
        Told(
            title=Text(en="Bounds of longitudes", fr="Bornes des longitudes"),
            description=Text(
                en="West and east of the cell of each of `longitudes`, as [[350, 10], [10, 30]]. Left out: midway between "
                "the centres.",
                fr="Ouest et est de la maille de chacune des `longitudes`, comme [[350, 10], [10, 30]]. Absent : à mi-chemin "
                "entre les centres.",
            ),
            example=[[355, 5], [5, 15], [15, 25]],
            conditional=True,
        ),
    ] = None
    lat_bnds: Annotated[
        Edges | None,
        Told(
            title=Text(en="Bounds of latitudes", fr="Bornes des latitudes"),
            description=Text(
                en="South and north of the cell of each of `latitudes`, as [[-90, -30], [-30, 90]]. Left out: midway between "
                "the centres.",
                fr="Sud et nord de la maille de chacune des `latitudes`, comme [[-90, -30], [-30, 90]]. Absent : à mi-chemin "
                "entre les centres.",
            ),
            example=[[-15, -5], [-5, 5], [5, 15]],
            conditional=True,
        ),
    ] = None
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    nearest_level: NearestLevelInput = False
    min_valid_fraction: Annotated[
        Annotated[Number, Field(ge=0, le=1)],
        Told(
            title=Text(en="Least valid share", fr="Part valide minimale"),
            description=Text(
                en="A cell of the target is missing where a smaller share of its weight (with `conservative`, of its area) "
                "holds values; 0 takes any value, 1 asks for all. Where it is given, values that hold count as the whole.",
                fr="Une maille de la cible est manquante quand une part plus petite de son poids (avec `conservative`, de sa "
                "surface) a des valeurs ; 0 prend la moindre valeur, 1 les demande toutes. Sinon, ce qui a une valeur "
                "compte pour le tout.",
            ),
            foremost=False,
        ),
    ] = 0.5
    mask: Annotated[
        Literal["land", "sea"] | None,
        Told(
            title=Text(en="Mask", fr="Masque"),
            description=Text(
                en="Take values only where at least half of a source cell is `land` or `sea`, by the dataset's own fraction "
                "or mask (standard name land_area_fraction, sea_area_fraction, land_binary_mask). Left out: everywhere.",
                fr="Ne prendre des valeurs que là où au moins la moitié d'une maille de la source est terre (`land`) ou mer "
                "(`sea`), d'après la fraction ou le masque du jeu de données (nom standard land_area_fraction, "
                "sea_area_fraction, land_binary_mask). Absent : partout.",
            ),
            example="land",
            conditional=True,
        ),
    ] = None
    drop_halo: DropHaloInput = True
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
        Annotated[Number, Field(gt=0, le=20_100)] | None,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What is read of the source: all of its maps, whatever box the target is cropped to."""

    variables: tuple[str, ...] | None
    datetime: Interval | None
    levels: Levels | None
    bbox: Bbox | None = None


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    methods = METHODS.get(cube.grid, ())
    because = Text(
        en=f"the grid of the dataset is of the kind {cube.grid!r}.",
        fr=f"la grille du jeu de données est du genre « {cube.grid} ».",
    )
    return {
        **selection_constraints(inputs, cube, nearest_level=inputs.nearest_level),
        "method": ChoiceConstraint(name="method", left=methods, because=because),
    }


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return (
        *check_selection(inputs, cube, nearest_level=inputs.nearest_level),
        *constraints(inputs, cube)["method"].judge(inputs.method),
        *_check_size(inputs, cube),
        *_check_target(inputs),
        *_check_centres(inputs),
        *_check_nearest(inputs),
    )


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Find what is wrong with the target whatever the dataset, of which nothing may be known (a file of the user's own)."""
    if not isinstance(inputs, Inputs):  # some cannot be read: nobody is told what they lack together
        return check_like(inputs, cubes)
    return (
        *_check_target(inputs), *_check_centres(inputs), *_check_nearest(inputs), *check_like(inputs, cubes),
    )  # fmt: skip


def check_like(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Find what is wrong with the dataset whose grid is wanted."""
    cube = cubes.get("like")
    if cube is None or cube.grid == "regular":
        return ()
    return (
        _fault(
            "like",
            f"The grid of {inputs.like} is of the kind {cube.grid!r}; one longitude a column and one latitude a row are "
            "right.",
            f"La grille de {inputs.like} est du genre « {cube.grid} » ; il faut une longitude par colonne et une latitude "
            "par ligne.",
            given=str(inputs.like),
        ),
    )


def _check_size(inputs: Inputs, cube: Cube) -> Iterator[Fault]:
    """Refuse to overlay more cells one by one than fit into memory; rows and columns of degrees are overlaid as such."""
    cells = _count_cells(cube)
    if inputs.method == "conservative" and cube.grid != "regular" and cells > _MOST_OVERLAID_CELLS:
        yield _fault(
            "dataset",
            f"The grid of the dataset has {cells:,} cells with a longitude and a latitude each; conservative takes at most "
            f"{_MOST_OVERLAID_CELLS:,} of such. Cut a part out with subset first, or take reproject with the method average.",
            f"La grille du jeu de données a {cells:,} mailles ayant chacune longitude et latitude ; conservative en prend au "
            f"plus {_MOST_OVERLAID_CELLS:,}. Découpez d'abord une partie avec subset, ou prenez reproject avec la méthode average.",
            given=cells,
        )  # fmt: skip


def _count_cells(cube: Cube) -> int:
    """Count the cells of a map."""
    if cube.grid == "unstructured":
        return max((axis.size for axis in cube.dimensions.values() if axis.type == "other"), default=1) or 1
    return math.prod(found[1].size for kind in ("x", "y") if (found := cube.find_axis(kind)) is not None) or 1


def _check_target(inputs: Inputs) -> Iterator[Fault]:
    """Demand one target and only one."""
    given = [name for name in _TARGETS if getattr(inputs, name) is not None]
    if not given and inputs.latitudes is None:
        yield _fault(
            "grid",
            "There is no target; give grid (as 1x1), like (the id of a dataset), or longitudes and latitudes.",
            "Il n'y a pas de cible ; donnez grid (comme 1x1), like (l'identifiant d'un jeu de données), ou longitudes et "
            "latitudes.",
        )
    for name in given[1:]:
        yield _fault(
            name,
            f"There are several targets: {' and '.join(given)}; give one.",
            f"Il y a plusieurs cibles : {' et '.join(given)} ; donnez-en une.",
            given=shorten(str(getattr(inputs, name))),
        )
    for name, other in (("longitudes", "latitudes"), ("latitudes", "longitudes")):
        if getattr(inputs, name) is None and getattr(inputs, other) is not None:
            yield _fault(
                name,
                f"{other} are given without {name}; a target needs both.",
                f"{other} est donné sans {name} ; une cible a besoin des deux.",
            )


def _check_centres(inputs: Inputs) -> Iterator[Fault]:
    """Demand centres in order on the earth, and as many pairs of edges as centres."""
    axes = (("longitudes", "lon_bnds", 360.0), ("latitudes", "lat_bnds", 90.0))
    for name, edges_name, limit in axes:
        centres: Sequence[float] | None = getattr(inputs, name)
        edges: Sequence[tuple[float, float]] | None = getattr(inputs, edges_name)
        if centres is not None:
            yield from _check_order(name, centres, limit)
        if edges is None:
            if centres is not None and len(centres) == 1 and inputs.method == "conservative":
                yield _fault(
                    edges_name,
                    f"One of {name} alone has no width, whose mean could be taken; give {edges_name}.",
                    f"Une seule des {name} n'a pas de largeur dont prendre la moyenne ; donnez {edges_name}.",
                )
            continue
        if centres is None or len(edges) != len(centres):
            count = len(centres or ())
            yield _fault(
                edges_name,
                f"There are {len(edges)} pairs for {count} {name}; one for each is right.",
                f"Il y a {len(edges)} paires pour {count} {name} ; il en faut une pour chacune.",
                given=len(edges),
            )
        wrong = next((pair for pair in edges if not _is_cell(pair, limit)), None)
        if wrong is not None:
            yield _fault(
                edges_name,
                f"{list(wrong)} are no edges of a cell; right are two different numbers from {-limit:g} to {limit:g}"
                + (", south first." if limit == 90.0 else "."),
                f"{list(wrong)} ne sont pas les bornes d'une maille ; il faut deux nombres différents de {-limit:g} à "
                f"{limit:g}" + (", le sud d'abord." if limit == 90.0 else "."),
                given=list(wrong),
            )


def _is_cell(pair: tuple[float, float], limit: float) -> bool:
    low, high = pair
    return max(abs(low), abs(high)) <= limit and (low < high if limit == 90.0 else low != high)


def _check_order(name: str, centres: Sequence[float], limit: float) -> Iterator[Fault]:
    beyond = next((each for each in centres if abs(each) > limit), None)
    if beyond is not None:
        yield _fault(
            name,
            f"{beyond:g} lies outside of {-limit:g} to {limit:g} degrees.",
            f"{beyond:g} est hors de {-limit:g} à {limit:g} degrés.",
            given=beyond,
        )
    steps = [after - before for before, after in pairwise(centres)]
    if any(step == 0 or step * steps[0] < 0 for step in steps):
        yield _fault(
            name,
            f"The {name} do not ascend or descend all the way; each is given once, in order.",
            f"Les {name} ne sont pas toutes croissantes ou décroissantes ; chacune est donnée une fois, dans l'ordre.",
            given=shorten(list(centres)),
        )
    elif name == "longitudes" and abs(centres[-1] - centres[0]) >= 360.0:
        yield _fault(
            name,
            f"The longitudes from {centres[0]:g} to {centres[-1]:g} go round the earth more than once.",
            f"Les longitudes de {centres[0]:g} à {centres[-1]:g} font plus d'un tour de la terre.",
            given=shorten(list(centres)),
        )


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


def _fault(name: str, en: str, fr: str, *, given: object = None) -> Fault:
    return Fault(input=name, pointer=f"/inputs/{name}", problem=Text(en=en, fr=fr), given=given)


def check_format(inputs: Inputs, cube: Cube, file_format: Format) -> Text | None:
    """Say why the result cannot be had in a format; its grid is regular whatever the source's is."""
    part = _Read(variables=inputs.variables, datetime=inputs.datetime, levels=inputs.levels)
    return explain_unfit(part, cube, file_format, grid="regular")


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what regridding costs; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    part = _Read(variables=inputs.variables, datetime=inputs.datetime, levels=inputs.levels)
    bytes_read, source_bytes, seconds = selection_cost(part, cube)
    written = source_bytes / _count_cells(cube) * max(_target_cells(inputs), 1)
    return Estimate(bytes_read=bytes_read, bytes_written=math.ceil(written), seconds=seconds + written / _WRITTEN_PER_S)


def _target_cells(inputs: Inputs) -> float:
    """Count the cells of the target; of another dataset's grid nothing is known here, a degree is taken."""
    if inputs.longitudes is not None and inputs.latitudes is not None:
        return len(inputs.longitudes) * len(inputs.latitudes)
    cells = inputs.grid.columns * inputs.grid.rows if inputs.grid is not None else 360.0 * 180.0
    if inputs.bbox is None:
        return cells
    box = inputs.bbox
    width = 360.0 if box.east - box.west >= 360.0 else (box.east - box.west) % 360.0
    return cells * width / 360.0 * (box.north - box.south) / 180.0


REGRID = Process(
    id="regrid",
    version="1.2.0",
    title=Text(en="Regrid", fr="Changement de grille"),
    description=Text(
        en="Brings gridded data to another grid of longitudes and latitudes, by linear interpolation, so that integrals are "
        "kept, or by the nearest cell. The seam of longitudes, the poles and missing values are respected; nothing is "
        "extrapolated.",
        fr="Amène des données sur grille à une autre grille de longitudes et de latitudes, par interpolation linéaire, en "
        "gardant les intégrales, ou par la maille la plus proche. La jointure des longitudes, les pôles et les valeurs "
        "manquantes sont respectés ; rien n'est extrapolé.",
    ),
    keywords=(
        Text(en="regrid", fr="changement de grille"),
        Text(en="interpolation", fr="interpolation"),
        Text(en="conservative remapping", fr="interpolation conservative"),
        Text(en="climate", fr="climat"),
        Text(en="NetCDF", fr="NetCDF"),
    ),
    example={"grid": "5x5"},
    inputs=Inputs,
    outputs={
        "data": Output(
            title=Text(en="Regridded data", fr="Données sur la nouvelle grille"),
            description=Text(
                en="The dataset on the target's longitudes and latitudes, with their bounds; numbers are unpacked.",
                fr="Le jeu de données sur les longitudes et latitudes de la cible, avec leurs bornes ; nombres décompactés.",
            ),
            formats=GRIDDED,
        ),
    },
    package="gaia_processes.regrid",
    check=check,
    check_others=check_alone,
    constraints=constraints,
    check_format=check_format,
    estimate=estimate,
)
