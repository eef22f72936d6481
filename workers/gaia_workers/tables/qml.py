"""A style for QGIS: graduated colours of one column, as QML (the style files of QGIS 3)."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from gaia_workers.tables.classes import OUTLINE, ValueClass

VERSION = "3.34.0"
_SYMBOLS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "polygon": ("fill", "SimpleFill", {"outline_style": "solid", "outline_width": "0.1", "outline_width_unit": "MM", "style": "solid"}),
    "line": ("line", "SimpleLine", {"line_style": "solid", "line_width": "0.6", "line_width_unit": "MM"}),
    "point": ("marker", "SimpleMarker", {"name": "circle", "outline_style": "solid", "outline_width": "0.1", "size": "2.4", "size_unit": "MM"}),
}  # fmt: skip
"""By what the geometries are: type of the symbol, class of its layer, how that is drawn."""
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_GEOMETRY_TYPES = {"point": "0", "line": "1", "polygon": "2"}


def write_qml(column: str, classes: Sequence[ValueClass], family: str) -> str:
    """
    Write the style.

    Parameters
    ----------
    column : str
        The column whose numbers are coloured.
    classes : sequence of ValueClass
        Ascending.
    family : str
        `point`, `line` or `polygon`.
    """
    root = ET.Element("qgis", version=VERSION, styleCategories="Symbology")
    renderer = ET.SubElement(
        root, "renderer-v2",
        type="graduatedSymbol", attr=column, graduatedMethod="GraduatedColor",
        enableorderby="0", forceraster="0", symbollevels="0",
    )  # fmt: skip
    ranges = ET.SubElement(renderer, "ranges")
    symbols = ET.SubElement(renderer, "symbols")
    for at, each in enumerate(classes):
        ET.SubElement(
            ranges, "range",
            render="true", symbol=str(at), lower=f"{each.low!r}", upper=f"{each.high!r}", label=each.label,
        )  # fmt: skip
        symbols.append(_symbol(str(at), each.colour, family))
    source = ET.SubElement(renderer, "source-symbol")
    source.append(_symbol("0", classes[0].colour if classes else "#ffffff", family))
    ET.SubElement(root, "layerGeometryType").text = _GEOMETRY_TYPES[family]
    ET.indent(root)
    return _DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"


def _symbol(name: str, colour: str, family: str) -> ET.Element:
    kind, layer_class, drawn = _SYMBOLS[family]
    symbol = ET.Element("symbol", type=kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    layer = ET.SubElement(symbol, "layer", {"class": layer_class, "pass": "0", "enabled": "1", "locked": "0"})
    colours = (
        {"line_color": _rgba(colour)} if family == "line" else {"color": _rgba(colour), "outline_color": _rgba(OUTLINE)}
    )
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in sorted((colours | dict(drawn)).items()):
        ET.SubElement(options, "Option", type="QString", name=key, value=value)
        ET.SubElement(layer, "prop", k=key, v=value)  # as QGIS before 3.20 reads it
    return symbol


def _rgba(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},255"
