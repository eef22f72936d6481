"""
A style for map servers: graduated colours of one column, as SLD 1.0.

References
----------
OGC 02-070, Styled Layer Descriptor Implementation Specification 1.0.0.
"""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from gaia_workers.tables.classes import MISSING, OUTLINE, ValueClass

SLD = "http://www.opengis.net/sld"
OGC = "http://www.opengis.net/ogc"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XLINK = "http://www.w3.org/1999/xlink"
_PLACE = f"{SLD} http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd"

type Attributes = Mapping[str, str]


def write_sld(layer: str, column: str, classes: Sequence[ValueClass], family: str, *, title: str) -> str:
    """
    Write the style.

    Parameters
    ----------
    layer : str
        Name of the layer that it is for.
    column : str
        The column whose numbers are coloured.
    classes : sequence of ValueClass
        Ascending.
    family : str
        `point`, `line` or `polygon`.
    title : str
        What is shown.
    """
    for prefix, space in {"": SLD, "ogc": OGC, "xsi": XSI, "xlink": XLINK}.items():
        ET.register_namespace(prefix, space)
    root = ET.Element(f"{{{SLD}}}StyledLayerDescriptor", {"version": "1.0.0", f"{{{XSI}}}schemaLocation": _PLACE})
    named = _add(root, "NamedLayer")
    _add(named, "Name", layer)
    style = _add(named, "UserStyle")
    _add(style, "Title", title)
    rules = _add(style, "FeatureTypeStyle")
    for at, each in enumerate(classes):
        rule = _rule(rules, each.label)
        last = at == len(classes) - 1
        both = _filter(_filter(rule, "Filter"), "And")
        _compare(both, "PropertyIsGreaterThanOrEqualTo", column, each.low)
        _compare(both, "PropertyIsLessThanOrEqualTo" if last else "PropertyIsLessThan", column, each.high)
        _symbolizer(rule, each.colour, family)
    rule = _rule(rules, "no value")
    _filter(_filter(_filter(rule, "Filter"), "PropertyIsNull"), "PropertyName", column)
    _symbolizer(rule, MISSING, family)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(parent: ET.Element, name: str, text: str | None = None, attributes: Attributes | None = None) -> ET.Element:
    element = ET.SubElement(parent, f"{{{SLD}}}{name}", dict(attributes or {}))
    element.text = text
    return element


def _filter(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, f"{{{OGC}}}{name}")
    element.text = text
    return element


def _rule(parent: ET.Element, title: str) -> ET.Element:
    rule = _add(parent, "Rule")
    _add(rule, "Title", title)
    return rule


def _compare(parent: ET.Element, operator: str, column: str, value: float) -> None:
    compared = _filter(parent, operator)
    _filter(compared, "PropertyName", column)
    _filter(compared, "Literal", repr(value))


def _symbolizer(rule: ET.Element, colour: str, family: str) -> None:
    if family == "polygon":
        symbolizer = _add(rule, "PolygonSymbolizer")
        _paint(symbolizer, "Fill", {"fill": colour})
        _paint(symbolizer, "Stroke", {"stroke": OUTLINE, "stroke-width": "0.3"})
    elif family == "line":
        _paint(_add(rule, "LineSymbolizer"), "Stroke", {"stroke": colour, "stroke-width": "2"})
    else:
        graphic = _add(_add(rule, "PointSymbolizer"), "Graphic")
        mark = _add(graphic, "Mark")
        _add(mark, "WellKnownName", "circle")
        _paint(mark, "Fill", {"fill": colour})
        _paint(mark, "Stroke", {"stroke": OUTLINE, "stroke-width": "0.3"})
        _add(graphic, "Size", "8")


def _paint(parent: ET.Element, name: str, parameters: Attributes) -> None:
    painted = _add(parent, name)
    for key, value in parameters.items():
        _add(painted, "CssParameter", value, {"name": key})
