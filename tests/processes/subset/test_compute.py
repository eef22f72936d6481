"""Subset, on grids that can be counted by hand: G has columns 0, 30, … 330, rows 75, 45, … -75, value 100 · row + column."""

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.errors import DatasetUnsuitable, InvalidInputs, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval, Moment
from gaia_processes.inputs.levels import Levels
from gaia_processes.subset.compute import compute
from gaia_workers.readers.netcdf import open_dataset

EAST = np.arange(0.0, 360.0, 30.0)
NORTH = np.arange(75.0, -76.0, -30.0)


def grid(longitudes=EAST, latitudes=NORTH, *, values=None, dtype="f8"):
    """Make G, or another grid whose values are 100 · row + column."""
    longitudes, latitudes = np.asarray(longitudes, dtype), np.asarray(latitudes, dtype)
    half = np.abs(np.diff(longitudes))[0] / 2 if len(longitudes) > 1 else 15
    if values is None:
        values = 100 * np.arange(len(latitudes))[:, None] + np.arange(len(longitudes))[None, :]
    return xr.Dataset(
        {
            "v": (("lat", "lon"), np.asarray(values, "f4"), {"units": "K", "_FillValue": np.float32(1e20)}),
            "lon_bnds": (("lon", "bnds"), np.stack([longitudes - half, longitudes + half], 1)),
            "lat_bnds": (("lat", "bnds"), np.stack([latitudes - 15, latitudes + 15], 1)),
        },
        coords={
            "lon": ("lon", longitudes, {"units": "degrees_east", "standard_name": "longitude", "bounds": "lon_bnds"}),
            "lat": ("lat", latitudes, {"units": "degrees_north", "standard_name": "latitude", "bounds": "lat_bnds"}),
        },
    )


def series(days, *, calendar="standard", units="days since 2001-01-01", bounds=None, attrs=None):
    """Make a series whose values are the numbers of its steps."""
    variables = {"v": ("time", np.arange(len(days), dtype="f4"))}
    time_attrs = {"units": units, "calendar": calendar, "standard_name": "time", **(attrs or {})}
    if bounds is not None:
        time_attrs["bounds"] = "time_bnds"
        variables["time_bnds"] = (("time", "bnds"), np.asarray(bounds, "f8"))
    return xr.Dataset(variables, coords={"time": ("time", np.asarray(days, "f8"), time_attrs)})


def monthly():
    """Make the months of 2001, each named by its middle."""
    edges = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    return series((edges[:-1] + edges[1:]) / 2, bounds=np.stack([edges[:-1], edges[1:]], 1))


def moment(text):
    """Read the few forms that these tests use."""
    date, _, clock = text.partition("T")
    parts = [int(part) for part in date.split("-")] + [int(part) for part in clock.split(":") if part]
    names = ("year", "month", "day", "hour", "minute", "second")
    return Moment(**dict(zip(names, parts, strict=False)), text=text)


def interval(text):
    start, _, end = text.partition("/")
    ends = [None if part in {"..", ""} else moment(part) for part in (start, end or start)]
    return Interval(start=ends[0], end=ends[1], instant="/" not in text and "T" in text)


def box(west, south, east, north, **heights):
    return Bbox(west=west, south=south, east=east, north=north, **heights)


def cut(dataset, *numbers, **options):
    """Cut a box out, where nobody is to be warned."""
    return compute(dataset, bbox=box(*numbers), warn=pytest.fail, **options)


def values_of(result, name="v"):
    return result.variables[name].values.tolist()


# --- the cases of the science contract ------------------------------------------------------------------------------


def test_s1_a_box_over_greenwich():
    result = cut(grid(), -40, -20, 40, 50)
    assert result.lon.values.tolist() == [-30, 0, 30]
    assert result.lat.values.tolist() == [45, 15, -15]
    assert values_of(result)[0] == [111, 100, 101]


@pytest.mark.parametrize("longitudes", [EAST, np.roll((EAST + 180) % 360 - 180, 6)], ids=["S2 0..360", "S3 -180..180"])
def test_s2_s3_a_box_over_the_antimeridian(longitudes):
    columns = (np.asarray(longitudes) % 360 / 30).astype(int)
    result = cut(grid(longitudes, values=100 * np.arange(6)[:, None] + columns[None, :]), 170, -90, -140, 0)
    assert result.lon.values.tolist() == [180, 210]
    assert result.lat.values.tolist() == [-15, -45, -75]
    assert values_of(result)[0] == [306, 307]


