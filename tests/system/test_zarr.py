"""Zarr stores of a user, zipped and uploaded over HTTP, give what the same data give as NetCDF."""

import io
import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

DECADE = {"bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}
REQUESTS = {"subset": DECADE, "aggregate": DECADE | {"over": ["area", "time"]}}


@pytest.fixture(scope="module")
def north_america(box) -> Path:
    return next(iter(sorted((box.home / "centres").glob("*/data/**/a1b-north-america*.nc"))))


def zipped(folder: Path) -> bytes:
    """Zip a store as `zip -0 -r` in its folder does."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


def upload(client, content: bytes) -> dict:
    name = {"Content-Disposition": 'attachment; filename="mine.zarr.zip"'}
    answer = client.send("POST", "/uploads", content, **name)
    assert answer.status == 201, answer.content
    return answer.json


def values(client, process: str, dataset: str) -> np.ndarray:
    answer = client.execute(process, {"inputs": REQUESTS[process] | {"dataset": dataset}})
    assert answer.status == 200, answer.content
    with netCDF4.Dataset("result.nc", memory=answer.content) as data:
        return np.asarray(data["air_temperature"][:])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", [2, 3])
def test_a_store_of_ones_own_gives_what_the_catalogue_gives(client, north_america, tmp_path, version):
    with xr.open_dataset(north_america, decode_cf=False) as data:
        data.chunk(time=60).to_zarr(tmp_path / "store", zarr_format=version, consolidated=version == 2)
    own = upload(client, zipped(tmp_path / "store"))
    for process in REQUESTS:
        np.testing.assert_array_equal(values(client, process, own["id"]), values(client, process, "a1b-north-america"))


def test_a_result_as_zarr_is_a_dataset_again(client):
    asked = {"inputs": DECADE | {"dataset": "a1b-north-america"}}
    made = client.execute("subset", asked | {"outputs": {"data": {"format": {"mediaType": "application/zarr+zip"}}}})
    assert made.status == 200, made.content
    own = upload(client, made.content)
    np.testing.assert_array_equal(values(client, "subset", own["id"]), values(client, "subset", "a1b-north-america"))
