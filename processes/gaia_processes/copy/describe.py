"""
`copy`: a dataset as it is, for another centre that works on it. Carried out at centres as all processes are, and offered to nobody:
the server asks for it where the datasets of one request lie apart.
"""

from typing import Annotated

from pydantic import BaseModel

from gaia_processes.cube import Cube
from gaia_processes.formats import AS_IS
from gaia_processes.inputs.fields import DatasetField
from gaia_processes.inputs.sources import Takes
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text


class Inputs(BaseModel):
    """Inputs of `copy`."""

    model_config = STRICT

    dataset: Annotated[DatasetField, Takes(role="file")]


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:  # noqa: ARG001 - the signature of every estimate
    """Tell nothing: whoever asks for a copy knows how large the file is."""
    return Estimate(bytes_read=0, bytes_written=0, seconds=0.0)


COPY = Process(
    id="copy",
    version="1.0.0",
    title=Text(en="Copy", fr="Copie"),
    description=Text(
        en="A dataset as it is, for another centre.", fr="Un jeu de données tel quel, pour un autre centre."
    ),
    inputs=Inputs,
    outputs={
        "file": Output(
            title=Text(en="File", fr="Fichier"),
            description=Text(en="The same bytes.", fr="Les mêmes octets."),
            formats=(AS_IS,),
        )
    },
    package="gaia_processes.copy",
    estimate=estimate,
)
