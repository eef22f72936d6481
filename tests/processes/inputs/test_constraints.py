"""What is offered is taken, and what is not offered is refused with the offer."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.inputs.bbox import CRS84, Bbox, parse_bbox
from gaia_processes.inputs.constraints import Allowed, allowed_by_schema
from gaia_processes.inputs.interval import Interval, parse_interval
from gaia_processes.inputs.levels import Levels, parse_levels
from gaia_processes.inputs.selection import check_selection, selection_constraints


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The least that is a selection."""

    variables: tuple[str, ...] | None = None
    bbox: Bbox | None = None
    datetime: Interval | None = None
    levels: Levels | None = None


def allowed(cube: Cube, name: str, *, nearest_level: bool = False, **chosen: Any) -> Allowed:
    return selection_constraints(Selection(**chosen), cube, nearest_level=nearest_level)[name].allowed


def test_the_variables_are_those_that_hold_data(cube: Cube) -> None:
    assert allowed(cube, "variables") == Allowed(values=("tas", "ta", "orog"))


def test_the_box_is_that_of_the_cells(regional: Cube) -> None:
    assert allowed(regional, "bbox") == Allowed(extent=(0.0, 40.0, 30.0, 60.0), crs=CRS84, unit="degree")


def test_without_a_grid_no_box_is_allowed(cube: Cube) -> None:
    assert allowed(cube.model_copy(update={"grid": "none"}), "bbox") == Allowed(values=())


def test_times_have_an_extent_a_calendar_and_a_step(cube: Cube) -> None:
    assert allowed(cube, "datetime") == Allowed(
        extent=("2001-01-16T00:00:00", "2001-12-16T00:00:00"), calendar="360_day", step="P1M"
    )


@pytest.mark.parametrize(
    ("last", "size", "step"),
    [
        ("2001-01-01T18:00:00", 4, "PT6H"),
        ("2001-01-01T00:30:00", 2, "PT1800S"),
        ("2001-01-11", 11, "P1D"),
        ("2001-01-11", 3, "P5D"),
        ("2001-12-31", 13, "P1M"),
        ("2011-01-01", 11, "P1Y"),
        ("2001-01-01", 1, None),
    ],
)
def test_the_step_is_named_as_people_do(cube: Cube, last: str, size: int, step: str | None) -> None:
    time = Axis(type="temporal", extent=("2001-01-01", last), size=size)
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"time": time}})
    assert allowed(data, "datetime").step == step


def test_without_times_no_time_is_allowed(cube: Cube) -> None:
    assert allowed(cube, "datetime", variables=("orog",)) == Allowed(values=())


def test_a_single_time_that_is_in_no_catalogue_may_be_any(cube: Cube) -> None:
    moment = Variable(dimensions=(), type="auxiliary", unit="hours since 1970-01-01", dtype="float64")
    data = cube.model_copy(update={"variables": {"orog": cube.variables["orog"], "time": moment}})
    assert allowed(data, "datetime") == Allowed()


def two_times(cube: Cube, **members: Any) -> Cube:
    later = Axis(type="temporal", extent=("2050-01-01", "2059-12-01"), size=120, calendar="360_day", **members)
    ocean = Variable(dimensions=("later", "lat", "lon"), shape=(120, 6, 12))
    return cube.model_copy(
        update={"dimensions": cube.dimensions | {"later": later}, "variables": cube.variables | {"tos": ocean}}
    )


def test_several_time_axes_are_told_apart(cube: Cube) -> None:
    told = allowed(two_times(cube), "datetime")
    assert told.extent == ("2001-01-16T00:00:00", "2059-12-01")
    assert told.extents == (("2001-01-16T00:00:00", "2001-12-16T00:00:00"), ("2050-01-01", "2059-12-01"))
    (fault,) = check_selection(Selection(datetime=parse_interval("2020")), two_times(cube))
    assert fault.allowed == tuple("/".join(map(str, extent)) for extent in told.extents)


def test_a_chosen_variable_brings_its_own_times(cube: Cube) -> None:
    assert allowed(two_times(cube), "datetime", variables=("tos",)).extent == ("2050-01-01", "2059-12-01")


def test_levels_are_listed_in_their_unit(cube: Cube) -> None:
    expected = Allowed(values=(100000.0, 85000.0, 50000.0), minimum=50000.0, maximum=100000.0, unit="Pa")
    assert allowed(cube, "levels") == expected


