"""A file that is no NetCDF is called what it is."""

import pytest

from gaia_processes.errors import UnreadableData
from gaia_workers.readers.netcdf import open_dataset


@pytest.mark.parametrize(
    ("start", "called"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf\n<html><body>", "a web page"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html>', "a web page"),
        (b'<?xml version="1.0"?>\n<gpx version="1.1">', "an XML file"),
        (b"<netcdf xmlns='x'>", "an XML file"),
        (b'<VRTDataset rasterXSize="20">', "a GDAL virtual raster (VRT)"),
        (b'{"zarr_format": 3}', "a JSON file"),
        (b"GRIB\0\0\0\x02", "a GRIB file"),
        (b"II*\0\x08\0\0\0", "a TIFF image"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\x1f\x8b\x08rest", "compressed with gzip"),
    ],
)
def test_what_it_is_instead_is_said(tmp_path, start, called):
    path = tmp_path / "a.nc"
    path.write_bytes(start.ljust(64))
    with pytest.raises(UnreadableData, match="not NetCDF: it looks like") as refused, open_dataset(path):
        pass
    assert called in refused.value.text.en


def test_what_nobody_knows_is_not_guessed(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"name;height\nMont Blanc;4806\n")
    with pytest.raises(UnreadableData, match="begins neither as NetCDF-3 nor as NetCDF-4/HDF5"), open_dataset(path):
        pass
