"""Regrid, on grids that can be counted by hand, on functions whose values are known, and beside CDO on real files."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.regrid.compute import compute
from gaia_processes.shared.blocks import plan_blocks
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.netcdf import write

NAN = float("nan")
QUARTERS = {"longitudes": (45.0, 135.0, 225.0, 315.0), "lon_bnds": ((0, 90), (90, 180), (180, 270), (270, 360))}
THIRDS = {"longitudes": (60.0, 180.0, 300.0), "lon_bnds": ((0, 120), (120, 240), (240, 360))}
BAND = {"latitudes": (0.0,), "lat_bnds": ((-10, 10),)}


def coordinate(values, edges, kind):
    """Make a coordinate and its bounds."""
    name, units = ("lon", "degrees_east") if kind == "longitude" else ("lat", "degrees_north")
    made = {name: (name, np.asarray(values, "f8"), {"units": units, "standard_name": kind, "bounds": f"{name}_bnds"})}
    if edges is None:
        made[name][2].pop("bounds")
        return made, {}
    return made, {f"{name}_bnds": ((name, "bnds"), np.asarray(edges, "f8"))}


def field(values, longitudes, latitudes=(0.0,), lon_bnds=None, lat_bnds=None, dtype="f8", attrs=None):
    """Make a map, or several of them along time."""
    x, x_bounds = coordinate(longitudes, lon_bnds, "longitude")
    y, y_bounds = coordinate(latitudes, lat_bnds, "latitude")
    values = np.asarray(values, dtype)
    dims = ("time", "lat", "lon")[-values.ndim :]
    return xr.Dataset({"v": (dims, values, {"units": "K", **(attrs or {})}), **x_bounds, **y_bounds}, coords={**x, **y})


def band(*values, longitudes=QUARTERS["longitudes"], lon_bnds=QUARTERS["lon_bnds"]):
    """Make one row of columns, 10 degrees to both sides of the equator."""
    return field([values], longitudes, BAND["latitudes"], lon_bnds, BAND["lat_bnds"])


def regrid(dataset, **options):
    """Regrid where nobody is to be warned; missing cells become NaN."""
    result = compute(dataset, **{"warn": pytest.fail, **options})
    values = result.variables["v"].values
    fill = result.variables["v"].attrs["_FillValue"]
    return np.where(values == fill, NAN, values)


def to_thirds(dataset, **options):
    return regrid(dataset, method="conservative", **THIRDS, **BAND, **options)[0]


def test_r1_four_columns_of_90_degrees_become_three_of_120():
    np.testing.assert_allclose(to_thirds(band(10, 20, 30, 40)), [12.5, 25, 37.5])


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        pytest.param(0.5, [10, 30, 37.5], id="F = 0.75, 0.5, 1: half is enough"),
        pytest.param(0.6, [10, NAN, 37.5], id="half is too little"),
    ],
)
def test_r2_what_is_missing_has_no_weight(least, expected):
    made = to_thirds(band(10, NAN, 30, 40), min_valid_fraction=least, warn=lambda _: None)
    np.testing.assert_allclose(made, expected)


def test_the_area_that_the_threshold_loses_is_told():
    said = []
    source = band(10, NAN, 30, 40)  # F = 0.75, 0.5, 1
    to_thirds(source, min_valid_fraction=0.6, warn=lambda text: said.append(text.en))
    to_thirds(source, min_valid_fraction=0.5, warn=pytest.fail)
    to_thirds(source.astype("f4"), min_valid_fraction=0.8, warn=lambda text: said.append(text.en))
    lost = (0.5 / 2.25, 1.25 / 2.25)
    assert [text.split(" of the area")[0] for text in said] == [f"{100 * share:.2g} %" for share in lost]
    assert "less than 0.6 is valid" in said[0]


def test_r3_rows_are_as_wide_as_their_sines():
    source = field([[1], [3]], (180.0,), (-45.0, 45.0), ((0, 360),), ((-90, 0), (0, 90)))
    target = {
        "longitudes": (180.0,),
        "lon_bnds": ((0, 360),),
        "latitudes": (-30.0, 60.0),
        "lat_bnds": ((-90, 30), (30, 90)),
    }
    np.testing.assert_allclose(regrid(source, method="conservative", **target)[:, 0], [5 / 3, 3])


def test_r4_a_cell_over_greenwich_takes_from_both_ends():
    made = regrid(band(10, 20, 30, 40), method="conservative", longitudes=(0.0,), lon_bnds=((350, 10),), **BAND)
    np.testing.assert_allclose(made, [[25]])


@pytest.mark.parametrize(("longitude", "expected"), [(315.0, 15), (45.0, 5)])
def test_r5_the_seam_is_interpolated(longitude, expected):
    source = field([[0, 10, 20, 30]] * 2, (0, 90, 180, 270), (-10, 10))
    np.testing.assert_allclose(regrid(source, longitudes=(longitude,), latitudes=(0.0,)), [[expected]])


@pytest.mark.parametrize(
    ("longitude", "expected"),
    [pytest.param(292.5, NAN, id="a quarter is valid"), pytest.param(337.5, 0, id="three quarters are")],
)
def test_r6_a_missing_corner_has_no_weight(longitude, expected):
    source = field([[0, 10, 20, NAN]] * 2, (0, 90, 180, 270), (-10, 10))
    np.testing.assert_allclose(regrid(source, longitudes=(longitude,), latitudes=(0.0,)), [[expected]])


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
def test_r7_a_constant_stays_constant(method):
    source = field(np.full((9, 7), 7.0), np.arange(7) * 360 / 7, np.linspace(-80, 80, 9))
    np.testing.assert_allclose(regrid(source, method=method, grid=parse_resolution("4x3")), 7, rtol=1e-15)


def test_r8_columns_that_repeat_others_count_once():
    twice = band(
        10, 20, 30, 40, 10, 20,
        longitudes=(45, 135, 225, 315, 405, 495),
        lon_bnds=(*QUARTERS["lon_bnds"], (360, 450), (450, 540)),
    )  # fmt: skip
    np.testing.assert_allclose(to_thirds(twice), [12.5, 25, 37.5])


def test_cells_without_a_size_have_no_mean_over_areas():
    with pytest.raises(DatasetUnsuitable, match="cells along 'lat' have no size"):
        to_thirds(field([[10, 20, 30, 40]], **QUARTERS))


# --- functions whose values are known -------------------------------------------------------------------------------


def smooth(longitudes, latitudes):
    """Give 2 + cos²φ cos 2λ, on which CDO was measured."""
    phi, lam = np.radians(latitudes)[:, None], np.radians(longitudes)[None, :]
    return 2 + np.cos(phi) ** 2 * np.cos(2 * lam)


def cells(step):
    return np.arange(step / 2, 360, step), np.arange(-90 + step / 2, 90, step)


@pytest.mark.parametrize(
    ("method", "step", "error"),
    [
        ("bilinear", 4, 3.78e-3), ("bilinear", 20, 5.30e-3), ("conservative", 4, 1.96e-2), ("conservative", 20, 5.31e-3),
        ("nearest", 4, 2.92e-2), ("nearest", 20, 4.75e-2),
    ],
)  # fmt: skip
def test_the_error_is_that_of_cdo(method, step, error):
    """Relative L2 error from 10 degrees, weighted by area, up to the source's last row; CDO 2.1.1 has these on the same grids."""
    made = regrid(field(smooth(*cells(10)), *cells(10)), method=method, grid=parse_resolution(f"{step}x{step}"))
    longitudes, latitudes = cells(step)
    inner = np.abs(latitudes) <= 85
    weight = np.cos(np.radians(latitudes[inner]))[:, None]
    off = made[inner] - smooth(longitudes, latitudes[inner])
    found = np.sqrt((weight * off**2).sum() / (weight * smooth(longitudes, latitudes[inner]) ** 2).sum())
    assert found <= 1.05 * error


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_integrals_are_kept(data):
    """The sum of value, valid share and area multiplied is that of the source, whatever is missing."""
    columns, rows = data.draw(st.integers(3, 9)), data.draw(st.integers(2, 7))
    values = data.draw(
        st.lists(st.one_of(st.floats(-100, 100), st.just(NAN)), min_size=columns * rows, max_size=columns * rows)
    )
    source = np.array(values).reshape(rows, columns)
    edges = np.linspace(-90, 90, rows + 1)
    x, y = (np.arange(columns) + 0.5) * 360 / columns, (edges[:-1] + edges[1:]) / 2
    target = parse_resolution("40x20")
    there = ~np.isnan(source)
    made = regrid(field(source, x, y), method="conservative", grid=target, min_valid_fraction=0)
    share = regrid(field(there * 1.0, x, y), method="conservative", grid=target)
    heights = [np.diff(np.sin(np.radians(each)))[:, None] for each in (edges, np.linspace(-90, 90, 10))]
    before = (np.where(there, source, 0) * heights[0]).sum() / columns
    after = np.where(share > 0, np.nan_to_num(made) * share * heights[1], 0).sum() / 9
    assert after == pytest.approx(before, rel=1e-10, abs=1e-10)


