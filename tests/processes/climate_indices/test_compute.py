"""Climate indices that can be counted on fingers: the cases of the science contract, and the options."""

from collections.abc import Sequence
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr

from gaia_processes.climate_indices import records, work
from gaia_processes.climate_indices.compute import compute
from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.inputs.years import Years

NAN = float("nan")
UNITS = {"tasmin": "degC", "tasmax": "degC", "tas": "degC", "pr": "mm day-1"}


def days(
    name: str, values: Any, *, start: str = "2001-01-01", calendar: str = "noleap", unit: str | None = None,
    latitude: float = 45.0,
) -> xr.Dataset:  # fmt: skip
    """Make daily values of one cell, as a reader gives them."""
    numbers = np.asarray(values, dtype="f8").reshape(-1, 1, 1)
    return xr.Dataset(
        {name: (("time", "lat", "lon"), numbers, {"units": unit or UNITS[name], "_FillValue": np.float64(1e20)})},
        coords={
            "time": ("time", np.arange(len(numbers)) + 0.5, {"units": f"days since {start}", "calendar": calendar}),
            "lat": ("lat", [latitude], {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", [5.0], {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def index(id: str, *datasets: xr.Dataset, **options: Any) -> list[float]:
    """Give the values of an index, one a period; NaN is missing."""
    made = compute(datasets, indices=(id,), warn=lambda _: None, **{"min_valid_fraction": 0.0, **options})
    values = np.asarray(made[id].values, dtype="f8").ravel()
    found: list[float] = np.where(values > 1e19, NAN, values).tolist()
    return found


RAIN = (0, 0.9, 1, 5, 0, 0, 0, 12)


@pytest.mark.parametrize(
    ("id", "name", "values", "expected"),
    [
        pytest.param("FD", "tasmin", (-1, 0, -0.1, 3), 2, id="I1 frost days: 0 is not frost"),
        pytest.param("SU", "tasmax", (25, 25.1, 30), 2, id="I2 summer days: 25 is none"),
        pytest.param("CDD", "pr", RAIN, 3, id="I3 CDD"),
        pytest.param("CWD", "pr", RAIN, 2, id="I3 CWD"),
        pytest.param("RR1", "pr", RAIN, 3, id="I3 RR1"),
        pytest.param("SDII", "pr", RAIN, 6, id="I3 SDII: 18 / 3"),
        pytest.param("PRCPTOT", "pr", RAIN, 18, id="I3 PRCPTOT: 0.9 is no wet day"),
        pytest.param("R10mm", "pr", RAIN, 1, id="I3 R10mm"),
        pytest.param("RX1day", "pr", RAIN, 12, id="I3 RX1day"),
        pytest.param("RX5day", "pr", (1, 2, 3, 4, 5, 6), 20, id="I4 RX5day: 2+3+4+5+6"),
        pytest.param("ID", "tasmax", (-1, 0, 1), 1, id="ice days"),
        pytest.param("TR", "tasmin", (20, 20.5), 1, id="tropical nights"),
        pytest.param("TXx", "tasmax", (-5, 3, 1), 3, id="TXx"),
        pytest.param("TXn", "tasmax", (-5, 3, 1), -5, id="TXn"),
        pytest.param("GDD", "tas", (4, 5, 7.5), 2.5, id="growing degree days"),
        pytest.param("HDD", "tas", (16, 17, 20), 1, id="heating degree days"),
        pytest.param("CDDcool", "tas", (18, 20, 10), 2, id="cooling degree days"),
        pytest.param("R20mm", "pr", (20, 19.9), 1, id="R20mm takes 20"),
    ],
)
def test_a_few_days_are_counted(id: str, name: str, values: Sequence[float], expected: float) -> None:
    assert index(id, days(name, values)) == pytest.approx([expected])


TWO_YEARS = [*[0.0] * 364, 10, 1, 1, 1, 1, *[0.0] * 361]
"""31 December with 10 mm, then four days with 1 mm."""


def test_i5_five_days_belong_to_the_last_of_them_or_must_lie_within() -> None:
    assert index("RX5day", days("pr", TWO_YEARS), min_valid_fraction=1.0) == [10, 14]
    assert index("RX5day", days("pr", TWO_YEARS), min_valid_fraction=1.0, within=True) == [10, 4]


@pytest.mark.parametrize(("least", "expected"), [(1.0, NAN), (0.99, 364.0)])
def test_i6_one_missing_day_makes_the_year_missing(least: float, expected: float) -> None:
    values = [1e20, *[-1.0] * 364]
    assert index("FD", days("tasmin", values), min_valid_fraction=least) == pytest.approx([expected], nan_ok=True)


def test_i6_a_day_that_the_file_lacks_is_missing_too() -> None:
    whole = days("tasmin", [-1.0] * 365)
    gap = whole.isel(time=[at for at in range(365) if at != 100])
    assert index("FD", gap, min_valid_fraction=0.99) == [364]
    assert index("FD", gap, min_valid_fraction=1.0) == pytest.approx([NAN], nan_ok=True)
    with pytest.raises(SelectionEmpty, match="no complete year"):
        index("FD", whole.isel(time=slice(1, 365)), min_valid_fraction=1.0)


def year_without(*lacking: int) -> xr.Dataset:
    """Give a year of frost of which some days (from 1 January = 0) are missing."""
    return days("tasmin", [1e20 if at in lacking else -1.0 for at in range(365)])


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        pytest.param((*range(4), *range(31, 35)), 357.0, id="four in a row in two months"),
        pytest.param(tuple(range(5)), NAN, id="five in a row"),
        pytest.param(tuple(range(0, 20, 2)), 355.0, id="ten of a month"),
        pytest.param(tuple(range(0, 22, 2)), NAN, id="eleven of a month"),
        pytest.param(tuple(range(28, 34)), 359.0, id="six in a row, three in each of two months"),
    ],
)
def test_by_the_rule_of_wmo_a_month_may_lack_ten_days_and_four_in_a_row(
    lacking: Sequence[int], expected: float
) -> None:
    made = index("FD", year_without(*lacking), missing_rule="wmo", min_valid_fraction=1.0)
    assert made == pytest.approx([expected], nan_ok=True)


def test_by_the_rule_of_wmo_a_bad_month_spoils_itself_alone() -> None:
    made = index("FD", year_without(*range(5)), missing_rule="wmo", min_valid_fraction=1.0, period="month")
    assert made[:3] == pytest.approx([NAN, 28, 31], nan_ok=True)


def season(first: int, last: int) -> list[float]:
    """Give 6 °C from one day of the year to another (from 1), else 0 °C."""
    return [6.0 if first <= day <= last else 0.0 for day in range(1, 366)]


def test_i7_the_growing_season_goes_from_the_first_warm_days_to_the_first_cold_ones() -> None:
    assert index("GSL", days("tas", season(10, 300)), min_valid_fraction=1.0) == [291]


@pytest.mark.parametrize(("warm", "expected"), [((10, 365), 356), ((0, 0), 0), ((10, 14), 0)])
def test_a_growing_season_may_have_no_end_or_no_beginning(warm: tuple[int, int], expected: int) -> None:
    assert index("GSL", days("tas", season(*warm)), min_valid_fraction=1.0) == [expected]


def test_in_the_south_the_year_of_the_growing_season_begins_in_july() -> None:
    # Warm from 1 October 2001 (day 274) to 10 March 2002 (day 69): 92 + 69 days.
    values = [6.0 if 274 <= day <= 365 + 69 else 0.0 for day in range(1, 2 * 365 + 1)]
    south = index("GSL", days("tas", values, latitude=-45.0), min_valid_fraction=1.0)
    assert south == pytest.approx([92 + 69, NAN], nan_ok=True)
    assert index("GSL", days("tas", values), min_valid_fraction=1.0)[0] == 0  # in the north it would begin too late


def test_a_mean_temperature_is_made_of_the_extremes_and_that_is_said() -> None:
    said: list[str] = []
    made = compute(
        (days("tasmax", (8, 10)), days("tasmin", (4, 6))), indices=("GDD", "DTR"), min_valid_fraction=0.0,
        warn=lambda text: said.append(text.en),
    )  # fmt: skip
    assert made["GDD"].values.ravel().tolist() == [1 + 3]
    assert made["DTR"].values.ravel().tolist() == [4]
    assert "half the sum" in said[0]


# --- units ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "name", "unit", "values", "expected"),
    [
        ("FD", "tasmin", "K", (272.15, 273.15, 274.0), 1),
        ("FD", "tasmin", "degF", (31.0, 32.5), 1),
        ("R10mm", "pr", "kg m-2 s-1", (10.1 / 86400, 9.9 / 86400), 1),
        ("R10mm", "pr", "m s-1", (0.0101 / 86400, 0.0099 / 86400), 1),
        ("R10mm", "pr", "mm", (10, 9.9), 1),
        ("RX1day", "pr", "m", (0.012, 0.0), 12),
    ],
)
def test_units_are_converted(id: str, name: str, unit: str, values: Sequence[float], expected: float) -> None:
    assert index(id, days(name, values, unit=unit)) == pytest.approx([expected])


def test_an_unknown_unit_is_not_guessed() -> None:
    with pytest.raises(DatasetUnsuitable, match="'furlong' of pr is not known"):
        index("RX1day", days("pr", (1.0, 2.0), unit="furlong"))


# --- spells ---------------------------------------------------------------------------------------------------------


def test_a_spell_is_cut_at_the_edge_of_the_period_or_carried_to_where_it_ends() -> None:
    pr = days("pr", [*[9.0] * 355, *[0.0] * 10, *[0.0] * 5, *[9.0] * 358, *[0.0] * 2])
    assert index("CDD", pr, min_valid_fraction=1.0) == [10, 5]
    assert index("CDD", pr, min_valid_fraction=1.0, carry=True) == [0, 15]


def test_a_period_inside_of_a_longer_spell_has_none_of_its_own_when_spells_are_carried() -> None:
    pr = days("pr", [*[9.0] * 31, *[0.0] * 28, *[0.0] * 31, *[9.0] * 30])  # dry all of February and March
    assert index("CDD", pr, period="month", carry=True) == pytest.approx([0, NAN, 59, 0], nan_ok=True)


def test_a_missing_day_ends_a_spell() -> None:
    assert index("CWD", days("pr", (5, 5, 1e20, 5, 5, 5))) == [3]


# --- percentiles ----------------------------------------------------------------------------------------------------


def test_percentiles_are_of_five_days_around_each_day_and_hyndman_and_fans_eighth() -> None:
    base = np.sin(np.arange(365) * 2 * np.pi / 365) * 10
    values = np.concatenate([base + shift for shift in range(4)])
    made = index("TX90p", days("tasmax", values), baseline=Years(first=2001, last=2004), min_valid_fraction=1.0)
    beyond = np.zeros(4)
    for day in range(365):
        places = [at for year in range(4) for at in range(year * 365 + day - 2, year * 365 + day + 3)]
        pool = [values[at] for at in places if 0 <= at < len(values)]
        beyond += values.reshape(4, 365)[:, day] > np.quantile(pool, 0.9, method="median_unbiased")
    assert made == pytest.approx(100 * beyond / 365, rel=1e-6)


def test_a_leap_day_is_compared_with_the_28th_and_makes_no_percentile_of_its_own() -> None:
    values = np.zeros(366 + 365)
    values[59] = 9.0  # 29 February 2000
    tasmax = days("tasmax", values, start="2000-01-01", calendar="standard")
    made = index("TX90p", tasmax, baseline=Years(first=2000, last=2001), min_valid_fraction=1.0)
    assert made == pytest.approx([100 / 366, 0])


def test_the_year_of_360_days_has_percentiles_of_360_days() -> None:
    tasmin = days("tasmin", np.tile(np.arange(360.0), 2), calendar="360_day", start="2000-01-01")
    made = index("TN10p", tasmin, baseline=Years(first=2000, last=2001), min_valid_fraction=1.0)
    assert len(made) == 2
    assert max(made) < 1


def test_six_days_in_a_row_make_a_warm_spell() -> None:
    base = [0.0] * 365
    hot = [*[0.0] * 10, *[5.0] * 6, *[0.0] * 10, *[5.0] * 5, *[0.0] * 334]
    tasmax = days("tasmax", [*base, *base, *hot])
    assert index("WSDI", tasmax, baseline=Years(first=2001, last=2002), min_valid_fraction=1.0) == [0, 0, 6]


def test_the_bootstrap_brings_the_share_inside_of_the_base_to_that_outside() -> None:
    tasmax, base = days("tasmax", np.random.default_rng(1).normal(size=6 * 365)), Years(first=2001, last=2004)
    plain = np.array(index("TX90p", tasmax, baseline=base, min_valid_fraction=1.0))
    fair = np.array(index("TX90p", tasmax, baseline=base, min_valid_fraction=1.0, bootstrap=True))
    assert np.array_equal(plain[4:], fair[4:])
    assert plain[:4].mean() < fair[:4].mean()


def test_heavy_rain_is_above_the_percentile_of_wet_days_alone() -> None:
    wet = np.arange(1, 21, dtype=float)  # 1 ... 20 mm, the rest of the year dry
    limit = np.quantile(wet, 0.95, method="median_unbiased")
    made = index("R95pTOT", days("pr", [*wet, *[0.0] * 345]), baseline=Years(first=2001, last=2001))
    assert made == pytest.approx([wet[wet > limit].sum()])


# --- the standardized precipitation index ---------------------------------------------------------------------------


def months_of(*totals: float) -> xr.Dataset:
    """Give years of rain whose Januaries sum up to the totals, on their first day; each other month has 10 mm."""
    year = np.zeros(365)
    year[np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])] = 10.0
    years = [np.where(np.arange(365) == 0, total, year) for total in totals]
    return days("pr", np.concatenate(years))