def test_s4_the_box_is_closed():
    result = cut(grid(), 0, 15, 30, 45)
    assert result.lon.values.tolist() == [0, 30]
    assert result.lat.values.tolist() == [45, 15]


def test_s5_a_box_within_a_cell_gives_the_cell_and_a_warning():
    warnings = []
    result = compute(grid(), bbox=box(4, 4, 5, 5), warn=warnings.append)
    assert (result.lon.values.tolist(), result.lat.values.tolist(), values_of(result)) == ([0], [15], [[200]])
    assert len(warnings) == 1


@pytest.mark.parametrize(("inclusion", "columns"), [("centre", [0]), ("touch", [0, 30])])
def test_s6_touching_cells_share_more_than_an_edge(inclusion, columns):
    result = cut(grid(), 0, 0, 20, 20, inclusion=inclusion)
    assert result.lon.values.tolist() == columns
    assert result.lat.values.tolist() == [15]


def test_s7_the_whole_world_in_the_frame_of_the_request():
    result = cut(grid(), -180, -90, 180, 90)
    assert result.lon.values.tolist() == list(range(-180, 180, 30))
    assert values_of(result)[0] == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "steps"), [("2001-03/2001-05", [2, 3, 4]), ("2001-11/..", [10, 11]), ("../2001-02", [0, 1])]
)
def test_s8_months(text, steps):
    assert values_of(compute(monthly(), datetime=interval(text), warn=pytest.fail)) == steps


def test_s9_days_that_360_day_years_lack():
    daily = series(np.arange(360) + 0.5, calendar="360_day")
    result = compute(daily, datetime=interval("2001-02-30/2001-12-31"), warn=pytest.fail)
    assert result.sizes["time"] == 301  # 30 February, ten months of 30 days


def test_s10_a_leap_day_in_a_calendar_without_it():
    daily = series(np.arange(365) + 0.5, calendar="noleap", units="days since 2000-01-01")
    result = compute(daily, datetime=interval("2000-02-29/2000-03-01"), warn=pytest.fail)
    assert values_of(result) == [59]
    with pytest.raises(SelectionEmpty, match="2000-01-01T12:00:00 to 2000-12-31T12:00:00"):
        compute(daily, datetime=interval("2000-02-29/2000-02-29"), warn=pytest.fail)


@pytest.mark.parametrize(
    ("text", "calendar"),
    [("2000-02-30T12:00:00", "noleap"), ("2000-02-29T00:00:00", "noleap"), ("2000-01-31T06:00:00", "360_day")],
)
def test_an_instant_of_a_day_that_the_calendar_lacks_is_an_error(text, calendar):
    days = np.arange(360.0)
    daily = series(days, calendar=calendar, units="days since 2000-01-01", bounds=np.stack([days, days + 1], 1))
    with pytest.raises(SelectionEmpty, match=rf"{text} lies on a day that the data's calendar \({calendar}\) lacks"):
        compute(daily, datetime=interval(text), warn=pytest.fail)


def test_s11_a_time_outside_the_data_names_their_extent():
    with pytest.raises(SelectionEmpty, match=r"1990/1991.*2001-01-16T12:00:00 to 2001-12-16T12:00:00") as caught:
        compute(monthly(), datetime=interval("1990/1991"), warn=pytest.fail)
    assert "les données vont de" in caught.value.text.fr


def column(values, **attrs):
    return xr.Dataset({"v": ("z", np.arange(len(values), dtype="f4"))}, coords={"z": ("z", np.asarray(values), attrs)})


def test_s12_levels_in_another_unit():
    data = column([100000.0, 85000.0, 50000.0], units="Pa", positive="down", standard_name="air_pressure")
    result = compute(data, levels=Levels(span=(500, 850), unit="hPa"), warn=pytest.fail)
    assert result.z.values.tolist() == [85000, 50000]


# --- longitude ------------------------------------------------------------------------------------------------------


def test_bounds_move_with_their_columns():
    result = cut(grid(), -40, -20, 40, 50)
    assert result.lon_bnds.values.tolist() == [[-45, -15], [-15, 15], [15, 45]]


def test_bounds_of_another_frame_are_brought_beside_their_centres():
    data = grid()
    data["lon_bnds"] = (("lon", "bnds"), data.lon_bnds.values % 360)
    assert cut(data, -10, -20, 40, 50).lon_bnds.values.tolist() == [[-15, 15], [15, 45]]


