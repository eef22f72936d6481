"""A grid of the whole earth by the size of its cells: what the input `grid` may say."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bad_value import BadValue, show

_NUMBER = r"\d{1,3}(?:\.\d{1,9})?|\.\d{1,9}"
_GRID = re.compile(rf"(?P<lon>{_NUMBER})\s*[xX]\s*(?P<lat>{_NUMBER})", re.ASCII)
_WHOLE = 1e-6
LEAST_DEG = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """
    Cells of one size from Greenwich to the east and from the South Pole to the north.

    Attributes
    ----------
    columns, rows : int
        How many there are.
    text : str
        As it was written.
    """

    columns: int
    rows: int
    text: str

    @property
    def longitude_step_deg(self) -> float:
        """Width of a cell."""
        return 360.0 / self.columns

    @property
    def latitude_step_deg(self) -> float:
        """Height of a cell."""
        return 180.0 / self.rows


def parse_resolution(value: object) -> Resolution:
    """
    Read the size of cells.

    Parameters
    ----------
    value : object
        Degrees of longitude and latitude, as `1x1` or `2.5x2`.

    Raises
    ------
    BadValue
        If it is anything else, or so many cells do not make 360 and 180 degrees.
    """
    if isinstance(value, Resolution):
        return value
    match = _GRID.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise BadValue.of(
            f"{show(value)} is no grid; right are the degrees of longitude and latitude of a cell, as 1x1 or 2.5x2.",
            f"{show(value)} n'est pas une grille ; il faut les degrés de longitude et de latitude d'une maille, comme "
            "1x1 ou 2.5x2.",
            given=value,
        )
    columns = _count(value, float(match["lon"]), 360.0, "longitude", "longitude")
    rows = _count(value, float(match["lat"]), 180.0, "latitude", "latitude")
    return Resolution(columns=columns, rows=rows, text=f"{_plainly(match['lon'])}x{_plainly(match['lat'])}")


def _plainly(number: str) -> str:
    """Write a number in one way only: grids that are the same are the same text, as 1x1 for 1.0x1."""
    return repr(float(number)).removesuffix(".0")


def _count(value: object, step_deg: float, span_deg: float, en: str, fr: str) -> int:
    if step_deg < LEAST_DEG:
        raise BadValue.of(
            f"{show(value)} has cells of {step_deg:g} degrees; {LEAST_DEG:g} and more are right.",
            f"{show(value)} a des mailles de {step_deg:g} degrés ; il faut au moins {LEAST_DEG:g}.",
            given=value,
        )
    count = round(span_deg / step_deg)
    if count < 1 or abs(count * step_deg - span_deg) > _WHOLE * span_deg:
        near = f"{span_deg / max(count, 1):.6g}"
        raise BadValue.of(
            f"{show(value)} does not cover the earth: {span_deg:g} degrees of {en} are no whole number of steps of "
            f"{step_deg:g}; {near} would be right.",
            f"{show(value)} ne couvre pas la terre : {span_deg:g} degrés de {fr} ne font pas un nombre entier de pas "
            f"de {step_deg:g} ; {near} conviendrait.",
            given=value,
        )
    return count


ResolutionField = Annotated[
    Resolution,
    PlainValidator(parse_resolution),
    PlainSerializer(lambda resolution: resolution.text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