def spi_of_januaries(*totals: float, base: int, months: int = 1) -> list[float]:
    made = index(
        "SPI", months_of(*totals), period="month", spi_months=months, min_valid_fraction=1.0,
        baseline=Years(first=2001, last=2000 + base),
    )  # fmt: skip
    return made[::12]


def test_spi_of_an_exponential_distribution_is_that_of_1_minus_e_to_the_minus_x() -> None:
    # Thom's shape is 1 where ln(mean) - mean(ln) is 7/12: here of 1 - s and 1 + s, whose mean, and so the scale, is 1.
    s = np.sqrt(1 - np.exp(-7 / 6))
    made = spi_of_januaries(1 - s, 1 + s, np.log(2), -np.log(0.15865525), base=2)
    assert made[2:] == pytest.approx([0, 1], abs=1e-6)


def test_spi_counts_months_without_rain_apart() -> None:
    s = np.sqrt(1 - np.exp(-7 / 6))
    made = spi_of_januaries(0, 0, 1 - s, 1 + s, np.log(2), base=4)  # half of them dry: 0.5 and 0.5 + 0.5 * 0.5
    assert made[0] == pytest.approx(0, abs=1e-6)
    assert made[4] == pytest.approx(0.67448975, abs=1e-6)


def test_spi_of_several_months_belongs_to_the_last_and_is_missing_before_there_are_so_many() -> None:
    made = index(
        "SPI", months_of(3, 8, 5), period="month", spi_months=2, min_valid_fraction=1.0,
        baseline=Years(first=2001, last=2003),
    )  # fmt: skip
    assert np.isnan(made[0])  # December 2000 is not there
    assert made[1] < 0 < made[13]  # January and February: 13 and 18 mm
    assert np.isnan(made[2])  # all Marches with their Februaries have 20 mm: they make no distribution


