"""Reprojection over HTTP: a GeoTIFF at once, an upload, NetCDF as a job, and systems that do not exist."""

import netCDF4
import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

COVER = {"dataset": "tree-cover-demo", "bbox": [0, 44, 4, 48]}
GEOTIFF = {"outputs": {"data": {"format": {"mediaType": "image/tiff; application=geotiff"}}}}


@pytest.fixture(scope="module")
def four_cells() -> bytes:
    """Make a GeoTIFF of two by two cells of a degree about 45 N, one of them missing."""
    profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "int16", "nodata": -1}
    with MemoryFile() as memory:
        with memory.open(**profile, crs="EPSG:4326", transform=from_origin(2, 46, 1, 1)) as file:
            file.write(np.array([[10, 20], [30, -1]], "int16"), 1)
        return bytes(memory.read())


def test_a_dataset_comes_at_once_as_a_cog_of_the_system_that_is_asked_for(client):
    wanted = COVER | {"crs": "EPSG:2154", "resolution": 10_000, "resampling": "average"}
    answer = client.execute("reproject", {"inputs": wanted} | GEOTIFF)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "image/tiff"), answer.content
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.crs.to_epsg(), file.res) == (2154, (10_000, 10_000))
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (file.bounds.left % 10_000, file.bounds.top % 10_000) == (0, 0)
        values = file.read(1, masked=True)
    assert values.count() > 0.5 * values.size
    assert 0 <= values.min() < values.max() <= 100


def test_an_upload_keeps_its_numbers_its_type_and_its_missing_cell(client, four_cells):
    name = {"Content-Disposition": 'attachment; filename="cells.tif"', "Content-Type": "image/tiff"}
    sent = client.send("POST", "/uploads", four_cells, **name)
    assert sent.status == 201, sent.content
    answer = client.execute("reproject", {"inputs": {"dataset": sent.json["id"], "crs": "EPSG:3857"}} | GEOTIFF)
    assert answer.status == 200, answer.content
    with MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.crs.to_epsg(), file.dtypes, file.nodata) == (3857, ("int16",), -1)
        assert sorted(set(file.read(1, masked=True).compressed().tolist())) == [10, 20, 30]
        ((x,), (y,)) = rasterio.warp.transform("EPSG:4326", file.crs, [2.5], [45.5])
        assert next(file.sample([(x, y)]))[0] == 10


def test_a_job_gives_netcdf_whose_grid_mapping_is_the_system(client):
    body = {
        "inputs": COVER | {"crs": "EPSG:3857", "resolution": 20_000},
        "outputs": {"data": {"format": {"mediaType": "application/netcdf"}}},
    }
    job = client.job("reproject", body)
    assert client.end_of(job)["status"] == "successful"
    answer = client.get(f"{job}/results/data")
    with netCDF4.Dataset("reprojected.nc", memory=answer.content) as file:
        (name,) = [name for name, variable in file.variables.items() if "grid_mapping" in variable.ncattrs()]
        mapping = file[file[name].grid_mapping.split(":")[0]]
        assert rasterio.CRS.from_wkt(mapping.crs_wkt).to_epsg() == 3857
        assert set(np.abs(np.diff(file["x"][:])).tolist()) == {20_000.0}
        assert np.ma.count(file[name][:]) > 0


@pytest.mark.parametrize("crs", ["EPSG:999999", "lambert93", "EPSG:5720"])
def test_a_system_that_does_not_exist_is_refused_before_anything_is_queued(client, crs):
    before = client.count_jobs()
    answer = client.execute("reproject", {"inputs": COVER | {"crs": crs}}, Prefer="respond-async")
    assert answer.status == 400
    assert [error["pointer"] for error in answer.json["errors"]] == ["/inputs/crs"]
    assert client.count_jobs() == before