def test_a_column_that_is_repeated_at_the_seam_is_given_once():
    warnings = []
    data = grid(np.arange(0.0, 361.0, 30.0))
    result = compute(data, bbox=box(-180, -90, 180, 90), warn=warnings.append)
    assert result.lon.values.tolist() == list(range(-180, 180, 30))
    assert len(warnings) == 1


def test_float32_longitudes_turn_into_clean_decimals():
    data = grid(np.arange(3595, 3600) / 10, [0.0], dtype="f4")
    result = cut(data, -0.5, -1, 0, 1)
    assert result.lon.dtype == np.float32
    assert result.lon.values.tolist() == np.float32([-0.5, -0.4, -0.3, -0.2, -0.1]).tolist()


def test_a_column_just_west_of_the_box_is_not_thrown_round_the_globe():
    data = grid([9.9999999, 10.1, 10.2], [0.0])
    assert cut(data, 10, -1, 10.2, 1).lon.values.tolist() == [9.9999999, 10.1, 10.2]


def test_the_own_extent_of_a_float32_grid_holds_all_of_it():
    data = grid(np.arange(3600) / 10, np.arange(-10, 11) / 10, dtype="f4").drop_vars(["lon_bnds", "lat_bnds"])
    whole = [float(data[name].values[at]) for at in (0, -1) for name in ("lon", "lat")]
    assert cut(data, *whole).v.shape == (21, 3600)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_cell_that_only_shares_an_edge_is_not_touched_in_any_type(dtype):
    data = grid(np.arange(100050, 102000, 100) / 1000, np.arange(88050, 89000, 100) / 1000, dtype=dtype)
    edges = {name: (data[name].astype("f8").values.round(3) + np.array([[-0.05], [0.05]])).T for name in ("lon", "lat")}
    for name, each in edges.items():
        data[f"{name}_bnds"] = ((name, "bnds"), each.round(3).astype(dtype))
    result = cut(data, 100.5, 88, 101, 88.1, inclusion="touch")
    assert result.lat.values.tolist() == np.array([88.05], dtype).tolist()
    assert result.lon.values.tolist() == np.array([100.55, 100.65, 100.75, 100.85, 100.95], dtype).tolist()


@pytest.mark.parametrize("edge", [-88.73239135742188, -88.73239, -88.7323944])
def test_a_box_up_to_a_row_of_a_real_file_has_the_row(shared_data, edge):
    path = next((shared_data / "climate").glob("rlds_Amon_IPSL*"))
    with open_dataset(path) as dataset:
        assert cut(dataset, 2.5, -90, 7.5, edge).sizes["lat"] == 2


@pytest.mark.parametrize("west", [-360, -270, 0, 275])
def test_any_turn_of_the_box_finds_the_same_cells(west):
    result = cut(grid(), west, -20, west + 80, 50)
    again = cut(grid(), west % 360, -20, west % 360 + 80, 50)
    assert values_of(result) == values_of(again)
    assert result.lon.values[0] >= west


def test_an_axis_that_jumps_at_greenwich_is_put_in_order():
    data = grid([330.0, 0.0, 30.0], [0.0])
    assert values_of(cut(data, -90, -10, 90, 10)) == [[0, 1, 2]]


LONGITUDE_STEPS = st.sampled_from([10.0, 30.0, 45.0, 60.0, 90.0])
ANGLES = st.integers(-360, 360)


@given(step=LONGITUDE_STEPS, west=ANGLES, width=st.integers(0, 360), touch=st.booleans())
def test_both_conventions_give_the_same_answer(step, west, width, touch):
    east_frame = np.arange(0.0, 360.0, step)
    west_frame = np.sort((east_frame + 180) % 360 - 180)
    answers = []
    for longitudes in (east_frame, west_frame):
        data = grid(longitudes, [0.0], values=[np.asarray(longitudes) % 360])
        result = compute(
            data, bbox=box(west, -10, west + width, 10), inclusion="touch" if touch else "centre", warn=lambda _: None
        )
        answers.append((result.lon.values.tolist(), values_of(result)))
    assert answers[0] == answers[1]


