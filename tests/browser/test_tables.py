"""Points, zones and species as a person brings them along: uploaded, pasted, set on a map; and the tables that come out."""

import csv
import io
import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.system

POINTS = "/processes/extract-points?dataset=a1b-north-america&datetime=2000"
ZONES = "/processes/zonal-statistics?dataset=a1b-north-america&datetime=2000"
SPECIES = "/processes/biodiversity-indicators?dataset=occurrences-demo"
TABLE = "site,longitude,latitude\nDenver,-104.9,39.7\nIowa City,-91.5,41.7\nParis,2.3,48.8\n"
PLAINS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, 35], [west + 8, 35], [west + 8, 45], [west, 45], [west, 35]]],
            },
        }
        for name, west in (("west", -108), ("east", -98))
    ],
}
FINISHED_MS = 60_000


def upload(page: Page, name: str, file: str, text: str) -> None:
    control = page.locator(f"#field-{name} gaia-upload")
    control.locator("input[type=file]").set_input_files(
        {"name": file, "mimeType": "application/octet-stream", "buffer": text.encode()}
    )
    expect(control.get_by_role("status")).to_have_text(f"{file} is uploaded and chosen.")
    expect(page.locator(f"#{name}")).to_have_value(re.compile(r"^upload:[0-9a-f-]{36}$"))


def run(page: Page) -> Locator:
    """Run the filled form as a job; give the drawn result on its page."""
    expect(page.locator("#cost")).to_contain_text("expected time")
    page.get_by_role("button", name="Run as a job").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    figure = page.locator("figure[data-drawn]")
    expect(figure).to_be_visible(timeout=FINISHED_MS)
    return figure


