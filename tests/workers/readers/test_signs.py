"""Numbers whose attribute says that their type has the wrong sign."""

import netCDF4
import numpy as np
import pytest

from gaia_processes.shared.lazy import find_cuts
from gaia_processes.shared.values import find_invalid, unpack
from gaia_workers.readers.opening import open_dataset


@pytest.mark.parametrize("format_name", ["NETCDF3_CLASSIC", "NETCDF4"])
def test_unsigned_numbers_are_what_they_are_meant_to_be(tmp_path, format_name):
    with netCDF4.Dataset(tmp_path / "a.nc", "w", format=format_name) as file:
        file.createDimension("x", 4)
        storage = {"chunksizes": (2,)} if format_name == "NETCDF4" else {}
        made = file.createVariable("v", "i2", "x", fill_value=np.int16(-1), **storage)
        made.set_auto_maskandscale(False)
        made.setncatts({"_Unsigned": "true", "scale_factor": 0.01, "valid_range": np.int16([0, -10])})  # to 65526
        made[:] = np.uint16([0, 40_000, 65_530, 65_535]).view("i2")
    with open_dataset(tmp_path / "a.nc") as dataset:
        v = dataset.variables["v"]
        assert (v.dtype.kind, v.encoding["dtype"].kind, "_Unsigned" in v.attrs) == ("u", "u", False)
        np.testing.assert_allclose(unpack(v.values, v.attrs)[:2], [0, 400])
        assert find_invalid(v.values, v.attrs).tolist() == [False, False, True, True]
        assert (find_cuts(v) is not None) == (format_name == "NETCDF4")  # blocks still follow the chunks


def test_signed_bytes_of_a_type_without_a_sign(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 2)
        made = file.createVariable("x", "u1", "x")
        made.setncattr("_Unsigned", "false")
        made[:] = [255, 1]
    with open_dataset(tmp_path / "a.nc") as dataset:
        assert dataset.variables["x"].values.tolist() == [-1, 1]
