"""The pages of jobs as a person sees them: a job that runs, what it made, the list; with scripts and without."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from real_browser import DESKTOP, PHONE
from wire import Client

pytestmark = pytest.mark.system

MAP = {"inputs": {"dataset": "sst-ostia-monthly", "bbox": [-60, -5, 20, 5]}}
SERIES = {"inputs": {"dataset": "a1b-north-america", "bbox": [-100, 40, -98.2, 41.2]}}
VALUE = {"inputs": {"dataset": "a1b-north-america", "bbox": [-100, 40, -98.2, 41.2], "datetime": "2000"}}
LOOKS = {
    "english, light, desktop": {"language": "en", "scheme": "light", "size": DESKTOP},
    "french, dark, phone": {"language": "fr", "scheme": "dark", "size": PHONE},
}
FEWER = "french, dark, phone"


@pytest.fixture(scope="module")
def client(box) -> Client:
    return Client(box.base_url)


@pytest.fixture(scope="module")
def finished(client) -> dict[str, str]:
    """Give the paths of a finished map, a finished series and a finished echo."""
    bodies = {
        "map": ("subset", MAP),
        "series": ("subset", SERIES),
        "value": ("subset", VALUE),
        "echo": ("echo", {"inputs": {"message": "hello"}}),
    }
    jobs = {name: client.job(process, body) for name, (process, body) in bodies.items()}
    assert {client.end_of(job)["status"] for job in jobs.values()} == {"successful"}
    return {name: path_of(job) for name, job in jobs.items()}


def path_of(job: str) -> str:
    return job[job.index("/jobs/") :]


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def pause(client: Client, seconds: float) -> str:
    return path_of(client.job("echo", {"inputs": {"message": "hello", "pause": seconds}}))


def test_a_running_job_moves_by_itself_and_then_shows_its_results(open_window, client):
    window = open_window()
    window.open(pause(client, 4))
    page = window.page
    expect(page.locator("[data-state]")).to_have_text(re.compile("running|successful"))
    seen = set()
    with suppress(Error):  # at the end the page is loaded anew, also while somebody looks at it
        while (value := page.evaluate("document.querySelector('[data-progress]')?.value ?? null")) is not None:
            seen.add(value)
            page.wait_for_timeout(150)
    assert len(seen) > 2, "nobody reloaded the page, and still it moved"
    expect(page.locator(".live .tag")).to_have_text("successful")
    expect(page.locator(".result").first).to_contain_text("hello")


def test_a_job_is_cancelled_after_asking_back(open_window, client):
    window, job = open_window(), pause(client, 60)
    window.open(job)
    page = window.page
    expect(page.get_by_role("button", name="Yes, cancel it")).to_be_hidden()
    page.get_by_text("Cancel this job").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator(".live .tag")).to_have_text("cancelled")
    assert client.get(job).json["status"] == "dismissed"


def test_without_scripts_a_job_is_read_reloaded_and_cancelled(open_window, client):
    window, job = open_window(scripts=False), pause(client, 60)
    window.open(job)
    page = window.page
    page.get_by_role("link", name="Reload this page").click()
    expect(page.locator("progress")).to_be_visible()
    page.get_by_text("Cancel this job").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.locator(".live .tag")).to_have_text("cancelled")


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_jobs_have_no_barrier_and_fit(open_window, client, finished, look):
    window = open_window(**LOOKS[look])
    running = pause(client, 60)
    paths = [finished["map"], running, "/jobs"]
    if look != FEWER:
        more = (f"{finished['map']}/results", f"{finished['map']}/log", "/jobs?status=failed&processID=subset")
        paths += [finished["series"], finished["echo"], *more]
    found = {}
    for path in paths:
        window.open(path)
        open_all(window.page)
        expect(window.page.locator("figure[data-preview]:not([data-drawn])")).to_have_count(0)
        found[path] = window.violations() + (["too wide"] if window.is_too_wide() else [])
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    client.send("DELETE", running)


def test_a_map_is_drawn_with_its_scale_and_tells_its_values(open_window, finished):
    window = open_window()
    window.open(finished["map"])
    figure = window.page.locator("figure[data-drawn=map]")
    picture = figure.locator("svg[role=img]")
    expect(picture).to_have_attribute(
        "aria-label", re.compile(r"^Map of surface temperature, from 300\S* to 30\d\S* K$")
    )
    expect(figure).to_contain_text("missing")
    expect(figure).to_contain_text("20° E")
    picture.hover()
    expect(figure.locator(".read")).to_have_text(re.compile(r"^\S+° [NS], \S+° [WE]: (\d+(\.\d+)? K|missing)$"))


def test_a_series_is_drawn_as_a_line(open_window, finished):
    window = open_window(language="fr")
    window.open(finished["series"])
    figure = window.page.locator("figure[data-drawn=series]")
    assert figure.locator("path.line").get_attribute("d").count("L") == 239
    figure.locator("svg[role=img]").hover()
    expect(figure.locator(".read")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d: \d+(,\d+)? K$"))


def test_a_single_number_stands_in_a_table(open_window, finished):
    window = open_window()
    window.open(finished["value"])
    figure = window.page.locator("figure[data-drawn=table]")
    expect(figure.locator("th")).to_have_text(["time", "air_temperature"])
    expect(figure.locator("td")).to_have_text(["2000-06-01", re.compile(r"^2\d\d\.\d+$")])


def test_the_list_is_filtered_by_its_form(open_window, client, finished):
    window = open_window()
    window.open("/jobs")
    page = window.page
    page.get_by_label("Process").select_option("subset")
    page.get_by_label("From day").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"processID=subset.*datetime=2020-01-01/\.\."))
    expect(page.locator(".jobs h2").filter(has_text="Echo")).to_have_count(0)
    page.locator(".jobs h2").filter(has_text="sst-ostia-monthly").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("sst-ostia-monthly")


def test_what_the_page_says_to_type_does_what_it_says(open_window, finished, tmp_path):
    window = open_window()
    window.open(finished["map"])
    open_all(window.page)
    get_curl, get_python, link, _, again, form = (
        window.page.locator("pre[data-copy]").nth(place).inner_text() for place in range(6)
    )
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    python = f"{get_python}\nprint(data.sizes['time'])"
    assert run([sys.executable, "-c", python], tmp_path, environ).strip() == "54"
    (made,) = tmp_path.glob("*.nc")
    assert run([sys.executable, "-c", again], tmp_path, environ).startswith("data ")
    if shutil.which("curl"):
        size_bytes = made.stat().st_size
        made.unlink()
        run(["sh", "-c", get_curl], tmp_path, environ)
        assert made.stat().st_size == size_bytes
    assert link.endswith("/results/data")
    window.page.goto(form)
    expect(window.page.locator("#dataset")).to_have_value(re.compile("^sst-ostia-monthly"))


def run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