# --- poles and edges ------------------------------------------------------------------------------------------------


def test_beyond_the_last_row_the_pole_has_the_mean_of_that_row():
    source = field([[0, 0, 0, 0], [0, 4, 8, 12]], (0, 90, 180, 270), (-45, 45))
    made = regrid(source, longitudes=(0.0, 90.0), latitudes=(45.0, 67.5, 90.0))
    np.testing.assert_allclose(made, [[0, 4], [3, 5], [6, 6]])  # the mean is 6; halfway it counts half


@pytest.mark.parametrize(("least", "expected"), [(0.86, 7), (0.87, NAN)])
def test_rows_that_end_before_the_poles_by_their_own_bounds_do_not_reach_them(least, expected):
    source = field([[7, 7, 7, 7]], **QUARTERS, latitudes=(0.0,), lat_bnds=((-60, 60),))  # sin(60) is 0.866
    north = {"longitudes": (45.0,), "latitudes": (45.0,), "lon_bnds": ((0, 90),), "lat_bnds": ((0, 90),)}
    made = regrid(source, method="conservative", **north, min_valid_fraction=least, warn=lambda _: None)
    np.testing.assert_array_equal(made, [[expected]])


def test_the_greatest_byte_is_a_value_and_not_missing():
    byte = field([[255, 1, 2, 3]], **QUARTERS, latitudes=(0.0,), lat_bnds=((-10, 10),), dtype="u1")
    found = regrid(byte, method="nearest", longitudes=(45.0, 135.0), latitudes=(0.0, 60.0))
    np.testing.assert_array_equal(found, [[255, 1], [NAN, NAN]])


