"""Values at points: the cases of the contract, which can be counted by hand, and the rules around them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from gaia_processes.errors import DatasetUnsuitable, InvalidInputs
from gaia_processes.extract_points.compute import compute
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.duration import parse_duration

NAN = float("nan")


def points(*pairs, **columns):
    """Make points of pairs of longitude and latitude."""
    x, y = (np.array([pair[at] for pair in pairs], "f8") for at in (0, 1))
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(x, y), crs="OGC:CRS84")


def grid(longitudes=range(0, 360, 30), latitudes=(75, 45, 15, -15, -45, -75), values=None, dtype="f8", **attrs):
    """Make the grid G of the contract: a value is 100 times its row plus its column."""
    shape = (len(latitudes), len(longitudes))
    if values is None:
        values = 100 * np.arange(shape[0])[:, np.newaxis] + np.arange(shape[1])
    return xr.Dataset(
        {"v": (("lat", "lon"), np.asarray(values, dtype), attrs)},
        {
            "lon": ("lon", np.asarray(longitudes, "f8"), {"units": "degrees_east"}),
            "lat": ("lat", np.asarray(latitudes, "f8"), {"units": "degrees_north"}),
        },
    )


def months(values, calendar="standard", *, bounds=True):
    """Make one cell with a value a month of 2001, named by the middle of the month."""
    ends = xr.date_range("2001-01-01", periods=len(values) + 1, freq="MS", calendar=calendar, use_cftime=True)
    days = np.array([(end - ends[0]).days for end in ends], "f8")
    time = {"units": "days since 2001-01-01", "calendar": calendar, "standard_name": "time"}
    made = grid((0.0, 10.0), (0.0, 10.0), np.zeros((2, 2))).drop_vars("v")
    made["v"] = (
        ("time", "lat", "lon"),
        np.broadcast_to(np.reshape(values, (-1, 1, 1)), (len(values), 2, 2)).astype("f8"),
    )
    made["time"] = ("time", (days[:-1] + days[1:]) / 2, time | ({"bounds": "time_bnds"} if bounds else {}))
    if bounds:
        made["time_bnds"] = (("time", "bnds"), np.stack([days[:-1], days[1:]], axis=1))
    return made.drop_indexes(list(made.xindexes))


def extract(dataset, where, **options):
    """Give the rows, where nobody is to be warned."""
    table = compute(dataset, where, **{"warn": pytest.fail, **options})
    frame = pd.concat(list(table.frames()), ignore_index=True)
    assert table.rows == len(frame)
    return frame


def nobody(_text):
    """Hear a warning that does not matter here."""


# --- the cases of the contract --------------------------------------------------------------------------------------


def test_e1_the_nearest_cell_is_found_across_the_seam():
    found = extract(grid(), points((356, 16), (-4, 16)))
    assert found["v"].tolist() == [200, 200]
    assert found["grid_longitude"].tolist() == [0, 0]
    assert found["status"].tolist() == ["ok", "ok"]


def test_e2_interpolation_crosses_the_seam():
    assert extract(grid(), points((345, 30)), method="bilinear")["v"].tolist() == [155.5]


def test_e3_interpolation_along_a_row():
    assert extract(grid(), points((15, 15)), method="bilinear")["v"].tolist() == [200.5]


def test_e4_a_missing_corner_leaves_its_weight_to_the_others():
    dataset = grid()
    dataset["v"][1, 11] = NAN
    found = extract(dataset, points((345, 30)), method="bilinear")
    np.testing.assert_allclose(found["v"], [(100 + 211 + 200) / 3])


def test_e5_a_latitude_beyond_the_pole_is_a_bad_coordinate_and_keeps_its_row():
    found = extract(grid(), points((10, 91), (0, 15), name=["lost", "found"]), warn=nobody)
    assert found["status"].tolist() == ["bad_coordinate", "ok"]
    assert found["name"].tolist() == ["lost", "found"]
    assert np.isnan(found.loc[0, ["v", "distance_km", "grid_longitude", "grid_latitude"]].astype(float)).all()


def test_e6_the_month_that_contains_an_observation_is_taken_not_the_nearest_middle():
    dataset = months(np.arange(1, 13))
    found = extract(dataset, points((0, 0), seen=["2001-03-31T23:00"]), match_time="seen")
    assert found["v"].tolist() == [3]
    nearest = extract(dataset, points((0, 0), seen=["2001-03-31T23:00"]), match_time="seen", time_method="nearest")
    assert nearest["v"].tolist() == [4]


# --- where points lie -----------------------------------------------------------------------------------------------


def test_times_that_are_no_dates_stand_in_their_column_as_they_are():
    forecast = months([5.0, 7.0], bounds=False)
    forecast["time"] = ("time", [24.0, 36.0], {"units": "hours", "standard_name": "time"})
    found = extract(forecast.drop_indexes(list(forecast.xindexes)), points((0, 0)))
    assert found["time"].tolist() == [24, 36]
    assert found["v"].tolist() == [5, 7]


def test_order_repetitions_and_columns_of_the_points_are_kept():
    where = points((30, 45), (0, 75), (30, 45), name=["b", "a", "b"], count=[2, 1, 2])
    found = extract(grid(), where)
    assert found.columns.tolist() == [
        "name", "count", "geometry", "v", "distance_km", "grid_longitude", "grid_latitude", "status",
    ]  # fmt: skip
    assert found["v"].tolist() == [101, 0, 101]
    assert found["name"].tolist() == ["b", "a", "b"]


def test_the_distance_is_that_of_the_great_circle_to_the_centre():
    found = extract(grid(), points((0, 15), (1, 15)))
    np.testing.assert_allclose(
        found["distance_km"], [0, 6371 * 2 * np.arcsin(np.cos(np.radians(15)) * np.sin(np.radians(0.5)))]
    )


def test_a_point_outside_of_a_regional_grid_has_no_value_however_near():
    found = extract(grid((0, 10, 20), (40, 50)), points((24, 45.1), (26, 45), (10, 56), (-5, 40)), warn=nobody)
    assert found["status"].tolist() == ["ok", "outside", "outside", "ok"]
    assert found["v"].isna().tolist() == [False, True, True, False]


def test_a_greatest_distance_takes_the_place_of_the_cell():
    regional, where = grid((0, 10, 20), (40, 50)), points((26, 50), (11, 50))
    assert extract(regional, where, max_distance_km=600)["status"].tolist() == ["ok", "ok"]
    assert extract(regional, where, max_distance_km=100, warn=nobody)["status"].tolist() == ["outside", "ok"]


def test_interpolation_ends_at_the_outermost_centres_of_a_regional_grid():
    found = extract(grid((0, 10, 20), (40, 50)), points((22, 45), (10, 52), (20, 50)), method="bilinear")
    assert found["status"].tolist() == ["missing_value", "missing_value", "ok"]
    assert found["v"].tolist()[2] == 102


def test_beyond_the_last_row_of_a_global_grid_the_pole_is_the_mean_of_that_row():
    found = extract(grid(), points((180, 90), (30, 82.5)), method="bilinear")
    np.testing.assert_allclose(found["v"], [5.5, (5.5 + 1) / 2])


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_where_all_points_lie_outside_each_keeps_its_row_without_a_value(method):
    small = grid(range(0, 40, 10), (0.0, 10.0), np.zeros((2, 4)))
    found = extract(small, points((90, 5), (5, 80)), method=method, warn=nobody)
    assert found["v"].isna().tolist() == [True, True]
    assert found["status"].tolist() == ["outside", "outside"]


@pytest.mark.parametrize(("least", "value"), [(0.5, 0.0), (0.76, NAN)])
def test_less_valid_weight_than_asked_is_missing(least, value):
    dataset = grid((0, 90, 180, 270), (10, -10), [[0, 10, 20, NAN], [0, 10, 20, NAN]])
    found = extract(dataset, points((337.5, 0)), method="bilinear", min_valid_fraction=least)
    np.testing.assert_allclose(found["v"], [value])


def test_points_without_a_place_are_bad_coordinates():
    where = points((NAN, 0), (0, NAN), (400, 0), (0, 0))
    where.loc[3, "geometry"] = None
    assert set(extract(grid(), where, warn=nobody)["status"]) == {"bad_coordinate"}


def test_points_in_a_plane_are_brought_to_longitudes_and_latitudes():
    where = points((2.35, 48.85)).to_crs("EPSG:2154")
    assert extract(grid(), where)["v"].tolist() == [100]


def test_points_beside_a_box_are_outside():
    found = extract(grid(), points((0, 15), (60, 15)), bbox=Bbox(west=-10, south=0, east=10, north=20), warn=nobody)
    assert found["status"].tolist() == ["ok", "outside"]


def test_near_a_pole_the_nearest_centre_may_lie_on_another_row():
    dataset = grid(range(0, 360, 90), (80, 60, -60, -80))
    # 45 degrees from every meridian, the foot of the point lies above its latitude.
    found = extract(dataset, points((45, 69)))
    x, y = np.meshgrid(np.arange(0, 360, 90), [80, 60, -60, -80])
    apart = [
        shapely.distance(shapely.Point(*unit(45, 69)), shapely.Point(*unit(a, b)))
        for a, b in zip(x.flat, y.flat, strict=True)
    ]
    assert found["grid_latitude"].tolist() == [80]
    assert np.argmin(np.round(apart, 9)) < 4


def unit(x, y):
    """Give a place on the plane around the north pole, on which distances there have the order of those on the sphere."""
    return (90 - y) * np.cos(np.radians(x)), (90 - y) * np.sin(np.radians(x))


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(-180, 180, allow_nan=False),
    y=st.floats(-89, 89, allow_nan=False),
    method=st.sampled_from(["nearest", "bilinear"]),
)
def test_frames_of_longitudes_of_points_and_of_data_do_not_matter(x, y, method):
    east, west = grid(), grid()
    west = west.isel(lon=[*range(6, 12), *range(6)])
    west["lon"] = ("lon", np.arange(-180.0, 180.0, 30.0), {"units": "degrees_east"})
    values = [
        extract(dataset, points((longitude, y)), method=method)["v"][0]
        for dataset in (east, west)
        for longitude in (x, x + 360 if x < 0 else x - 360)
    ]
    if method == "bilinear" or abs((x + 15) % 30) > 1e-6:  # of two equally near cells the first is taken
        np.testing.assert_allclose(values, values[0], atol=1e-6)


# --- missing values -------------------------------------------------------------------------------------------------


def test_a_missing_cell_is_missing_and_the_coast_is_searched_on_demand():
    dataset = grid((0, 1, 2, 3), (0, 1, 2), [[1, 2, 3, 4], [5, NAN, NAN, 8], [9, NAN, NAN, 12]])
    where = points((1.1, 1), (2, 2), (3, 1))
    plain = extract(dataset, where)
    assert plain["status"].tolist() == ["missing_value", "missing_value", "ok"]
    found = extract(dataset, where, nearest_valid_km=200)
    assert found["v"].tolist() == [2, 12, 8]
    assert found["grid_longitude"].tolist() == [1, 3, 3]
    assert extract(dataset, where, nearest_valid_km=50)["status"].tolist() == ["missing_value", "missing_value", "ok"]


def test_a_coast_may_differ_from_step_to_step():
    dataset = grid((0, 1, 2), (0, 1))
    first, second = np.array([[1.0, NAN, 3], [4, 5, 6]]), np.array([[1.0, NAN, 3], [4, NAN, 6]])
    dataset["v"] = (("time", "lat", "lon"), np.stack([first, second]))
    dataset["time"] = ("time", [0.0, 1.0], {"units": "days since 2001-01-01"})
    dataset = dataset.drop_indexes(list(dataset.xindexes))
    found = extract(dataset, points((1.05, 0)), nearest_valid_km=150)
    assert found["v"].tolist() == [3, 3]
    assert extract(dataset, points((1.0, 0.3)), nearest_valid_km=150)["v"].tolist() == [5, 1]


def test_packed_values_are_unpacked_and_marks_of_missing_values_are_missing():
    dataset = grid(
        (0, 10), (0, 10), [[-9, 1], [2, 3]], "i2", scale_factor=0.5, add_offset=10.0, _FillValue=np.int16(-9)
    )
    found = extract(dataset, points((0, 0), (10, 0), (10, 10)))
    np.testing.assert_array_equal(found["v"], [NAN, 10.5, 11.5])


def test_whole_numbers_stay_whole_with_the_nearest_cell():
    dataset = grid((0, 10), (0, 10), [[-1, 112], [311, 1]], "i2", _FillValue=np.int16(-1))
    found = extract(dataset, points((0, 0), (10, 0)))
    assert str(found["v"].dtype) == "Int16"
    assert found["v"].isna().tolist() == [True, False]
    assert extract(dataset, points((10, 5)), method="bilinear")["v"].tolist() == [56.5]


def test_categories_are_never_interpolated():
    dataset = grid(
        (0, 10), (0, 10), [[1, 2], [3, 4]], "i2", flag_values=np.array([1, 2, 3, 4], "i2"), flag_meanings="a b c d"
    )
    assert extract(dataset, points((4, 1)), method="bilinear")["v"].tolist() == [1]


# --- time and levels ------------------------------------------------------------------------------------------------


def test_without_a_time_of_its_own_a_point_has_a_row_a_step():
    found = extract(months([1, 2, 3]), points((0, 0), (10, 10), name=["a", "b"]))
    assert found["name"].tolist() == ["a"] * 3 + ["b"] * 3
    assert found["v"].tolist() == [1, 2, 3] * 2
    assert found["time"].tolist()[:2] == ["2001-01-16T12:00:00", "2001-02-15T00:00:00"]


@pytest.mark.parametrize(
    ("calendar", "seen", "month"),
    [
        ("360_day", "2001-03-31", 3),
        ("noleap", "2001-02-29", 2),
        ("standard", "2001-12-31T23:59:59Z", 12),
        ("standard", "2001-04-01T01:00+02:00", 3),
        ("standard", "2001-05", 5),
    ],
)
def test_dates_are_those_of_the_calendar_of_the_data(calendar, seen, month):
    found = extract(months(np.arange(1, 13), calendar), points((0, 0), seen=[seen]), match_time="seen")
    assert found["v"].tolist() == [month]


@pytest.mark.parametrize("seen", ["2002-01-01", "1999-03-05", "2001", "yesterday", None])
def test_without_a_step_a_value_is_missing_never_that_of_the_closest_year(seen):
    where = points((0, 0), (0, 0), seen=[seen, "2001-01-02"])
    for method in ("containing", "nearest", "linear"):
        found = extract(months(np.arange(1, 13)), where, match_time="seen", time_method=method, warn=nobody)
        assert found["status"][0] == "missing_value"
        assert found["time"].isna()[0]


def test_a_date_alone_means_the_day():
    dataset = grid((0.0, 10.0), (0.0, 10.0), np.zeros((2, 2)))
    dataset["v"] = (("time", "lat", "lon"), np.broadcast_to(np.arange(4.0).reshape(-1, 1, 1), (4, 2, 2)))
    dataset["time"] = ("time", np.arange(4.0), {"units": "days since 2001-01-01"})
    dataset = dataset.drop_indexes(list(dataset.xindexes))
    found = extract(dataset, points((0, 0), (0, 0), seen=["2001-01-02", "2001-01-02T13:00"]), match_time="seen")
    assert found["v"].tolist() == [1, 2]


def test_between_two_steps_values_are_linear():
    where = points((0, 0), (0, 0), seen=["2001-01-16T12:00", "2001-01-31T06:00"])
    found = extract(months([1, 2, 3]), where, match_time="seen", time_method="linear")
    np.testing.assert_allclose(found["v"], [1, 1.5])


def test_a_tolerance_in_time_is_kept():
    where = points((0, 0), (0, 0), seen=["2001-01-17T00:00", "2001-01-20T00:00"])
    found = extract(
        months([1, 2, 3], bounds=False), where, match_time="seen", time_tolerance=parse_duration("P1D"), warn=nobody
    )
    assert found["status"].tolist() == ["ok", "missing_value"]


def test_over_a_gap_in_the_record_nothing_is_nearest():
    dataset = months(np.arange(1, 13), bounds=False).isel(time=[0, 1, 2, 10, 11])
    where = points((0, 0), (0, 0), seen=["2001-06-15T00:00", "2001-03-20T00:00"])
    found = extract(dataset, where, match_time="seen", warn=nobody)
    assert found["status"].tolist() == ["missing_value", "ok"]


def levels(dataset):
    """Give the data two levels, of which the lower has ten times the values."""
    made = dataset.assign(v=(("time", "plev", "lat", "lon"), np.stack([dataset["v"], 10 * dataset["v"]], axis=1)))
    made["plev"] = ("plev", [85000.0, 50000.0], {"units": "Pa", "positive": "down", "standard_name": "air_pressure"})
    return made.drop_indexes(list(made.xindexes))


def test_levels_give_rows_and_a_column():
    found = extract(levels(months([1, 2])), points((0, 0)))
    assert found[["v", "level"]].to_numpy().tolist() == [[1, 85000], [10, 50000], [2, 85000], [20, 50000]]


def test_a_column_of_levels_chooses_one_for_each_point():
    where = points((0, 0), (0, 0), (0, 0), seen=["2001-02-03"] * 3, height=[50000, 85000.1, 70000])
    found = extract(levels(months([1, 2])), where, match_time="seen", match_level="height", warn=nobody)
    assert found["v"].tolist()[:2] == [20, 2]
    assert found["status"].tolist() == ["ok", "ok", "missing_value"]
    nearest = extract(levels(months([1, 2])), where, match_time="seen", match_level="height", nearest_level=True)
    assert nearest["status"].tolist() == ["ok", "ok", "ok"]


def test_variables_without_time_stand_beside_those_that_have_it():
    dataset = months([1, 2])
    dataset["height"] = (("lat", "lon"), np.array([[5.0, 6.0], [7.0, 8.0]]))
    found = extract(dataset, points((10, 0)))
    assert found[["v", "height"]].to_numpy().tolist() == [[1, 6], [2, 6]]


# --- columns and errors ---------------------------------------------------------------------------------------------


def test_computed_columns_never_hide_those_of_the_points():
    said = []
    found = extract(
        months([1, 2]), points((0, 0), time=["2001-02-05"], v=["mine"]), match_time="time", warn=said.append
    )
    assert (found["v"][0], found["grid_v"][0]) == ("mine", 2)
    assert found["grid_time"][0] == "2001-02-15T00:00:00"
    assert "time → grid_time" in said[0].en


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InvalidInputs) as refused:
        extract(months([1, 2]), points((0, 0), name=["a"]), match_time="eventDate")
    (fault,) = refused.value.faults
    assert (fault.input, fault.allowed) == ("match_time", ("name",))


def test_data_without_time_cannot_be_matched():
    with pytest.raises(DatasetUnsuitable, match="match_time"):
        extract(grid(), points((0, 0), seen=["2001"]), match_time="seen")


def test_variables_on_two_grids_are_refused():
    dataset = grid()
    other = grid((0, 10), (0, 10)).rename(lat="y2", lon="x2", v="w")
    with pytest.raises(DatasetUnsuitable, match="several grids"):
        extract(xr.merge([dataset, other]), points((0, 0)))


def test_no_points_give_no_rows_but_all_columns():
    found = extract(months([1, 2]), points())
    assert len(found) == 0
    assert found.columns.tolist()[-2:] == ["time", "status"]


def test_every_computed_column_says_what_it_is():
    table = compute(months([1, 2]), points((0, 0)), warn=nobody)
    assert [each.name for each in table.columns] == [
        "v",
        "distance_km",
        "grid_longitude",
        "grid_latitude",
        "time",
        "status",
    ]
    assert all(each.definition.en != each.definition.fr for each in table.columns)
    assert table.shown == "v"
