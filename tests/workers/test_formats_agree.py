"""The same request on the same data, as NetCDF and as Zarr, gives the same values, whichever the process."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from gaia_config.cli import application, commands
from gaia_workers.readers.opening import open_dataset

GAIA = CliRunner()
BOX = {"type": "Polygon", "coordinates": [[[-20, -10], [50, -10], [50, 40], [-20, 40], [-20, -10]]]}
ZONES = json.dumps(
    {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"n": 1}, "geometry": BOX}]}
)
POINTS = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [-3.0, 12.0]}}],
    }
)
REQUESTS = {
    "subset": ("bbox=-40,-20,40,50", "datetime=2000-02-28/2000-03-10"),
    "aggregate": ("over=time", "period=month"),
    "regrid": ("grid=20x20", "method=conservative"),
    "zonal-statistics": (f"zones={ZONES}", "zone_id=n"),
    "extract-points": (f"points={POINTS}", "method=bilinear"),
    "climate-indices": ("indices=TXx,SU", "period=month"),
}


def gaia_run(*arguments: str) -> None:
    result = GAIA.invoke(application(commands()["run"]), arguments)
    assert result.exit_code == 0, result.output + str(result.exception)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sixty days of packed temperatures in a noleap calendar on 12 x 18 cells with a hole, as NetCDF and as Zarr."""
    folder = tmp_path_factory.mktemp("sources")
    packed = np.random.default_rng(5).integers(2300, 3100, (60, 12, 18)).astype("i2")
    packed[10:20, 3, 4] = -9
    days = np.arange(60.0)
    axes = {
        "time": ("time", days, {"units": "days since 2000-02-01", "calendar": "noleap", "standard_name": "time", "bounds": "time_bnds"}),
        "lat": ("lat", np.linspace(82.5, -82.5, 12), {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", np.arange(18) * 20.0, {"units": "degrees_east", "standard_name": "longitude"}),
    }  # fmt: skip
    attributes = {
        "units": "K", "standard_name": "air_temperature", "cell_methods": "time: maximum", "_FillValue": np.int16(-9),
        "scale_factor": np.float32(0.1), "add_offset": np.float32(0.0),
    }  # fmt: skip
    dataset = xr.Dataset(
        {
            "tasmax": (("time", "lat", "lon"), packed, attributes),
            "time_bnds": (("time", "bnds"), np.stack([days, days + 1], 1)),
        },
        axes,
    )
    dataset.to_netcdf(folder / "a.nc", encoding={"tasmax": {"zlib": True, "chunksizes": (7, 12, 10)}})
    for version in (2, 3):
        own = dataset.copy()
        own["tasmax"].attrs.pop("_FillValue")
        own["tasmax"].encoding = {"_FillValue": -9, "chunks": (7, 12, 10)}
        own.to_zarr(folder / f"{version}.zarr", zarr_format=version, consolidated=False)
    gaia_run("subset", "-i", f"dataset={folder}/a.nc", "-o", f"{folder}/own.zarr.zip")
    return {
        "netcdf": folder / "a.nc",
        "zarr 2": folder / "2.zarr",
        "zarr 3": folder / "3.zarr",
        "our own zip": folder / "own.zarr.zip",
    }


@pytest.mark.slow
@pytest.mark.parametrize("process", REQUESTS)
def test_every_process_gives_the_same_values_of_both(process: str, sources: dict[str, Path], tmp_path: Path) -> None:
    inputs = [part for each in REQUESTS[process] for part in ("-i", each)]
    for at, path in enumerate(sources.values()):
        gaia_run(process, "-i", f"dataset={path}", *inputs, "-o", str(tmp_path / f"{at}.nc"))
    with open_dataset(tmp_path / "0.nc") as expected:
        for at in range(1, len(sources)):
            with open_dataset(tmp_path / f"{at}.nc") as found:
                assert set(found.variables) == set(expected.variables)
                for name in expected.variables:
                    np.testing.assert_array_equal(found[name].values, expected[name].values, strict=True)


def test_a_subset_as_zarr_is_an_input_again(sources: dict[str, Path], tmp_path: Path) -> None:
    for at in (1, 2):
        gaia_run(
            "subset",
            "-i",
            f"dataset={sources['our own zip']}",
            "-i",
            "bbox=0,0,90,90",
            "-o",
            f"{tmp_path}/{at}.zarr.zip",
        )
    with open_dataset(tmp_path / "1.zarr.zip") as first, open_dataset(tmp_path / "2.zarr.zip") as second:
        assert first.sizes["lon"] == 5
        np.testing.assert_array_equal(first["tasmax"].values, second["tasmax"].values)
