"""A dataset small enough to count on fingers, as a catalogue knows it."""

from collections.abc import Callable

import pytest

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.inputs.bad_value import BadValue


@pytest.fixture
def cube() -> Cube:
    """
    Give twelve months of 2001 on 12 longitudes 0, 30 ... 330, six latitudes 75 ... -75 and three levels.

    `tas` has no levels, `ta` has; `orog` has neither levels nor time. Chunks are whole maps of one step (and level).
    """
    return Cube.model_validate(
        {
            "dimensions": {
                "time": Axis(
                    type="temporal", extent=("2001-01-16T00:00:00", "2001-12-16T00:00:00"), size=12, calendar="360_day"
                ),
                "plev": Axis(type="spatial", axis="z", unit="Pa", size=3, values=(100000.0, 85000.0, 50000.0)),
                "lat": Axis(type="spatial", axis="y", unit="degrees_north", size=6, extent=(-75.0, 75.0)),
                "lon": Axis(type="spatial", axis="x", unit="degrees_east", size=12, extent=(0.0, 330.0)),
            },
            "variables": {
                "tas": Variable(
                    dimensions=("time", "lat", "lon"), shape=(12, 6, 12), chunks=(1, 6, 12), stored_bytes=12 * 72 * 2
                ),
                "ta": Variable(
                    dimensions=("time", "plev", "lat", "lon"),
                    shape=(12, 3, 6, 12),
                    chunks=(1, 1, 6, 12),
                    stored_bytes=36 * 72 * 2,
                ),
                "orog": Variable(dimensions=("lat", "lon"), shape=(6, 12), stored_bytes=72 * 4),
                "time_bnds": Variable(dimensions=("time", "bnds"), type="auxiliary", shape=(12, 2), dtype="float64"),
            },
            "grid": "regular",
            "bbox": (-180.0, -75.0, 180.0, 75.0),
        }
    )


@pytest.fixture
def regional(cube: Cube) -> Cube:
    """Give the same variables on a grid of longitudes 0 to 30 and latitudes 40 to 60."""
    axes = {
        "lat": Axis(type="spatial", axis="y", size=6, extent=(40.0, 60.0)),
        "lon": Axis(type="spatial", axis="x", size=12, extent=(0.0, 30.0)),
    }
    return cube.model_copy(update={"dimensions": cube.dimensions | axes, "bbox": (0.0, 40.0, 30.0, 60.0)})


@pytest.fixture
def complaint() -> Callable[[Callable[[object], object], object], str]:
    """Give a function that hands a value to a parser and returns what it says against it, in English."""

    def complain(parse: Callable[[object], object], value: object) -> str:
        with pytest.raises(BadValue) as caught:
            parse(value)
        assert all(fault.problem.fr != fault.problem.en for fault in caught.value.faults)
        return str(caught.value)

    return complain