@given(step=LONGITUDE_STEPS, start=ANGLES, west=ANGLES, width=st.integers(0, 360))
def test_columns_ascend_lie_in_the_box_and_none_is_forgotten(step, start, west, width):
    longitudes = start + np.arange(0.0, 360.0, step)
    inside = {lon % 360 for lon in longitudes if any(west <= lon + 360 * turn <= west + width for turn in range(-4, 5))}
    if not inside:
        return
    result = compute(grid(longitudes, [0.0]), bbox=box(west, -10, west + width, 10), warn=lambda _: None)
    found = result.lon.values
    assert np.all(np.diff(found) > 0)
    assert np.all((found >= west) & (found <= west + width))
    assert {lon % 360 for lon in found} == inside


# --- latitude and the box -------------------------------------------------------------------------------------------


def test_ascending_latitudes_stay_ascending():
    assert cut(grid(latitudes=NORTH[::-1]), 0, -20, 30, 50).lat.values.tolist() == [-15, 15, 45]


def test_descending_latitudes_are_not_an_empty_slice():
    assert cut(grid(), 0, -40, 30, 40).lat.values.tolist() == [15, -15]


def test_a_box_outside_names_the_extent():
    regional = grid([0.0, 30.0, 60.0], [45.0, 15.0])
    with pytest.raises(SelectionEmpty, match="from 0 to 60 in longitude and from 15 to 45 in latitude"):
        cut(regional, 120, 0, 150, 50)


def test_no_longitude_is_named():
    data = xr.Dataset({"v": (("lat", "lon"), np.zeros((2, 2), "f4"))})
    with pytest.raises(DatasetUnsuitable, match="no coordinate for longitude and latitude"):
        cut(data, 0, 0, 1, 1)


def test_stations_have_no_box():
    data = xr.Dataset(
        {"v": ("station", np.zeros(3, "f4"), {"coordinates": "lon lat"})},
        coords={
            "lon": ("station", [1.0, 2.0, 3.0], {"units": "degrees_east"}),
            "lat": ("station", [1.0, 2.0, 3.0], {"units": "degrees_north"}),
        },
        attrs={"featureType": "timeSeries"},
    )
    with pytest.raises(DatasetUnsuitable, match="3 points along 'station'"):
        cut(data, 0, 0, 5, 5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lon", np.nan, "'lon' has missing values"),
        ("lat", np.nan, "missing values"),
        ("lat", 170.0, "outside -90 to 90"),
    ],
)
def test_coordinates_without_sense_are_refused(name, value, words):
    data = grid()
    spoilt = data[name].values.copy()
    spoilt[1] = value
    with pytest.raises(DatasetUnsuitable, match=words):
        cut(data.assign_coords({name: (name, spoilt, data[name].attrs)}), 0, 0, 30, 30)


def test_a_thin_box_without_height_finds_its_row():
    result = compute(grid(), bbox=box(0, 20, 60, 20), warn=lambda _: None)
    assert (result.lat.values.tolist(), result.lon.values.tolist()) == ([15], [0, 30, 60])


def test_touch_without_stored_bounds_uses_the_middles():
    data = grid().drop_vars(["lon_bnds", "lat_bnds"])
    result = cut(data, 0, 0, 20, 20, inclusion="touch")
    assert (result.lon.values.tolist(), result.lat.values.tolist()) == ([0, 30], [15])
    assert result.lon_bnds.values.tolist() == [[-15, 15], [15, 45]]
    assert (result.lat_bnds.values.tolist(), result.lat.attrs["bounds"]) == ([[30, 0]], "lat_bnds")


# --- grids on a plane -----------------------------------------------------------------------------------------------


def plane(longitudes, latitudes, *, extra=None):
    """Make a curvilinear grid; values are 10 · row + column."""
    shape = np.asarray(longitudes).shape
    values = 10 * np.arange(shape[0])[:, None] + np.arange(shape[1])[None, :]
    variables = {
        "v": (("y", "x"), np.asarray(values, "f4"), {"coordinates": "nav_lon nav_lat", "_FillValue": np.float32(-9)}),
        "nav_lon": (("y", "x"), np.asarray(longitudes, "f8"), {"standard_name": "longitude", "units": "degrees_east"}),
        "nav_lat": (("y", "x"), np.asarray(latitudes, "f8"), {"standard_name": "latitude", "units": "degrees_north"}),
    }
    return xr.Dataset({**variables, **(extra or {})})


def slanted():
    """Make a grid of 4 x 4 whose longitudes grow by one more in each row."""
    columns, rows = np.meshgrid(np.arange(4.0), np.arange(4.0))
    return plane((columns + rows - 1) % 360, rows)


