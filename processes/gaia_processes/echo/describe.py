"""What the world is told about `echo`: the process by which clients and the official suite test a server."""

import math
from typing import Annotated

from pydantic import BaseModel, Field

from gaia_processes.cube import Cube
from gaia_processes.formats import JSON, TEXT
from gaia_processes.inputs.fields import BBOX_SCHEMA, SentBboxField, Told
from gaia_processes.inputs.number import Number, Whole
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.text import Text

REUSED_S = 10.0
"""So long after its end an echo with a pause serves equal requests."""


LONGEST_PAUSE_S = 3600
"""Nobody tries a client out for longer, and a place at a centre is taken all the while."""


class Inputs(BaseModel):
    """Inputs of `echo`, in the order in which the official suite wants them."""

    model_config = STRICT

    message: Annotated[
        str,
        Told(
            title=Text(en="Message", fr="Message"),
            description=Text(en="Text that comes back.", fr="Texte qui revient."),
            example="hello",
        ),
    ]
    pause: Annotated[
        Annotated[Number, Field(ge=0, le=LONGEST_PAUSE_S)] | None,
        Told(
            title=Text(en="Pause", fr="Pause"),
            description=Text(
                en="Seconds to wait before the answer, an hour at most.",
                fr="Secondes d'attente avant la réponse, une heure au plus.",
            ),
            example=2,
        ),
    ] = None
    values: Annotated[
        tuple[Whole, ...] | None,
        Told(
            title=Text(en="Values", fr="Valeurs"),
            description=Text(en="Whole numbers that come back.", fr="Nombres entiers qui reviennent."),
            example=[1, 2, 3],
        ),
    ] = None
    area: Annotated[
        SentBboxField | None,
        Told(
            title=Text(en="Area", fr="Zone"),
            description=Text(en="Box that comes back.", fr="Boîte englobante qui revient."),
            example={"bbox": [-10, 35, 20, 60], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        ),
    ] = None


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:  # noqa: ARG001 - the signature of every estimate
    """Tell what an echo costs: its pause."""
    size_bytes = len(inputs.model_dump_json(exclude_none=True))
    return Estimate(bytes_read=0, bytes_written=size_bytes, seconds=inputs.pause or 0.0)


def reuse_s(inputs: Inputs) -> float:
    """Wait for a pause again, but for those who ask at about the same time: whoever asks for one wants to see a job that runs."""
    return REUSED_S if inputs.pause else math.inf


ECHO = Process(
    id="echo",
    version="1.1.0",
    title=Text(en="Echo", fr="Écho"),
    description=Text(
        en="Gives back what was sent, after a pause if one is asked for. For trying out clients and servers.",
        fr="Rend ce qui est envoyé, après une pause si on la demande. Pour essayer clients et serveurs.",
    ),
    keywords=(Text(en="echo", fr="écho"), Text(en="test", fr="essai")),
    inputs=Inputs,
    outputs={
        "message": Output(
            title=Text(en="Message", fr="Message"),
            description=Text(en="The message that was sent.", fr="Le message envoyé."),
            formats=(TEXT,),
            schema={"type": "string", "contentMediaType": "text/plain"},
        ),
        "values": Output(
            title=Text(en="Values", fr="Valeurs"),
            description=Text(
                en="The values that were sent; absent without them.",
                fr="Les valeurs envoyées ; absent sans elles.",
            ),
            formats=(JSON,),
            schema={"type": "array", "items": {"type": "integer"}},
        ),
        "area": Output(
            title=Text(en="Area", fr="Zone"),
            description=Text(en="The box that was sent; absent without it.", fr="La boîte envoyée ; absent sans elle."),
            formats=(JSON,),
            schema=BBOX_SCHEMA,
        ),
    },
    package="gaia_processes.echo",
    estimate=estimate,
    reuse_s=reuse_s,
)
