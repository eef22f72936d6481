"""What the world is told about `subset`."""

from typing import Annotated, Literal

from pydantic import BaseModel

from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import NETCDF
from gaia_processes.inputs.constraints import Constraint
from gaia_processes.inputs.cost import selection_cost
from gaia_processes.inputs.fields import (
    BboxInput,
    DatasetInput,
    DatetimeInput,
    LevelsInput,
    Told,
    VariablesInput,
)
from gaia_processes.inputs.selection import check_selection, selection_constraints
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text


class Inputs(BaseModel):
    """Inputs of `subset`."""

    model_config = STRICT

    dataset: DatasetInput
    variables: VariablesInput = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    levels: LevelsInput = None
    inclusion: Annotated[
        Literal["centre", "touch"],
        Told(
            title=Text(en="Inclusion", fr="Inclusion"),
            description=Text(
                en="Which cells are in the box: those whose `centre` is, or all that `touch` it with a part of "
                "their area.",
                fr="Les mailles qui comptent comme dans la boîte : celles dont le `centre` y est, ou toutes celles "
                "dont une part de la surface y est (`touch`).",
            ),
        ),
    ] = "centre"
    mask_outside: Annotated[
        bool,
        Told(
            title=Text(en="Mask outside", fr="Masquer l'extérieur"),
            description=Text(
                en="On grids with two-dimensional latitudes and longitudes the result is the smallest window of the "
                "grid that holds the box; its cells outside of the box are missing, unless this is false.",
                fr="Sur les grilles à latitudes et longitudes bidimensionnelles, le résultat est la plus petite "
                "fenêtre de la grille qui contient la boîte ; ses mailles hors de la boîte sont manquantes, sauf si "
                "cette entrée est fausse.",
            ),
        ),
    ] = True
    drop_halo: Annotated[
        bool,
        Told(
            title=Text(en="Drop the halo", fr="Retirer le halo"),
            description=Text(
                en="Ocean grids such as ORCA repeat columns at their seam; with true each cell comes once.",
                fr="Les grilles océaniques comme ORCA répètent des colonnes à leur jointure ; avec true, chaque "
                "maille ne vient qu'une fois.",
            ),
        ),
    ] = False
    nearest_level: Annotated[
        bool,
        Told(
            title=Text(en="Nearest level", fr="Niveau le plus proche"),
            description=Text(
                en="With true, a level that the data do not have stands for the nearest one that they have.",
                fr="Avec true, un niveau absent des données désigne le plus proche qui y est.",
            ),
        ),
    ] = False


def constraints(inputs: Inputs, cube: Cube) -> dict[str, Constraint]:
    """Say what the inputs may be for a dataset, from the catalogue alone."""
    return selection_constraints(inputs, cube, nearest_level=inputs.nearest_level)


def check(inputs: Inputs, cube: Cube) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs for a dataset."""
    return check_selection(inputs, cube, nearest_level=inputs.nearest_level)


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:
    """Tell what a subset costs; nothing is known of data that are in no catalogue."""
    if cube is None:
        return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)
    bytes_read, bytes_written, seconds = selection_cost(inputs, cube)
    return Estimate(bytes_read=bytes_read, bytes_written=bytes_written, seconds=seconds)


SUBSET = Process(
    id="subset",
    version="1.0.2",
    title=Text(en="Subset", fr="Extraction d'un sous-ensemble"),
    description=Text(
        en="Cuts variables, a box, a stretch of time and levels out of a gridded dataset, in its own grid and "
        "calendar, with its metadata kept. A selection that holds nothing is an error that names the extent of the "
        "data.",
        fr="Extrait d'un jeu de données sur grille des variables, une boîte, une période et des niveaux, dans sa "
        "propre grille et son propre calendrier, en gardant ses métadonnées. Une sélection vide est une erreur qui "
        "indique l'étendue des données.",
    ),
    keywords=(
        Text(en="subset", fr="extraction"),
        Text(en="crop", fr="découpe"),
        Text(en="grid", fr="grille"),
        Text(en="climate", fr="climat"),
        Text(en="NetCDF", fr="NetCDF"),
    ),
    inputs=Inputs,
    outputs={
        "data": Output(
            title=Text(en="Subset", fr="Sous-ensemble"),
            description=Text(
                en="The selected part of the dataset, values and packing as in the source.",
                fr="La partie choisie du jeu de données, valeurs et compactage comme dans la source.",
            ),
            formats=(NETCDF,),
        ),
    },
    package="gaia_processes.subset",
    check=check,
    constraints=constraints,
    estimate=estimate,
)
