"""What the catalogue alone can tell of a selection."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.errors import Fault
from gaia_processes.inputs.bbox import Bbox, parse_bbox
from gaia_processes.inputs.interval import Interval, parse_interval
from gaia_processes.inputs.levels import Levels, parse_levels
from gaia_processes.inputs.selection import check_selection


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The least that is a selection."""

    variables: tuple[str, ...] | None = None
    bbox: Bbox | None = None
    datetime: Interval | None = None
    levels: Levels | None = None


def check_box(cube: Cube, *numbers: float) -> tuple[Fault, ...]:
    return check_selection(Selection(bbox=parse_bbox(list(numbers))), cube)


def check_time(cube: Cube, text: str) -> tuple[Fault, ...]:
    return check_selection(Selection(datetime=parse_interval(text)), cube)


def check_levels(cube: Cube, text: str) -> tuple[Fault, ...]:
    return check_selection(Selection(levels=parse_levels(text)), cube)


def only(faults: tuple[Fault, ...]) -> str:
    (fault,) = faults
    assert fault.pointer.startswith(f"/inputs/{fault.input}")
    assert fault.problem.fr != fault.problem.en
    return fault.problem.en


def test_no_selection_is_right(cube: Cube) -> None:
    assert check_selection(Selection(), cube) == ()


def test_all_that_is_wrong_is_said_at_once(cube: Cube) -> None:
    selection = Selection(
        variables=("tas", "pr"), datetime=parse_interval("1990"), levels=parse_levels("700"), bbox=None
    )
    assert [fault.input for fault in check_selection(selection, cube)] == ["variables", "datetime", "levels"]


def test_an_unknown_variable_is_answered_with_those_there_are(cube: Cube) -> None:
    (fault,) = check_selection(Selection(variables=("tas", "tass")), cube)
    assert fault.pointer == "/inputs/variables/1"
    assert fault.allowed == ("tas", "ta", "orog")
    assert "Did you mean tas?" in fault.problem.en


def test_a_thousand_unknown_variables_are_not_answered_one_by_one(cube: Cube) -> None:
    names = tuple(f"v{number}" for number in range(1000))
    assert len(check_selection(Selection(variables=names), cube)) == 20


def test_a_variable_that_holds_no_data_is_unknown(cube: Cube) -> None:
    assert "no variable 'time_bnds'" in only(check_selection(Selection(variables=("time_bnds",)), cube))


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((5, 45, 10, 50), id="inside"),
        pytest.param((-355, 45, -350, 50), id="a turn back"),
        pytest.param((-180, -90, 180, 90), id="everything"),
        pytest.param((0, -90, 360, 90), id="everything from 0"),
        pytest.param((-10, 45, 5, 50), id="over Greenwich"),
        pytest.param((29, 45, -179, 50), id="over the antimeridian"),
        pytest.param((350, 45, 1, 50), id="over 0 from the other side"),
        pytest.param((12.1, 45.1, 12.2, 45.2), id="smaller than a cell"),
        pytest.param((31, 45, 32, 50), id="in the outer half of the last cell"),
    ],
)
def test_a_box_that_meets_the_data_is_right(regional: Cube, box: tuple[float, ...]) -> None:
    assert check_box(regional, *box) == ()


@pytest.mark.parametrize(
    "box", [(40, 45, 50, 50), (-320, 45, -310, 50), (40, 45, -10, 50), (5, -10, 10, 20), (5, 70, 10, 80)]
)
def test_a_box_that_misses_the_data_is_answered_with_where_they_lie(regional: Cube, box: tuple[float, ...]) -> None:
    (fault,) = check_box(regional, *box)
    assert "longitudes 0 and 30 and the latitudes 40 and 60" in fault.problem.en
    assert fault.allowed == ([0.0, 40.0, 30.0, 60.0],)


def test_data_over_the_antimeridian_are_met_there(regional: Cube) -> None:
    pacific = regional.model_copy(update={"bbox": (170.0, -60.0, -170.0, -40.0)})
    assert check_box(pacific, 175, -50, -175, -45) == ()
    assert check_box(pacific, 185, -50, 186, -45) == ()
    assert len(check_box(pacific, -10, -50, 10, -45)) == 1


@given(
    west=st.floats(-360, 360),
    width=st.floats(0, 359),
    turn=st.sampled_from([-360, 0, 360]),
    column=st.integers(0, 11),
)
def test_a_box_around_a_column_is_never_refused(west: float, width: float, turn: int, column: int) -> None:
    regional = Cube.model_validate(
        {
            "dimensions": {
                "lon": Axis(type="spatial", axis="x", size=12, extent=(0.0, 33.0)),
                "lat": Axis(type="spatial", axis="y", size=2, extent=(0.0, 1.0)),
            },
            "variables": {"tas": Variable(dimensions=("lat", "lon"))},
            "grid": "regular",
            "bbox": (0.0, 0.0, 33.0, 1.0),
        }
    )
    east = west + width + turn
    if abs(east) <= 360 and (3.0 * column - west) % 360 <= (east - west) % 360:
        assert check_box(regional, west, 0, east, 1) == ()


def test_a_box_needs_a_grid(cube: Cube) -> None:
    stations = cube.model_copy(update={"grid": "none"})
    assert "no grid" in only(check_box(stations, 0, 0, 1, 1))


def test_a_box_is_not_judged_where_the_extent_is_unknown(cube: Cube) -> None:
    assert check_box(cube.model_copy(update={"bbox": None}), 0, 0, 1, 1) == ()