def test_a_window_is_cut_and_cells_outside_the_box_are_missing():
    result = cut(slanted(), -0.5, -0.5, 1.5, 1.5)
    # Row 0 has longitudes -1 0 1 2, row 1 has 0 1 2 3: columns 0 to 2, of which (0, 0) and (1, 2) lie outside.
    assert values_of(result) == [[-9, 1, 2], [10, 11, -9]]
    assert result.nav_lon.values.tolist() == [[-1, 0, 1], [0, 1, 2]]


def test_cells_outside_the_box_are_kept_on_demand():
    assert values_of(cut(slanted(), -0.5, -0.5, 1.5, 1.5, mask_outside=False)) == [[0, 1, 2], [10, 11, 12]]


def test_integers_without_a_fill_value_get_one_with_the_mask():
    data = slanted()
    data["n"] = (("y", "x"), np.ones((4, 4), "i2"), {"coordinates": "nav_lon nav_lat"})
    result = cut(data, -0.5, -0.5, 1.5, 1.5)
    assert values_of(result, "n")[0] == [-32767, 1, 1]
    assert result.n.attrs["_FillValue"] == -32767


def test_cells_without_coordinates_never_match():
    data = slanted()
    data.nav_lon.values[0, 1] = np.nan
    assert values_of(cut(data, -0.5, -0.5, 1.5, 1.5)) == [[-9, -9, 2], [10, 11, -9]]


def test_touching_cells_of_a_plane():
    columns, rows = np.meshgrid(np.arange(4.0), np.arange(4.0))
    result = cut(plane(columns, rows), 0.6, 0.6, 1.4, 1.6, inclusion="touch")
    assert values_of(result) == [[11], [21]]  # cell (1, 1) spans 0.5 … 1.5, cell (2, 1) begins at 1.5


def test_a_box_up_to_a_cell_of_a_float32_plane_has_the_cell():
    columns, rows = np.meshgrid(np.arange(3590, 3600) / 10, np.arange(5) / 10)
    data = plane(columns, rows)
    for name in ("nav_lon", "nav_lat"):
        data[name] = data[name].astype("f4")
    for edge in (359.9, float(np.float32(359.9))):
        assert cut(data, edge - 0.2, 0, edge, 0.4).v.shape == (5, 3)
        assert cut(data, edge, 0, 360, 0.4).v.shape == (5, 1)


def test_a_box_within_a_cell_of_a_plane_gives_the_cell():
    warnings = []
    columns, rows = np.meshgrid(np.arange(4.0), np.arange(4.0))
    result = compute(plane(columns, rows), bbox=box(2.2, 1.2, 2.3, 1.3), warn=warnings.append)
    assert (values_of(result), len(warnings)) == ([[12]], 1)


def test_a_box_outside_a_plane_names_the_extent():
    columns, rows = np.meshgrid(np.arange(4.0), np.arange(4.0))
    with pytest.raises(SelectionEmpty, match="from 0 to 3 in longitude"):
        cut(plane(columns, rows), 20, 20, 30, 30)


def test_corners_come_along_beside_their_centres():
    columns, rows = np.meshgrid([358.0, 359.0, 0.0, 1.0], np.arange(2.0))
    corners = np.stack([columns - 0.5, columns + 0.5, columns + 0.5, columns - 0.5], -1) % 360
    data = plane(columns, rows, extra={"nav_lon_bnds": (("y", "x", "k"), corners)})
    data.nav_lon.attrs["bounds"] = "nav_lon_bnds"
    result = cut(data, -1, 0, 1, 0)
    assert result.nav_lon.values.tolist() == [[-1, 0, 1]]
    assert result.nav_lon_bnds.values[0, 1].tolist() == [-0.5, 0.5, 0.5, -0.5]


def test_a_halo_is_named_and_dropped_on_demand():
    columns, rows = np.meshgrid([0.0, 1.0, 2.0, 0.0], np.arange(2.0))
    warnings = []
    twice = compute(plane(columns, rows), bbox=box(-1, -1, 3, 3), warn=warnings.append)
    once = compute(plane(columns, rows), bbox=box(-1, -1, 3, 3), drop_halo=True, warn=pytest.fail)
    assert (twice.sizes["x"], once.sizes["x"], len(warnings)) == (4, 3, 1)


