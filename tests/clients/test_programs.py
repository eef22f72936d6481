"""What people type and write: `requests`, `curl`, and files opened by their address in GDAL, on which QGIS stands."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
import requests
from rasterio.errors import NotGeoreferencedWarning

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

SST = {"dataset": "sst-ostia-monthly", "bbox": [-10, -5, 10, 5]}
PAGING = Path("/proc/sys/vm/unprivileged_userfaultfd")
MAY_PAGE = os.geteuid() == 0 or (PAGING.exists() and PAGING.read_text().strip() == "1")
DIRECTLY = {"GDAL_HTTP_PROXY": "", "NO_PROXY": "*", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}


def test_requests_runs_a_process_in_five_lines(base_url):
    processes = requests.get(f"{base_url}/processes", timeout=10).json()["processes"]
    assert "subset" in [process["id"] for process in processes]
    answer = requests.post(f"{base_url}/processes/subset/execution", json={"inputs": SST}, timeout=30)
    answer.raise_for_status()
    assert answer.content.startswith(b"\x89HDF")


def test_requests_follows_the_links_of_a_job(base_url, client):
    later = {"Prefer": "respond-async"}
    started = requests.post(f"{base_url}/processes/subset/execution", json={"inputs": SST}, headers=later, timeout=10)
    status = client.end_of(started.headers["Location"])
    results = next(link for link in status["links"] if link["rel"].endswith("/results"))
    assert requests.get(results["href"], timeout=10).content.startswith(b"\x89HDF")


@pytest.fixture
def curl():
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not installed")

    def run(*arguments: str) -> bytes:
        done = subprocess.run(
            [program, "-sS", "--noproxy", "*", *arguments], capture_output=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_curl_saves_a_result_under_its_own_name(base_url, client, curl, tmp_path):
    job = client.job("subset", {"inputs": SST})
    client.end_of(job)
    curl("-OJ", "--output-dir", str(tmp_path), f"{job}/results/data")
    (saved,) = tmp_path.iterdir()
    assert saved.name.startswith("subset-")
    assert saved.suffix == ".nc"


def test_curl_sends_a_body_with_expect_100_continue(base_url, curl):
    body = json.dumps({"inputs": {"message": "x" * 5000}, "outputs": {"message": {}}})
    headers = ("-H", "Content-Type: application/json", "-H", "Expect: 100-continue")
    assert curl(*headers, "-d", body, f"{base_url}/processes/echo/execution") == b"x" * 5000


def test_curl_resumes_a_download(base_url, client, curl, tmp_path):
    job = client.job("subset", {"inputs": SST})
    client.end_of(job)
    whole = client.get(f"{job}/results/data").content
    partly = tmp_path / "data.nc"
    partly.write_bytes(whole[:1000])
    curl("-C", "-", "-o", str(partly), f"{job}/results/data")
    assert partly.read_bytes() == whole


@pytest.fixture
def result(client) -> str:
    """Give the address of a result that GDAL reads in parts."""
    job = client.job("subset", {"inputs": SST})
    client.end_of(job)
    address = f"{job}/results/data.nc"
    assert client.send("HEAD", address).headers["Accept-Ranges"] == "bytes"
    return address


def values_of(content: bytes) -> np.ndarray:
    with netCDF4.Dataset("result.nc", memory=content) as data:
        return np.asarray(data["surface_temperature"][:])


def test_gdal_reads_a_result_by_its_address(client, result):
    whole = values_of(client.get(result).content)
    with (
        rasterio.Env(**DIRECTLY),
        pytest.warns(NotGeoreferencedWarning),  # its HDF5 driver reads values and no axes
        rasterio.open(f'HDF5:"/vsicurl/{result}"://surface_temperature') as opened,
    ):
        np.testing.assert_array_equal(opened.read(), whole)


@pytest.mark.skipif(
    not MAY_PAGE, reason="the netCDF driver reads addresses by userfaultfd, which this system withholds"
)
def test_gdal_puts_a_result_on_the_map_as_qgis_does(client, result):
    whole = values_of(client.get(result).content)
    with rasterio.Env(**DIRECTLY), rasterio.open(f'netcdf:"/vsicurl/{result}":surface_temperature') as opened:
        np.testing.assert_array_equal(np.flip(opened.read(1), 0), whole[0])
        assert opened.crs.is_geographic
        assert (round(opened.bounds.left), round(opened.bounds.right)) == (-10, 10)
