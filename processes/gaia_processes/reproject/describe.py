"""What the world is told about `reproject`."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pyproj import CRS, Transformer

from gaia_processes.cube import Cube, GridKind
from gaia_processes.errors import Fault
from gaia_processes.formats import GEOTIFF, NETCDF, PNG, Format
from gaia_processes.inputs.bad_value import shorten
from gaia_processes.inputs.constraints import ChoiceConstraint, Constraint
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.crs import CrsField
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    LevelsInput,
    LikeInput,
    NearestLevelInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.holding import explain_unfit
from gaia_processes.inputs.number import Number, Whole
from gaia_processes.inputs.selection import check_selection, chosen_variables, selection_constraints
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text

type Resampling = Literal[
    "nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "mode", "min", "max", "med", "q1", "q3",
    "sum", "rms",
]  # fmt: skip

METHODS: tuple[str, ...] = (
    "nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "mode", "min", "max", "med", "q1", "q3",
    "sum", "rms",
)  # fmt: skip
PICKS = frozenset({"nearest", "mode", "min", "max", "med", "q1", "q3"})
"""Methods that give numbers of the source and compute none."""
OF_CLASSES = ("nearest", "mode")
CELL_METHODS = {"average": "mean", "min": "minimum", "max": "maximum", "med": "median", "mode": "mode", "sum": "sum", "rms": "root_mean_square"}  # fmt: skip
"""CF's names (appendix E) of what is taken over the area of a cell."""

_GRIDS: tuple[GridKind, ...] = ("regular", "projected", "rotated")
_CELLS_PER_S = 4e6
_FLOAT_BYTES = 4
_EDGE = 21


class Inputs(BaseModel):
    """Inputs of `reproject`."""

    model_config = STRICT

    dataset: DatasetInput
    crs: Annotated[
        CrsField | None,
        Told(
            title=Text(en="Reference system", fr="Système de référence"),
            description=Text(
                en="The coordinate reference system of the result: an EPSG code as `EPSG:2154`, an OGC URI, or `CRS84`; "
                "or the system written out, as WKT, PROJJSON or `+proj=…`. Left out: that of the dataset, or of `like`.",
                fr="Le système de coordonnées du résultat : un code EPSG comme `EPSG:2154`, une URI de l'OGC, ou "
                "`CRS84` ; ou le système écrit en toutes lettres, en WKT, PROJJSON ou `+proj=…`. Absent : celui du jeu de "
                "données, ou de `like`.",
            ),
            example="EPSG:3035",
            foremost=True,
        ),
    ] = None
    resolution: Annotated[
        Annotated[tuple[Annotated[Number, Field(gt=0)], ...], Field(min_length=1, max_length=2)] | None,
        Told(
            title=Text(en="Resolution", fr="Résolution"),
            description=Text(
                en="Width and height of the cells in the unit of the reference system (metres, degrees), or one number for "
                "both. Left out: about that of the source.",
                fr="Largeur et hauteur des mailles dans l'unité du système de référence (mètres, degrés), ou un nombre pour "
                "les deux. Absent : à peu près celle de la source.",
            ),
            example=[1000],
        ),
    ] = None
    size: Annotated[
        Annotated[tuple[Annotated[Whole, Field(ge=1, le=1_000_000)], ...], Field(min_length=1, max_length=2)] | None,
        Told(
            title=Text(en="Size", fr="Taille"),
            description=Text(
                en="Columns and rows of the result, which divide the box of the data or the one that is asked for; or columns "
                "alone, with rows so that cells are about square. Instead of a resolution.",
                fr="Colonnes et lignes du résultat, qui divisent la boîte des données ou celle demandée ; ou les colonnes seules, "
                "avec des lignes telles que les mailles soient à peu près carrées. Au lieu d'une résolution.",
            ),
            example=[400, 300],
            conditional=True,
            foremost=False,
        ),
    ] = None
    align: Annotated[
        Literal["tap", "none"],
        Told(
            title=Text(en="Alignment", fr="Alignement"),
            description=Text(
                en="With a resolution: `tap` puts corners on its whole multiples, so that results fit side by side; `none` "
                "begins at the corner of the data or of the box.",
                fr="Avec une résolution : `tap` place les coins sur ses multiples entiers, pour que des résultats se "
                "juxtaposent ; `none` commence au coin des données ou de la boîte.",
            ),
            foremost=False,
        ),
    ] = "tap"
    like: LikeInput = None
    resampling: Annotated[
        Resampling,
        Told(
            title=Text(en="Resampling", fr="Rééchantillonnage"),
            description=Text(
                en="As GDAL's: `nearest` and `mode` for classes; `bilinear`, `cubic`, `cubic_spline`, `lanczos` for smooth "
                "fields; `average`, `rms`, `min`, `max`, `med`, `q1`, `q3` over the cells of the source in one of the result; "
                "`sum` for counts.",
                fr="Comme GDAL : `nearest` et `mode` pour des classes ; `bilinear`, `cubic`, `cubic_spline`, `lanczos` pour "
                "des champs lisses ; `average`, `rms`, `min`, `max`, `med`, `q1`, `q3` sur les mailles de la source dans une "
                "du résultat ; `sum` pour des comptes.",
            ),
            foremost=True,
        ),
    ] = "nearest"
    nodata: Annotated[
        Number | None,
        Told(
            title=Text(en="Missing value", fr="Valeur manquante"),
            description=Text(
                en="The number that marks missing cells of the result, and of a source that names none. Left out: the "
                "source's own; where it has none, whole numbers are given in a wider type that has one free.",
                fr="Le nombre qui marque les mailles manquantes du résultat, et d'une source qui n'en nomme pas. Absent : "
                "celui de la source ; à défaut, les entiers sont donnés dans un type plus large où l'un est libre.",
            ),
            example=-9999,
            foremost=False,
        ),
    ] = None
    classes_as_numbers: Annotated[
        bool,
        Told(
            title=Text(en="Classes as numbers", fr="Classes comme nombres"),
            description=Text(
                en="With true, methods that compute are allowed on numbers that name classes.",
                fr="Avec true, les méthodes qui calculent sont permises sur des nombres qui désignent des classes.",
            ),
            foremost=False,
        ),
    ] = False
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    nearest_level: NearestLevelInput = False


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    left, because = METHODS, Text(en="these are GDAL's methods.", fr="ce sont les méthodes de GDAL.")
    if cube.grid not in _GRIDS:
        left = ()
        because = Text(
            en=f"the grid of the dataset is of the kind {cube.grid!r}, without even rows and columns; use regrid.",
            fr=f"la grille du jeu de données est du genre « {cube.grid} », sans lignes ni colonnes régulières ; utilisez regrid.",
        )
    elif not inputs.classes_as_numbers and (names := _classes(inputs, cube)):
        left = tuple(method for method in METHODS if method in PICKS)
        because = Text(
            en=f"the numbers of {', '.join(names)} name classes (or set classes_as_numbers).",
            fr=f"les nombres de {', '.join(names)} désignent des classes (ou mettez classes_as_numbers).",
        )
    return {
        **selection_constraints(inputs, cube, nearest_level=inputs.nearest_level),
        "resampling": ChoiceConstraint(name="resampling", left=left, because=because),
    }