def rotated():
    """Make a rotated pole grid of 3 x 3 that has no longitudes and latitudes of its own, around 0 E 52.5 N."""
    axes = [-1.0, 0.0, 1.0]
    return xr.Dataset(
        {
            "v": (("rlat", "rlon"), np.arange(9, dtype="f4").reshape(3, 3), {"grid_mapping": "pole"}),
            "pole": ((), np.int32(0), {
                "grid_mapping_name": "rotated_latitude_longitude",
                "grid_north_pole_latitude": 37.5,
                "grid_north_pole_longitude": 180.0,
                "earth_radius": 6371229.0,
            }),
        },
        coords={
            "rlon": ("rlon", axes, {"standard_name": "grid_longitude", "units": "degrees", "axis": "X"}),
            "rlat": ("rlat", axes, {"standard_name": "grid_latitude", "units": "degrees", "axis": "Y"}),
        },
    )  # fmt: skip


def test_a_rotated_pole_is_computed_from_its_mapping():
    result = cut(rotated(), -0.1, 52.4, 0.1, 52.6)
    assert (values_of(result), result.rlon.values.tolist()) == ([[4]], [0])
    assert "pole" in result.variables
    assert result.attrs["geospatial_lat_max"] == pytest.approx(52.5)


def test_an_unknown_mapping_is_named():
    data = rotated()
    data.pole.attrs["grid_mapping_name"] = "peeled_orange"
    with pytest.raises(DatasetUnsuitable, match="'peeled_orange'"):
        cut(data, -1, 52, 1, 53)


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("2001-01-01/2001-01-01", [0, 1, 2, 3]),  # a partial end is its last instant: 00 06 12 18
        ("2001-01-01T00:00:00/2001-01-01T12:00:00", [0, 1, 2]),
        ("2001-01-01T06/2001-01-01T06", [1]),
        ("2001-01-01T06:00:00", [1]),
        ("2001-01-02/..", [4]),
        ("2001", [0, 1, 2, 3, 4]),
        ("../..", [0, 1, 2, 3, 4]),
    ],
)
def test_both_ends_are_closed_to_their_precision(text, steps):
    assert values_of(compute(series([0, 0.25, 0.5, 0.75, 1]), datetime=interval(text), warn=pytest.fail)) == steps


def test_an_instant_is_the_step_whose_bounds_hold_it():
    assert values_of(compute(monthly(), datetime=interval("2001-03-31T23:00:00"), warn=pytest.fail)) == [2]


def test_an_instant_between_steps_without_bounds_is_an_error():
    with pytest.raises(SelectionEmpty):
        compute(series([0, 1, 2]), datetime=interval("2001-01-01T12:00:00"), warn=pytest.fail)


def test_steps_named_by_their_end_are_compared_by_their_middle():
    data = series([31, 59, 90], bounds=[[0, 31], [31, 59], [59, 90]])
    assert values_of(compute(data, datetime=interval("2001-02"), warn=pytest.fail)) == [1]


def test_31_december_and_29_february_do_not_crash_in_other_calendars():
    daily = series(np.arange(360) + 0.5, calendar="360_day")
    assert compute(daily, datetime=interval("2001-01-01/2001-12-31"), warn=pytest.fail).sizes["time"] == 360


def test_days_that_the_papal_reform_left_out_are_passed_over():
    daily = series([0.5, 1.5], units="days since 1582-10-04")
    assert values_of(compute(daily, datetime=interval("1582-10-10/1582-10-15"), warn=pytest.fail)) == [1]


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({"units": ""}, "has no units"),
        ({"units": "days since the flood"}, "the flood"),
        ({"calendar": "martian"}, "martian"),
    ],
)
def test_a_time_that_is_no_time_is_quoted_only_when_dates_are_asked(attrs, words):
    data = series([0, 1], attrs=attrs)
    assert compute(data, warn=pytest.fail).sizes["time"] == 2
    with pytest.raises(DatasetUnsuitable, match=words):
        compute(data, datetime=interval("2001"), warn=pytest.fail)


def test_no_time_at_all_is_said():
    with pytest.raises(DatasetUnsuitable, match="no time axis"):
        compute(grid(), datetime=interval("2001"), warn=pytest.fail)


@pytest.mark.parametrize(("days", "kept"), [([0, 1, 1, 2], [1, 2, 3]), ([2, 1, 0, 3], [0, 1, 3])])
def test_repeated_and_unordered_steps_are_all_found_and_said(days, kept):
    warnings = []
    result = compute(series(days), datetime=interval("2001-01-02/.."), warn=warnings.append)
    assert (values_of(result), len(warnings)) == (kept, 1)


