"""Aggregate, on series and grids that can be counted by hand."""

import cftime
import numpy as np
import pytest
import xarray as xr

from gaia_processes.aggregate.compute import compute
from gaia_processes.errors import DatasetUnsuitable, InvalidInputs, SelectionEmpty
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.inputs.seasons import parse_season
from gaia_processes.inputs.years import parse_years
from gaia_workers.readers.netcdf import open_dataset

NAN = float("nan")
FILL = np.float32(1e20)
LENGTHS = {
    "noleap": [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31],
    "360_day": [30] * 12,
}


def series(edges, values, *, start="2001-01-01", calendar="noleap", **attrs):
    """Make a series whose steps go from edge to edge, in days since the start."""
    bounds = np.stack([edges[:-1], edges[1:]], 1).astype("f8")
    time = {"units": f"days since {start}", "calendar": calendar, "standard_name": "time", "bounds": "time_bnds"}
    return xr.Dataset(
        {
            "v": ("time", np.asarray(values, "f4"), {"units": "K", "_FillValue": FILL, **attrs}),
            "time_bnds": (("time", "bnds"), bounds),
        },
        coords={"time": ("time", bounds.mean(1), time)},
    )


def months(values, *, start="2001-01-01", calendar="noleap", **attrs):
    """Make months that follow each other from the first of a month on."""
    year, month, _ = map(int, start.split("-"))
    edges, units = [], f"days since {start}"
    for at in range(len(values) + 1):
        number = month - 1 + at
        date = cftime.datetime(year + number // 12, number % 12 + 1, 1, calendar=calendar)
        edges.append(cftime.date2num(date, units, calendar))
    return series(np.array(edges), values, start=start, calendar=calendar, **attrs)


def days(values, *, start="2001-01-01", calendar="noleap", **attrs):
    return series(np.arange(len(values) + 1), values, start=start, calendar=calendar, **attrs)


def without_bounds(dataset):
    bare = dataset.drop_vars("time_bnds")
    bare.time.attrs.pop("bounds")
    return bare


def grid(values, *, latitudes, longitudes=(0.0, 90.0, 180.0, 270.0)):
    """Make a global grid without bounds; the values vary from row to row, or are given whole."""
    values = np.asarray(values, "f4")
    whole = np.repeat(values[:, None], len(longitudes), 1) if values.ndim == 1 else values
    return xr.Dataset(
        {"v": (("lat", "lon"), whole, {"units": "K", "_FillValue": FILL})},
        coords={
            "lat": ("lat", np.asarray(latitudes, "f8"), {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", np.asarray(longitudes, "f8"), {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def run(dataset, **options):
    """Aggregate, where nobody is to be warned."""
    return compute(dataset, warn=pytest.fail, **options)


def quietly(dataset, **options):
    return compute(dataset, warn=lambda text: None, **options)


def values_of(result, name="v"):
    stored = np.asarray(result.variables[name].values, "f8")
    return np.where(stored == np.float64(FILL), NAN, stored).tolist()


def dates_of(result, name):
    time = result.variables["time"].attrs
    dates = cftime.num2date(result.variables[name].values, time["units"], time["calendar"])
    return [[date.strftime("%Y-%m-%d") for date in pair] for pair in dates]


YEAR = list(range(1, 13))

# --- the cases of the science contract ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "calendar", "expected"),
    [
        pytest.param("2001-01-01", "noleap", 2382 / 365, id="A1"),
        pytest.param("2000-01-01", "standard", 2384 / 366, id="A2 leap year"),
        pytest.param("2000-01-01", "360_day", 6.5, id="A2 equal months"),
    ],
)
def test_a1_a2_the_mean_of_a_year_weighs_the_days_of_each_month(start, calendar, expected):
    data = months(YEAR, start=start, calendar=calendar)
    assert values_of(run(data, period="year")) == pytest.approx([expected])
    assert values_of(run(without_bounds(data), period="year")) == pytest.approx([expected])


def test_a3_a_winter_has_the_year_of_its_january():
    result = run(months([12, 1, 2], start="2000-12-01", calendar="standard"), period="season")
    assert values_of(result) == pytest.approx([459 / 90])
    assert dates_of(result, "time_bnds") == [["2000-12-01", "2001-03-01"]]


def test_a4_winters_at_the_ends_are_left_out():
    result = run(months(range(24)), period="season")
    begins = [begin for begin, _ in dates_of(result, "time_bnds")]
    assert begins == [
        f"{date}-01" for date in ("2001-03", "2001-06", "2001-09", "2001-12", "2002-03", "2002-06", "2002-09")
    ]


def test_a5_a_missing_month_makes_the_year_missing_unless_less_is_enough():
    data = months([*YEAR[:11], NAN])
    assert values_of(run(data, period="year")) == pytest.approx([NAN], nan_ok=True)
    assert values_of(run(data, period="year", min_valid_fraction=0.9)) == pytest.approx([2010 / 334])
    assert values_of(run(months(YEAR[:11]), period="year", min_valid_fraction=0.9)) == pytest.approx([2010 / 334])


def test_a6_rows_on_the_poles_are_caps():
    data = grid([1, 0, 0, 0, 0, 0, 1], latitudes=np.arange(-90.0, 91.0, 30.0))
    assert values_of(run(data, over=("area",))) == pytest.approx(1 - np.sin(np.radians(75)))


def januaries():
    return months([month for january in (10, 14, 18) for month in (january, *[0] * 11)])


def test_a7_a_climatology_and_what_is_apart_from_it():
    baseline = parse_years("2001/2002")
    normal = quietly(januaries(), period="month", climatology=True, baseline=baseline)
    assert values_of(normal)[0] == 12
    assert normal.time.attrs["climatology"] == "climatology_bounds"
    assert "bounds" not in normal.time.attrs
    assert dates_of(normal, "climatology_bounds")[0] == ["2001-01-01", "2002-02-01"]
    assert normal.n_years.values.tolist() == [2] * 12
    apart = quietly(januaries(), period="month", baseline=baseline)
    assert values_of(apart)[::12] == [-2, 2, 6]
    assert apart.v.attrs["units"] == "K"


def test_a8_the_mean_of_the_highest_of_each_january():
    first, second = np.zeros(365), np.zeros(365)
    first[3], second[30] = 5, 9
    data = days([*first, *second], cell_methods="time: maximum", standard_name="air_temperature")
    result = quietly(data, statistic="max", period="month", climatology=True)
    assert values_of(result)[0] == 7
    assert result.v.attrs["cell_methods"].endswith("time: maximum within years time: mean over years")


def test_the_climatology_of_30_winters_has_the_bounds_of_the_example_of_cf_7_9():
    winters = months(range(31 * 12), start="1960-12-01", calendar="standard")
    result = run(winters, period="season", climatology=True)
    assert dates_of(result, "climatology_bounds")[0] == ["1960-12-01", "1991-03-01"]


# --- periods --------------------------------------------------------------------------------------------------------


def test_all_of_the_time_is_one_value_that_keeps_its_dimension():
    result = run(months(YEAR))
    assert result.v.dims == ("time",)
    assert values_of(result) == pytest.approx([2382 / 365])
    assert dates_of(result, "time_bnds") == [["2001-01-01", "2002-01-01"]]
    assert result.v.attrs["cell_methods"] == "time: mean"


def test_a_month_that_the_record_does_not_hold_whole_is_left_out_at_the_ends():
    result = run(days(range(20 + 28 + 10), start="2001-01-12"), period="month")
    assert dates_of(result, "time_bnds") == [["2001-02-01", "2001-03-01"]]
    assert values_of(result) == [20 + 13.5]


@pytest.mark.parametrize(("asked", "left_out"), [("2000/2002", "2002-01-01/2003-01-01"), ("2000/2001-11", None)])
def test_a_year_that_was_asked_for_and_is_not_covered_is_told(shared_data, asked, left_out):
    said = []
    with open_dataset(shared_data / "climate/A1B_north_america.nc") as dataset:
        made = compute(dataset, period="year", datetime=parse_interval(asked), warn=said.append)
        assert made.sizes["time"] == (2 if left_out else 1)
    assert [left_out in text.en and left_out in text.fr for text in said] == ([True] if left_out else [])


def test_a_gap_makes_the_period_within_missing():
    whole = days(np.arange(31.0 + 28 + 31))
    result = run(whole.isel(time=[*range(40), *range(45, 90)]), period="month")
    assert values_of(result) == pytest.approx([15, NAN, 74], nan_ok=True)


def test_where_no_period_is_complete_the_extent_is_named():
    with pytest.raises(SelectionEmpty, match="from 2001-01-16T12:00:00 to 2001-03-16T12:00:00, hold no complete year"):
        run(months([1, 2, 3]), period="year")


def test_months_of_all_years_are_pooled():
    data = months([month + 100 * year for year in range(2) for month in YEAR], calendar="360_day")
    result = run(data, period="month-of-year", statistic="max")
    assert values_of(result) == [100 + month for month in YEAR]
    assert dates_of(result, "climatology_bounds")[1] == ["2001-02-01", "2002-03-01"]


def test_a_daily_climatology_leaves_the_leap_day_out_unless_it_is_asked_for():
    leap, plain = np.arange(366.0), np.delete(np.arange(366.0), 59)
    data = days([*leap, *plain], start="2000-01-01", calendar="standard")
    assert values_of(quietly(data, period="day", climatology=True)) == plain.tolist()
    assert values_of(quietly(data, period="day", climatology=True, leap_day=True)) == leap.tolist()


def test_seasons_of_ones_own_may_cross_the_year():
    seasons = tuple(map(parse_season, ("NDJFM", "6-9")))
    result = run(months(range(24)), period="season", seasons=seasons)
    assert dates_of(result, "time_bnds") == [
        ["2001-06-01", "2001-10-01"], ["2001-11-01", "2002-04-01"], ["2002-06-01", "2002-10-01"],
    ]  # fmt: skip


def test_several_years_make_one_period():
    result = run(months(range(48), calendar="360_day"), period="year", years=2)
    assert values_of(result) == [11.5, 35.5]


def test_hours_without_bounds_make_whole_days():
    data = without_bounds(series(np.arange(9) / 4, range(8)))
    data["time"] = ("time", np.arange(8) / 4, data.time.attrs)
    assert values_of(run(data, period="day")) == [1.5, 5.5]


def test_periods_shorter_than_the_steps_are_refused():
    with pytest.raises(DatasetUnsuitable, match="longer than the period 'day'"):
        run(months(YEAR), period="day")


def test_a_climatology_of_few_years_is_told():
    told = []
    compute(januaries(), period="month", climatology=True, warn=told.append)
    assert [text.en for text in told] == ["The climatology is made of 3 years; 30 are usual."]


def test_a_baseline_without_a_complete_period_is_refused():
    with pytest.raises(SelectionEmpty, match="hold no complete month in 1990/1999"):
        run(januaries(), period="month", baseline=parse_years("1990/1999"))


def test_a_ratio_is_missing_where_the_climatology_is_nothing():
    result = quietly(januaries(), period="month", baseline=parse_years("2001/2002"), ratio=True)
    assert values_of(result)[:2] == pytest.approx([10 / 12, NAN], nan_ok=True)
    assert result.v.attrs["units"] == "1"


# --- statistics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"statistic": "sum"}, 18),
        ({"statistic": "min"}, 1),
        ({"statistic": "max"}, 9),
        ({"statistic": "count"}, 4),
        ({"statistic": "var"}, 8.75),
        ({"statistic": "std"}, 8.75**0.5),
        ({"statistic": "var", "ddof": 1}, 35 / 3),
        ({"statistic": "median"}, 4),
        ({"statistic": "quantile", "quantile": 0.25}, 2.5),
    ],
    ids=str,
)
def test_a_statistic_of_the_days_1_3_5_9(options, expected):
    assert values_of(run(days([1, 3, 5, 9]), **options)) == pytest.approx([expected])


def test_variance_and_standard_deviation_say_their_units():
    assert run(days([1, 3]), statistic="var").v.attrs["units"] == "K2"
    assert run(days([1, 3]), statistic="std").v.attrs["units_metadata"] == "temperature: difference"


def test_a_count_is_never_missing():
    result = run(days([1, NAN, 3]), statistic="count")
    assert (values_of(result), result.v.dtype, result.v.attrs["units"]) == ([2], np.int32, "1")


def test_a_count_of_too_little_is_missing_where_a_share_is_asked_for():
    result = run(days([1, NAN, 3]), statistic="count", min_valid_fraction=0.7)
    assert result.v.values.tolist() == [result.v.attrs["_FillValue"]]


@pytest.mark.parametrize(
    ("units", "amount", "expected"),
    [("kg m-2 s-1", "kg m-2", 3 * 86400), ("mm/day", "mm", 3), ("W m-2", "J m-2", 3 * 86400)],
)
def test_a_rate_becomes_an_amount_when_it_is_integrated(units, amount, expected):
    data = days([1, 2], units=units, standard_name="precipitation_flux")
    result = run(data, statistic="sum", integrate=True)
    assert values_of(result) == pytest.approx([expected])
    assert result.v.attrs["units"] == amount
    assert "standard_name" not in result.v.attrs
    with pytest.raises(InvalidInputs, match="it is a rate"):
        run(data, statistic="sum")


def test_packed_numbers_are_unpacked_and_written_as_floats():
    data = days([0, 0])
    packing = {"scale_factor": np.float32(0.5), "add_offset": np.float32(10), "_FillValue": np.int16(-1), "units": "K"}
    data["v"] = ("time", np.array([2, 4], "i2"), packing)
    result = run(data)
    assert (values_of(result), result.v.dtype) == ([11.5], np.float32)
    assert "scale_factor" not in result.v.attrs


def test_what_lies_outside_of_the_valid_range_is_missing():
    data = days([1, 2, 900], valid_range=np.array([0, 100], "f4"))
    assert values_of(run(data, min_valid_fraction=0)) == [1.5]


@pytest.mark.parametrize(
    ("before", "statistic", "after"),
    [
        ("time: mean", "mean", "time: mean within years time: mean over years"),
        ("time: maximum", "mean", "time: maximum within days time: mean over days time: mean over years"),
        ("time: maximum (interval: 1 hour)", "max", "time: maximum within years time: mean over years"),
    ],
)
def test_a_climatology_says_what_is_within_and_over_the_years(before, statistic, after):
    result = quietly(days(np.zeros(59), cell_methods=before), period="month", climatology=True, statistic=statistic)
    assert result.v.attrs["cell_methods"] == after


def test_daily_extremes_are_within_days_and_means_over_them():
    result = run(days(np.zeros(31), cell_methods="time: maximum"), period="month")
    assert result.v.attrs["cell_methods"] == "time: maximum within days time: mean over days"


# --- space ----------------------------------------------------------------------------------------------------------


def test_rows_are_weighed_by_their_area_on_the_sphere():
    data = grid([1, 3], latitudes=[15.0, 60.0])
    data["lat_bnds"] = (("lat", "bnds"), [[0.0, 30.0], [30.0, 90.0]])
    data.lat.attrs["bounds"] = "lat_bnds"
    result = run(data, over=("area",))
    assert values_of(result) == pytest.approx(2)
    assert result.lat.item() == 45
    assert result.v.attrs["coordinates"].split() == ["lon", "lat"]
    assert result.v.attrs["cell_methods"] == "area: mean"


def test_missing_cells_do_not_count():
    data = grid([[1, NAN, 3, NAN]], latitudes=[0.0])
    assert values_of(run(data, over=("longitude",))) == [2]
    assert values_of(run(data, over=("longitude",), min_valid_fraction=0.6)) == pytest.approx([NAN], nan_ok=True)


def test_what_remains_of_a_zonal_mean_is_latitude():
    result = run(grid([[1, 2, 3, 4], [5, 6, 7, 8]], latitudes=[-45.0, 45.0]), over=("longitude",))
    assert (result.v.dims, values_of(result)) == (("lat",), [2.5, 6.5])
    assert result.v.attrs["cell_methods"] == "lon: mean"


def test_areas_of_the_file_come_first():
    data = grid([[1, 2, 3, 4]], latitudes=[0.0])
    data["areacella"] = (("lat", "lon"), [[3.0, 1.0, 0.0, 0.0]], {"units": "m2", "standard_name": "cell_area"})
    data.v.attrs["cell_measures"] = "area: areacella"
    result = run(data, over=("area",))
    assert values_of(result) == 1.25
    assert "cell_measures" not in result.v.attrs


def test_a_median_over_cells_is_weighed():
    data = grid([1, 3], latitudes=[15.0, 60.0])
    data["lat_bnds"] = (("lat", "bnds"), [[0.0, 30.0], [40.0, 90.0]])
    data.lat.attrs["bounds"] = "lat_bnds"
    assert values_of(run(data, over=("area",), statistic="median")) == 1


def test_cells_are_reduced_before_steps():
    data = days([0, 0])
    data["v"] = (("time", "lat", "lon"), np.array([[[1, 3]], [[5, NAN]]], "f4"), {"units": "K", "_FillValue": FILL})
    data["lat"] = ("lat", [0.0], {"units": "degrees_north"})
    data["lon"] = ("lon", [0.0, 180.0], {"units": "degrees_east"})
    result = run(data, over=("time", "area"))
    assert values_of(result) == [3.5]
    assert result.v.attrs["cell_methods"] == "area: mean time: mean"


def levels(values, *, bounds=None):
    data = xr.Dataset(
        {"v": ("plev", np.asarray(values, "f4"), {"units": "K"})},
        coords={"plev": ("plev", [1000.0, 800.0, 400.0], {"units": "hPa", "positive": "down", "axis": "Z"})},
    )
    if bounds is not None:
        data["plev_bnds"] = (("plev", "bnds"), bounds)
        data.plev.attrs["bounds"] = "plev_bnds"
    return data


def test_levels_are_weighed_by_their_thickness():
    given = [[1050.0, 950.0], [950.0, 650.0], [650.0, 50.0]]
    assert values_of(run(levels([1, 2, 3], bounds=given), over=("level",))) == pytest.approx((1 + 6 + 18) / 10)
    made = (200 * 1 + 300 * 2 + 400 * 3) / 900
    assert values_of(run(levels([1, 2, 3]), over=("level",))) == pytest.approx(made)


def test_variables_without_the_dimension_are_kept_as_they_are():
    data = days([1, 3])
    data["height"] = ((), np.float32(7), {"units": "m"})
    assert values_of(run(data), "height") == 7


def test_rows_of_a_curvilinear_grid_are_no_latitudes():
    plane = np.array([[0.0, 10.0], [1.0, 11.0]])
    data = xr.Dataset(
        {"v": (("y", "x"), plane.astype("f4"), {"units": "K", "coordinates": "lon lat"})},
        coords={
            "lon": (("y", "x"), plane, {"units": "degrees_east"}),
            "lat": (("y", "x"), plane.T, {"units": "degrees_north"}),
        },
    )
    with pytest.raises(DatasetUnsuitable, match="ask for area"):
        run(data, over=("longitude",))


def test_nothing_to_reduce_is_said():
    with pytest.raises(DatasetUnsuitable, match="nothing to be reduced over level"):
        run(days([1]), over=("level",))


# --- options that contradict each other -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"statistic": "quantile"}, "quantile"),
        ({"quantile": 0.5}, "quantile"),
        ({"ddof": 1}, "ddof"),
        ({"integrate": True}, "integrate"),
        ({"climatology": True}, "period"),
        ({"period": "month-of-year", "baseline": parse_years("2001")}, "period"),
        ({"over": ("level",), "period": "month"}, "period"),
        ({"over": ("area", "longitude")}, "over"),
        ({"ratio": True}, "ratio"),
        ({"leap_day": True}, "leap_day"),
        ({"years": 2}, "years"),
        ({"period": "season", "seasons": (parse_season("DJF"), parse_season("2-4"))}, "seasons"),
    ],
    ids=str,
)
def test_options_that_mean_nothing_together_are_refused(options, wrong):
    with pytest.raises(InvalidInputs) as refused:
        run(days([1, 2]), **options)
    assert [fault.input for fault in refused.value.faults] == [wrong]


