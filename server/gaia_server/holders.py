"""Which centres hold the datasets that a request names."""

from collections.abc import Iterable

from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference
from gaia_processes.inputs.references import NamedReference, references_in


def datasets_in(inputs: BaseModel) -> tuple[NamedReference, ...]:
    """Give the datasets of the catalogue that inputs name, each with its place."""
    return tuple(each for each in references_in(inputs) if isinstance(each.reference, CatalogueRef))


def holders_of(named: Iterable[NamedReference], federation: Federation) -> tuple[str, ...]:
    """Name the centres that hold all of the datasets of the catalogue that are named, in the order of the first one's replicas."""
    held = [centres_of(each.reference, federation) for each in named if isinstance(each.reference, CatalogueRef)]
    return tuple(centre for centre in held[0] if all(centre in each for each in held)) if held else ()


def centres_of(reference: DatasetReference, federation: Federation) -> tuple[str, ...]:
    """Name the centres that hold a dataset."""
    dataset = federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
    return () if dataset is None else tuple(each.centre for each in dataset.replicas)
