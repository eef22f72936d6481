"""What the world is told about `subset`."""

from pydantic import BaseModel

from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import GRIDDED
from gaia_processes.inputs.constraints import Constraint
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
    VariablesInput,
)
from gaia_processes.inputs.holding import explain_unfit
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
    inclusion: InclusionInput = "centre"
    mask_outside: MaskOutsideInput = True
    drop_halo: DropHaloInput = False
    nearest_level: NearestLevelInput = False


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
    version="1.1.1",
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
            formats=GRIDDED,
        ),
    },
    package="gaia_processes.subset",
    check=check,
    constraints=constraints,
    check_format=explain_unfit,
    estimate=estimate,
)
