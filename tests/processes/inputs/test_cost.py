"""What a selection costs, counted in cells and chunks."""

from dataclasses import dataclass

import pytest

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.inputs.bbox import Bbox, parse_bbox
from gaia_processes.inputs.cost import dimension_runs, selection_cost
from gaia_processes.inputs.interval import Interval, parse_interval
from gaia_processes.inputs.levels import Levels, parse_levels


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The least that is a selection."""

    variables: tuple[str, ...] | None = None
    bbox: Bbox | None = None
    datetime: Interval | None = None
    levels: Levels | None = None


def costs(cube: Cube, **chosen: object) -> tuple[int, int]:
    read = {
        "variables": chosen.get("variables"),
        "bbox": parse_bbox(chosen["bbox"]) if "bbox" in chosen else None,
        "datetime": parse_interval(chosen["datetime"]) if "datetime" in chosen else None,
        "levels": parse_levels(chosen["levels"]) if "levels" in chosen else None,
    }
    return selection_cost(Selection(**read), cube)[:2]  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("chosen", "bytes_read", "bytes_written"),
    [
        pytest.param({}, 12 * 144, 12 * 72 * 4, id="all: stored 2 bytes a cell, written 4"),
        pytest.param({"datetime": "2001-03/2001-05"}, 3 * 144, 3 * 72 * 4, id="3 of 12 steps"),
        pytest.param({"datetime": "2001-11/.."}, 2 * 144, 2 * 72 * 4, id="2 steps"),
        pytest.param({"bbox": [-40, -20, 40, 50]}, 12 * 144, 12 * 3 * 3 * 4, id="whole maps read, 3 x 3 cells written"),
        pytest.param({"bbox": [1, 1, 2, 2], "datetime": "2001-01"}, 144, 4, id="at least one cell"),
    ],
)
def test_whole_chunks_are_read_and_selected_cells_written(
    cube: Cube, chosen: dict[str, object], bytes_read: int, bytes_written: int
) -> None:
    assert costs(cube, variables=("tas",), **chosen) == (bytes_read, bytes_written)


def test_levels_narrow_only_variables_that_have_them(cube: Cube) -> None:
    assert costs(cube, variables=("ta",), levels="850/500 hPa") == (24 * 144, 24 * 72 * 4)
    assert costs(cube, variables=("tas",), levels="850/500 hPa") == (12 * 144, 12 * 72 * 4)


def test_contiguous_data_are_read_cell_by_cell(cube: Cube) -> None:
    assert costs(cube, variables=("orog",), bbox=[-40, -20, 40, 50]) == (36, 36)


def test_more_seconds_for_more_bytes(cube: Cube) -> None:
    all_of_it, one_month = (
        selection_cost(Selection(datetime=when), cube)[2] for when in (None, parse_interval("2001-01"))
    )
    assert all_of_it > one_month > 0


@pytest.mark.parametrize(
    ("box", "columns"),
    [
        pytest.param([-40, 0, 40, 1], ((0, 2), (11, 12)), id="0 30, 330"),
        pytest.param([170, 0, -140, 1], ((6, 8),), id="180 210"),
        pytest.param([320, 0, 40, 1], ((0, 2), (11, 12)), id="over 0 from the other side"),
        pytest.param([-180, 0, 180, 1], ((0, 12),), id="all"),
        pytest.param([0, 0, 360, 1], ((0, 12),), id="all from 0"),
    ],
)
def test_longitudes_are_found_in_either_convention(
    cube: Cube, box: list[float], columns: tuple[tuple[int, int], ...]
) -> None:
    assert dimension_runs(Selection(bbox=parse_bbox(box)), cube)["lon"] == columns


def test_chunks_that_are_met_twice_are_read_once() -> None:
    line = Cube.model_validate(
        {
            "dimensions": {"plev": Axis(type="spatial", axis="z", unit="Pa", size=4, values=(4.0, 3.0, 2.0, 1.0))},
            "variables": {"ta": Variable(dimensions=("plev",), shape=(4,), chunks=(3,), stored_bytes=400)},
        }
    )
    assert costs(line, levels="4,2") == (300, 8)
    assert costs(line, levels="4,1") == (400, 8)


@pytest.mark.parametrize(
    ("dtype", "width"),
    [("float32", 4), ("int16", 2), ("uint8", 1), ("complex128", 16), ("<f8", 8), ("|S1", 1), ("string", 8)],
)
def test_the_width_of_a_type_is_read_from_its_name(dtype: str, width: int) -> None:
    one = Cube.model_validate({"dimensions": {}, "variables": {"v": Variable(dimensions=(), shape=(), dtype=dtype)}})
    assert costs(one)[1] == width


def test_what_the_catalogue_does_not_know_is_taken_as_everything(cube: Cube) -> None:
    axes = {
        "time": Axis(type="temporal", size=12, calendar="mayan"),
        "plev": Axis(type="spatial", axis="z", size=3),
    }
    vague = cube.model_copy(update={"dimensions": cube.dimensions | axes})
    assert costs(vague, datetime="2001-01", levels="850") == costs(cube)
