"""Whether a selection of variables, box, time and levels can find anything in a dataset: from the catalogue alone."""

from typing import Literal, Protocol

from gaia_processes.cube import Axis, Cube
from gaia_processes.errors import Fault
from gaia_processes.inputs.axes import may_have_heights
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.constraints import (
    BoxConstraint,
    Constraint,
    LevelConstraint,
    TimeConstraint,
    VariableConstraint,
    judge,
)
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels


class Selection(Protocol):
    """The inputs by which a part of a dataset is chosen."""

    @property
    def variables(self) -> tuple[str, ...] | None:
        """Names; None is all."""

    @property
    def bbox(self) -> Bbox | None:
        """Box; None is everything."""

    @property
    def datetime(self) -> Interval | None:
        """Stretch of time; None is all of it."""

    @property
    def levels(self) -> Levels | None:
        """Levels; None is all."""


def selection_constraints(selection: Selection, cube: Cube, *, nearest_level: bool = False) -> dict[str, Constraint]:
    """
    Say what each input of a selection may be, given the dataset and the other inputs.

    Parameters
    ----------
    selection : Selection
        As far as it is known.
    cube : Cube
    nearest_level : bool
        Whether a level that is not there stands for the nearest one.
    """
    verticals = _axes_of(selection, cube, "z")
    return {
        "variables": VariableConstraint(known=cube.data_variables),
        "bbox": BoxConstraint(cube=cube, heights=any(map(may_have_heights, verticals))),
        "datetime": TimeConstraint(axes=_axes_of(selection, cube, "t"), single_time=_has_single_time(cube)),
        "levels": LevelConstraint(axes=verticals, nearest=nearest_level),
    }


def check_selection(selection: Selection, cube: Cube, *, nearest_level: bool = False) -> tuple[Fault, ...]:
    """
    Find what is wrong with a selection for a dataset: what `selection_constraints` does not allow.

    Returns
    -------
    tuple of Fault
        Empty where nothing is wrong.
    """
    return judge(selection_constraints(selection, cube, nearest_level=nearest_level), selection)


def chosen_variables(selection: Selection, cube: Cube) -> tuple[str, ...]:
    """Give the variables of the dataset that are meant; all of them where none of the names is right."""
    asked = selection.variables or ()
    return tuple(name for name in cube.data_variables if name in asked) or cube.data_variables


def _axes_of(selection: Selection, cube: Cube, kind: Literal["z", "t"]) -> tuple[Axis, ...]:
    """Find the axes of a kind that at least one of the chosen variables has."""
    used = {name for each in chosen_variables(selection, cube) for name in cube.variables[each].dimensions}
    return tuple(
        axis
        for name, axis in cube.dimensions.items()
        if name in used and (axis.type == "temporal" if kind == "t" else axis.axis == kind)
    )


def _has_single_time(cube: Cube) -> bool:
    """Tell whether there is a time that is no axis, but one value for all the data."""
    return any(not each.dimensions and " since " in (each.unit or "") for each in cube.variables.values())