def test_nothing_is_extrapolated():
    source = field([[1, 2], [3, 4]], (10, 20), (0, 10))
    made = regrid(source, longitudes=(5.0, 10.0, 20.0, 25.0), latitudes=(-1.0, 0.0, 10.0))
    np.testing.assert_allclose(made, [[NAN] * 4, [NAN, 1, 2, NAN], [NAN, 3, 4, NAN]])


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
def test_rows_and_columns_written_out_for_every_cell_are_rows_and_columns(method):
    plain = field(np.arange(12).reshape(3, 4), cells(90)[0], (-60.0, 0.0, 60.0))
    x, y = np.meshgrid(plain.lon.values, plain.lat.values)
    bent = xr.Dataset(
        {"v": (("j", "i"), plain.v.values, {"units": "K", "coordinates": "lon lat"})},
        coords={"lon": (("j", "i"), x, plain.lon.attrs), "lat": (("j", "i"), y, plain.lat.attrs)},
    )
    asked = {"method": method, "grid": parse_resolution("40x30")}
    np.testing.assert_array_equal(regrid(bent, **asked), regrid(plain, **asked))


def test_the_order_of_rows_and_the_frame_of_columns_do_not_matter():
    values = np.arange(12.0).reshape(3, 4)
    one = field(values, (0, 90, 180, 270), (-40, 0, 40))
    other = field(values[::-1][:, [2, 3, 0, 1]], (-180, -90, 0, 90), (40, 0, -40))
    for method in ("bilinear", "conservative", "nearest"):
        target = {"method": method, "grid": parse_resolution("40x30")}
        np.testing.assert_allclose(regrid(one, **target), regrid(other, **target))


@pytest.mark.parametrize(
    ("longitude", "latitude", "expected"),
    [
        pytest.param(44.0, 1.0, 0, id="the nearest"),
        pytest.param(45.0, 0.0, 0, id="two are equally near: the first column"),
        pytest.param(316.0, 0.0, 0, id="over the seam"),
        pytest.param(0.0, 30.0, 4, id="the nearest row"),
    ],
)
def test_the_nearest_centre_is_taken(longitude, latitude, expected):
    source = field([[0, 1, 2, 3], [4, 5, 6, 7]], (0, 90, 180, 270), (0, 40))
    made = regrid(source, method="nearest", longitudes=(longitude,), latitudes=(latitude,))
    np.testing.assert_allclose(made, [[expected]])