def test_spi_knows_the_months_before_those_that_are_asked_for() -> None:
    asked: dict[str, Any] = {
        "period": "month", "spi_months": 2, "min_valid_fraction": 1.0, "baseline": Years(first=2001, last=2003),
    }  # fmt: skip
    whole = index("SPI", months_of(3, 8, 5), **asked)
    assert index("SPI", months_of(3, 8, 5), datetime=parse_interval("2002-01/2002-02"), **asked) == whole[12:14]


def test_spi_warns_of_a_short_baseline() -> None:
    said: list[str] = []
    compute(
        (months_of(3, 8),), indices=("SPI",), period="month", baseline=Years(first=2001, last=2002),
        warn=lambda text: said.append(text.en),
    )  # fmt: skip
    assert said == ["The distribution of SPI is made of 2 years; WMO asks for 30 at least."]


# --- periods and metadata -------------------------------------------------------------------------------------------


def test_months_and_seasons_have_their_own_values() -> None:
    values = np.full(2 * 365, 1.0)
    values[364:368] = -1.0  # 31 December and three days of January
    tasmin = days("tasmin", values)
    months = index("FD", tasmin, period="month", min_valid_fraction=1.0)
    assert len(months) == 24
    assert months[11:13] == [1, 3]
    assert index("FD", tasmin, period="season", min_valid_fraction=1.0) == [0, 0, 0, 4, 0, 0, 0]


