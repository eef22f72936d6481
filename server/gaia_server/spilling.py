"""
Values that are too large to travel in an order: they become files of their owner, and the demand names these.

Equal values of one owner become the same file, so that equal requests stay equal work.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from pydantic import BaseModel

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import make_fault
from gaia_processes.inputs.dataset import UploadRef
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import INLINE, SPILLED_BYTES, Inline, InlineFeatures
from gaia_processes.kinds import GEOJSON, TABLE, Kind
from gaia_processes.process import Process
from gaia_processes.reading import dump_inputs
from gaia_server.demands import Understood
from gaia_server.descriptions import takes_dataset
from gaia_server.errors import UploadRefused
from gaia_server.references import NotKept
from gaia_server.uploads.uploads import Upload, Uploads
from gaia_workers.contract import Uploaded


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps what an owner sends in the place of a file."""

    uploads: Uploads
    owner: str

    def keep(self, content: bytes, *, name: str, kind: Kind | None = None) -> Upload:
        """
        Keep some bytes, or find them where they were kept before.

        Parameters
        ----------
        kind : Kind, optional
            What they are; recognised by content, without.
        """
        return self.uploads.keep_content(content, owner=self.owner, name=name, kind=kind)


def spill(understood: Understood, keeper: Keeper) -> Understood:
    """
    Let large values of a demand become files.

    Raises
    ------
    NoSpace
        If there is no room for them.
    """
    large = dict(_large(understood))
    if not large:
        return understood
    kept = {
        name: keeper.keep(value.content, name=_name(name, value), kind=_kind(value)) for name, value in large.items()
    }
    named = {name: UploadRef.of(upload.id) for name, upload in kept.items()}
    inputs = understood.inputs.model_copy(update=named)
    uploads = (*understood.demand.uploads, *(uploaded(upload) for upload in dict.fromkeys(kept.values())))
    demand = replace(understood.demand, inputs=dump_inputs(inputs), uploads=uploads)
    return replace(understood, inputs=inputs, demand=demand)


def keeps_references(process: Process, keeper: Keeper) -> Callable[[str, bytes, str], str]:
    """Give what keeps a file that a request names by its address, where an input takes files."""

    def keep(name: str, content: bytes, address: str) -> str:
        if name not in _takers(process.inputs):
            raise NotKept(None)
        try:
            return keeper.keep(content, name=address.partition("?")[0].rpartition("/")[2]).reference
        except UploadRefused as refused:
            raise NotKept(_fault(refused, address)) from None

    return keep


@cache
def _takers(inputs: type[BaseModel]) -> frozenset[str]:
    """Name the inputs that take files; to write the schemas anew takes a quarter of the time of a whole request."""
    return frozenset(name for name, schema in input_schemas(inputs).items() if takes_dataset(schema))


def uploaded(upload: Upload) -> Uploaded:
    """Say of an upload what its centre must know."""
    return Uploaded(
        reference=upload.reference, sha256=upload.sha256, size_bytes=upload.size_bytes, media_type=upload.media_type
    )


def _large(understood: Understood) -> Iterator[tuple[str, Inline]]:
    for name, value in understood.inputs:
        if isinstance(value, INLINE) and len(value.content) > SPILLED_BYTES:
            yield name, value


def _kind(value: Inline) -> Kind:
    return GEOJSON if isinstance(value, InlineFeatures) else TABLE


def _name(name: str, value: Inline) -> str:
    return f"{name}.geojson" if isinstance(value, InlineFeatures) else f"{name}.csv"


def _fault(refused: UploadRefused, address: str) -> Fault:
    return make_fault(refused.text.en, refused.text.fr, given=address)
