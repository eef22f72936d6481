"""What holds for every page: nothing from elsewhere, no barrier, no scrolling sideways; each look in turn."""

import pytest

from real_browser import DESKTOP, PHONE

pytestmark = pytest.mark.system

PAGES = (
    "/",
    "/processes",
    "/processes?q=zzz",
    "/processes/echo",
    "/processes/subset?dataset=a1b-north-america&levels=3&bbox=-110,30,-80,50",
    "/processes/aggregate",
    "/processes/climate-indices",
    "/processes/reproject?dataset=tree-cover-demo&crs=EPSG:3857",
    "/processes/zonal-statistics?dataset=tree-cover-demo&zones=countries-110m&statistics=fractions",
    "/processes/extract-points?dataset=a1b-north-america&points=x,y%0A-100,40",
    "/processes/biodiversity-indicators?dataset=occurrences-demo&by=zones",
    "/processes/biodiversity-indicators?by=environment&cell_size_km=1",
    "/collections/a1b-north-america",
    "/uploads",
    "/centres",
    "/centres/theia",
    "/health",
    "/conformance",
    "/collections",
    "/openapi",
    "/TileMatrixSets",
    "/TileMatrixSets/WebMercatorQuad",
    "/stac",
    "/nothing",
)
LOOKS = {
    "english, light, desktop": {"language": "en", "scheme": "light", "size": DESKTOP, "pages": PAGES},
    "french, dark, phone": {"language": "fr", "scheme": "dark", "size": PHONE, "pages": PAGES[::2]},
}
CROSSED = {
    "english, dark, phone": {"language": "en", "scheme": "dark", "size": PHONE},
    "french, light, desktop": {"language": "fr", "scheme": "light", "size": DESKTOP},
}
FORMS = (
    "/processes/subset?dataset=a1b-north-america&levels=3&bbox=-110,30,-80,50",
    "/processes/extract-points?dataset=a1b-north-america&points=x,y%0A-100,40",
    "/processes/biodiversity-indicators?dataset=occurrences-demo&by=zones",
)


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_barrier_or_asks_anything_of_another_host(open_window, look):
    seen = LOOKS[look]
    window = open_window(language=seen["language"], scheme=seen["scheme"], size=seen["size"])
    found = {}
    for path in seen["pages"]:
        window.open(path)
        assert window.page.locator("html").get_attribute("lang") == seen["language"]
        found[path] = window.violations() + (["too wide"] if window.is_too_wide() else [])
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("look", CROSSED)
def test_a_form_that_is_opened_wide_has_none_in_the_other_looks_either(open_window, look):
    window = open_window(**CROSSED[look])
    for form in FORMS:
        window.open(form)
        window.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert window.violations() == [], form
        assert not window.is_too_wide(), form


def test_the_api_that_is_opened_wide_has_none(open_window):
    window = open_window()
    window.open("/openapi")
    window.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert window.violations() == []


def test_the_keyboard_reaches_the_content_first(open_window):
    window = open_window()
    window.open("/")
    window.page.keyboard.press("Tab")
    window.page.keyboard.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "content"


def test_a_language_that_was_chosen_stays(open_window):
    window = open_window()
    window.open("/")
    window.page.get_by_role("link", name="Français").click()
    window.page.get_by_role("link", name="Centres", exact=True).first.click()
    assert window.page.locator("html").get_attribute("lang") == "fr"
