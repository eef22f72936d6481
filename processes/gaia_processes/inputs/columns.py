"""Names of columns: which there are in what another input gives."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import make_fault, shorten_name, show
from gaia_processes.inputs.constraints import Allowed

_LISTED = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnConstraint:
    """
    The columns of features or of a table.

    Attributes
    ----------
    input : str
        The input that names one.
    known : tuple of str
        Those that there are.
    """

    input: str
    known: tuple[str, ...]

    @property
    def allowed(self) -> Allowed:
        """All of them."""
        return Allowed(values=self.known)

    def judge(self, value: Any) -> tuple[Fault, ...]:
        """Refuse one that is not there."""
        if value is None or value in self.known:
            return ()
        near = get_close_matches(shorten_name(str(value)), self.known, n=1)
        english, french = (f" Did you mean {near[0]}?", f" Vouliez-vous dire {near[0]} ?") if near else ("", "")
        there = ", ".join(self.known[:_LISTED]) or "-"
        fault = make_fault(
            f"There is no column {show(value)}.{english} Columns are: {there}.",
            f"Il n'y a pas de colonne {show(value)}.{french} Les colonnes sont : {there}.",
            given=value,
            allowed=self.known[:_LISTED],
        )
        return (replace(fault, input=self.input, pointer=f"/inputs/{self.input}"),)
