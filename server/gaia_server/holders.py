"""Which centres hold all the datasets that a request names: only there can it run."""

from collections.abc import Iterable

from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_processes.errors import Fault
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference
from gaia_processes.inputs.references import NamedReference, references_in
from gaia_processes.text import Text


def datasets_in(inputs: BaseModel) -> tuple[NamedReference, ...]:
    """Give the datasets of the catalogue that inputs name, each with its place."""
    return tuple(each for each in references_in(inputs) if isinstance(each.reference, CatalogueRef))


def holders_of(named: Iterable[NamedReference], federation: Federation) -> tuple[str, ...]:
    """Name the centres that hold all of the datasets of the catalogue that are named, in the order of the first one's replicas."""
    held = [_centres(each.reference, federation) for each in named if isinstance(each.reference, CatalogueRef)]
    return tuple(centre for centre in held[0] if all(centre in each for each in held)) if held else ()


def check_together(inputs: BaseModel, federation: Federation) -> tuple[Fault, ...]:
    """Say which datasets lie at no centre that has the others too."""
    named = datasets_in(inputs)
    if len(named) < 2 or holders_of(named, federation):
        return ()
    first, *others = named
    return tuple(_apart(first.reference, each, federation) for each in others if _differ(first, each, federation))


def _differ(first: NamedReference, other: NamedReference, federation: Federation) -> bool:
    """Tell whether two datasets do not lie at just the same centres; those that do are not what keeps the request apart."""
    return set(_centres(first.reference, federation)) != set(_centres(other.reference, federation))


def _apart(first: DatasetReference, named: NamedReference, federation: Federation) -> Fault:
    other = named.reference
    lies = {each: ", ".join(_centres(each, federation)) for each in (first, other)}
    return Fault(
        input=named.input,
        pointer=named.pointer,
        given=str(other),
        problem=Text(
            en=f"{_id(other)} lies at {lies[other]}, but {_id(first)} at {lies[first]}; name a dataset of a centre that "
            "has both.",
            fr=f"{_id(other)} est à {lies[other]}, mais {_id(first)} à {lies[first]} ; nommez un jeu de données d'un "
            "centre qui a les deux.",
        ),
    )


def _id(reference: DatasetReference) -> str:
    return reference.id if isinstance(reference, CatalogueRef) else str(reference)


def _centres(reference: DatasetReference, federation: Federation) -> tuple[str, ...]:
    dataset = federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
    replicas: Iterable[str] = () if dataset is None else (each.centre for each in dataset.replicas)
    return tuple(replicas)
