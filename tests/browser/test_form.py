"""The form of a process as a person uses it: filled in, narrowed, shared, sent; with scripts and without."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.system

SUBSET = "/processes/subset"
FILLED = f"{SUBSET}?dataset=a1b-north-america&bbox.west=-110&bbox.south=30&bbox.east=-80&bbox.north=50"


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def side(page: Page, name: str) -> float:
    return float(page.locator(f"[data-side={name}]").input_value())


def test_a_dataset_narrows_what_can_be_chosen(open_window):
    window = open_window()
    window.open(SUBSET)
    page = window.page
    expect(page.locator("#variables-choices input[type=checkbox]")).to_have_count(0)
    page.locator("#dataset").select_option("a1b-north-america")
    expect(page.get_by_label("air_temperature")).to_be_visible()
    expect(page.locator("#datetime-left")).to_contain_text("calendar 360_day")
    expect(page.locator("#cost")).to_contain_text("expected time")
    assert query(page)["dataset"] == ["a1b-north-america"]


def test_a_mistake_is_told_beside_its_field_and_goes_when_it_is_mended(open_window):
    window = open_window()
    window.open(f"{SUBSET}?dataset=a1b-north-america")
    window.page.locator("#levels").evaluate(
        "each => { each.value = '850 hPa'; each.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    expect(window.page.locator("#levels-wrong li")).to_have_count(1)
    expect(window.page.locator("#levels")).to_have_attribute("aria-invalid", "true")
    window.page.locator("#levels").fill("")
    window.page.locator("#levels").blur()
    expect(window.page.locator("#levels-wrong li")).to_have_count(0)


def test_a_service_that_is_away_is_said_to_be_and_nothing_is_lost(open_window):
    window = open_window()
    window.open(SUBSET)
    window.page.route("**/forms/**", lambda route: route.abort())
    window.page.locator("#levels").fill("850")
    expect(window.page.locator("#state")).to_contain_text("does not answer")
    window.page.unroute("**/forms/**")
    window.page.locator("#levels").fill("")
    expect(window.page.locator("#state")).to_be_empty()


def test_a_box_is_drawn_with_the_mouse(open_window):
    window = open_window()
    window.open(f"{SUBSET}?dataset=a1b-north-america")
    window.page.locator("svg.earth").scroll_into_view_if_needed()
    area = window.page.locator("svg.earth").bounding_box()
    mouse = window.page.mouse
    mouse.move(area["x"] + area["width"] * 0.4, area["y"] + area["height"] * 0.4)
    mouse.down()
    mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.6, steps=3)
    mouse.up()
    assert -135 <= side(window.page, "west") < side(window.page, "east") <= -45
    assert 15 <= side(window.page, "south") < side(window.page, "north") <= 60
    expect(window.page.locator("#snippets")).to_contain_text('"bbox"')
    assert float(query(window.page)["bbox.west"][0]) == side(window.page, "west")


def test_a_box_is_drawn_and_moved_with_the_keyboard(open_window):
    window = open_window()
    window.open(f"{SUBSET}?dataset=a1b-north-america")
    window.page.locator("svg.earth").focus()
    window.page.keyboard.press("ArrowRight")
    before = side(window.page, "west"), side(window.page, "east")
    window.page.keyboard.press("ArrowRight")
    after = side(window.page, "west"), side(window.page, "east")
    assert after[0] > before[0]
    assert after[1] > before[1]
    window.page.keyboard.press("Shift+ArrowRight")
    assert side(window.page, "west") == after[0]
    window.page.keyboard.press("Delete")
    assert window.page.locator("[data-side=west]").input_value() == ""


def test_the_extent_and_the_years_of_the_data_are_one_click_away(open_window):
    window = open_window()
    window.open(f"{SUBSET}?dataset=a1b-north-america")
    window.page.locator("#bbox-left button.fill").click()
    assert (side(window.page, "west"), side(window.page, "north")) == (-135, 60)
    window.page.locator("#datetime-left button.fill").click()
    assert window.page.get_by_label("From", exact=True).input_value() == "1860-06-01"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_address_fills_the_form_for_whoever_opens_it(open_window, scripts):
    window = open_window(scripts=scripts)
    window.open(f"{FILLED}&datetime=1990/1999&variables=air_temperature&inclusion=touch")
    page = window.page
    assert page.locator("#dataset").input_value() == "a1b-north-america"
    assert [page.locator(f"[data-side={name}]").input_value() for name in ("west", "north")] == ["-110", "50"]
    assert page.locator("[name='datetime.begin']").input_value() == "1990"
    assert page.locator("[name=variables]").is_checked()
    assert page.locator("[name=inclusion]").input_value() == "touch"


def test_a_job_is_started_and_its_page_opens(open_window):
    window = open_window()
    window.open(f"{FILLED}&datetime=1990/1999")
    window.page.get_by_role("button", name="Run as a job").click()
    window.page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_result_comes_at_once(open_window, scripts):
    window = open_window(scripts=scripts)
    window.open(f"{FILLED}&datetime=1990/1999")
    with window.page.expect_download() as coming:
        window.page.get_by_role("button", name="Run now").click()
    assert coming.value.suggested_filename.endswith(".nc")
    assert coming.value.path().read_bytes()[1:4] == b"HDF"


def test_without_scripts_all_that_is_wrong_stands_beside_its_field(open_window):
    window = open_window(scripts=False)
    window.open(f"{SUBSET}?levels=high&datetime=1990/1980")
    window.page.get_by_role("button", name="Run as a job").click()
    for name in ("dataset", "levels", "datetime"):
        expect(window.page.locator(f"#{name}-wrong li").first).to_be_visible()
    assert window.page.locator("#levels").input_value() == "high", "nothing that was typed is lost"


WORDS = ("map", "keys", "in", "out", "west", "east", "fit", "close", "clear", "file")
ADD_DRAWING = """
([words, land]) => {
  const drawing = document.createElement("gaia-draw");
  drawing.dataset.words = JSON.stringify(Object.fromEntries(words.map((word) => [word, word])));
  drawing.dataset.land = land;
  drawing.append(Object.assign(document.createElement("textarea"), { name: "zones" }));
  document.querySelector(".fill-in").prepend(drawing);
}
"""


def test_an_area_is_drawn_with_the_mouse_and_with_the_keyboard(open_window):
    """No process of today takes one, so the control is put into the form of one that takes none."""
    window = open_window()
    window.open("/processes/echo")
    page = window.page
    land = page.locator("gaia-box").get_attribute("data-land")
    page.evaluate(ADD_DRAWING, [WORDS, land])
    drawing = page.locator("gaia-draw svg.earth")
    drawing.scroll_into_view_if_needed()
    for x, y in ((100, 100), (200, 100), (200, 200), (100, 100)):
        drawing.click(position={"x": x, "y": y})
    (drawn,) = json.loads(page.locator("[name=zones]").input_value())["features"]
    assert (drawn["geometry"]["type"], len(drawn["geometry"]["coordinates"][0])) == ("Polygon", 4)
    drawing.focus()
    for keys in ("ArrowRight Enter", "ArrowUp ArrowUp Enter", "ArrowLeft ArrowLeft Enter", "c"):
        for key in keys.split():
            page.keyboard.press(key)
    features = json.loads(page.locator("[name=zones]").input_value())["features"]
    assert [each["properties"]["name"] for each in features] == ["1", "2"]
    assert features[1]["geometry"]["coordinates"][0][:2] == [[5, 0], [5, 10]]
