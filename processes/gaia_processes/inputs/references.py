"""
Which datasets the inputs of a request name: alone, in an array, or inside an object of an array.

Everything that has to do with what is named (pinning versions, finding cubes, holders, files and uploads, opening) goes
through here, so that an input may name datasets at any depth and nobody else needs to know where.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gaia_processes.inputs.dataset import DatasetReference

_PLAIN = frozenset({type(None), bool, int, float, str})
"""What most inputs are, and names nothing: it is not looked into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedReference:
    """
    A dataset that an input names.

    Attributes
    ----------
    path : tuple of str or int
        The input, and the way into it: `("dataset",)`, `("dataset", 1)`, `("environment", 0, "dataset")`.
    reference : DatasetReference
        What is named.
    """

    path: tuple[str | int, ...]
    reference: DatasetReference

    @property
    def input(self) -> str:
        """The name of the input."""
        return str(self.path[0])

    @property
    def key(self) -> str:
        """The path as text: `dataset`, `dataset/1`, `environment/0/dataset`."""
        return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in self.path)

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901) into the request."""
        return f"/inputs/{self.key}"


def references_in(inputs: BaseModel | None) -> tuple[NamedReference, ...]:
    """
    Give every dataset that inputs name, in the order of the request.

    Parameters
    ----------
    inputs : BaseModel or None
        Inputs that were read; None names nothing.

    Returns
    -------
    tuple of NamedReference
        From arrays and nested objects too; the same dataset as often as it is named.

    Examples
    --------
    >>> from gaia_processes.inputs.dataset import CatalogueRef
    >>> class Inputs(BaseModel, arbitrary_types_allowed=True):
    ...     dataset: tuple[CatalogueRef, ...]
    >>> [each.pointer for each in references_in(Inputs(dataset=(CatalogueRef(id="a"), CatalogueRef(id="b"))))]
    ['/inputs/dataset/0', '/inputs/dataset/1']
    """
    return () if inputs is None else tuple(_walk(inputs, ()))


def _walk(value: object, path: tuple[str | int, ...]) -> Iterator[NamedReference]:
    if isinstance(value, DatasetReference):
        yield NamedReference(path=path, reference=value)
    elif isinstance(value, BaseModel):
        for name, each in value:
            if type(each) not in _PLAIN:
                yield from _walk(each, (*path, name))
    elif isinstance(value, tuple | list):
        for place, each in enumerate(value):
            if type(each) not in _PLAIN:
                yield from _walk(each, (*path, place))


def map_references(value: Any, change: Callable[[DatasetReference], object]) -> Any:
    """
    Put something in the place of every dataset that a value names.

    Parameters
    ----------
    value : object
        The value of an input, or all the inputs.
    change : callable
        Gives what stands for a reference: the same with its version, or the opened dataset.

    Returns
    -------
    object
        As `value`: an array as a tuple, a nested object as one of its own model whose members are not validated anew, so
        that what is not a reference is left as it is.
    """
    if isinstance(value, DatasetReference):
        return change(value)
    if isinstance(value, BaseModel):
        changed = {name: map_references(each, change) for name, each in value}
        return value.model_copy(update=changed)
    if isinstance(value, tuple | list):
        return tuple(map_references(each, change) for each in value)
    return value
