"""Climate indices beside CDO and xclim, on real daily files, where they define an index alike."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from gaia_processes.climate_indices import kernels
from gaia_processes.climate_indices.compute import compute
from gaia_processes.inputs.years import Years
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.netcdf import write

CANESM = "{}_day_CanESM2_rcp85_r1i1p1_na10kgrid_qm-moving-50bins-detrend_2095.nc"
CITIES = "daily_surface_cancities_1990-1993.nc"
OF_CDO = {
    "FD": "eca_fd -selname,tasmin", "TR": "eca_tr -selname,tasmin",
    "SU": "eca_su -selname,tasmax", "ID": "eca_id -selname,tasmax",
    "CDD": "eca_cdd", "CWD": "eca_cwd", "RR1": "eca_rr1", "R10mm": "eca_r10mm", "R20mm": "eca_r20mm",
    "Rnnmm": "eca_pd,15", "RX1day": "eca_rx1day", "SDII": "eca_sdii", "RX5day": "eca_rx5day,50 -runsum,5",
}  # fmt: skip
OF_MEAN = {"HDD": "heating_degree_days_per_time_period", "GSL": "thermal_growing_season_length"}
SUMS = {"RX1day", "SDII", "RX5day"}
pytestmark = pytest.mark.slow  # xclim alone takes seconds to import
needs_cdo = pytest.mark.skipif(shutil.which("cdo") is None, reason="CDO is not installed")


@pytest.fixture(scope="module")
def canesm(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give all the indices of the three CanESM2 files, as a file."""
    target = tmp_path_factory.mktemp("indices") / "canesm.nc"
    with ExitStack() as opened:
        parts = tuple(
            opened.enter_context(open_dataset(shared_data / "climate" / CANESM.format(name)))
            for name in ("tasmax", "tasmin", "pr")
        )
        made = compute(parts, indices=(*OF_CDO, "HDD", "GSL"), thresholds={"Rnnmm": 15}, warn=lambda _: None)
        write(made, target, progress=lambda *_: None, history="test")
    return target


def numbers(path: Path, variable: str | None = None) -> Any:
    with netCDF4.Dataset(path) as file:
        name = variable or next(name for name, each in file.variables.items() if each.ndim == 3)
        return np.ma.filled(file[name][:].astype("f8"), np.nan).squeeze()


@needs_cdo
@pytest.mark.parametrize("id", OF_CDO)
def test_indices_are_those_of_cdo(id: str, canesm: Path, shared_data: Path, tmp_path: Path) -> None:
    name = "tasmin" if id in {"FD", "TR"} else "tasmax" if id in {"SU", "ID"} else "pr"
    # CDO takes numbers of rain for mm a day, whatever their unit.
    chain = [*OF_CDO[id].split(), *(("-mulc,86400", "-selname,pr") if name == "pr" else ())]
    source = shared_data / "climate" / CANESM.format(name)
    subprocess.run(["cdo", "-s", "-O", *chain, str(source), str(tmp_path / "cdo.nc")], check=True, capture_output=True)
    np.testing.assert_allclose(numbers(canesm, id), numbers(tmp_path / "cdo.nc"), rtol=1e-6 if id in SUMS else 0)


@needs_cdo
@pytest.mark.parametrize("id", ["HDD", "GSL"])
def test_indices_of_the_mean_temperature_are_those_of_cdo(
    id: str, canesm: Path, shared_data: Path, tmp_path: Path
) -> None:
    warm, cold = (str(shared_data / "climate" / CANESM.format(name)) for name in ("tasmax", "tasmin"))
    mean = ["-divc,2", "-add", "-selname,tasmax", warm, "-selname,tasmin", cold]
    all_land = ["-gtc,0", "-seltimestep,1", *mean]
    chain = ["eca_hd", *mean] if id == "HDD" else ["eca_gsl", *mean, *all_land]
    subprocess.run(["cdo", "-s", "-O", *chain, str(tmp_path / "cdo.nc")], check=True, capture_output=True)
    ours, theirs = numbers(canesm, id), numbers(tmp_path / "cdo.nc", OF_MEAN[id])
    there = ~np.isnan(ours)  # where a cell lacks values, CDO's season is 0
    assert there.sum() == 36 * 36 - 2
    np.testing.assert_allclose(ours[there], theirs[there], rtol=1e-6, atol=1e-3)


