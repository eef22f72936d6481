"""Aggregate beside CDO, on real files of every grid and calendar, where both define a statistic alike."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from gaia_processes.aggregate.compute import compute
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.netcdf import write

pytestmark = pytest.mark.skipif(shutil.which("cdo") is None, reason="CDO is not installed")

DAILY = "tasmax_day_CanESM2_rcp85_r1i1p1_na10kgrid_qm-moving-50bins-detrend_2095.nc"
ERA5 = "psl_ERA5_mon_194001-202212.nc"
ANNUAL = "A1B_north_america.nc"
SST = "ostia_monthly.nc"
MONTHS_360 = "tas_Amon_HadGEM2-ES_rcp85_r1i1p1_200512-203011.nc"
ORCA = "tos_Omon_CNRM-CM6-1_ssp245_r1i1p1f2_gn_201501.nc"
TRIANGLES = "tas_Amon_ICON-ESM-LR_historical_r1i1p1f1_gn_185001.nc"
HYBRID = "hybrid_height.nc"
MIXED = "bcsd_obs_1999.nc"

EXACT, ROUNDED = 0.0, 3e-7
"""Sums in the same order are equal bit by bit; other orders differ by the rounding to float32."""


def made(source: Path, folder: Path, variable: str, options: dict[str, Any]) -> Any:
    with open_dataset(source) as dataset:
        result = compute(dataset, variables=(variable,), warn=lambda text: None, **options)
        write(result, folder / "ours.nc", progress=lambda *_: None, history="test")
    return numbers(folder / "ours.nc", variable)


def asked_of_cdo(source: Path, folder: Path, variable: str, operator: str) -> Any:
    chain = [*operator.split(), f"-selname,{variable}", str(source), str(folder / "cdo.nc")]
    subprocess.run(["cdo", "-s", "-O", *chain], check=True, capture_output=True)
    return numbers(folder / "cdo.nc", variable)


def numbers(path: Path, variable: str) -> Any:
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(file[variable][:].astype("f8"), np.nan).squeeze()


def options(text: str) -> dict[str, Any]:
    """Read `key=value` pairs as they stand in the table."""
    pairs = [word.split("=") for word in text.split()]
    read = {"over": lambda value: tuple(value.split(",")), "ddof": int, "drop_halo": lambda value: value == "true"}
    return {key: read.get(key, lambda value: True if value == "true" else value)(value) for key, value in pairs}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "variable", "operator", "asked", "tolerance"),
    [
        (DAILY, "tasmax", "monmean", "period=month", EXACT),
        (DAILY, "tasmax", "monmin", "period=month statistic=min", EXACT),
        (DAILY, "tasmax", "ydaymean", "period=day-of-year", EXACT),
        (DAILY, "tasmax", "timmean", "", EXACT),
        (DAILY, "tasmax", "timmax", "statistic=max", EXACT),
        (DAILY, "tasmax", "timstd", "statistic=std", ROUNDED),
        (DAILY, "tasmax", "timstd1", "statistic=std ddof=1", ROUNDED),
        (DAILY, "tasmax", "timvar", "statistic=var", ROUNDED),
        (DAILY, "tasmax", "fldmean", "over=area", ROUNDED),
        (DAILY, "tasmax", "zonmean", "over=longitude", ROUNDED),
        (DAILY, "tasmax", "mermean", "over=latitude", ROUNDED),
        (DAILY, "tasmax", "fldmax", "over=area statistic=max", EXACT),
        (DAILY, "tasmax", "fldstd", "over=area statistic=std", 3e-6),
        (ERA5, "psl", "yearmonmean", "period=year", ROUNDED),
        (ERA5, "psl", "ymonmean", "period=month climatology=true", EXACT),
        (ERA5, "psl", "ymonmax", "period=month-of-year statistic=max", EXACT),
        (ANNUAL, "air_temperature", "timmean", "", EXACT),
        (ANNUAL, "air_temperature", "timstd", "statistic=std", ROUNDED),
        (MONTHS_360, "tas", "seasmean", "period=season", EXACT),
        (MONTHS_360, "tas", "ymonmean", "period=month climatology=true", EXACT),
        (SST, "surface_temperature", "ymonmean", "period=month climatology=true", EXACT),
        (SST, "surface_temperature", "fldmean", "over=area", ROUNDED),
        (ORCA, "tos", "fldmean", "over=area drop_halo=false", ROUNDED),
        (TRIANGLES, "tas", "fldmean", "over=area", ROUNDED),
        (HYBRID, "air_potential_temperature", "fldmean", "over=area", ROUNDED),
        (MIXED, "tas", "yearmonmean", "period=year", ROUNDED),
    ],
)
def test_equals_cdo(
    file: str, variable: str, operator: str, asked: str, tolerance: float, shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "climate" / file
    ours, theirs = made(source, tmp_path, variable, options(asked)), asked_of_cdo(source, tmp_path, variable, operator)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=0)


@pytest.mark.parametrize(
    ("file", "variable", "operator", "asked", "apart"),
    [
        pytest.param(SST, "surface_temperature", "timmean", "", 1e-4, id="CDO does not weigh the days of months"),
        pytest.param(ERA5, "psl", "fldmean", "over=area", 1e-5, id="CDO lets a row reach beyond the pole"),
        pytest.param(ANNUAL, "air_temperature", "fldmean", "over=area", 3e-6, id="CDO's rows end at great circles"),
        pytest.param(ORCA, "tos", "fldmean", "over=area", 1e-3, id="CDO counts the halo twice"),
    ],
)
def test_is_near_to_cdo_where_the_definition_is_another(
    file: str, variable: str, operator: str, asked: str, apart: float, shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "climate" / file
    ours, theirs = made(source, tmp_path, variable, options(asked)), asked_of_cdo(source, tmp_path, variable, operator)
    assert not np.array_equal(ours, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=apart, atol=0)


def test_the_quantile_over_time_is_numpys(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "climate" / DAILY
    ours = made(source, tmp_path, "tasmax", {"statistic": "quantile", "quantile": 0.9})
    np.testing.assert_allclose(ours, np.quantile(numbers(source, "tasmax"), 0.9, axis=0), rtol=ROUNDED)


def test_a_rotated_grid_is_weighed_by_its_own_coordinates(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "climate" / "tas_EUR-22_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_GERICS-REMO2015_v1_mon_202101.nc"
    with netCDF4.Dataset(source) as file:  # its corners are wrong in the last column, by which CDO weighs
        weights = np.cos(np.radians(file["rlat"][:]))[:, None]
        values = np.asarray(file["tas"][0], dtype="f8")
    expected = (values * weights).sum() / (weights.sum() * values.shape[1])
    assert made(source, tmp_path, "tas", {"over": ("area",)}) == pytest.approx(expected, rel=ROUNDED)
