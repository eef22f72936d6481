"""Statistics of zones on grids that can be counted by hand, on real files, and beside exactextract."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr
from exactextract import exact_extract
from hypothesis import given, settings
from hypothesis import strategies as st

from gaia_processes.errors import DatasetUnsuitable, InvalidInputs
from gaia_processes.zonal_statistics import rows, statistics
from gaia_processes.zonal_statistics.compute import compute
from gaia_workers.readers.geotiff import open_dataset as open_raster

FILL = np.float32(-999)
ALL = ("count", "sum", "mean", "min", "max", "stdev", "median", "majority", "minority", "variety")


def grid(values, x, y, *, name="v", **attrs):
    """Make a grid between edges; rows from the first edge of y on."""
    values = np.asarray(values)
    x, y = np.asarray(x, "f8"), np.asarray(y, "f8")
    dims = ("time", "lat", "lon")[3 - values.ndim :]
    return xr.Dataset(
        {
            name: (dims, values.astype("f4"), {"_FillValue": FILL, "units": "K", **attrs}),
            "lon_bnds": (("lon", "b"), np.stack([x[:-1], x[1:]], 1)),
            "lat_bnds": (("lat", "b"), np.stack([y[:-1], y[1:]], 1)),
        },
        coords={
            "lon": ("lon", (x[:-1] + x[1:]) / 2, {"units": "degrees_east", "bounds": "lon_bnds"}),
            "lat": ("lat", (y[:-1] + y[1:]) / 2, {"units": "degrees_north", "bounds": "lat_bnds"}),
        },
    )


def unit_cells(values):
    """Make cells of 1 by 1 from (0, 0) on; the first row is the northernmost."""
    rows, columns = np.shape(values)
    return grid(values, np.arange(columns + 1), np.arange(rows + 1)[::-1])


def zones(*geometries, crs="OGC:CRS84"):
    return gpd.GeoDataFrame({"name": [f"z{at}" for at in range(len(geometries))]}, geometry=list(geometries), crs=crs)


def table(dataset, frame, *, statistics=ALL, weighting="cells", warnings=None, **inputs):
    heard = [] if warnings is None else warnings
    made = compute(dataset, frame, statistics=statistics, weighting=weighting, warn=heard.append, **inputs)
    return pd.concat(list(made.frames()), ignore_index=True)


def of_one(dataset, geometry, **inputs):
    row = table(dataset, zones(geometry), **inputs).iloc[0]
    return {name.removeprefix("v_"): value for name, value in row.items() if str(name).startswith("v_")}


def approximately(**expected):
    return {name: pytest.approx(value, rel=1e-6, nan_ok=True) for name, value in expected.items()}


def check(found, **expected):
    assert {name: found[name] for name in expected} == approximately(**expected)


# --- the cases of the reference ---------------------------------------------------------------------------------------


def test_z1_a_box_over_four_quarters():
    found = of_one(unit_cells([[1, 2], [3, 4]]), shapely.box(0.5, 0.5, 1.5, 1.5))
    check(found, count=1, sum=2.5, mean=2.5, min=1, max=4, stdev=1.118034, median=2.5, majority=1, coverage=1)


def test_z2_a_triangle_that_only_touches_a_cell_with_its_corner():
    found = of_one(unit_cells([[1, 2], [3, 4]]), shapely.Polygon([(0, 0), (2, 0), (0, 2)]))
    check(found, count=2, sum=5.5, mean=2.75, median=3, min=1, max=4, variety=3)


def test_z3_a_hole_does_not_count():
    ring = shapely.box(0.5, 0.5, 1.5, 1.5) - shapely.box(0.75, 0.75, 1.25, 1.25)
    check(of_one(unit_cells([[1, 2], [3, 4]]), ring), count=0.75, mean=2.5)


def test_z4_a_zone_smaller_than_a_cell():
    found = of_one(unit_cells([[1, 2], [3, 4]]), shapely.box(0.1, 0.1, 0.2, 0.3))
    check(found, count=0.02, mean=3, majority=3)


def test_z5_a_quantile_that_is_hit_exactly_is_the_mean_of_two_values():
    dataset = unit_cells([[0, 0, 0], [0, 10, 0], [0, 0, 0]])
    found = of_one(
        dataset, shapely.box(1, 0, 3, 2), statistics=("mean", "median", "quantile", "majority"), quantiles=(0.75,)
    )
    check(found, mean=2.5, median=0, q75=5, majority=0)


def test_z6_cells_without_a_value_are_left_out_and_counted():
    dataset = unit_cells([[1, FILL], [3, FILL]])
    check(of_one(dataset, shapely.box(0, 0, 2, 2)), count=2, mean=2, coverage=0.5)
    check(of_one(dataset, shapely.box(1, 0, 2, 2)), count=0, sum=0, mean=np.nan, coverage=0)


def test_z7_the_area_of_cells_weighs():
    coarse, fine = grid([[1], [3]], [0, 10], [0, 30, 90]), grid([[1]] * 3 + [[3]] * 6, [0, 10], np.arange(0, 91, 10))
    zone = shapely.box(0, 0, 10, 90)
    assert of_one(coarse, zone, weighting="area")["mean"] == pytest.approx(2)
    assert of_one(coarse, zone)["mean"] == pytest.approx(2)
    assert of_one(fine, zone)["mean"] == pytest.approx(7 / 3)
    assert of_one(fine, zone, weighting="area")["mean"] == pytest.approx(2)


@pytest.mark.parametrize(
    "zone",
    [
        shapely.box(-20, -5, 20, 5),
        shapely.MultiPolygon([shapely.box(-20, -5, 0, 5), shapely.box(0, -5, 20, 5)]),
        shapely.box(340, -5, 380, 5),
    ],
    ids=["crossing 0", "split at 0", "beyond 360"],
)
@pytest.mark.parametrize("first", [0, -180])
def test_z8_the_seam_of_longitudes_is_none(zone, first):
    index = (np.arange(36) + first // 10) % 36
    dataset = grid([index], np.arange(37) * 10 + first, [-5, 5])
    check(of_one(dataset, zone, statistics=("mean", "count")), mean=17.5, count=4)


def test_columns_stored_from_greenwich_on_and_then_from_the_west_lie_beside_each_other():
    stored = grid([[3, 1, 2]], np.array([-5, 5, 15, 25]), [-5, 5]).drop_vars(["lon_bnds", "lat_bnds"])
    stored["lon"] = ("lon", np.array([0.0, 340.0, 350.0]), {"units": "degrees_east"})
    stored["lat"] = ("lat", np.array([0.0]), {"units": "degrees_north", "bounds": "lat_bnds"})
    stored["lat_bnds"] = (("lat", "b"), np.array([[-5.0, 5.0]]))
    check(of_one(stored, shapely.box(-25, -5, -10, 5), statistics=("mean", "count")), mean=4 / 3, count=1.5)
    check(of_one(stored, shapely.box(-15, -5, 5, 5), statistics=("mean", "count")), mean=2.5, count=2)


def test_z9_of_equal_classes_the_smallest_is_the_majority():
    found = of_one(unit_cells([[1, 1], [2, 3]]), shapely.box(0, 0, 2, 1.5), statistics=("fractions", "majority"))
    check(found, frac_1=1 / 3, frac_2=1 / 3, frac_3=1 / 3, majority=1)


# --- rows and columns -------------------------------------------------------------------------------------------------


def test_every_zone_and_step_has_its_row_with_the_own_properties_of_the_zone():
    dataset = grid([[[1, 2]], [[3, 4]]], [0, 1, 2], [0, 1])
    dataset["time"] = ("time", [0.0, 1.0], {"units": "days since 2001-01-01", "standard_name": "time"})
    found = table(dataset, zones(shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1)), statistics=("mean",))
    assert found["name"].tolist() == ["z0", "z0", "z1", "z1"]
    assert found["time"].tolist() == ["2001-01-01T00:00:00", "2001-01-02T00:00:00"] * 2
    assert found["v_mean"].tolist() == [2, 4, 1, 3]
    assert [name for name in found.columns if name != "geometry"] == ["name", "time", "v_mean", "v_coverage"]


def test_times_that_are_no_dates_stand_in_their_column_as_they_are():
    dataset = grid([[[1, 2]], [[3, 4]]], [0, 1, 2], [0, 1])
    dataset["time"] = ("time", [24.0, 36.0], {"units": "hours", "standard_name": "time"})
    found = table(dataset, zones(shapely.box(0, 0, 2, 1)), statistics=("mean",))
    assert found["time"].tolist() == [24, 36]
    assert found["v_mean"].tolist() == [1.5, 3.5]


def test_a_series_has_zones_and_steps_as_dimensions():
    dataset = grid([[[1, 2]], [[3, 4]]], [0, 1, 2], [0, 1])
    dataset["time"] = ("time", [0.0, 1.0], {"units": "days since 2001-01-01", "standard_name": "time"})
    made = compute(dataset, zones(shapely.box(1, 0, 2, 1)), zone_id="name", warn=pytest.fail)
    series = made.series()
    assert series["v_mean"].dims == ("zone", "time")
    assert series["v_mean"].values.tolist() == [[2, 4]]
    assert series["zone_name"].values.tolist() == ["z0"]
    assert series.attrs["featureType"] == "timeSeries"


def test_a_zone_outside_of_the_grid_has_an_empty_row():
    found = of_one(unit_cells([[1, 2], [3, 4]]), shapely.box(50, 50, 51, 51))
    check(found, count=0, sum=0, mean=np.nan, min=np.nan, coverage=np.nan)


def test_too_few_valid_cells_make_a_statistic_missing():
    dataset = unit_cells([[1, FILL], [3, FILL]])
    zone = shapely.box(0, 0, 2, 2)
    check(of_one(dataset, zone, min_valid_fraction=0.5), mean=2)
    check(of_one(dataset, zone, min_valid_fraction=0.6), mean=np.nan, coverage=0.5)


def test_columns_of_the_same_name_are_called_differently():
    frame = zones(shapely.box(0, 0, 1, 1)).rename(columns={"name": "v_mean"})
    heard = []
    found = table(unit_cells([[1, 2]]), frame, statistics=("mean",), warnings=heard)
    assert {"v_mean", "data_v_mean"} <= set(found.columns)
    assert "v_mean → data_v_mean" in heard[0].en


def test_weights_of_another_variable():
    dataset = unit_cells([[1, 2], [3, 4]])
    dataset["people"] = (("lat", "lon"), np.array([[1, 0], [3, FILL]], "f4"), {"_FillValue": FILL})
    found = of_one(dataset, shapely.box(0, 0, 2, 2), statistics=("weighted_mean", "weighted_sum"), weights="people")
    check(found, weighted_mean=10 / 4, weighted_sum=10)


def test_the_areas_of_classes_on_the_ellipsoid():
    found = of_one(grid([[7.0]], [0, 1], [0, 1]), shapely.box(0, 0, 1, 1), statistics=("areas",))
    assert found["area_7"] == pytest.approx(12308.46, rel=1e-6)


# --- zones as they come -----------------------------------------------------------------------------------------------


def test_crossing_rings_are_mended_and_named():
    heard = []
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    found = table(unit_cells([[1, 2], [3, 4]]), zones(bow), zone_id="name", statistics=("count",), warnings=heard)
    assert found["v_count"].iloc[0] == pytest.approx(2)
    assert "0 (z0)" in heard[0].en


@pytest.mark.parametrize("geometry", [shapely.Point(1, 1), shapely.Polygon()])
def test_what_is_no_polygon_is_refused_by_name(geometry):
    with pytest.raises(InvalidInputs, match=r"1 \(z1\)") as caught:
        table(unit_cells([[1, 2]]), zones(shapely.box(0, 0, 1, 1), geometry), zone_id="name")
    assert caught.value.faults[0].pointer == "/inputs/zones/features/1/geometry"


def test_a_feature_without_a_geometry_keeps_its_row():
    heard = []
    found = table(
        unit_cells([[1, 2]]), zones(None, shapely.box(0, 0, 1, 1)), statistics=("mean", "count"), warnings=heard
    )
    assert found[["v_mean", "v_count", "v_coverage"]].iloc[0].isna().all()
    assert found["v_count"].iloc[1] == 1
    assert "no geometry" in heard[0].en


def test_of_a_collection_the_polygons_are_used():
    heard = []
    both = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.Point(5, 5)])
    assert table(unit_cells([[1, 2]]), zones(both), statistics=("mean",), warnings=heard)["v_mean"].iloc[0] == 1
    assert "only the polygons" in heard[0].en


def test_an_edge_of_more_than_half_a_turn_is_read_as_it_stands_and_told():
    dataset = grid([np.arange(36)], np.arange(37) * 10, [-5, 5])
    heard = []
    found = table(dataset, zones(shapely.box(-170, -5, 170, 5)), statistics=("count",), warnings=heard)
    assert found["v_count"].iloc[0] == pytest.approx(34)
    assert "180 degrees" in heard[0].en


def test_polygons_of_a_projection_are_brought_to_the_grid():
    dataset = grid(np.arange(100).reshape(10, 10), np.linspace(0, 10, 11), np.linspace(40, 50, 11))
    plain = zones(shapely.box(2.5, 43.2, 6.5, 47.7).segmentize(0.01))
    moved = plain.to_crs(2154)
    one, other = (table(dataset, each, statistics=("mean", "count"), weighting="area") for each in (plain, moved))
    assert other["v_mean"].iloc[0] == pytest.approx(one["v_mean"].iloc[0], rel=1e-6)
    assert other["v_count"].iloc[0] == pytest.approx(one["v_count"].iloc[0], rel=1e-6)


def test_the_plane_of_a_polar_projection_holds_the_pole():
    side = np.linspace(-3e6, 3e6, 61)
    centres = (side[:-1] + side[1:]) / 2
    dataset = xr.Dataset(
        {
            "v": (("y", "x"), np.ones((60, 60), "f4"), {"grid_mapping": "crs"}),
            "crs": ((), 0, {
                "grid_mapping_name": "polar_stereographic", "latitude_of_projection_origin": 90.0,
                "straight_vertical_longitude_from_pole": 0.0, "standard_parallel": 71.0, "false_easting": 0.0,
                "false_northing": 0.0, "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563,
            }),
        },
        coords={
            "x": ("x", centres, {"standard_name": "projection_x_coordinate", "units": "m"}),
            "y": ("y", centres, {"standard_name": "projection_y_coordinate", "units": "m"}),
        },
    )  # fmt: skip
    found = of_one(dataset, shapely.box(-180, 80, 180, 90), statistics=("areas", "count"))
    cap = 2 * np.pi * 6371.0072**2 * (1 - np.sin(np.radians(80.0)))
    assert found["area_1"] == pytest.approx(cap, rel=2e-2)
    assert found["count"] > 0


# --- the same whichever way -------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 9.9), st.floats(0.1, 9.9), st.integers(0, 2**31))
def test_the_parts_of_a_zone_sum_to_the_whole(x, y, seed):
    rng = np.random.default_rng(seed)
    dataset = grid(rng.normal(size=(7, 9)), np.linspace(0, 10, 10), np.linspace(0, 10, 8))
    ring = shapely.Polygon(
        np.stack([5 + 4.5 * np.cos(a := np.sort(rng.uniform(0, 2 * np.pi, 12))), 5 + 4 * np.sin(a)], 1)
    )
    cut = [ring & shapely.box(0, 0, x, y), ring & shapely.box(x, 0, 10, y), ring & shapely.box(0, y, 10, 10)]
    parts = [each for each in cut if each.geom_type == "Polygon" and each.area > 1e-6]
    found = table(dataset, zones(ring, *parts), statistics=("count", "sum"))
    assert found["v_count"].iloc[1:].sum() == pytest.approx(found["v_count"].iloc[0], abs=1e-5)
    assert found["v_sum"].iloc[1:].sum() == pytest.approx(found["v_sum"].iloc[0], abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1))
def test_splitting_cells_changes_no_quantile(seed, share):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, size=(4, 5))
    whole = unit_cells(values)
    halves = grid(np.repeat(np.repeat(values, 2, 0), 2, 1), np.arange(11) / 2, (np.arange(9) / 2)[::-1])
    zone = shapely.box(0.5, 0.25, 3.5, 3.75)
    one, other = (of_one(each, zone, statistics=("quantile", "median"), quantiles=(share,)) for each in (whole, halves))
    assert one == other


def test_the_steps_of_a_series_are_those_of_single_maps_whatever_the_blocks(monkeypatch):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(11, 12, 13)).astype("f4")
    values[rng.random(values.shape) < 0.1] = FILL
    whole = grid(values, np.linspace(0, 13, 14), np.linspace(0, 12, 13))
    frame = zones(shapely.Point(6, 6).buffer(4), shapely.box(0.5, 0.5, 12.2, 3.1))
    once = table(whole, frame, statistics=ALL, weighting="area")
    singles = pd.concat(
        [table(whole.isel(time=at), frame, statistics=ALL, weighting="area").assign(step=at) for at in range(11)]
    )
    singles = singles.sort_values(["name", "step"], kind="stable").reset_index(drop=True)
    monkeypatch.setattr("gaia_processes.zonal_statistics.maps._BLOCK_BYTES", 300)
    banded = table(whole, frame, statistics=ALL, weighting="area")
    for name in (f"v_{each}" for each in (*ALL, "coverage")):
        np.testing.assert_allclose(once[name], singles[name], rtol=1e-12)
        np.testing.assert_allclose(banded[name], once[name], rtol=1e-9)
    monkeypatch.setattr("gaia_processes.zonal_statistics.maps._CHUNKED_BYTES", 400)  # 100 cells: parts of rows
    monkeypatch.setattr("gaia_processes.zonal_statistics.statistics._GATHERED_CELLS", 45)  # the larger zone has more
    some = ("mean", "count", "median", "variety")
    paned = table(whole.isel(time=[0]), frame, statistics=some, weighting="area")
    for name in (f"v_{each}" for each in (*some, "coverage")):
        np.testing.assert_allclose(paned[name], once[name][[0, 11]], rtol=1e-9)


@pytest.mark.slow
def test_a_raster_of_tiles_that_no_memory_holds_is_read_in_parts(monkeypatch, shared_data):
    taken = []
    real = rasterio.windows.Window
    monkeypatch.setattr("gaia_workers.readers.geotiff.Window", lambda *at: taken.append(at[2] * at[3]) or real(*at))
    monkeypatch.setattr("gaia_processes.zonal_statistics.maps._CHUNKED_BYTES", 2**14)
    with open_raster(shared_data / "bad" / "sparse_400GP.tif") as dataset:
        part = dataset.isel(lat=slice(16300, 16500), lon=slice(16300, 16500))
        lon, lat = part["lon"].values, part["lat"].values
        edges = shapely.box(lon[5], lat[190], lon[190], lat[5])
        found = table(part, zones(edges), statistics=("mean", "count"))
    assert (found["band_1_mean"].item(), found["band_1_count"].item()) == (0, pytest.approx(185 * 185))
    assert max(taken) <= 2**14


def test_long_series_in_files_and_in_blocks_of_few_steps_have_the_same_rows(monkeypatch):
    data = grid(np.arange(7 * 4).reshape(7, 2, 2) % 5, [0, 1, 2], [2, 1, 0])
    data["v"].values[3] = FILL
    frame = zones(shapely.box(0, 0, 1.5, 1.5), shapely.box(50, 0, 51, 1), shapely.box(1, 1, 2, 2))
    asked = {"statistics": ("mean", "count", "max"), "min_valid_fraction": 0.5}
    whole = table(data, frame, **asked)
    monkeypatch.setattr(statistics, "HELD_BYTES", 0)
    monkeypatch.setattr(rows, "BLOCK_ROWS", 3)
    made = compute(data, frame, weighting="cells", warn=print, **asked)
    blocks = list(made.frames())
    assert [len(block) for block in blocks] == [3, 3, 1] * 3
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole)
    series = made.series()
    assert series["v_max"].shape == (3, 7)
    np.testing.assert_array_equal(series["v_max"].values.reshape(-1), whole["v_max"])


@pytest.mark.parametrize("held_bytes", [0, 2**24])
def test_very_many_zones_are_taken_some_at_a_time_and_keep_their_order(held_bytes, monkeypatch):
    rng = np.random.default_rng(8)
    data = grid(rng.integers(0, 3, size=(5, 6, 6)), np.arange(7), np.arange(7)[::-1])
    corners = rng.permutation([(x, y) for x in range(6) for y in range(6)])
    frame = zones(*(shapely.box(x, y, x + 0.9, y + 0.9) for x, y in corners), shapely.Polygon())
    frame.loc[36, "geometry"] = None
    asked = {"statistics": ("mean", "count", "fractions")}
    together = table(data, frame, **asked)
    monkeypatch.setattr("gaia_processes.zonal_statistics.compute._ZONES_AT_ONCE", 4)
    for module in ("compute", "statistics"):
        monkeypatch.setattr(f"gaia_processes.zonal_statistics.{module}.HELD_BYTES", held_bytes)
    apart = table(data, frame, **asked)
    pd.testing.assert_frame_equal(apart, together)


def test_a_zone_that_cannot_be_held_has_the_same_ordered_statistics(monkeypatch):
    rng = np.random.default_rng(6)
    dataset = grid(rng.integers(0, 6, size=(3, 12, 13)), np.linspace(0, 13, 14), np.linspace(0, 12, 13))
    asked = {"statistics": ("median", "quantile", "majority", "minority", "variety", "fractions"), "quantiles": (0.3,)}
    frame = zones(shapely.Point(6, 6).buffer(4))
    held = table(dataset, frame, weighting="area", **asked)
    monkeypatch.setattr("gaia_processes.zonal_statistics.statistics._GATHERED_CELLS", 10)
    walked = table(dataset, frame, weighting="area", **asked)
    pd.testing.assert_frame_equal(held.drop(columns="geometry"), walked.drop(columns="geometry"), rtol=1e-12)


def test_a_curvilinear_grid_of_straight_rows_is_a_regular_one():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(9, 11)).astype("f4")
    regular = grid(values, np.linspace(-5, 6, 12), np.linspace(40, 49, 10))
    x, y = np.meshgrid(regular.lon.values, regular.lat.values)
    edges = np.meshgrid(np.linspace(-5, 6, 12), np.linspace(40, 49, 10))
    corners = [np.stack([e[:-1, :-1], e[:-1, 1:], e[1:, 1:], e[1:, :-1]], -1) for e in edges]
    curved = xr.Dataset(
        {
            "v": (("j", "i"), values, {"coordinates": "lon lat"}),
            "lon_v": (("j", "i", "c"), corners[0]),
            "lat_v": (("j", "i", "c"), corners[1]),
        },
        coords={
            "lon": (("j", "i"), x, {"units": "degrees_east", "bounds": "lon_v"}),
            "lat": (("j", "i"), y, {"units": "degrees_north", "bounds": "lat_v"}),
        },
    )
    frame = zones(shapely.Point(0.3, 44.4).buffer(3.3), shapely.box(358, 41, 363, 47))
    one, other = (table(each, frame, statistics=("mean", "sum", "count", "max")) for each in (regular, curved))
    for name in ("v_mean", "v_sum", "v_count", "v_max"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9)


def test_data_without_cells_are_refused():
    with pytest.raises(DatasetUnsuitable, match="grid"):
        table(xr.Dataset({"v": ("station", np.zeros(3, "f4"))}), zones(shapely.box(0, 0, 1, 1)))


# --- real files -------------------------------------------------------------------------------------------------------


def raster(path):
    """Read a small raster as the reader of GeoTIFFs would give it, on longitudes and latitudes."""
    with rasterio.open(path) as source:
        values, (height, width), t = source.read(1), source.shape, source.transform
        attrs = {} if source.nodata is None else {"_FillValue": values.dtype.type(source.nodata)}
    x, y = t.c + t.a * np.arange(width + 1), t.f + t.e * np.arange(height + 1)
    made = grid(np.zeros((height, width)), x, y)
    made["v"] = (("lat", "lon"), values, attrs)
    return made


def test_luxembourg_is_what_exactextract_says(shared_data):
    frame = gpd.read_file(shared_data / "vector/lux.gpkg")
    names = ["mean", "sum", "count", "min", "max", "stdev", "variance", "variety"]
    theirs = exact_extract(str(shared_data / "raster/elev.tif"), frame, names, output="pandas")
    ours = table(raster(shared_data / "raster/elev.tif"), frame, statistics=tuple(names))
    for name in names:
        np.testing.assert_allclose(ours[f"v_{name}"], theirs[name], rtol=1e-6, err_msg=name)


def test_a_raster_stored_bottom_up_gives_the_same(shared_data):
    frame = gpd.read_file(shared_data / "vector/lux.gpkg")
    one, other = (table(raster(shared_data / "raster" / name), frame) for name in ("elev.tif", "elev_bottom_up.tif"))
    for name in ALL:
        np.testing.assert_allclose(one[f"v_{name}"], other[f"v_{name}"], rtol=1e-9)


def test_monthly_means_of_counties_in_another_datum(shared_data):
    frame = gpd.read_file(shared_data / "vector/nc_counties_nad27.gpkg")
    with xr.open_dataset(shared_data / "climate/bcsd_obs_1999.nc", decode_cf=False) as dataset:
        found = table(dataset, frame, statistics=("mean",), weighting="area")
    assert len(found) == 100 * 12
    assert found["time"].iloc[0].startswith("1999-01")
    january = found[found["time"].str.startswith("1999-01")]
    assert january["tas_mean"].between(0, 15).all()
    assert found["NAME"].iloc[0] == frame["NAME"].iloc[0]


def test_each_edge_case_is_what_it_expects(shared_data):
    frame = gpd.read_file(shared_data / "vector/edge_cases.geojson")
    frame = frame[~frame.geometry.is_empty | frame.geometry.isna()].reset_index(drop=True)
    lon, lat = np.arange(0, 361, 2.5), np.arange(-90, 91, 2.5)
    values = np.add.outer(np.arange(72), np.arange(144) / 1000)
    ours = table(grid(values, lon, lat), frame, statistics=("mean", "count"), weighting="area").set_index("case")
    western = table(
        grid(np.roll(values, 72, 1), lon - 180, lat), frame, statistics=("mean", "count"), weighting="area"
    ).set_index("case")
    np.testing.assert_allclose(ours["v_mean"], western["v_mean"], rtol=1e-9)
    mean, count = ours["v_mean"], ours["v_count"]
    assert count["simple"] == pytest.approx(16 / 6.25)
    assert count["hole"] == pytest.approx(84 / 6.25)
    assert count["island_in_hole"] == pytest.approx(68 / 6.25)
    assert count["antimeridian_split"] == pytest.approx(200 / 6.25)
    assert mean["antimeridian_split"] == pytest.approx(mean["antimeridian_360"])
    assert count["antimeridian_naive"] == pytest.approx(3400 / 6.25)
    assert count["greenwich"] == pytest.approx(50 / 6.25)
    assert mean["world"] == pytest.approx(mean["world_360"])
    assert count["world"] == pytest.approx(72 * 144)
    assert count["north_cap"] == pytest.approx(4 * 144)
    assert count["sub_pixel"] == pytest.approx(1e-6 / 6.25, rel=1e-6)
    assert count["sliver"] == pytest.approx(40 * 1e-4 / 6.25, rel=1e-6)
    for same in ("clockwise_exterior", "duplicate_points", "collinear_points", "three_d"):
        assert mean[same] == pytest.approx(mean["simple"])
    assert np.isnan(mean["null_geometry"])
    assert np.isnan(count["null_geometry"])
