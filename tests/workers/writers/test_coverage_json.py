"""CoverageJSON, judged by the models of covjson-pydantic."""

import json

import numpy as np
import pytest
import xarray as xr
from covjson_pydantic.coverage import Coverage, CoverageCollection

from gaia_processes.errors import DatasetUnsuitable
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.coverage_json import write


def read_back(dataset, path):
    write(dataset, path, progress=lambda *_: None, history="made by a test")
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    (Coverage if document["type"] == "Coverage" else CoverageCollection).model_validate(document)
    return document


def test_a_grid_with_its_axes_and_null_where_a_cell_is_missing(tmp_path):
    data = xr.Dataset(
        {"tas": (("lat", "lon"), np.array([[280.1, np.nan]], "f4"), {"units": "K", "long_name": "Temperature"})},
        coords={
            "lon": ("lon", [0.0, 10.0], {"units": "degrees_east"}),
            "lat": ("lat", [45.0], {"units": "degrees_north"}),
        },
    )
    made = read_back(data, tmp_path / "a.covjson")
    assert made["domain"]["axes"] == {"y": {"values": [45.0]}, "x": {"values": [0.0, 10.0]}}
    assert made["ranges"]["tas"] == {
        "type": "NdArray", "dataType": "float", "values": [280.1, None], "axisNames": ["y", "x"], "shape": [1, 2],
    }  # fmt: skip
    assert made["parameters"]["tas"]["unit"] == {"symbol": "K"}
    assert made["gaia:history"] == "made by a test"


@pytest.mark.parametrize("name", ["atlantic_profiles", "reduced", "timeseries", "bcsd_obs_1999"])
def test_real_data_are_valid(shared_data, tmp_path, name):
    with open_dataset(shared_data / "climate" / f"{name}.nc") as dataset:
        assert read_back(dataset, tmp_path / "a.covjson")["type"] in {"Coverage", "CoverageCollection"}


def test_what_a_browser_should_not_load_is_refused(shared_data, tmp_path):
    large = xr.Dataset({"v": ("n", np.zeros(2_000_001, "i1"))})
    with pytest.raises(DatasetUnsuitable, match="2000001 values"):
        read_back(large, tmp_path / "a.covjson")
    with (
        open_dataset(shared_data / "climate" / "rotated_pole.nc") as dataset,
        pytest.raises(DatasetUnsuitable, match="regrid"),
    ):
        read_back(dataset, tmp_path / "a.covjson")
