"""How much of a gridded dataset a request needs, where only that much is brought from another centre."""

from collections.abc import Callable
from dataclasses import dataclass

from gaia_processes.inputs.dataset import DatasetReference
from gaia_processes.inputs.interval import Interval

type Bounds = tuple[float, float, float, float]
type FindsBounds = Callable[[DatasetReference], Bounds | None]
"""Tells where a dataset lies: west, south, east, north in degrees; None where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """
    What is needed of a dataset; None is all.

    Attributes
    ----------
    variables : tuple of str or None
        Names.
    bounds : tuple of 4 float or None
        West, south, east, north in degrees: values are wanted there. Neighbouring cells belong to it, whoever cuts it sees to them.
    datetime : Interval or None
        Stretch of time.
    """

    variables: tuple[str, ...] | None = None
    bounds: Bounds | None = None
    datetime: Interval | None = None

    def __or__(self, other: "Portion") -> "Portion":
        """Give what holds both: in what they differ, all."""
        return Portion(
            variables=self.variables if self.variables == other.variables else None,
            bounds=self.bounds if self.bounds == other.bounds else None,
            datetime=self.datetime if self.datetime == other.datetime else None,
        )


ALL = Portion()
