"""What the world of the tests is told about processes that behave badly."""

import os
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gaia_processes.cube import Cube
from gaia_processes.formats import NETCDF, TEXT
from gaia_processes.inputs.fields import DatasetInput
from gaia_processes.process import STRICT, Estimate, Limits, Output, Process
from gaia_processes.text import Text


class Busy(BaseModel):
    """Work for some seconds, in C code where `native`, with a mark that makes one request another than the next."""

    model_config = STRICT

    dataset: DatasetInput | None = None
    seconds: Annotated[float, Field(ge=0)]
    mark: str = ""
    native: bool = False


class Crash(BaseModel):
    """Die, after some seconds."""

    model_config = STRICT

    seconds: Annotated[float, Field(ge=0)] = 0
    mark: str = ""


class Hang(BaseModel):
    """Never end, but for the limit of 4 s: asleep, in a loop of Python, in C code, or deaf to every signal that can be caught and to exceptions."""

    model_config = STRICT

    how: Literal["asleep", "python", "native", "deaf"] = "asleep"
    mark: str = ""


class Eat(BaseModel):
    """Take memory, MiB, and hold it for some seconds; in one piece, or divided among children."""

    model_config = STRICT

    megabytes: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)] = 0
    at_once: bool = False
    children: Annotated[int, Field(ge=0)] = 0
    mark: str = ""


class Write(BaseModel):
    """Make a result of so many MiB that cannot be compressed, in so many seconds; the same for the same seed."""

    model_config = STRICT

    megabytes: Annotated[int, Field(ge=1)]
    seed: int = 0
    seconds: Annotated[float, Field(ge=0)] = 0


def estimate(inputs: BaseModel, cube: Cube | None) -> Estimate:
    """Know nothing."""
    return Estimate(bytes_read=0, bytes_written=getattr(inputs, "megabytes", 0) * 2**20, seconds=0)


def _text(words: str) -> Text:
    return Text(en=words, fr=words)


def _process(name: str, inputs: type[BaseModel], outputs: dict[str, Output], limits: Limits = Limits()) -> Process:  # noqa: B008 - frozen
    return Process(
        id=name,
        version=os.environ.get("TEST_PROCESS_VERSION", "1.0"),
        title=_text(name),
        description=_text(str(inputs.__doc__)),
        inputs=inputs,
        outputs=outputs,
        package=f"gaia_trials.{name}",
        estimate=estimate,
        limits=limits,
    )


SAID = {
    "message": Output(
        title=_text("Message"), description=_text("What it has to say."), formats=(TEXT,), schema={"type": "string"}
    )
}
WRITTEN = {"data": Output(title=_text("Data"), description=_text("Bytes."), formats=(NETCDF,))}

BUSY = _process("busy", Busy, SAID)
CRASH = _process("crash", Crash, SAID)
HANG = _process("hang", Hang, SAID, Limits(time_s=4))
EAT = _process("eat", Eat, SAID)
WRITE = _process("write", Write, WRITTEN)
