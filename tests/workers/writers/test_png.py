"""Maps as pictures: decoded, looked at in a few places, and the same every time."""

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from gaia_processes.errors import DatasetUnsuitable
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.png import write


def draw(dataset, path):
    write(dataset, path, progress=lambda *_: None, history="made by a test")
    return path.read_bytes()


@pytest.mark.slow
def test_a_map_has_data_coast_title_and_no_name_of_a_library(shared_data, tmp_path):
    with open_dataset(shared_data / "climate" / "rlds_Amon_IPSL-CM6A-LR_historical_r1i1p1f1_gr_185001.nc") as dataset:
        assert draw(dataset, tmp_path / "a.png") == draw(dataset, tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["Title"] == "Surface Downwelling Longwave Radiation, 1850-01-01/1850-01-31"
        assert picture.info["Comment"].endswith("made by a test")
        assert "Software" not in picture.info
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 200
    assert (pixels.sum(axis=1) < 60).sum() > 1000  # the coast


def test_the_warm_end_has_the_bright_colour_and_a_missing_cell_none(tmp_path):
    data = xr.Dataset(
        {"v": (("lat", "lon"), np.array([[0.0, 1.0], [np.nan, 0.0]]))},
        coords={
            "lon": ("lon", [-30.0, -28.0], {"units": "degrees_east"}),
            "lat": ("lat", [-20.0, -22.0], {"units": "degrees_north"}),
        },
    )
    draw(data, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    yellow = np.argwhere(np.abs(pixels - [253, 231, 37]).sum(axis=2) < 6)
    middle = np.median(yellow, axis=0)
    assert middle[1] > pixels.shape[1] / 2  # in the east
    assert (np.abs(pixels - 230).sum(axis=2) < 9).sum() > 0.5 * len(yellow)


def test_several_variables_are_refused(shared_data, tmp_path):
    path = shared_data / "climate" / "bcsd_obs_1999.nc"
    with open_dataset(path) as dataset, pytest.raises(DatasetUnsuitable, match="name one"):
        draw(dataset, tmp_path / "a.png")