def test_near_the_poles_a_cell_across_may_be_the_nearest():
    source = field([[0, 1], [2, 3]], (0, 180), (60, 88))
    made = regrid(source, method="nearest", longitudes=(60.0,), latitudes=(75.0,), max_distance_km=5000)
    np.testing.assert_allclose(made, [[2]])


def test_the_nearest_row_may_lie_beyond_a_pole():
    source = field([[1, 2], [3, 4]], (0, 10), (-75, -10))
    asked = {"method": "nearest", "longitudes": (180.0,), "latitudes": (-60.0,), "max_distance_km": 20000}
    np.testing.assert_array_equal(regrid(source, **asked), [[2]])  # 45 degrees over the pole, not 120 the other way


def test_a_point_outside_of_all_cells_has_no_nearest_one():
    source = field([[1, 2], [3, 4]], (10, 20), (0, 10))
    target = {"method": "nearest", "longitudes": (14.0, 26.0), "latitudes": (0.0,)}
    np.testing.assert_allclose(regrid(source, **target), [[1, NAN]])
    np.testing.assert_allclose(regrid(source, **target, max_distance_km=1000), [[1, 2]])
    np.testing.assert_allclose(regrid(source, **target, max_distance_km=100), [[NAN, NAN]])


def test_at_a_coast_a_value_is_looked_for_near_by():
    source = field([[NAN, 2, 3], [NAN, NAN, 5]], (0, 1, 2), (0, 1))
    target = {"method": "nearest", "longitudes": (0.0, 2.0), "latitudes": (0.0, 1.0)}
    np.testing.assert_allclose(regrid(source, **target), [[NAN, 3], [NAN, 5]])
    np.testing.assert_allclose(
        regrid(source, **target, nearest_valid_km=112), [[2, 3], [NAN, 5]]
    )  # a degree is 111.2 km
    np.testing.assert_allclose(
        regrid(source, **target, nearest_valid_km=160), [[2, 3], [2, 5]]
    )  # a diagonal is 157.2 km


# --- what values mean -----------------------------------------------------------------------------------------------


def packed():
    attrs = {
        "scale_factor": np.float32(0.5),
        "add_offset": np.float32(100),
        "_FillValue": np.int16(-1),
        "valid_range": np.int16([0, 50]),
    }
    return field([[0, 20, -1, 60]] * 2, (0, 90, 180, 270), (-10, 10), dtype="i2", attrs=attrs)


def test_packed_numbers_are_unpacked_and_written_as_floats():
    result = compute(packed(), longitudes=(45.0, 90.0, 180.0, 270.0), latitudes=(0.0,), warn=pytest.fail)
    made = result.variables["v"]
    assert made.dtype == np.float32
    assert not {"scale_factor", "add_offset", "valid_range"} & made.attrs.keys()
    fill = made.attrs["_FillValue"]
    assert made.values.tolist() == [[105.0, 110.0, fill, fill]]  # -1 is missing, 60 is not valid


def test_the_nearest_cell_keeps_how_it_is_stored():
    result = compute(packed(), method="nearest", longitudes=(89.0,), latitudes=(0.0,), warn=pytest.fail)
    made = result.variables["v"]
    assert (made.dtype, made.values.tolist(), made.attrs["scale_factor"]) == (np.int16, [[20]], 0.5)


def test_categories_are_never_averaged():
    attrs = {"flag_values": np.int8([1, 2, 3]), "flag_meanings": "sea land ice"}
    source = field([[1, 2, 2, 3]] * 2, (45, 135, 225, 315), (-45, 45), dtype="i1", attrs=attrs)
    told = []
    options = {"warn": lambda text: told.append(text.en), **THIRDS, "latitudes": (0.0,), "lat_bnds": ((-90, 90),)}
    assert regrid(source, method="conservative", **options).tolist() == [[1, 2, 3]]
    assert regrid(source, method="bilinear", **options).tolist() == [[1, 2, 3]]
    assert [("largest share" in each, "nearest" in each) for each in told] == [(True, False), (False, True)]