def test_nemo_time_lies_beside_its_dimension():
    data = series([0, 31]).rename(time="time_counter")
    data = data.assign_coords(time_counter=("time_counter", [7.0, 8.0], {"axis": "T"}))
    attrs = {"standard_name": "time", "units": "days since 2001-01-01", "calendar": "360_day"}
    data["time_centered"] = ("time_counter", [15.0, 45.0], attrs)
    data.v.attrs["coordinates"] = "time_centered"
    assert values_of(compute(data, datetime=interval("2001-02"), warn=pytest.fail)) == [1]


@given(st.sampled_from(["standard", "noleap", "360_day", "julian"]), st.integers(0, 700), st.integers(0, 700))
def test_days_are_found_as_their_dates_say(calendar, first, length):
    units = "days since 2000-01-01"
    dates = cftime.num2date(np.arange(730), units, calendar)
    start, end = dates[first], dates[min(first + length, 729)]
    text = "/".join(f"{each.year}-{each.month}-{each.day}" for each in (start, end))
    result = compute(
        series(np.arange(730) + 0.5, calendar=calendar, units=units), datetime=interval(text), warn=pytest.fail
    )
    assert values_of(result) == list(range(first, min(first + length, 729) + 1))


# --- levels ---------------------------------------------------------------------------------------------------------

PRESSURE = {"units": "Pa", "positive": "down", "standard_name": "air_pressure"}
DEPTH = {"units": "m", "positive": "down", "standard_name": "depth"}


def test_levels_keep_the_order_of_the_source():
    data = column([100000.0, 85000.0, 50000.0], **PRESSURE)
    result = compute(data, levels=Levels(values=(500, 1000), unit="hPa"), warn=pytest.fail)
    assert result.z.values.tolist() == [100000, 50000]


def test_levels_match_within_a_thousandth():
    data = column(np.float32([0.506, 1.5556]), **DEPTH)
    assert values_of(compute(data, levels=Levels(values=(1.555,)), warn=pytest.fail)) == [1]
    with pytest.raises(SelectionEmpty, match=r"the levels are 0\.506, 1\.5556 m"):
        compute(data, levels=Levels(values=(1.5,)), warn=pytest.fail)


def test_the_nearest_level_only_on_demand():
    data = column([0.0, 10.0], **DEPTH)
    assert values_of(compute(data, levels=Levels(values=(8.0,)), nearest_level=True, warn=pytest.fail)) == [1]


def test_units_that_differ_are_named():
    with pytest.raises(DatasetUnsuitable, match=r"'hPa'.*'m'"):
        compute(column([0.0, 10.0], **DEPTH), levels=Levels(values=(850,), unit="hPa"), warn=pytest.fail)


def test_a_flat_dataset_has_no_levels():
    with pytest.raises(DatasetUnsuitable, match="none of the variables has levels"):
        compute(grid(), levels=Levels(values=(850,)), warn=pytest.fail)


def test_variables_without_levels_are_kept():
    data = column([0.0, 10.0], **DEPTH)
    data["flat"] = ((), np.float32(7))
    result = compute(data, levels=Levels(values=(10.0,)), warn=pytest.fail)
    assert (values_of(result), values_of(result, "flat")) == ([1], 7)


def test_heights_of_a_box_select_depths_below_zero():
    data = grid().expand_dims(z=2).assign_coords(z=("z", [5.0, 50.0], DEPTH))
    result = compute(data, bbox=box(0, 0, 30, 30, bottom=-10.0, top=0.0), warn=pytest.fail)
    assert result.z.values.tolist() == [5]


def test_heights_of_a_box_need_heights():
    data = grid().expand_dims(z=2).assign_coords(z=("z", [100000.0, 50000.0], PRESSURE))
    with pytest.raises(DatasetUnsuitable, match="heights"):
        compute(data, bbox=box(0, 0, 30, 30, bottom=0.0, top=10.0), warn=pytest.fail)


def test_hybrid_levels_keep_their_terms():
    data = column([1.0, 2.0], axis="Z", units="1", positive="up", formula_terms="a: a b: b orog: orog")
    data["a"], data["b"], data["orog"] = ("z", [10.0, 20.0]), ("z", [0.9, 0.8]), ((), 3.0)
    result = compute(data, variables=("v",), levels=Levels(values=(2.0,)), warn=pytest.fail)
    assert (values_of(result, "a"), values_of(result, "b"), values_of(result, "orog")) == ([20], [0.8], 3)


# --- what is kept ---------------------------------------------------------------------------------------------------


