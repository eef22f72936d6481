"""What the catalogue refuses is what a worker would find nothing for, in real files, broken ones and made ones."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_processes.errors import SelectionEmpty
from gaia_processes.inputs.axes import has_step_in
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.calendar import has_day
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.reading import read_inputs
from gaia_processes.subset.compute import compute
from gaia_processes.subset.describe import SUBSET
from gaia_workers.headers import read_header
from gaia_workers.readers.netcdf import open_dataset


def judge(path, **inputs):
    """Give what is wrong with the inputs of a subset of a file, by its header alone, in English."""
    faults = SUBSET.check(read_inputs(SUBSET, {"dataset": "a", **inputs}), read_header(path).cube)
    return [fault.problem.en for fault in faults]


def real(shared_data, beginning, folder="climate"):
    return next(iter(sorted((shared_data / folder).glob(f"{beginning}*.nc"))))


@pytest.mark.parametrize("text", ["1990-02-30", "1990-01/1990-05", "1990-06-02"])
def test_a_time_between_the_steps_of_a_real_file_is_refused_with_those_around(shared_data, text):
    (said,) = judge(real(shared_data, "A1B_north"), datetime=text)
    assert f"No time step of the data lies in {text}; near to it: 19" in said
    assert "from 1860-06-01T00:00:00 to 2099-06-01T00:00:00 (calendar 360_day)" in said


@pytest.mark.parametrize("text", ["1990", "1990-06-01", "1990-06-01T00:00:00Z", "1989-06/..", "1990-02-30T00:00:00Z"])
def test_a_time_that_meets_a_step_of_a_real_file_or_lies_in_its_bounds_passes(shared_data, text):
    assert judge(real(shared_data, "A1B_north"), datetime=text) == []


@pytest.mark.parametrize("text", ["2000", "2000-01-01T00:00:00Z", ".."])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("calendar_unknown", "(unit 'days since 2000-01-01', calendar 'martian')"),
        ("time_no_units", "(unit none, calendar 'standard')"),
        ("time_bad_units", "(unit 'days since the flood', calendar 'standard')"),
    ],
)
def test_a_time_axis_without_dates_takes_no_dates(shared_data, name, said, text):
    if text == "..":
        text = "../.."
    assert judge(real(shared_data, name, "bad"), datetime=text) == [
        f"The time axis of the data counts no dates, or lacks some {said}; leave datetime out."
    ]


@pytest.mark.parametrize(
    ("levels", "missing"), [("850 hPa", "850 hPa"), ("20 m", "20 m"), ("99", "99"), ("0.01/0.015 km", "0.01/0.015 km")]
)
def test_levels_beside_numbered_ones_are_known_too(shared_data, levels, missing):
    (said,) = judge(real(shared_data, "hybrid_height"), levels=levels)
    assert f"There is nothing at {missing}; the levels of the data are: 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15; 5," in said
    assert said.endswith(" m.")


@pytest.mark.parametrize("levels", ["5 m", "0/1 km", "3"])
def test_levels_of_either_coordinate_pass(shared_data, levels):
    assert judge(real(shared_data, "hybrid_height"), levels=levels) == []


CALENDARS = st.sampled_from(["standard", "noleap", "360_day", "julian"])
KINDS = st.sampled_from(["no bounds", "around", "ending"])
DAYS = st.builds("{:04d}-{:02d}-{:02d}".format, st.integers(2000, 2001), st.integers(1, 12), st.integers(1, 30))
MOMENTS = (
    DAYS | DAYS.map(lambda day: day[:7]) | DAYS.map(lambda day: day + "T00:00:00Z") | DAYS.map(lambda day: day + "T12")
)
TEXTS = MOMENTS | st.builds("{}/..".format, MOMENTS) | st.builds("{}/{}".format, MOMENTS, MOMENTS)


@pytest.mark.slow
@given(calendar=CALENDARS, kind=KINDS, step=st.sampled_from([1, 10, 90]), first=st.integers(0, 300), text=TEXTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_catalogue_finds_a_step_exactly_where_a_worker_does(
    tmp_path: Path, calendar: str, kind: str, step: int, first: int, text: str
) -> None:
    days = first + step * np.arange(6.0)
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("time", len(days))
        file.createDimension("n", 2)
        file.createVariable("v", "f4", ("time",))[:] = days
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "days since 2000-01-01", "calendar": calendar, "standard_name": "time"})
        time[:] = days + (step if kind == "ending" else 0)
        if kind != "no bounds":
            time.bounds = "time_bnds"
            offset = 0 if kind == "ending" else -step / 2
            file.createVariable("time_bnds", "f8", ("time", "n"))[:] = np.stack([days, days + step], 1) + offset
    try:
        interval = parse_interval(text)
    except BadValue:
        return
    _, axis = read_header(tmp_path / "a.nc").cube.find_axis("t")
    with open_dataset(tmp_path / "a.nc") as dataset:
        try:
            found = compute(dataset, datetime=interval, warn=pytest.fail).sizes["time"] > 0
        except SelectionEmpty:
            found = False
    if interval.instant and not has_day(interval.start, calendar):
        assert not found
    else:
        assert has_step_in(interval, axis) == found


def test_steps_that_seconds_do_not_tell_exactly_are_not_judged(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("time", 3)
        file.createVariable("v", "f4", ("time",))[:] = 1
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "seconds since 2000-01-01", "standard_name": "time"})
        time[:] = np.array([0.0, 0.4, 10.0])
    _, axis = read_header(tmp_path / "a.nc").cube.find_axis("t")
    assert (len(axis.values), axis.bounds) == (3, None)
    assert judge(tmp_path / "a.nc", datetime="2000-01-01T00:00:00.4Z") == []


def test_a_time_axis_without_steps_takes_no_dates(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("time", None)
        file.createVariable("v", "f4", ("time",))
        file.createVariable("time", "f8", ("time",)).setncatts({"units": "days since 2000-01-01", "axis": "T"})
    assert judge(tmp_path / "a.nc", datetime="2000") == ["The data have no time steps; leave datetime out."]