def test_a_mask_of_land_hides_the_sea():
    source = field([[1, 2, 3, 4]] * 2, (45, 135, 225, 315), (-45, 45))
    land = np.array([[100, 0, 50, 0]] * 2, "f4")
    source["sftlf"] = (("lat", "lon"), land, {"standard_name": "land_area_fraction", "units": "%"})
    target = {"method": "conservative", "longitudes": (90.0, 270.0), "latitudes": (0.0,), "lat_bnds": ((-90, 90),)}
    np.testing.assert_allclose(regrid(source, mask="land", **target), [[1, 3]])
    np.testing.assert_allclose(regrid(source, mask="sea", **target), [[2, 3.5]])  # what is half land is half sea


def test_a_mask_that_is_not_there_is_said():
    with pytest.raises(DatasetUnsuitable, match="land_area_fraction"):
        compute(band(1, 2, 3, 4), mask="land", grid=parse_resolution("90x90"), warn=pytest.fail)


# --- the result -----------------------------------------------------------------------------------------------------


def series():
    """Make three steps of a map whose second one has a hole, with all that belongs to it."""
    source = field(np.arange(24.0).reshape(3, 2, 4), (45, 135, 225, 315), (-45, 45), dtype="f4")
    source["v"].values[1, 0, 0] = NAN
    source["v"].attrs |= {"cell_methods": "time: mean", "cell_measures": "area: areacella", "coordinates": "height"}
    source["areacella"] = (("lat", "lon"), np.ones((2, 4)))
    source["height"] = ((), 2.0, {"units": "m", "positive": "up"})
    return source.assign_coords(
        time=("time", [0.0, 1.0, 2.0], {"units": "days since 2001-01-01", "bounds": "time_bnds"})
    )


def test_the_result_says_what_was_done_and_forgets_the_old_grid():
    source = series().assign_attrs(grid_label="gn", source="a model")
    source.v.attrs["CDI_grid_type"] = "unstructured"  # CDO reads no rows and columns beside this word
    result = compute(source, method="conservative", grid=parse_resolution("90x90"), warn=pytest.fail)
    attrs = result.variables["v"].attrs
    assert "CDI_grid_type" not in attrs
    assert "grid_label" not in result.attrs
    assert result.attrs["source"] == "a model"
    assert attrs["cell_methods"] == "time: mean area: mean"
    assert attrs["coordinates"] == "height"
    assert "cell_measures" not in attrs
    assert "areacella" not in result.variables
    assert result.variables["lon_bnds"].values[-1].tolist() == [270, 360]
    assert result.variables["lat"].attrs["bounds"] == "lat_bnds"
    assert (result.attrs["geospatial_lon_min"], result.attrs["geospatial_lat_max"]) == (45, 45)
    assert result.variables["v"].dtype == np.float32


def test_each_step_has_its_own_missing_cells():
    made = regrid(series(), method="conservative", grid=parse_resolution("90x90"), min_valid_fraction=1)
    assert np.isnan(made).sum(axis=(1, 2)).tolist() == [0, 1, 0]


@pytest.mark.parametrize("method", ["bilinear", "conservative", "nearest"])
def test_a_part_of_the_result_is_the_same_as_in_the_whole(method):
    whole = compute(series(), method=method, grid=parse_resolution("10x10"), warn=pytest.fail).variables["v"]
    again = compute(series(), method=method, grid=parse_resolution("10x10"), warn=pytest.fail).variables["v"]
    np.testing.assert_array_equal(again[1:, 3:7, [5, 2]].values, whole.values[1:, 3:7, [5, 2]])
    np.testing.assert_array_equal(again[2, 4].values, whole.values[2, 4])


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
def test_columns_that_are_weighed_some_at_a_time_give_the_same_numbers(method, monkeypatch):
    categories = {"flag_values": np.int8([0, 1]), "flag_meanings": "sea land"}
    source = series().assign(kind=(("lat", "lon"), np.int8([[0, 1, 1, 0], [1, 1, 0, 1]]), categories))
    options = {"method": method, "grid": parse_resolution("20x20"), "warn": lambda _: None}
    whole = compute(source, **options).load()
    monkeypatch.setattr("gaia_processes.shared.weights._STRIP_BYTES", 1)
    xr.testing.assert_identical(compute(source, **options).load(), whole)