def test_an_interval_chooses_periods_and_the_days_before_stay_known() -> None:
    made = index("RX5day", days("pr", TWO_YEARS), datetime=parse_interval("2002"), min_valid_fraction=1.0)
    assert made == [14]


def test_the_result_says_what_was_done() -> None:
    made = compute((days("tasmin", [-1.0] * 365),), indices=("FD",), thresholds={"FD": -0.5}, warn=lambda _: None)
    attrs = made["FD"].attrs
    assert attrs["units"] == "1"
    assert attrs["standard_name"] == "number_of_days_with_air_temperature_below_threshold"
    assert attrs["cell_methods"] == "time: minimum within days time: sum over days"
    assert attrs["threshold"] == "-0.5 degC"
    assert "threshold_FD" in attrs["coordinates"]
    assert made["threshold_FD"].values == -0.5
    bounds = made[made["time"].attrs["bounds"]]
    dates = cftime.num2date(bounds.values, made["time"].attrs["units"], "noleap")
    assert [str(date)[:10] for date in dates.ravel()] == ["2001-01-01", "2002-01-01"]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_together_is_refused() -> None:
    tasmax, tasmin = days("tasmax", (1, 2)), days("tasmin", (1, 2))
    with pytest.raises(DatasetUnsuitable, match="another grid"):
        index("DTR", tasmax, days("tasmin", (1, 2), latitude=50.0))
    with pytest.raises(DatasetUnsuitable, match="different calendars"):
        index("DTR", tasmax, days("tasmin", (1, 2), calendar="360_day"))
    with pytest.raises(DatasetUnsuitable, match="no daily pr"):
        index("RX1day", tasmax)
    with pytest.raises(DatasetUnsuitable, match="could all be tasmin"):
        index("FD", tasmin, tasmin)
    with pytest.raises(SelectionEmpty, match="no day in common"):
        index("DTR", tasmax, days("tasmin", (1, 2), start="2010-01-01"))


