"""What the HDF5 library says of a file is what the NetCDF library says of it, or that one is asked."""

import h5py
import netCDF4
import numpy as np
import pytest

from gaia_workers.readers import netcdf
from gaia_workers.readers.hdf5_headers import read_header
from gaia_workers.readers.netcdf import open_dataset


def told(value):
    """Give a value with its type, so that 1 and 1.0 differ, and two NaN do not."""
    if isinstance(value, np.ndarray | np.generic):
        return str(value.dtype), value.tobytes()
    if isinstance(value, dict):
        return [(name, told(each)) for name, each in value.items()]
    return type(value), value


def described(path):
    with open_dataset(path) as dataset:
        variables = [
            (name, each.dims, each.dtype, each.shape, told(each.attrs), sorted(each.encoding.items()))
            for name, each in dataset.variables.items()
        ]
        return variables, told(dataset.attrs), sorted(dataset.encoding.items())


def described_by_the_library(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(netcdf, "read_header", lambda file: None)
        return described(path)


def is_plain(path):
    with h5py.File(path) as file:
        return read_header(file) is not None


def test_nearly_every_real_header_is_plain_and_the_same(shared_data, monkeypatch):
    paths = [path for path in sorted((shared_data / "climate").glob("*.nc")) if h5py.is_hdf5(path)]
    assert sum(map(is_plain, paths)) == len(paths) - 2  # one has texts, one has dimensions without a scale
    for path in paths:
        assert described(path) == described_by_the_library(path, monkeypatch), path.name


@pytest.fixture
def file(tmp_path):
    """Open a new file, with a dimension x of 2."""
    made = netCDF4.Dataset(tmp_path / "a.nc", "w")
    made.createDimension("x", 2)
    yield made
    if made.isopen():
        made.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.nc"


ATTRIBUTES = {
    "characters": "mean",
    "nothing": "",
    "accents": "été",
    "byte": np.int8(-1),
    "large": np.uint64(2**63),
    "single": np.float32(0.1),
    "missing": np.nan,
    "row": np.array([1, 2, 3], "i2"),
}


def test_attributes_of_every_kind_are_the_same(file, path, monkeypatch):
    variable = file.createVariable("v", "f4", ("x",), fill_value=np.float32(1e20))
    for item in (file, variable):
        item.setncatts(ATTRIBUTES)
        item.setncattr_string("string", "a string")
        item.setncattr_string("strings", ["one", "two"])
    file.close()
    assert is_plain(path)
    assert described(path) == described_by_the_library(path, monkeypatch)


def test_dimensions_and_variables_of_every_kind_are_the_same(file, path, monkeypatch):
    file.createDimension("time", None)
    file.createDimension("alone", 3)
    file.createVariable("time", "f8", ("time",))[:] = [1, 2, 3]
    file.createVariable("deflated", "i2", ("time", "x"), zlib=True, complevel=4)[:] = 1
    file.createVariable("in_one_piece", "u1", ("alone",), contiguous=True)[:] = 1
    file.createVariable("never_written", "i4", ())
    file.createVariable("never_written_either", "f8", ("alone", "x"))
    file.close()
    assert is_plain(path)
    assert described(path) == described_by_the_library(path, monkeypatch)
    with open_dataset(path) as dataset, netCDF4.Dataset(path) as library:
        library.set_auto_mask(False)
        assert dataset.encoding["unlimited_dims"] == {"time"}
        for name, each in dataset.variables.items():
            np.testing.assert_array_equal(each.values, library[name][...])


@pytest.mark.parametrize(
    ("kind", "dims", "storage"),
    [
        pytest.param(str, ("x",), {}, id="strings"),
        pytest.param("S1", ("x",), {}, id="characters"),
        pytest.param("f4", ("x",), {"endian": "big"}, id="the other order of bytes"),
        pytest.param("f4", ("x",), {"fletcher32": True}, id="check sums"),
    ],
)
def test_what_is_special_is_left_to_the_library(file, path, kind, dims, storage):
    file.createVariable("v", ">f4" if storage.get("endian") == "big" else kind, dims, **storage)
    file.close()
    assert not is_plain(path)


def test_groups_are_left_to_the_library(file, path):
    file.createGroup("inside")
    file.close()
    assert not is_plain(path)


def test_what_netcdf_has_not_made_is_left_to_the_library(path):
    with h5py.File(path, "w") as made:
        made["v"] = [1, 2]
    assert not is_plain(path)


def test_a_link_out_of_the_file_is_not_followed(file, path, tmp_path):
    file.close()
    with h5py.File(path, "r+") as made:
        made["v"] = h5py.ExternalLink(tmp_path / "other.h5", "v")
    assert not is_plain(path)