def test_a_box_crops_the_target_in_its_own_frame():
    source = field(np.arange(8.0).reshape(2, 4), (45, 135, 225, 315), (-45, 45))
    result = compute(
        source,
        method="nearest",
        grid=parse_resolution("10x10"),
        bbox=Bbox(west=-20, south=0, east=20, north=10),
        warn=pytest.fail,
    )
    assert result.variables["lon"].values.tolist() == [-15, -5, 5, 15]
    assert result.variables["lat"].values.tolist() == [5]
    assert result.variables["v"].values.tolist() == [[7, 7, 4, 4]]


def test_a_target_like_another_dataset_has_its_names_and_attributes():
    like = band(0, 0, 0, 0).rename(lon="longitude", lon_bnds="longitude_bnds")
    like["longitude"].attrs |= {"bounds": "longitude_bnds", "long_name": "columns"}
    result = compute(field(np.ones((2, 4)), (0, 90, 180, 270), (-45, 45)), like=like, warn=pytest.fail)
    assert result.variables["v"].dims == ("lat", "longitude")
    assert result.variables["longitude"].attrs["long_name"] == "columns"
    assert result.variables["longitude_bnds"].values[0].tolist() == [0, 90]


def turned_grid(**attrs):
    """Make four cells of a grid whose rows and columns are no longitudes and latitudes."""
    longitudes, latitudes = np.array([[0.0, 10.0], [2.0, 12.0]]), np.array([[0.0, 1.0], [10.0, 11.0]])
    return xr.Dataset(
        {
            "v": (("y", "x"), np.ones((2, 2), "f4"), {"units": "m s-1", "coordinates": "lon lat", **attrs}),
            "lon": (("y", "x"), longitudes, {"units": "degrees_east"}),
            "lat": (("y", "x"), latitudes, {"units": "degrees_north"}),
        }
    )


def test_a_target_like_a_grid_of_turned_rows_is_refused_in_words():
    with pytest.raises(DatasetUnsuitable, match="one longitude a column and one latitude a row"):
        compute(field(np.ones((2, 4)), (0, 90, 180, 270), (-45, 45)), like=turned_grid(), warn=pytest.fail)


def test_components_along_a_turned_grid_are_told_not_to_be_turned():
    heard = []
    asked = {"method": "nearest", "longitudes": (0.0, 10.0), "latitudes": (0.0, 10.0)}
    compute(turned_grid(standard_name="sea_water_x_velocity"), warn=lambda text: heard.append(text.en), **asked)
    assert heard == ["v is a component along the axes of the old grid; it was not turned to east and north."]
    heard.clear()
    compute(turned_grid(standard_name="eastward_sea_water_velocity"), warn=lambda text: heard.append(text.en), **asked)
    assert heard == []


def test_one_thread_and_two_give_the_same_bytes(tmp_path):
    random = np.random.default_rng(5)
    source = field(random.normal(280, 9, (40, 48, 96)), np.arange(96) * 3.75, np.linspace(-88, 88, 48), dtype="f4")
    source = source.assign_coords(time=("time", np.arange(40.0), {"units": "days since 2001-01-01"}))
    source["v"].values[::3, :5, :7] = NAN
    source["v"].encoding = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (3, 48, 96)}
    path = tmp_path / "source.nc"
    write(source, path, progress=lambda *_: None, history="made")
    for method in ("bilinear", "conservative"):
        made = []
        for threads in (1, 2):
            with open_dataset(path, threads=threads) as dataset:
                result = compute(dataset, method=method, grid=parse_resolution("2x2"), warn=pytest.fail)
                write(result, tmp_path / f"{threads}.nc", progress=lambda *_: None, history="test")
            made.append((tmp_path / f"{threads}.nc").read_bytes())
        assert made[0] == made[1]


def test_a_chunk_of_the_source_is_read_once_and_blocks_stay_small():
    source = field(np.zeros((64, 90, 180)), np.arange(180) * 2.0, np.linspace(-89, 89, 90), dtype="f4")
    made = compute(source, grid=parse_resolution("1x1"), warn=pytest.fail).variables["v"]
    boxes = list(plan_blocks(made))
    assert {(box[1], box[2]) for box in boxes} == {(slice(0, 180), slice(0, 360))}
    assert max(made[box].nbytes for box in boxes) <= 2**22
