"""Regrid beside CDO, on real files of every kind of grid; where they differ by definition, `docs/science.md` says which is ours."""

import shutil
import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.regrid.compute import compute
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.netcdf import write

OPERATORS = {"bilinear": "remapbil", "conservative": "remapcon", "nearest": "remapnn"}
TARGET = "gridtype=lonlat\nxsize=180\nysize=90\nxfirst=1\nxinc=2\nyfirst=-89\nyinc=2\n"
RECTILINEAR = [
    pytest.param("tas_rectilinear_grid_2D.nc", "tas", id="Gaussian"),
    pytest.param("rlds_Amon_IPSL-CM6A-LR_historical_r1i1p1f1_gr_185001.nc", "rlds", id="rows at the poles"),
    pytest.param("A1B_north_america.nc", "air_temperature", id="a part of the earth"),
    pytest.param("ostia_monthly.nc", "surface_temperature", id="land is missing"),
    pytest.param("reduced.nc", "sst", id="packed"),
]
ORCA_WITH_HALO = "tos_Omon_CNRM-CM6-1_ssp245_r1i1p1f2_gn_201501.nc"
ORCA_WITHOUT = "nemo_1m_20150101-20150201_grid-T.nc"
ROTATED = "tas_EUR-22_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_GERICS-REMO2015_v1_mon_202101.nc"
TRIANGLES = "tas_Amon_ICON-ESM-LR_historical_r1i1p1f1_gn_185001.nc"
CURVILINEAR = [
    pytest.param(TRIANGLES, "tas", "conservative", id="triangles without rows and columns"),
    pytest.param(ORCA_WITH_HALO, "tos", "conservative", id="ORCA1 with a halo"),
    pytest.param(ORCA_WITHOUT, "tos", "bilinear", id="ORCA1 without"),
    pytest.param(ROTATED, "tas", "conservative", id="rotated, two cells with broken corners"),
    pytest.param(ROTATED, "tas", "bilinear", id="rotated"),
]


@pytest.fixture
def both(shared_data, tmp_path):
    """Give a function that regrids one variable of a file to 2 degrees, by us and by CDO."""
    if shutil.which("cdo") is None:
        pytest.skip("cdo is not installed")
    grid = tmp_path / "grid.txt"
    grid.write_text(TARGET)

    def regrid(name, variable, method):
        source = shared_data / "climate" / name
        with open_dataset(source) as dataset:
            made = compute(
                dataset, method=method, grid=parse_resolution("2x2"), variables=(variable,), min_valid_fraction=1e-6,
                warn=lambda _: None,
            )  # fmt: skip
            write(made, tmp_path / "ours.nc", progress=lambda *_: None, history="test")
        command = [
            "cdo",
            "-s",
            "-b",
            "F64",
            f"{OPERATORS[method]},{grid}",
            f"-selname,{variable}",
            source,
            tmp_path / "cdo.nc",
        ]
        subprocess.run(
            command, check=True, capture_output=True, env={"REMAP_EXTRAPOLATE": "off", "PATH": "/usr/bin:/bin"}
        )
        return read(tmp_path / "ours.nc", variable), read(tmp_path / "cdo.nc", variable)

    return regrid


def read(path: Path, variable: str):
    with netCDF4.Dataset(path) as file:
        values = np.ma.masked_invalid(file[variable][:]).astype("f8")
        return np.ma.filled(values, np.nan).reshape(-1, 90, 180)


def rounding(values):
    return 4e-7 * np.nanmax(np.abs(values))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variable"), RECTILINEAR)
def test_means_over_cells_are_the_same_numbers(both, name, variable):
    ours, cdo = both(name, variable, "conservative")
    np.testing.assert_allclose(ours, cdo, rtol=0, atol=rounding(cdo))


@pytest.mark.parametrize(
    ("name", "variable"), [("tas_rectilinear_grid_2D.nc", "tas"), (ORCA_WITH_HALO, "tos"), (TRIANGLES, "tas")]
)
def test_the_nearest_cells_are_the_same(both, name, variable):
    ours, cdo = both(name, variable, "nearest")
    shared = ~np.isnan(ours) & ~np.isnan(cdo)
    assert shared.mean() > 0.6
    # Two cells may be equally near but for the last digit of float32 coordinates.
    assert np.mean(np.abs(ours - cdo)[shared] > rounding(cdo)) < 5e-4


@pytest.mark.parametrize(("name", "variable"), RECTILINEAR)
def test_between_the_outermost_rows_interpolation_gives_the_same_numbers(both, name, variable):
    """Beyond them CDO takes a mean of the nearest cells, we the mean of the row; CDO drops what lacks a corner."""
    ours, cdo = both(name, variable, "bilinear")
    inner = slice(2, -2)
    shared = ~np.isnan(ours[:, inner]) & ~np.isnan(cdo[:, inner])
    assert shared.mean() > 0.005
    np.testing.assert_allclose(ours[:, inner][shared], cdo[:, inner][shared], rtol=0, atol=rounding(cdo))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variable", "method"), CURVILINEAR)
def test_on_other_grids_the_numbers_are_close(both, name, variable, method):
    """CDO interpolates on the plane of longitude and latitude, and cuts cells of float32 corners along great circles."""
    ours, cdo = both(name, variable, method)
    shared = ~np.isnan(ours) & ~np.isnan(cdo)
    off = np.abs(ours - cdo)[shared] / np.ptp(cdo[shared])
    assert np.median(off) < 1e-5
    assert np.quantile(off, 0.999) < 1e-3
    assert (np.isnan(ours) & ~np.isnan(cdo)).sum() <= 3
