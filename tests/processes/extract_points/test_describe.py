"""What extract-points refuses before it runs, and what it expects to cost."""

import pytest

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.extract_points.describe import EXTRACT_POINTS, Inputs
from gaia_processes.reading import dump_inputs, read_inputs

TABLE = "site,lon,lat,seen,depth\nA,1,2,2001-03-05,10\nB,3,4,2001-04-05,20\n"


def read(**raw: object) -> Inputs:
    inputs = read_inputs(EXTRACT_POINTS, {"dataset": "sst", "points": TABLE, **raw})
    assert isinstance(inputs, Inputs)
    return inputs


def faults(inputs: Inputs, cube: Cube) -> list[tuple[str, str]]:
    found = (*EXTRACT_POINTS.check(inputs, cube), *EXTRACT_POINTS.check_others(inputs, {}))
    assert all(each.problem.en != each.problem.fr for each in found)
    return [(each.input, each.problem.en) for each in found]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"variables": ["tas"], "match_time": "seen", "time_method": "nearest", "time_tolerance": "P1D"},
        {"variables": ["ta"], "match_time": "seen", "match_level": "depth", "nearest_level": True},
        {"method": "bilinear", "min_valid_fraction": 0},
        {"max_distance_km": 50, "nearest_valid_km": "100"},
        {"points": "upload:6a1f0f0e-1c4b-4f6e-9a51-0d6a5c1b2e3f"},
    ],
)
def test_a_right_request_has_no_faults(raw: dict[str, object], cube: Cube) -> None:
    inputs = read(**raw)
    assert faults(inputs, cube) == []
    assert read_inputs(EXTRACT_POINTS, dump_inputs(inputs)) == inputs


@pytest.mark.parametrize(
    ("raw", "wrong", "said"),
    [
        ({"method": "bilinear", "max_distance_km": 50}, "max_distance_km", "nearest alone"),
        ({"method": "bilinear", "nearest_valid_km": 50}, "nearest_valid_km", "nearest alone"),
        ({"time_method": "linear"}, "time_method", "beside match_time"),
        ({"time_tolerance": "PT6H"}, "time_tolerance", "beside match_time"),
        (
            {"match_time": "seen", "time_method": "containing", "time_tolerance": "P1D"},
            "time_tolerance",
            "means nothing with",
        ),
        ({"variables": ["orog"], "match_time": "seen"}, "match_time", "no axis of time"),
        ({"variables": ["tas"], "match_level": "depth"}, "match_level", "no levels"),
        ({"variables": ["pr"]}, "variables", "no variable"),
        ({"datetime": "1990"}, "datetime", "outside"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, object], wrong: str, said: str, cube: Cube) -> None:
    ((name, problem),) = faults(read(**raw), cube)
    assert (name, said in problem) == (wrong, True), problem


def test_variables_on_two_grids_are_refused_together(cube: Cube) -> None:
    two = cube.model_copy(
        update={
            "dimensions": cube.dimensions | {"y2": Axis(type="spatial", axis="y", size=3), "x2": Axis(type="spatial", axis="x", size=3)},
            "variables": cube.variables | {"uas": Variable(dimensions=("time", "y2", "x2"), shape=(12, 3, 3))},
        }
    )  # fmt: skip
    ((name, problem),) = faults(read(variables=["tas", "uas"]), two)
    assert (name, "uas (y2, x2)" in problem) == ("variables", True)
    assert faults(read(variables=["uas"]), two) == []


@pytest.mark.parametrize("kind", ["unstructured", "none"])
def test_other_grids_are_refused(cube: Cube, kind: str) -> None:
    ((name, _), *_) = faults(read(), cube.model_copy(update={"grid": kind}))
    assert name == "method"


def test_the_cost_grows_with_points_and_steps(cube: Cube) -> None:
    few, matched = (
        EXTRACT_POINTS.estimate(read(variables=["tas"], **raw), cube) for raw in ({}, {"match_time": "seen"})
    )
    many = EXTRACT_POINTS.estimate(read(variables=["tas"], points=TABLE + "C,5,6,2001,1\n" * 998), cube)
    assert few.bytes_written == 12 * matched.bytes_written
    assert many.bytes_written == 500 * few.bytes_written
    assert few.bytes_read == 12 * 72 * 2
