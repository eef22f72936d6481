"""What a process is, where it comes from somewhere else."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.process import Process, told_of
from gaia_processes.reading import dump_inputs, read_inputs

SUBSET = by_id(CATALOGUE)["subset"]


class PlainInputs(BaseModel):
    """Inputs of a stranger, said in pydantic's own way."""

    kind: Literal["a"] = Field("a", title="Kind", description="Which kind.")
    size: Annotated[tuple[int, ...], Field(max_length=3)] = ()


def test_a_strangers_texts_serve_for_both_languages() -> None:
    stranger = Process(
        id="stranger",
        version="1",
        title=SUBSET.title,
        description=SUBSET.description,
        inputs=PlainInputs,
        outputs={},
        package="stranger",
        estimate=SUBSET.estimate,
    )
    assert told_of(stranger, "kind").title.fr == "Kind"
    assert told_of(stranger, "size").title.en == "size"
    assert dump_inputs(read_inputs(stranger, {"size": 4})) == {"kind": "a", "size": [4]}
