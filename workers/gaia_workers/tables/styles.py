"""The styles of a table: how its column is coloured, for those who draw it."""

from dataclasses import dataclass

from gaia_workers.tables.classes import ValueClass, classify
from gaia_workers.tables.qml import write_qml
from gaia_workers.tables.sld import write_sld
from gaia_workers.tables.watched import Watched


@dataclass(frozen=True, kw_only=True, slots=True)
class Styles:
    """
    A style in two languages.

    Attributes
    ----------
    title : str
        What is coloured.
    qml, sld : str
        For QGIS, for map servers.
    """

    title: str
    qml: str
    sld: str


def unit_of(table: Watched) -> str | None:
    """Give the unit of the column that a map colours."""
    return next((each.unit for each in table.columns if each.name == table.shown), None)


def title_of(table: Watched) -> str:
    """Give the title of the column that a map colours, with its unit."""
    column = next((each for each in table.columns if each.name == table.shown), None)
    named = column.title.en if column else str(table.shown)
    return f"{named} [{column.unit}]" if column and column.unit and column.unit != "1" else named


def classes_of(table: Watched) -> tuple[ValueClass, ...]:
    """Part the numbers that a map colours into classes."""
    return classify(table.last.all_values(), unit_of(table))


def make_styles(table: Watched, layer: str) -> Styles | None:
    """Make the styles of a table; None where rows have no place, or no column is to be coloured."""
    seen = table.last
    if table.shown is None or seen.family is None:
        return None
    classes = classes_of(table)
    return Styles(
        title=title_of(table),
        qml=write_qml(table.shown, classes, seen.family),
        sld=write_sld(layer, table.shown, classes, seen.family, title=title_of(table)),
    )