def test_a_step_that_comes_twice_counts_once_and_is_told_of():
    data = months([1, 2, 3], calendar="360_day").isel(time=[0, 1, 1, 2])
    said = []
    result = compute(data, warn=said.append)
    assert values_of(result) == [2]
    assert "1 repeated steps" in said[0].en


def test_months_since_a_date_are_weighed_by_their_days_and_given_in_days():
    data = without_bounds(months(YEAR))
    data = data.assign_coords(
        time=("time", np.arange(12) + 0.5, data.time.attrs | {"units": "months since 2001-01-01"})
    )
    result = run(data, period="year")
    assert values_of(result) == pytest.approx([2382 / 365])
    assert (result.time.attrs["units"], result.time.values.tolist()) == ("days since 2001-01-01", [182.5])


def test_a_climatology_of_counts_is_no_whole_number():
    data = months([1, NAN] + [1] * 22)  # February is there once in two years
    options = {"statistic": "count", "period": "season", "seasons": (parse_season("1-2"),)}
    assert values_of(quietly(data, climatology=True, **options)) == [1.5]
    assert values_of(quietly(data, baseline=parse_years("2001/2002"), **options)) == [-0.5, 0.5]


def test_the_greatest_byte_is_a_value_and_not_missing():
    data = days(np.zeros(2))
    data["v"] = ("time", np.uint8([7, 255]), {"units": "1"})
    result = run(data, statistic="max")
    assert (result.v.values.tolist(), result.v.attrs["_FillValue"] < 0) == ([255], True)


