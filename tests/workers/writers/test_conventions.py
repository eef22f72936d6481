"""Results in NetCDF pass the CF tests of IOOS' compliance-checker no worse than what they were made of."""

import json
import re
import warnings
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gaia_config.cli import application, commands

GAIA = CliRunner()
CHECK = "cf:1.8"
"""The version that most of the sample data follow; a result is measured by the same as its source."""

A1B, CANESM = "climate/A1B_north_america.nc", "climate/tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc"
CORDEX = "climate/tas_EUR-22_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_GERICS-REMO2015_v1_mon_202101.nc"
DAILY = "climate/{}_day_CanESM2_rcp85_r1i1p1_na10kgrid_qm-moving-50bins-detrend_2095.nc"


def feature(kind: str, coordinates: object) -> str:
    one = {"type": "Feature", "properties": {"n": "a"}, "geometry": {"type": kind, "coordinates": coordinates}}
    return json.dumps({"type": "FeatureCollection", "features": [one]})


ZONES = "zones=" + feature("Polygon", [[[-100, 30], [-80, 30], [-80, 50], [-100, 50], [-100, 30]]])
POINTS = "points=" + feature("Point", [-90, 40])

CASES = [
    ("subset", A1B, ("bbox=-110,30,-80,50", "datetime=1990/1999")),
    ("subset", CANESM, ("bbox=-110,30,40,50",)),
    ("subset", CORDEX, ("bbox=0,40,10,50",)),
    ("subset", "climate/hybrid_height.nc", ("bbox=-5,45,5,55",)),
    ("subset", "climate/orca2_votemper.nc", ("bbox=-40,-20,40,50",)),
    ("subset", "climate/reduced.nc", ("bbox=-40,-20,40,50",)),
    ("aggregate", A1B, ("over=time", "period=all")),
    ("aggregate", CANESM, ("over=area",)),
    ("aggregate", CANESM, ("period=month", "climatology=true")),
    ("aggregate", "climate/hybrid_height.nc", ("over=area",)),
    ("regrid", CANESM, ("grid=5x5", "method=conservative")),
    ("regrid", CORDEX, ("grid=1x1", "bbox=0,40,10,50")),
    ("reproject", A1B, ("crs=EPSG:5070", "resolution=200000")),
    ("reproject", "climate/toa_brightness_stereographic.nc", ("crs=EPSG:4326", "resolution=1")),
    ("climate-indices", DAILY.format("tasmax"), ("indices=TXx,SU", "period=month")),
    ("climate-indices", DAILY.format("pr"), ("indices=RX5day,CDD,SDII,PRCPTOT",)),
    ("zonal-statistics", A1B, (ZONES, "zone_id=n")),
    ("zonal-statistics", CANESM, (ZONES, "statistics=mean,quantile", "quantiles=0.1,0.9")),
    ("extract-points", A1B, (POINTS,)),
    ("extract-points", CANESM, (POINTS, "method=bilinear")),
]  # fmt: skip


def passed(value: object) -> bool:
    """Tell whether a check found nothing: of some points, of one alone, or without any."""
    return value[0] == value[1] if isinstance(value, tuple) else value is None or bool(value)


@cache
def faults(path: Path) -> frozenset[str]:
    """Give what the checker says against a file; numbers in its sentences, which count cells, do not matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from compliance_checker.runner import CheckSuite

        suite = CheckSuite()
        suite.load_all_available_checkers()
        with suite.load_dataset(str(path)) as dataset:
            checked = suite.run_all(dataset, [CHECK], None, [])
    return frozenset(
        re.sub(r"\b\d+\b", "#", f"{result.name}: {message}")
        for results, _ in checked.values()
        for result in results
        if not passed(result.value)
        for message in result.msgs or ()
    )


def run(process: str, source: Path, inputs: tuple[str, ...], output: Path) -> None:
    given = [part for each in inputs for part in ("-i", each)]
    answer = GAIA.invoke(
        application(commands()["run"]), [process, "-i", f"dataset={source}", *given, "-o", str(output)]
    )
    assert answer.exit_code == 0, answer.output


@pytest.mark.slow
@pytest.mark.parametrize(("process", "name", "inputs"), CASES)
def test_a_result_has_no_fault_that_its_source_has_not(
    process: str, name: str, inputs: tuple[str, ...], shared_data: Path, tmp_path: Path
) -> None:
    run(process, shared_data / name, inputs, tmp_path / "out.nc")
    assert faults(tmp_path / "out.nc") - faults(shared_data / name) == frozenset()


def test_what_is_made_of_a_raster_names_its_conventions(shared_data: Path, tmp_path: Path) -> None:
    run("subset", shared_data / "raster" / "elev.tif", (), tmp_path / "out.nc")
    told = " ".join(faults(tmp_path / "out.nc"))
    assert "Conventions field is not present" not in told


def test_the_checker_finds_faults(shared_data: Path) -> None:
    assert any("_FillValue" in each for each in faults(shared_data / CANESM))