def downloaded(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as coming:
        page.locator(".result").get_by_role("link", name="Download").click()
    assert coming.value.suggested_filename.endswith(".csv")
    return list(csv.DictReader(io.StringIO(coming.value.path().read_text(encoding="utf-8"))))


def test_points_of_a_file_get_their_values_and_come_back_as_a_table(open_window):
    window = open_window()
    window.open(POINTS)
    upload(window.page, "points", "sites.csv", TABLE)
    figure = run(window.page)
    expect(window.page.locator(".note.warn")).to_contain_text("1 of 3 points lie outside of the grid")
    picture = figure.get_by_role("img", name=re.compile(r"^Map of air temperature"))
    expect(picture.locator("circle")).to_have_count(3)
    expect(figure.locator("tbody tr")).to_have_count(3)
    expect(figure.locator("tbody tr").first).to_contain_text("Denver")
    rows = downloaded(window.page)
    assert [row["site"] for row in rows] == ["Denver", "Iowa City", "Paris"]
    assert [row["status"] for row in rows] == ["ok", "ok", "outside"]
    assert window.violations() == []


def test_a_table_of_several_lines_is_pasted_and_seen_on_the_map(open_window):
    window = open_window(language="fr")
    window.open(POINTS)
    page = window.page
    page.locator("#points").fill(TABLE)
    expect(page.locator("gaia-draw circle.point")).to_have_count(3 * 3)  # each in three turns of the earth
    expect(page.locator("#cost")).to_contain_text("durée prévue")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Exécuter maintenant").click()
    rows = list(csv.DictReader(io.StringIO(coming.value.path().read_text(encoding="utf-8"))))
    assert [row["site"] for row in rows] == ["Denver", "Iowa City", "Paris"]


def test_pasted_geojson_is_taken_too(open_window):
    window = open_window(scripts=False)
    window.open(POINTS)
    feature = {
        "type": "Feature",
        "properties": {"site": "Denver"},
        "geometry": {"type": "Point", "coordinates": [-105, 40]},
    }
    window.page.locator("#points").fill(json.dumps({"type": "FeatureCollection", "features": [feature]}, indent=1))
    with window.page.expect_download() as coming:
        window.page.get_by_role("button", name="Run now").click()
    assert "Denver" in coming.value.path().read_text(encoding="utf-8")


def test_points_are_set_with_the_mouse_and_with_the_keyboard(open_window):
    window = open_window()
    window.open(POINTS)
    page = window.page
    area = page.locator("gaia-draw svg.earth")
    area.click(position={"x": 100, "y": 60})
    area.focus()
    for key in ("ArrowRight", "Enter", "ArrowUp", "Enter", "Delete"):
        page.keyboard.press(key)
    header, clicked, typed = page.locator("#points").input_value().splitlines()
    assert header == "name,longitude,latitude"
    assert clicked.startswith("1,-")
    assert typed == "2,5,0"


def test_zones_of_a_file_are_coloured_by_what_they_hold(open_window):
    window = open_window()
    window.open(ZONES)
    upload(window.page, "zones", "plains.geojson", json.dumps(PLAINS))
    figure = run(window.page)
    picture = figure.get_by_role("img", name=re.compile(r"^Map of air_temperature: mean, from 28\d\S* to 28\d\S* K$"))
    expect(picture).to_be_visible()
    expect(figure.locator("td").first).to_have_text("west")
    rows = downloaded(window.page)
    assert [row["name"] for row in rows] == ["west", "east"]
    assert window.violations() == []


def test_zones_of_the_catalogue_are_one_click_away(open_window):
    window = open_window()
    window.open(ZONES)
    window.page.locator("#zones-left").get_by_role("button", name="countries-110m").click()
    expect(window.page.locator("#zones")).to_have_value("countries-110m")
    expect(window.page.locator("#cost")).to_contain_text("expected time")


def test_species_are_counted_in_cells_and_shown_on_a_map(open_window):
    window = open_window()
    window.open(SPECIES)
    page = window.page
    expect(page.locator("#field-cell_size_km")).to_be_hidden()
    page.locator("#by").select_option("grid")
    expect(page.locator("#field-cell_size_km")).to_be_visible()
    expect(page.locator("#field-zones")).to_be_hidden()
    page.locator("#cell_size_km").fill("500")
    figure = run(page)
    expect(figure.get_by_role("img", name=re.compile(r"^Map of Richness, from 1 to 2\d"))).to_be_visible()
    expect(page.get_by_role("link", name="What the columns mean, and the report")).to_be_visible()
    expect(page.get_by_role("link", name="Style for QGIS")).to_be_visible()
    assert all(1 <= int(row["richness"]) <= 24 for row in downloaded(page))
    assert window.violations() == []


def test_an_upload_that_is_refused_says_why_and_can_be_tried_again_from_the_keyboard(open_window):
    window = open_window()
    window.open(POINTS)
    control = window.page.locator("#field-points gaia-upload")
    chooser = control.locator("input[type=file]")
    chooser.focus()
    chooser.set_input_files({"name": "virus.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x00\x01"})
    expect(control.get_by_role("status")).to_contain_text("The file could not be uploaded.")
    expect(control.get_by_role("status")).not_to_have_text("The file could not be uploaded.")
    expect(chooser).to_be_focused()
    expect(window.page.locator("#points")).to_have_value("")


def test_an_upload_to_a_service_that_is_away_says_so(open_window):
    window = open_window(language="fr")
    window.open(POINTS)
    window.page.route("**/uploads", lambda route: route.abort())
    control = window.page.locator("#field-points gaia-upload")
    control.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    expect(control.get_by_role("status")).to_contain_text("Le service ne répond pas")


def test_an_upload_under_way_shows_how_far_it_is_and_can_be_stopped(open_window):
    window = open_window()
    window.open(POINTS)
    page = window.page
    held = []
    page.route("**/uploads", lambda route: held.append(route))
    control = page.locator("#field-points gaia-upload")
    control.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    expect(control.get_by_role("progressbar")).to_be_visible()
    assert window.violations() == []
    control.get_by_role("button", name="Stop").click()
    expect(control.get_by_role("status")).to_have_text("The upload was stopped.")
    expect(control.get_by_role("progressbar")).to_be_hidden()
    held[0].abort()


def test_indicators_that_do_not_go_together_are_told_beside_the_field(open_window):
    window = open_window()
    window.open(SPECIES)
    window.page.get_by_label("aoo").check()
    expect(window.page.locator("#indicators-wrong li").first).to_be_visible()
