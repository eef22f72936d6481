import subprocess
import sys
import time

import pytest

HEAVY = ("xarray", "dask", "rasterio", "geopandas", "polars", "pandas", "netCDF4", "h5py")

_START = f"""
import sys
from pathlib import Path
from gaia_config.settings import Settings
from gaia_server.app import make_app
from gaia_server.services import open_services
settings = Settings(home=Path(sys.argv[1]))
app = make_app(open_services(settings))
assert app.test_client().get("/").status_code == 200
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""


@pytest.mark.slow
def test_the_whole_server_starts_light_and_fast(tmp_path, centres):
    (tmp_path / "centres.yml").write_text(
        "centres:\n"
        "  - {id: theia, title: Theia, broker_url: 'redis://127.0.0.1:1/0', key: " + "k" * 32 + ","
        f" delivery: push, catalogue: {centres['theia'].catalogue}}}\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _START, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    assert time.monotonic() - began < 10  # 3 s on an idle machine; tests share theirs


def test_an_address_may_end_with_a_slash(client):
    assert client.get("/jobs/").status_code == 200


def test_every_address_answers_head_as_get(client):
    for path in ("/", "/conformance", "/openapi", "/processes", "/processes/echo", "/jobs", "/centres", "/health"):
        asked, got = client.head(path), client.get(path)
        assert (asked.status_code, asked.data) == (got.status_code, b"")


def test_the_literal_that_wrappers_send_is_understood(client):
    answer = client.get("/processes", headers={"Accept": "/*"})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_caches_are_told_what_an_answer_depends_on(client):
    assert {"Accept", "Accept-Language"} <= set(client.get("/jobs").headers["Vary"].split(", "))


@pytest.mark.parametrize(
    "path", ["/processes", "/processes/echo", "/jobs", "/jobs/{job}", "/jobs/{job}/results", "/health"]
)
def test_a_form_that_there_is_not_is_refused_where_there_are_forms(client, desk, path):
    job = desk.finish(desk.accept("message"), message=b"hello")
    answer = client.get(path.format(job=job.id), query_string={"f": "xml"})
    assert answer.status_code == 400
    assert answer.get_json()["errors"] == [
        {"parameter": "f", "problem": "'xml' is not json or html.", "allowed": ["json", "html"], "given": "xml"}
    ]
    assert client.get(path.format(job=job.id), query_string={"f": "JSON"}).status_code == 200


def test_a_form_is_ignored_where_there_is_one_alone(client):
    assert client.get("/metrics?f=xml").status_code == 200
