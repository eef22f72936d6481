"""Which centres hold all the datasets that a request names: only there can it run."""

from collections.abc import Iterable

from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_processes.errors import Fault
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_processes.text import Text

DATASET_INPUTS = ("dataset", "like")
"""Inputs of any process that name datasets, where their process cannot be asked."""


def datasets_in(inputs: BaseModel) -> dict[str, CatalogueRef]:
    """Give the datasets of the catalogue that inputs name, by input."""
    return {name: value for name, value in inputs if isinstance(value, CatalogueRef)}


def holders_of(references: Iterable[CatalogueRef], federation: Federation) -> tuple[str, ...]:
    """Name the centres that hold all of some datasets, in the order of the first one's replicas."""
    held = [_centres(reference, federation) for reference in references]
    return tuple(centre for centre in held[0] if all(centre in each for each in held)) if held else ()


def check_together(inputs: BaseModel, federation: Federation) -> tuple[Fault, ...]:
    """Say which datasets lie at no centre that has the others too."""
    named = datasets_in(inputs)
    if len(named) < 2 or holders_of(named.values(), federation):
        return ()
    (_, first), *others = named.items()
    return tuple(_apart(first, name, reference, federation) for name, reference in others)


def _apart(first: CatalogueRef, name: str, other: CatalogueRef, federation: Federation) -> Fault:
    lies = {each.id: ", ".join(_centres(each, federation)) for each in (first, other)}
    return Fault(
        input=name,
        pointer=f"/inputs/{name}",
        given=str(other),
        problem=Text(
            en=f"{other.id} lies at {lies[other.id]}, but {first.id} at {lies[first.id]}; name a dataset of a centre that "
            "has both.",
            fr=f"{other.id} est à {lies[other.id]}, mais {first.id} à {lies[first.id]} ; nommez un jeu de données d'un "
            "centre qui a les deux.",
        ),
    )


def _centres(reference: CatalogueRef, federation: Federation) -> tuple[str, ...]:
    dataset = federation.find(reference.id, reference.version)
    replicas: Iterable[str] = () if dataset is None else (each.centre for each in dataset.replicas)
    return tuple(replicas)