def test_heights_need_an_axis_in_metres(cube: Cube) -> None:
    assert "no vertical axis in metres" in only(check_box(cube, 0, 0, 0, 1, 1, 100))
    heights = Axis(type="spatial", axis="z", unit="m", size=1, values=(2.0,))
    in_metres = cube.model_copy(update={"dimensions": cube.dimensions | {"plev": heights}})
    assert check_box(in_metres, 0, 0, 0, 1, 1, 100) == ()


@pytest.mark.parametrize(
    "text",
    [
        "2001",
        "2001-03/2001-05",
        "../2001-02",
        "2001-11/..",
        "1990/2100",
        pytest.param("2001-02-30", id="a day of this calendar"),
        pytest.param("2001-01-01", id="in the first step, before its middle"),
        pytest.param("2001-12-30T12:00:00Z", id="in the last step, after its middle"),
    ],
)
def test_a_time_that_meets_the_data_is_right(cube: Cube, text: str) -> None:
    assert check_time(cube, text) == ()


@pytest.mark.parametrize("text", ["1990/1991", "2005", "2002-06/..", "../2000-06", "1990-01-01T00:00:00Z"])
def test_a_time_that_misses_the_data_is_answered_with_their_extent(cube: Cube, text: str) -> None:
    message = only(check_time(cube, text))
    assert "from 2001-01-16T00:00:00 to 2001-12-16T00:00:00 (calendar 360_day)" in message


@pytest.mark.parametrize(
    ("text", "calendar"),
    [("2001-12-31", "360_day"), ("2001-02-29/2001-02-30", "noleap"), ("2001-02-30", "standard")],
)
def test_a_day_that_the_calendar_lacks_is_no_day(cube: Cube, text: str, calendar: str) -> None:
    time = cube.dimensions["time"].model_copy(update={"calendar": calendar})
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"time": time}})
    assert f"names no day that the data's calendar ({calendar}) has" in only(check_time(data, text))


@pytest.mark.parametrize(("text", "calendar"), [("2001-02-30T12:00:00Z", "noleap"), ("2001-12-31T12", "360_day")])
def test_an_instant_of_a_day_that_the_calendar_lacks_is_refused(cube: Cube, text: str, calendar: str) -> None:
    time = cube.dimensions["time"].model_copy(update={"calendar": calendar})
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"time": time}})
    assert f"names no day that the data's calendar ({calendar}) has" in only(check_time(data, text))
    assert check_time(data, f"2001-02-28/{text}") == ()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"calendar": "mayan"}, id="unknown calendar"),
        pytest.param({"extent": (None, "2001-12-16T00:00:00")}, id="half an extent"),
        pytest.param({"extent": ("?", "!")}, id="an extent that is no time"),
    ],
)
def test_a_time_is_not_judged_where_the_catalogue_cannot(cube: Cube, changes: dict[str, object]) -> None:
    time = cube.dimensions["time"].model_copy(update=changes)
    assert check_time(cube.model_copy(update={"dimensions": cube.dimensions | {"time": time}}), "1990") == ()


def test_a_single_step_may_be_as_long_as_a_year(cube: Cube) -> None:
    time = Axis(type="temporal", extent=("2001-07-01T00:00:00", "2001-07-01T00:00:00"), size=1)
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"time": time}})
    assert check_time(data, "2001-11-01T00:00:00Z") == ()
    assert len(check_time(data, "2003")) == 1


def test_a_time_needs_a_time_axis(cube: Cube) -> None:
    selection = Selection(variables=("orog",), datetime=parse_interval("2001"))
    assert "no time axis" in only(check_selection(selection, cube))


def test_a_single_time_beside_the_data_is_left_to_them(cube: Cube) -> None:
    moment = Variable(dimensions=(), type="auxiliary", unit="hours since 1970-01-01", dtype="float64")
    data = cube.model_copy(update={"variables": {"orog": cube.variables["orog"], "time": moment}})
    assert check_time(data, "1990") == ()


@pytest.mark.parametrize("text", ["850 hPa", "85000", "1000,500 hPa", "850/500 hPa", "500/1 mbar", "850.5 hPa"])
def test_levels_that_are_there_are_right(cube: Cube, text: str) -> None:
    assert check_levels(cube, text) == ()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("700 hPa", "700 hPa"),
        ("850,700,300 hPa", "700,300 hPa"),
        ("850", "850 Pa"),
        ("300/200 hPa", "200/300 hPa"),
        ("10 m", "10 m"),
    ],
)
def test_levels_that_are_not_there_are_answered_with_those_that_are(cube: Cube, text: str, missing: str) -> None:
    message = only(check_levels(cube, text))
    assert f"There is nothing at {missing}; the levels of the data are: 100000,85000,50000 Pa" in message


def test_the_nearest_level_may_be_meant(cube: Cube) -> None:
    selection = Selection(levels=parse_levels("700 hPa"))
    assert check_selection(selection, cube, nearest_level=True) == ()


def test_levels_need_a_variable_that_has_them(cube: Cube) -> None:
    flat = Selection(variables=("tas",), levels=parse_levels("850 hPa"))
    assert "The data have no levels" in only(check_selection(flat, cube))
    both = Selection(variables=("tas", "ta"), levels=parse_levels("850 hPa"))
    assert check_selection(both, cube) == ()


def test_levels_by_number_may_have_another_coordinate(cube: Cube) -> None:
    numbered = Axis(type="spatial", axis="z", unit="1", size=2, values=(1.0, 2.0))
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"plev": numbered}})
    assert check_levels(data, "20 m") == ()


def test_levels_are_not_judged_where_the_catalogue_does_not_list_them(cube: Cube) -> None:
    unlisted = Axis(type="spatial", axis="z", unit="Pa", size=40)
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"plev": unlisted}})
    assert check_levels(data, "700 hPa") == ()