def _classes(inputs: Inputs, cube: Cube) -> tuple[str, ...]:
    return tuple(name for name in chosen_variables(inputs, cube) if cube.variables[name].categorical)


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return (
        *check_selection(inputs, cube, nearest_level=inputs.nearest_level),
        *constraints(inputs, cube)["resampling"].judge(inputs.resampling),
        *_check_target(inputs),
    )


def _check_target(inputs: Inputs) -> Iterator[Fault]:
    """Demand a target, and no more than one."""
    if inputs.like is None:
        if inputs.crs is None and inputs.resolution is None and inputs.size is None:
            yield _fault(
                "crs",
                "There is no target; give crs (as EPSG:2154), resolution, size, or like (the id of a dataset).",
                "Il n'y a pas de cible ; donnez crs (comme EPSG:2154), resolution, size, ou like (l'identifiant d'un jeu de données).",
            )
        if inputs.resolution is not None and inputs.size is not None:
            yield _fault(
                "size",
                "size is given beside resolution, and each makes the other; give one of them.",
                "size est donné avec resolution, et l'un fait l'autre ; donnez l'un des deux.",
                given=shorten(inputs.size),
            )
        return
    for name in ("crs", "resolution", "size"):
        if getattr(inputs, name) is not None:
            yield _fault(
                name,
                f"{name} is given beside like, which has its own; give one of them.",
                f"{name} est donné avec like, qui a le sien ; donnez l'un des deux.",
                given=shorten(getattr(inputs, name)),
            )


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Find what is wrong with the target whatever the dataset, of which nothing may be known (a file of the user's own)."""
    target = _check_target(inputs) if isinstance(inputs, Inputs) else ()
    return (*target, *check_like(inputs, cubes))


def check_like(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Find what is wrong with the dataset whose rows and columns are wanted."""
    cube = cubes.get("like")
    if cube is None or cube.grid in _GRIDS:
        return ()
    return (
        _fault(
            "like",
            f"The grid of {inputs.like} is of the kind {cube.grid!r}; even rows and columns are right.",
            f"La grille de {inputs.like} est du genre « {cube.grid} » ; il faut des lignes et colonnes régulières.",
            given=str(inputs.like),
        ),
    )


def _fault(name: str, en: str, fr: str, *, given: object = None) -> Fault:
    return Fault(input=name, pointer=f"/inputs/{name}", problem=Text(en=en, fr=fr), given=given)


def check_format(inputs: Inputs, cube: Cube, file_format: Format) -> Text | None:
    """Say why the result cannot be had in a format."""
    return explain_unfit(inputs, cube, file_format, grid="projected")


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what reprojecting costs; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    bytes_read, source_bytes, seconds = selection_cost(inputs, cube)
    cells = math.prod(found[1].size for kind in ("x", "y") if (found := cube.find_axis(kind)) is not None) or 1
    share = 1.0
    if inputs.resolution is not None:
        share = _target_cells(inputs, cube) / cells
    elif inputs.size is not None:
        share = inputs.size[0] * inputs.size[-1] / cells
    written = source_bytes * share
    return Estimate(
        bytes_read=bytes_read,
        bytes_written=math.ceil(written),
        seconds=seconds + written / _FLOAT_BYTES / _CELLS_PER_S,
    )


def _target_cells(inputs: Inputs, cube: Cube) -> float:
    """Count the cells that a resolution makes of the data's box or the part that is asked for; a share of it is enough."""
    west, south, east, north = cube.bbox or (-180.0, -90.0, 180.0, 90.0)
    if inputs.bbox is not None:
        west, south, east, north = inputs.bbox.west, inputs.bbox.south, inputs.bbox.east, inputs.bbox.north
    wide = 360.0 if east - west >= 360.0 else (east - west) % 360.0
    sizes = inputs.resolution or (1.0,)
    if inputs.crs is None:
        return math.prod(axis[1].size for kind in ("x", "y") if (axis := cube.find_axis(kind)) is not None) or 1.0
    crs = CRS.from_user_input(inputs.crs)
    if crs.is_geographic:
        return wide * (north - south) / (sizes[0] * sizes[-1])
    to = Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    points = [
        (west + wide * i / _EDGE, south + (north - south) * j / _EDGE)
        for i in range(_EDGE + 1)
        for j in range(_EDGE + 1)
    ]
    found = [to.transform(*point) for point in points]
    known = [(x, y) for x, y in found if math.isfinite(x) and math.isfinite(y)]
    if not known:
        return 1.0
    x, y = [float(each[0]) for each in known], [float(each[1]) for each in known]
    return (max(x) - min(x)) * (max(y) - min(y)) / (sizes[0] * sizes[-1])


REPROJECT = Process(
    id="reproject",
    version="1.1.0",
    title=Text(en="Reproject", fr="Reprojection"),
    description=Text(
        en="Brings rasters and gridded data to rows and columns of another coordinate reference system, with GDAL's methods "
        "of resampling. Missing cells have no part in any value; packing and classes are kept where values are picked.",
        fr="Amène des rasters et des données sur grille aux lignes et colonnes d'un autre système de coordonnées, avec les "
        "méthodes de rééchantillonnage de GDAL. Les mailles manquantes n'ont part à aucune valeur ; le compactage et les "
        "classes sont gardés quand des valeurs sont choisies.",
    ),
    keywords=(
        Text(en="reproject", fr="reprojection"),
        Text(en="warp", fr="rééchantillonnage"),
        Text(en="raster", fr="raster"),
        Text(en="coordinate reference system", fr="système de coordonnées"),
        Text(en="GeoTIFF", fr="GeoTIFF"),
    ),
    example={"crs": "EPSG:3857"},
    inputs=Inputs,
    outputs={
        "data": Output(
            title=Text(en="Reprojected data", fr="Données reprojetées"),
            description=Text(
                en="The variables on the rows and columns of the result, with its reference system.",
                fr="Les variables sur les lignes et colonnes du résultat, avec son système de référence.",
            ),
            formats=(GEOTIFF, NETCDF, PNG),
        ),
    },
    package="gaia_processes.reproject",
    check=check,
    check_others=check_alone,
    constraints=constraints,
    check_format=check_format,
    estimate=estimate,
)