def rich():
    """Make G with everything that a variable can refer to."""
    data = grid()
    data.v.attrs |= {
        "coordinates": "height", "cell_measures": "area: areacella", "ancillary_variables": "flag", "grid_mapping": "crs",
        "cell_methods": "time: mean",
    }  # fmt: skip
    data["height"] = ((), 2.0, {"units": "m", "_FillValue": np.nan})
    data["areacella"] = (("lat", "lon"), np.ones((6, 12)), {"units": "m2"})
    data["flag"] = (("lat", "lon"), np.ones((6, 12), "i1"), {"flag_values": np.int8([0, 1]), "flag_meanings": "a b"})
    data["crs"] = ((), np.int32(0), {"grid_mapping_name": "latitude_longitude"})
    data["other"] = (("lat", "lon"), np.ones((6, 12)))
    data.lon_bnds.attrs |= {"coordinates": "height", "_FillValue": np.nan}
    data.lon.attrs["_FillValue"] = np.nan
    return data


def test_what_belongs_to_a_variable_comes_along_and_is_cut_too():
    result = cut(rich(), -40, -20, 40, 50, variables=("v",))
    assert set(result.variables) == {
        "v", "lon", "lat", "lon_bnds", "lat_bnds", "height", "areacella", "flag", "crs"
    }  # fmt: skip
    assert result.areacella.shape == result.flag.shape == (3, 3)
    assert result.v.attrs["cell_methods"] == "time: mean"


def test_coordinates_have_no_fill_value_and_bounds_no_coordinates():
    result = compute(rich(), warn=pytest.fail)
    assert "_FillValue" not in {*result.lon.attrs, *result.lon_bnds.attrs, *result.height.attrs}
    assert "coordinates" not in result.lon_bnds.attrs


def test_an_auxiliary_coordinate_with_missing_cells_keeps_its_mark():
    data = slanted()
    data.nav_lon.values[3, 3] = 1e20
    data.nav_lon.attrs["_FillValue"] = data.nav_lat.attrs["_FillValue"] = 1e20
    result = compute(data, warn=pytest.fail)
    assert "_FillValue" in result.nav_lon.attrs
    assert "_FillValue" not in result.nav_lat.attrs


def test_climatology_bounds_come_along():
    data = series([15, 46], attrs={"climatology": "climatology_bounds"})
    data["climatology_bounds"] = (("time", "bnds"), [[0.0, 3650.0], [31.0, 3680.0]])
    result = compute(data, variables=("v",), datetime=interval("2001-02"), warn=pytest.fail)
    assert result.climatology_bounds.values.tolist() == [[31, 3680]]


def test_packed_data_stay_packed():
    data = grid()
    data["v"] = (("lat", "lon"), np.arange(72, dtype="i2").reshape(6, 12), {"scale_factor": 0.01, "add_offset": 5.0})
    result = cut(data, 0, 40, 30, 50)
    assert (result.v.dtype, values_of(result), result.v.attrs["scale_factor"]) == (np.int16, [[12, 13]], 0.01)


def test_an_unknown_variable_is_refused_with_those_there_are():
    with pytest.raises(InvalidInputs, match="'w'; the dataset has v") as caught:
        compute(grid(), variables=("v", "w"), warn=pytest.fail)
    assert [(fault.pointer, fault.allowed) for fault in caught.value.faults] == [("/inputs/variables/1", ("v",))]


def test_the_extent_really_returned_is_stated():
    data = grid().assign_attrs(geospatial_lon_min=0.0, geospatial_bounds="POLYGON")
    result = cut(data, -40, -20, 40, 50)
    assert {name: result.attrs[name] for name in result.attrs if name.endswith(("_min", "_max"))} == {
        "geospatial_lon_min": -30, "geospatial_lon_max": 30, "geospatial_lat_min": -15, "geospatial_lat_max": 45
    }  # fmt: skip
    assert "geospatial_bounds" not in result.attrs


def test_the_time_really_returned_is_stated_in_the_calendar_of_the_data():
    daily = series(np.arange(360), calendar="360_day")
    result = compute(daily, datetime=interval("2001-02"), warn=pytest.fail)
    assert result.attrs["time_coverage_end"] == "2001-02-30T00:00:00"


def test_the_source_is_left_as_it_is():
    data = rich()
    before = data.copy(deep=True)
    cut(data, -40, -20, 40, 50)
    xr.testing.assert_identical(data, before)
