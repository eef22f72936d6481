"""What regrid refuses before it runs, and what it expects to cost."""

import pytest

from gaia_processes.cube import Cube
from gaia_processes.errors import InvalidInputs
from gaia_processes.reading import read_inputs
from gaia_processes.regrid.describe import REGRID, Inputs


def read(**raw: object) -> Inputs:
    inputs = read_inputs(REGRID, {"dataset": "sst", **raw})
    assert isinstance(inputs, Inputs)
    return inputs


CENTRES = {"longitudes": [0, 10, 20], "latitudes": [-5, 5]}


@pytest.mark.parametrize(
    "raw",
    [
        {"grid": "1x1"},
        {"grid": " 2.5 x 2 ", "method": "conservative"},
        {"like": "orog"},
        CENTRES,
        {"longitudes": [20, 0], "latitudes": 3},
        {**CENTRES, "lon_bnds": [[355, 5], [5, 15], [15, 25]], "lat_bnds": [[-10, 0], [0, 10]]},
        {"grid": "1x1", "method": "nearest", "max_distance_km": 50, "nearest_valid_km": 100},
    ],
)
def test_a_right_request_has_no_faults(raw: dict[str, object], cube: Cube) -> None:
    assert REGRID.check(read(**raw), cube) == ()


@pytest.mark.parametrize(
    ("raw", "wrong", "said"),
    [
        ({}, "grid", "There is no target"),
        ({"grid": "1x1", "like": "orog"}, "like", "several targets"),
        ({"longitudes": [0, 10]}, "latitudes", "a target needs both"),
        ({**CENTRES, "latitudes": [5, 5]}, "latitudes", "ascend or descend"),
        ({**CENTRES, "latitudes": [80, 100]}, "latitudes", "100 lies outside"),
        ({**CENTRES, "longitudes": [0, 180, 360]}, "longitudes", "more than once"),
        ({**CENTRES, "lon_bnds": [[355, 5]]}, "lon_bnds", "1 pairs for 3"),
        ({**CENTRES, "lat_bnds": [[0, -10], [0, 10]]}, "lat_bnds", "south first"),
        ({**CENTRES, "latitudes": [5], "method": "conservative"}, "lat_bnds", "no width"),
        ({"grid": "1x1", "max_distance_km": 50}, "max_distance_km", "nearest alone"),
        ({"grid": "1x1", "variables": ["pr"]}, "variables", "no variable"),
        ({"grid": "1x1", "datetime": "1990"}, "datetime", "outside"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, object], wrong: str, said: str, cube: Cube) -> None:
    (fault,) = REGRID.check(read(**raw), cube)
    assert (fault.input, said in fault.problem.en) == (wrong, True), fault.problem.en
    assert fault.problem.fr != fault.problem.en


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"grid": "7x1"}, "360 degrees of longitude are no whole number of steps of 7; 7.05882 would be right"),
        ({"grid": "one"}, "as 1x1 or 2.5x2"),
        ({"grid": "0.0001x1"}, "0.001 and more"),
        ({"grid": "1x1", "min_valid_fraction": 2}, "at most 1"),
        ({"grid": "1x1", "method": "cubic"}, "none of the choices"),
    ],
)
def test_what_cannot_be_read_is_said(raw: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputs, match=said):
        read(**raw)


def test_data_without_a_grid_have_no_method(cube: Cube) -> None:
    points = cube.model_copy(update={"grid": "none"})
    (fault,) = REGRID.check(read(grid="1x1"), points)
    assert fault.input == "method"
    assert fault.problem.en == (
        "bilinear cannot be used: the grid of the dataset is of the kind 'none'. Nothing else can be either; take another "
        "dataset."
    )


def test_more_cells_than_can_be_overlaid_one_by_one_are_refused(cube: Cube) -> None:
    sizes = {"lat": 3000, "lon": 3000}
    dimensions = {
        name: axis.model_copy(update={"size": sizes.get(name, axis.size)}) for name, axis in cube.dimensions.items()
    }
    projected = cube.model_copy(update={"grid": "projected", "dimensions": dimensions})
    (fault,) = REGRID.check(read(grid="1x1", method="conservative"), projected)
    assert (fault.input, "9,000,000 cells" in fault.problem.en) == ("dataset", True)
    regular = projected.model_copy(update={"grid": "regular"})
    assert not REGRID.check(read(grid="1x1", method="conservative"), regular)
    assert not REGRID.check(read(grid="1x1", method="nearest"), projected)


def test_a_finer_target_costs_more_and_a_box_less(cube: Cube) -> None:
    coarse, fine = (REGRID.estimate(read(grid=grid), cube) for grid in ("2x2", "1x1"))
    cropped = REGRID.estimate(read(grid="1x1", bbox=[0, 0, 90, 90]), cube)
    assert fine.bytes_written == 4 * coarse.bytes_written
    assert cropped.bytes_written == pytest.approx(fine.bytes_written / 8, rel=1e-6)
    assert fine.bytes_read == coarse.bytes_read == cropped.bytes_read