def test_what_has_no_length_is_not_integrated():
    data = without_bounds(days([1.0], units="kg m-2 s-1"))
    with pytest.raises(DatasetUnsuitable, match="how long the one step"):
        run(data, statistic="sum", integrate=True)


@pytest.mark.parametrize(("over", "expected"), [(("area",), 2.5), (("longitude",), [2.5, 2.5])])
def test_a_column_that_comes_again_at_the_seam_counts_once(over, expected):
    data = grid([[1, 2, 3, 4, 1]] * 2, latitudes=(-45.0, 45.0), longitudes=(0.0, 90.0, 180.0, 270.0, 360.0))
    assert values_of(run(data, over=over)) == expected
    assert np.max(values_of(run(data, over=over, statistic="count"))) == (8 if over == ("area",) else 4)
    assert np.max(values_of(run(data, over=over, statistic="count", drop_halo=False))) == (
        10 if over == ("area",) else 5
    )


def test_classes_have_no_mean_and_a_warning_says_so():
    classes = grid([1, 3], latitudes=(-45.0, 45.0))
    classes.v.attrs |= {"flag_values": np.float32([1, 3]), "flag_meanings": "a b"}
    said = []
    compute(classes, over=("area",), warn=said.append)
    assert "v holds categories" in said[0].en
    assert values_of(run(classes, over=("area",), statistic="max")) == 3