def test_months_are_no_days() -> None:
    monthly = days("tasmin", (1, 2, 3))
    monthly = monthly.drop_indexes("time").assign_coords(time=("time", [15.5, 45.0, 74.5], monthly["time"].attrs))
    with pytest.raises(DatasetUnsuitable, match="are no days"):
        index("FD", monthly)


# --- memory, threads, progress --------------------------------------------------------------------------------------


def rain_of_21_cells() -> xr.Dataset:
    """Give two years of rain, of which a few days and values are missing."""
    one = days("pr", np.zeros(730))
    many = np.random.default_rng(2).gamma(0.5, 4.0, size=(730, 3, 7))
    many[100:102, 1] = 1e20
    data = xr.Dataset(
        {"pr": (("time", "lat", "lon"), many, one["pr"].attrs)},
        coords={
            "time": one["time"].variable,
            "lat": ("lat", np.arange(3.0), one["lat"].attrs),
            "lon": ("lon", np.arange(7.0), one["lon"].attrs),
        },
    )
    return data.isel(time=[at for at in range(730) if at not in (40, 399)])


@pytest.mark.parametrize(
    "changed",
    [{"_THREADS": 1}, {"_BAND_BYTES": 2**14, "_WHOLE_BAND_BYTES": 2**14}, {"HELD_BYTES": 0, "_RING_BYTES": 0}],
)
def test_threads_bands_and_files_change_no_byte(changed: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = rain_of_21_cells()
    ids = ("RX5day", "CDD", "SDII", "R95pTOT")

    def made() -> dict[str, bytes]:
        found = compute((data,), indices=ids, baseline=Years(first=2001, last=2002), warn=lambda _: None)
        return {id: found[id].values.tobytes() for id in ids}

    before = made()
    for name, value in changed.items():
        monkeypatch.setattr(work, name, value)
    assert made() == before


@pytest.mark.parametrize("period", ["year", "month"])
def test_a_record_worked_on_stretch_by_stretch_gives_what_it_gives_at_once(
    period: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"indices": ("RX5day", "CDD", "SDII"), "period": period, "min_valid_fraction": 0.9}
    monkeypatch.setattr(work, "_RING_BYTES", 0)  # a period at a time, in a file whose days are written over
    monkeypatch.setattr(records, "_READ_BYTES", 2**13)
    by_stretches = compute((rain_of_21_cells(),), warn=lambda _: None, **asked)
    monkeypatch.setattr(work, "_find_reach", lambda *_: records.Reach(all_days=True))
    at_once = compute((rain_of_21_cells(),), warn=lambda _: None, **asked)
    assert all(by_stretches[id].values.tobytes() == at_once[id].values.tobytes() for id in asked["indices"])


def test_a_stretch_of_the_south_reaches_to_the_july_that_ends_its_year(monkeypatch: pytest.MonkeyPatch) -> None:
    year = -10 * np.cos(np.arange(4 * 365) * 2 * np.pi / 365 + np.pi)
    tas = days("tas", 8 + year + np.random.default_rng(3).normal(0, 2, 4 * 365), latitude=-45.0)
    at_once = index("GSL", tas, min_valid_fraction=1.0)
    monkeypatch.setattr(work, "_RING_BYTES", 0)
    monkeypatch.setattr(records, "_READ_BYTES", 2**9)
    by_stretches = index("GSL", tas, min_valid_fraction=1.0)
    assert by_stretches == pytest.approx(at_once, nan_ok=True)
    assert min(at_once[:3]) > 0
    assert np.isnan(at_once[3])  # the July of its end is not there


def test_the_days_of_no_stretch_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_READ_BYTES", 2**13)
    read: list[int] = []
    put = records.Record._put

    def put_and_tell(record: records.Record, batch: Any, first: int) -> None:
        read.extend(batch)
        put(record, batch, first)

    monkeypatch.setattr(records.Record, "_put", put_and_tell)
    made = index("RX5day", days("pr", TWO_YEARS), period="month", datetime=parse_interval("2002-02"))
    assert made == [0]
    assert (min(read), max(read)) == (365 + 31 - 4, 365 + 31 + 27)


def test_progress_goes_from_nothing_to_all() -> None:
    told: list[float] = []
    pr = days("pr", [1.0] * 365)
    compute((pr,), indices=("RR1",), warn=lambda _: None, progress=lambda done, total: told.append(done / total))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
