"""The picture behind maps."""

from xml.etree import ElementTree as ET

from gaia_server.pages import land

SVG = "{http://www.w3.org/2000/svg}"


def test_the_land_is_what_the_sea_leaves_free():
    picture = ET.fromstring(land.draw_land())
    assert picture.get("viewBox") == "-180 -90 360 180"
    (sea,) = picture.findall(f"{SVG}path")
    assert sea.get("fill-rule") == "evenodd"
    assert len(sea.get("d")) > 10_000


def test_without_the_outline_all_is_sea(monkeypatch):
    monkeypatch.setattr(land, "_PACKAGE", "no-such-package")
    picture = ET.fromstring(land.draw_land())
    assert [shape.get("class") for shape in picture.findall(f"{SVG}rect")] == ["s"]


def test_it_is_small_enough_to_be_sent_with_a_page():
    assert len(land.draw_land()) < 80_000
