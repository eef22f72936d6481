"""What the columns of statistics of zones mean, in words."""

import xarray as xr

from gaia_processes.shared.table import Column
from gaia_processes.text import Text

_SAID: dict[str, tuple[Text, Text]] = {
    "mean": (
        Text(en="mean", fr="moyenne"),
        Text(en="Σcwx / Σcw over the valid cells.", fr="Σcwx / Σcw sur les mailles valides."),
    ),
    "sum": (Text(en="sum", fr="somme"), Text(en="Σcx over the valid cells.", fr="Σcx sur les mailles valides.")),
    "count": (
        Text(en="count of cells", fr="nombre de mailles"),
        Text(en="Σc: valid cells, in parts.", fr="Σc : mailles valides, fractions comprises."),
    ),
    "min": (
        Text(en="minimum", fr="minimum"),
        Text(en="Of the valid cells that the zone touches.", fr="Des mailles valides que la zone touche."),
    ),
    "max": (
        Text(en="maximum", fr="maximum"),
        Text(en="Of the valid cells that the zone touches.", fr="Des mailles valides que la zone touche."),
    ),
    "variance": (
        Text(en="variance", fr="variance"),
        Text(
            en="Σcw(x - mean)² / Σcw (of the cells themselves, no estimate).",
            fr="Σcw(x - moyenne)² / Σcw (des mailles mêmes).",
        ),
    ),
    "stdev": (
        Text(en="standard deviation", fr="écart type"),
        Text(en="Square root of the variance of the cells.", fr="Racine carrée de la variance des mailles."),
    ),
    "median": (
        Text(en="median", fr="médiane"),
        Text(
            en="The first value at which the heaped weight cw reaches half of all; the mean of it and the next where it is "
            "reached exactly.",
            fr="La première valeur où le poids cumulé cw atteint la moitié du total ; la moyenne d'elle et de la suivante s'il "
            "l'est exactement.",
        ),
    ),
    "majority": (
        Text(en="commonest value", fr="valeur la plus fréquente"),
        Text(
            en="The value with the largest Σcw; of equals the smallest.",
            fr="La valeur au plus grand Σcw ; de plusieurs, la plus petite.",
        ),
    ),
    "minority": (
        Text(en="rarest value", fr="valeur la plus rare"),
        Text(
            en="The value with the smallest Σcw; of equals the smallest.",
            fr="La valeur au plus petit Σcw ; de plusieurs, la plus petite.",
        ),
    ),
    "variety": (
        Text(en="number of values", fr="nombre de valeurs"),
        Text(
            en="Different values of the cells that the zone touches.",
            fr="Valeurs différentes des mailles que la zone touche.",
        ),
    ),
    "coverage": (
        Text(en="valid share", fr="part valide"),
        Text(en="Σc of the valid cells / Σc of all cells.", fr="Σc des mailles valides / Σc de toutes les mailles."),
    ),
    "weighted_mean": (
        Text(en="weighted mean", fr="moyenne pondérée"),
        Text(en="Σcvx / Σcv, v the variable of weights.", fr="Σcvx / Σcv, v étant la variable de poids."),
    ),
    "weighted_sum": (
        Text(en="weighted sum", fr="somme pondérée"),
        Text(en="Σcvx, v the variable of weights.", fr="Σcvx, v étant la variable de poids."),
    ),
}
_WITHOUT_UNIT = frozenset({"count", "variety", "coverage"})


def describe(column: str, name: str, ending: str, variable: xr.Variable) -> Column:
    """
    Say what a column is.

    Parameters
    ----------
    column : str
        Its name.
    name, ending : str
        Of the variable, and of the statistic.
    variable : xarray.Variable
        Undecoded.
    """
    said = str(variable.attrs.get("long_name") or variable.attrs.get("standard_name") or name)
    title, definition = _words_of(ending)
    return Column(
        name=column,
        title=Text(en=f"{said}: {title.en}", fr=f"{said} : {title.fr}"),
        unit=_unit_of(ending, variable),
        definition=Text(
            en=f"{definition.en} c is the share of a cell that the zone covers, w the weight of its area.",
            fr=f"{definition.fr} c est la part d'une maille que la zone couvre, w le poids de sa surface.",
        ),
    )


def _words_of(ending: str) -> tuple[Text, Text]:
    kind, _, rest = ending.partition("_")
    if ending in _SAID:
        return _SAID[ending]
    if kind == "frac":
        return (
            Text(en=f"share of class {rest}", fr=f"part de la classe {rest}"),
            Text(
                en="Σcw of the class / Σcw of all valid cells.",
                fr="Σcw de la classe / Σcw de toutes les mailles valides.",
            ),
        )
    if kind == "area":
        return (
            Text(en=f"area of class {rest}", fr=f"surface de la classe {rest}"),
            Text(
                en="Σc times the area of each cell on the ellipsoid.",
                fr="Σc fois la surface de chaque maille sur l'ellipsoïde.",
            ),
        )
    share = ending.removeprefix("q").replace("_", ".")
    return (
        Text(en=f"quantile {share} %", fr=f"quantile {share} %"),
        Text(
            en="The first value at which the heaped weight cw reaches this share of all; the mean of it and the next where it is "
            "reached exactly.",
            fr="La première valeur où le poids cumulé cw atteint cette part du total ; la moyenne d'elle et de la suivante s'il "
            "l'est exactement.",
        ),
    )


def _unit_of(ending: str, variable: xr.Variable) -> str | None:
    if ending in _WITHOUT_UNIT or ending.startswith("frac_"):
        return "1"
    if ending.startswith("area_"):
        return "km2"
    unit = variable.attrs.get("units")
    if not isinstance(unit, str) or not unit:
        return None
    if ending == "variance" and unit != "1":
        return f"({unit})2"
    return unit