def test_levels_of_several_axes_are_listed_together(cube: Cube) -> None:
    other = Axis(type="spatial", axis="z", unit="hPa", size=2, values=(850.0, 10.0))
    data = cube.model_copy(
        update={
            "dimensions": cube.dimensions | {"high": other},
            "variables": cube.variables | {"o3": Variable(dimensions=("high", "lat"), shape=(2, 6))},
        }
    )
    assert allowed(data, "levels").values == (100000.0, 85000.0, 50000.0, 1000.0)
    assert allowed(data, "levels", variables=("o3",)).values == (850.0, 10.0)


def test_a_variable_without_levels_takes_none(cube: Cube) -> None:
    assert allowed(cube, "levels", variables=("tas",)) == Allowed(values=())


def test_where_the_nearest_level_serves_those_there_are_are_examples(cube: Cube) -> None:
    told = allowed(cube, "levels", nearest_level=True)
    assert (told.values, told.examples) == (None, (100000.0, 85000.0, 50000.0))


def test_levels_that_are_not_listed_are_not_told(cube: Cube) -> None:
    unlisted = Axis(type="spatial", axis="z", unit="Pa", size=40)
    data = cube.model_copy(update={"dimensions": cube.dimensions | {"plev": unlisted}})
    assert allowed(data, "levels") == Allowed(unit="Pa")


def test_a_schema_tells_choices_bounds_and_the_default() -> None:
    assert allowed_by_schema({"type": "string", "enum": ["a", "b"], "default": "a"}) == Allowed(
        values=("a", "b"), default="a"
    )
    assert allowed_by_schema({"type": "array", "items": {"type": "integer", "minimum": 1}}) == Allowed(minimum=1)
    assert allowed_by_schema({"type": "boolean", "default": False}) == Allowed(values=(False, True), default=False)


def test_nothing_known_is_nothing_said() -> None:
    assert Allowed().as_json() == {}
    assert Allowed(values=(), extents=((1.0, 2.0),)).as_json() == {"values": [], "extents": [[1.0, 2.0]]}


FIXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@FIXED
@given(chosen=st.data(), variables=st.sets(st.sampled_from(["tas", "ta", "orog"])))
def test_what_is_allowed_passes(chosen: st.DataObject, variables: set[str], regional: Cube) -> None:
    selection = Selection(variables=tuple(variables) or None)
    left = selection_constraints(selection, regional)
    level, time, box = (left[name].allowed for name in ("levels", "datetime", "bbox"))
    if level.values:
        some = chosen.draw(st.lists(st.sampled_from(level.values), min_size=1))
        selection = replace(selection, levels=parse_levels(f"{','.join(map(str, some))} {level.unit}"))
    if time.extent:
        month = chosen.draw(st.integers(1, 12))
        selection = replace(selection, datetime=parse_interval(f"2001-{month:02d}"))
    assert box.extent is not None
    west, south, east, north = (float(str(each)) for each in box.extent)
    x, y = chosen.draw(st.floats(west, east)), chosen.draw(st.floats(south, north))
    selection = replace(selection, bbox=parse_bbox([x, y, x, y]))
    assert check_selection(selection, regional) == ()


@pytest.mark.slow
@FIXED
@given(
    name=st.text(min_size=1).filter(lambda name: name not in ("tas", "ta", "orog")),
    year=st.integers(1, 9999).filter(lambda year: not 2000 <= year <= 2002),
    level=st.integers(1, 2000).filter(lambda level: min(abs(level - each) for each in (1000, 850, 500)) > 1),
    box=st.tuples(st.floats(45, 300), st.floats(-80, 20)),
)
def test_what_is_not_allowed_is_refused_with_what_is(
    name: str, year: int, level: int, box: tuple[float, float], regional: Cube
) -> None:
    selection = Selection(
        variables=("ta", name),
        datetime=parse_interval(f"{year:04d}"),
        levels=parse_levels(f"{level} hPa"),
        bbox=parse_bbox([*box, *box]),
    )
    left = {key: each.allowed for key, each in selection_constraints(selection, regional).items()}
    refused = {fault.input: fault.allowed for fault in check_selection(selection, regional)}
    assert refused == {
        "variables": left["variables"].values,
        "bbox": (list(left["bbox"].extent or ()),),
        "datetime": ("/".join(map(str, left["datetime"].extent or ())),),
        "levels": left["levels"].values,
    }
