"""What aggregate refuses before it runs, and what it expects to cost."""

import pytest

from gaia_processes.aggregate.describe import AGGREGATE, Inputs
from gaia_processes.cube import Axis, Cube
from gaia_processes.judging import constrain_request
from gaia_processes.reading import read_inputs


def read(**raw: object) -> Inputs:
    inputs = read_inputs(AGGREGATE, {"dataset": "sst", **raw})
    assert isinstance(inputs, Inputs)
    return inputs


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"variables": "tas", "period": "month", "baseline": "2001/2001", "datetime": "2001-03"},
        {"variables": "ta", "over": ["level", "area"], "statistic": "quantile", "quantile": "0.9"},
        {"period": "season", "seasons": "NDJFM", "climatology": True},
    ],
    ids=str,
)
def test_a_right_request_has_no_faults(raw: dict[str, object], cube: Cube) -> None:
    assert AGGREGATE.check(read(**raw), cube) == ()


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ({"statistic": "quantile"}, "/inputs/quantile"),
        ({"baseline": "1961/1990", "period": "month"}, "/inputs/baseline"),
        ({"variables": "tas", "over": ["time", "level"]}, "/inputs/over/1"),
        ({"variables": "orog"}, "/inputs/over/0"),
        ({"period": "day"}, "/inputs/period"),
        ({"period": "year", "years": 2}, "/inputs/period"),
        ({"climatology": True}, "/inputs/period"),
        ({"datetime": "1990"}, "/inputs/datetime"),
        ({"period": "season", "seasons": ["DJF", "1-3"]}, "/inputs/seasons/1"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_refused(raw: dict[str, object], wrong: str, cube: Cube) -> None:
    assert [fault.pointer for fault in AGGREGATE.check(read(**raw), cube)] == [wrong]


@pytest.mark.parametrize(("unit", "wrong"), [("kg m-2 s-1", ["statistic"]), ("mm", []), (None, [])])
def test_the_sum_of_a_rate_must_be_an_integral(unit: str | None, wrong: list[str], cube: Cube) -> None:
    tas = cube.variables["tas"].model_copy(update={"unit": unit})
    rates = cube.model_copy(update={"variables": cube.variables | {"tas": tas}})
    faults = AGGREGATE.check(read(variables="tas", statistic="sum"), rates)
    assert [fault.input for fault in faults] == wrong


def test_rows_and_columns_of_other_grids_are_no_latitudes_and_longitudes(cube: Cube) -> None:
    rotated = cube.model_copy(update={"grid": "rotated"})
    (fault,) = AGGREGATE.check(read(variables="tas", over="latitude"), rotated)
    assert fault.allowed == ("time", "area")


def test_what_is_left_to_choose_is_told(cube: Cube) -> None:
    allowed = constrain_request(AGGREGATE, {"dataset": "sst", "variables": "tas"}, find_cube=lambda _: cube)
    assert allowed["over"].values == ("time", "area", "longitude", "latitude")
    assert allowed["period"].values == ("all", "year", "season", "month", "month-of-year", "season-of-year")
    assert allowed["baseline"].extent == (2001, 2001)
    assert allowed["statistic"].values is not None


def test_an_anomaly_reads_twice_and_a_mean_writes_little(cube: Cube) -> None:
    mean, apart = (AGGREGATE.estimate(read(**raw), cube) for raw in ({}, {"period": "month", "baseline": "2001"}))
    assert apart.bytes_read == 2 * mean.bytes_read
    assert mean.bytes_written < apart.bytes_written
    assert mean.seconds < apart.seconds


def test_a_longer_record_costs_more(cube: Cube) -> None:
    longer = Axis(type="temporal", extent=("2001-01-16T00:00:00", "2010-12-16T00:00:00"), size=120, calendar="360_day")
    tas = cube.variables["tas"].model_copy(update={"shape": (120, 6, 12), "stored_bytes": 120 * 72 * 2})
    long = cube.model_copy(
        update={"dimensions": cube.dimensions | {"time": longer}, "variables": cube.variables | {"tas": tas}}
    )
    costs = [AGGREGATE.estimate(read(variables="tas", period="year"), each).bytes_written for each in (cube, long)]
    assert costs[0] < costs[1]


def test_steps_that_are_no_dates_are_told_of(cube: Cube) -> None:
    undated = Axis(type="temporal", size=12, unit="days since the flood", calendar="standard")
    (fault,) = AGGREGATE.check(
        read(variables="tas"), cube.model_copy(update={"dimensions": cube.dimensions | {"time": undated}})
    )
    assert "unit 'days since the flood', calendar 'standard'" in fault.problem.en


def test_a_record_with_gaps_is_known_by_its_usual_step(cube: Cube) -> None:
    summers = {"extent": ("2001-06-16T00:00:00", "2030-08-16T00:00:00"), "size": 90, "calendar": "360_day"}
    for step_days, allowed in ((None, False), (30.0, True)):
        axis = Axis(type="temporal", step_days=step_days, **summers)
        long = cube.model_copy(update={"dimensions": cube.dimensions | {"time": axis}})
        assert (AGGREGATE.check(read(variables="tas", period="month"), long) == ()) is allowed


def test_nothing_is_known_of_data_in_no_catalogue() -> None:
    assert AGGREGATE.estimate(read(), None).bytes_read == 0