@needs_cdo
def test_percentiles_of_days_are_those_of_cdo_where_its_windows_are_whole(tmp_path: Path) -> None:
    years, cells = 3, 4
    values = 285 + np.random.default_rng(4).normal(0, 5, size=(years * 365, 1, cells))
    source = tmp_path / "tasmax.nc"
    time = ("time", np.arange(years * 365) + 0.5, {"units": "days since 1981-01-01", "calendar": "noleap"})
    grid = {
        "lat": ("lat", [0.0], {"units": "degrees_north"}),
        "lon": ("lon", np.arange(cells) * 1.0, {"units": "degrees_east"}),
    }
    made = xr.Dataset({"tasmax": (("time", "lat", "lon"), values, {"units": "K"})}, coords={"time": time, **grid})
    made.to_netcdf(source)
    chain = ["ydrunpctl,90,5", source, "-ydrunmin,5", source, "-ydrunmax,5", source, tmp_path / "cdo.nc"]
    asked = ["cdo", "-s", "-O", "--percentile", "rtype8", *map(str, chain)]
    subprocess.run(asked, check=True, capture_output=True)
    days = np.arange(years * 365)
    base = kernels._Base(places=days, day_of_year=days % 365, year=1981 + days // 365)
    ours, theirs = kernels.day_limits(values[:, 0], base, 0.9), numbers(tmp_path / "cdo.nc")
    np.testing.assert_allclose(ours[2:-2], theirs[2:-2], rtol=1e-7)
    assert np.abs(ours - theirs)[[0, 1, -2, -1]].max() > 0  # it takes none of the windows at the ends of the record


@pytest.fixture(scope="module")
def cities(shared_data: Path) -> dict[str, Any]:
    """Give the data of five Canadian cities as xclim takes them, and our indices of them."""
    ids = ("FD", "TXx", "TNn", "DTR", "GDD", "HDD", "RX5day", "CDD", "GSL", "SDII")
    with open_dataset(shared_data / "climate" / CITIES) as dataset:
        ours = compute((dataset,), indices=ids, warn=lambda _: None)
        values = {id: np.asarray(ours[id].values, dtype="f8") for id in ids}
    with xr.open_dataset(shared_data / "climate" / CITIES) as theirs:
        return {"ours": values, "data": theirs[["tas", "tasmax", "tasmin", "pr"]].load()}


def asked_of_xclim(id: str, data: xr.Dataset) -> Any:
    from xclim import indices

    tas, tasmax, tasmin, pr = data["tas"], data["tasmax"], data["tasmin"], data["pr"]
    found = {
        "FD": lambda: indices.frost_days(tasmin, freq="YS"),
        "TXx": lambda: indices.tx_max(tasmax, freq="YS") - 273.15,
        "TNn": lambda: indices.tn_min(tasmin, freq="YS") - 273.15,
        "DTR": lambda: indices.daily_temperature_range(tasmin, tasmax, freq="YS"),
        "GDD": lambda: indices.growing_degree_days(tas, thresh="5 degC", freq="YS"),
        "HDD": lambda: indices.heating_degree_days(tas, thresh="17 degC", freq="YS"),
        "RX5day": lambda: indices.max_n_day_precipitation_amount(pr, window=5, freq="YS"),
        "CDD": lambda: indices.maximum_consecutive_dry_days(pr, freq="YS", resample_before_rl=True),
        "SDII": lambda: indices.daily_pr_intensity(pr, freq="YS"),
        "GSL": lambda: indices.growing_season_length(tas, freq="YS"),
    }[id]()
    return found.transpose("location", "time").values


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", ["FD", "TXx", "TNn", "DTR", "GDD", "HDD", "RX5day", "CDD", "SDII", "GSL"])
def test_indices_of_stations_are_those_of_xclim(id: str, cities: dict[str, Any]) -> None:
    np.testing.assert_allclose(cities["ours"][id], asked_of_xclim(id, cities["data"]), rtol=3e-6, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_percentiles_of_a_calendar_without_leap_days_are_those_of_xclim(shared_data: Path) -> None:
    from xclim.core.calendar import percentile_doy

    source = shared_data / "climate" / CANESM.format("tasmax")
    with open_dataset(source) as dataset:
        ours = compute((dataset,), indices=("TX90p",), baseline=Years(first=2095, last=2095), warn=lambda _: None)
        shares = np.ma.masked_greater(np.asarray(ours["TX90p"].values, dtype="f8")[0], 1e19)
    with xr.open_dataset(source, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as data:
        tasmax = data["tasmax"].load()
    limits = percentile_doy(tasmax, window=5, per=90).squeeze("percentiles").transpose("dayofyear", "lat", "lon")
    beyond = (tasmax.transpose("time", "lat", "lon").values > limits.values).mean(axis=0) * 100
    # In pools of five the percentile is the greatest value itself: the rounding of float32 decides days.
    assert np.abs(shares - beyond).mean() < 0.5


@pytest.mark.filterwarnings("ignore")
def test_standardized_precipitation_is_that_of_xclim(shared_data: Path) -> None:
    from xclim import indices

    with open_dataset(shared_data / "climate" / CITIES) as dataset:
        made = compute(
            (dataset,), indices=("SPI",), period="month", spi_months=2, baseline=Years(first=1990, last=1993),
            warn=lambda _: None,
        )  # fmt: skip
        ours = np.ma.filled(np.ma.masked_greater(np.asarray(made["SPI"].values, dtype="f8"), 1e19), np.nan)
    with xr.open_dataset(shared_data / "climate" / CITIES) as data:
        # Given days, xclim takes the mean of their rates and weighs long months as short ones.
        totals = (data["pr"].load().astype("f8") * 86400).resample(time="MS").sum().assign_attrs(units="mm/day")
        theirs = indices.standardized_precipitation_index(
            totals, freq=None, window=2, dist="gamma", method="APP", fitkwargs={"floc": 0},
            cal_start="1990-01-01", cal_end="1993-12-31",
        )  # fmt: skip
    expected = theirs.transpose("location", "time").values
    assert np.isfinite(expected).sum() == 5 * 47
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_days_are_missing_by_the_rule_of_wmo_as_xclim_has_it(shared_data: Path) -> None:
    from xclim.core.missing import missing_wmo

    holes = np.random.default_rng(5).random((5, 1461)) < np.array([[0.0], [0.1], [0.2], [0.3], [0.5]])
    with open_dataset(shared_data / "climate" / CITIES) as dataset:
        tasmin = dataset["tasmin"].variable
        values = np.where(holes, np.nan, tasmin.values).astype(tasmin.dtype)
        lacking = dataset.assign(tasmin=(tasmin.dims, values, tasmin.attrs))
        made = compute((lacking,), indices=("FD",), period="month", missing_rule="wmo", warn=lambda _: None)
        ours = np.asarray(made["FD"].values) > 1e19
    with xr.open_dataset(shared_data / "climate" / CITIES) as data:
        theirs = missing_wmo(data["tasmin"].where(~holes), freq="MS", src_timestep="D")
    assert 40 < theirs.sum() < 5 * 48 - 40
    np.testing.assert_array_equal(ours, theirs.transpose("location", "time").values)
