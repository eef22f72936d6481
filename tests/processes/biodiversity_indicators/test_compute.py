import math

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely
import xarray as xr

from gaia_processes.biodiversity_indicators.names import PER_UNIT
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.interval import parse_interval


def record(name="Parus major", x=2.5, y=48.5, **others):
    return {"scientificName": name, "decimalLongitude": x, "decimalLatitude": y, **others}


def approx(value):
    return pytest.approx(value, abs=5e-7)


def test_b1_and_b2_four_species_of_5_3_1_and_1_individuals(run, community):
    rows, _ = run(community=community(a=[5, 3, 1, 1]), indicators=PER_UNIT, sample_size=(2,))
    (row,) = rows
    assert row["richness"] == 4
    assert row["shannon"] == approx(1.168282)
    assert row["hill_1"] == approx(3.216463)
    assert row["gini_simpson"] == approx(0.64)
    assert row["inverse_simpson"] == approx(2.777778)
    assert row["simpson_unbiased"] == approx(0.711111)
    assert row["pielou"] == approx(0.842738)
    assert row["es"] == approx(1.711111)
    assert row["chao1"] == 5
    assert row["goods_coverage"] == approx(0.8)
    assert row["chao_jost_coverage"] == approx(0.836364)
    assert row["ace"] == approx(6.111111)
    assert row["completeness"] == approx(0.8)


def test_b3_equal_lone_and_no_species(run, community):
    rows, _ = run(
        community=community(equal=[4, 4], lone=[6, 0], none=[0, 0]),
        indicators=("richness", "shannon", "pielou", "inverse_simpson"),
    )
    equal, lone, none = rows
    assert (equal["pielou"], equal["inverse_simpson"]) == (1, 2)
    assert (lone["richness"], lone["shannon"]) == (1, 0)
    assert math.isnan(lone["pielou"])
    assert none["richness"] == 0
    assert math.isnan(none["shannon"])


def test_b4_two_sites_that_share_two_of_their_species(run, community):
    table = community(a=[1, 1, 1, 0, 0], b=[0, 1, 1, 1, 1])
    rows, report = run(community=table, indicators=("jaccard", "sorensen", "turnover", "nestedness"))
    (pair,) = rows
    assert (pair["unit_a"], pair["unit_b"]) == ("a", "b")
    assert pair["jaccard"] == approx(0.6)
    assert pair["sorensen"] == approx(0.428571)
    assert pair["turnover"] == approx(0.333333)
    assert pair["nestedness"] == approx(0.095238)
    assert report["whole"]["whittaker"] == approx(1.428571)
    (other,), _ = run(community=table, indicators=("turnover",), beta_family="jaccard")
    assert other["turnover"] == approx(0.5)


def test_b5_bray_curtis(run, community):
    (pair,), _ = run(community=community(a=[1, 2, 3, 0, 0], b=[0, 2, 1, 4, 1]), indicators=("bray_curtis",))
    assert pair["bray_curtis"] == approx(0.571429)


def test_b6_weighted_endemism(run, community):
    rows, _ = run(
        community=community(a=[1, 1, 0], b=[0, 1, 1], c=[0, 1, 0]),
        indicators=("weighted_endemism", "corrected_weighted_endemism"),
    )
    assert [row["weighted_endemism"] for row in rows] == approx([4 / 3, 4 / 3, 1 / 3])
    assert [row["corrected_weighted_endemism"] for row in rows] == approx([2 / 3, 2 / 3, 1 / 3])


def test_b7_chao2(run, community):
    # Six species in four units: two in one unit, one in two, three in all
    sites = {"a": [1, 0, 1, 1, 1, 1], "b": [0, 1, 1, 1, 1, 1], "c": [0, 0, 0, 1, 1, 1], "d": [0, 0, 0, 1, 1, 1]}
    _, report = run(community=community(**sites))
    assert report["whole"]["gamma"] == 6
    assert report["whole"]["chao2"] == 7.5


def test_b9_one_point_and_two_points_have_the_extent_of_their_squares(run):
    rows, _ = run(record("one", 0.1, 0.2), record("two", 0.1, 0.2), record("two", 3.1, 0.2), indicators=("eoo",))
    assert [row["eoo_hull"] for row in rows] == [0, 0]
    assert [row["eoo"] for row in rows] == [4, 8]


def test_b10_and_b11_the_extent_of_a_square_of_a_degree_is_the_same_at_the_antimeridian(run):
    def square(west, east):
        corners = [record("a", x, y) for x in (west, east) for y in (0.0, 1.0)]
        (row,), _ = run(*corners, indicators=("eoo",), checks=("missing",))
        return row["eoo"]

    assert square(0.0, 1.0) == pytest.approx(12308.778, abs=1e-3)
    assert square(179.5, -179.5) == pytest.approx(square(0.0, 1.0), rel=1e-6)


def test_b12_the_report_of_cleaning(run):
    records = [
        record(f"species {at}", 2.0 + at, 48.5, eventDate="2001-05-03", occurrenceStatus="PRESENT") for at in range(7)
    ]
    records += [
        records[0],
        record("species 9", 0.0, 0.0, eventDate="2001-05-03", occurrenceStatus="PRESENT"),
        record("species 8", 9.0, 48.5, eventDate="2001-05-03", occurrenceStatus="ABSENT"),
    ]
    _, report = run(*records)
    assert report["records_kept"] == 7
    assert {name: count for name, count in report["removed"].items() if count} == {
        "zero": 1,
        "absent": 1,
        "duplicate": 1,
    }


def test_a_record_is_removed_for_the_first_thing_that_is_wrong_with_it(run):
    wrong = {
        "missing": record(x=None),
        "range": record(y=123.4, occurrenceStatus="absent"),
        "equal": record(x=7.0, y=7.0),
        "issue": record(issue="COORDINATE_ROUNDED;COUNTRY_COORDINATE_MISMATCH"),
        "absent": record(individualCount=0),
        "basis": record(basisOfRecord="FOSSIL_SPECIMEN"),
        "rank": record(taxonRank="genus"),
        "uncertainty": record(coordinateUncertaintyInMeters=10_001),
    }
    fine = record(
        issue="COORDINATE_ROUNDED", individualCount=2, basisOfRecord="HUMAN_OBSERVATION", taxonRank="SPECIES",
        coordinateUncertaintyInMeters=None, occurrenceStatus="",
    )  # fmt: skip
    names = set().union(*(each.keys() for each in [*wrong.values(), fine]))
    _, report = run(*({name: each.get(name) for name in names} for each in [*wrong.values(), fine]))
    assert report["removed"] == {**dict.fromkeys(wrong, 1), "zero": 0, "duplicate": 0}
    assert report["records_kept"] == 1


def test_checks_without_their_column_are_named(run):
    _, report = run(record())
    assert set(report["not_applied"]) == {"issue", "absent", "basis", "rank", "uncertainty"}
    assert any("taxonRank" in said for said in run.warnings)


def test_checks_that_are_not_asked_for_remove_nothing(run):
    rows, report = run(record(), record(), checks=("zero",))
    assert rows[0]["n_records"] == 2
    assert report["removed"] == {"zero": 0}


def test_accepted_names_let_synonyms_be_one_species_and_subspecies_count_as_their_species(run):
    rows, _ = run(
        record("Parus major major", acceptedNameUsage="Parus major major", taxonRank="SUBSPECIES"),
        record("Parus  fringillago", x=3.5, acceptedNameUsage="Parus major", taxonRank="SPECIES"),
    )
    assert rows[0]["n_species"] == 1


def test_names_are_the_same_whatever_blanks_stand_around_them_and_blanks_alone_are_none(run):
    rows, report = run(record("Parus major"), record(" Parus major ", x=3.5), record("  ", x=4.5), record(None, x=5.5))
    assert (rows[0]["n_records"], rows[0]["n_species"]) == (2, 1)
    assert report["removed"]["unnamed"] == 2


def test_a_subspecies_of_one_word_has_no_name_of_a_species(run):
    rows, report = run(record("major", taxonRank="SUBSPECIES"), record("Parus major", x=3.5, taxonRank="SPECIES"))
    assert rows[0]["n_records"] == 1
    assert report["removed"]["unnamed"] == 1


def test_headers_are_read_whatever_their_case_and_prefix(run):
    rows, _ = run({"dwc:ScientificName": "a", "DECIMALLONGITUDE": 1.0, "decimallatitude": 2.0}, by="grid")
    assert rows[0]["n_records"] == 1


def test_taxa_are_chosen_by_name_or_by_rank_and_name(run):
    records = [record("Parus major", family="Paridae"), record("Turdus merula", x=3.5, family="Turdidae")]
    assert run(*records, taxa=("family:paridae",))[0][0]["n_species"] == 1
    assert run(*records, taxa=("Turdus merula", "Paridae"))[0][0]["n_species"] == 2
    assert run(*records, taxa=("Turdus merula",))[1]["removed"]["not_selected"] == 1


def test_a_rank_without_its_column_is_refused(run):
    with pytest.raises(DatasetUnsuitable, match="no column family; there are: decimalLatitude"):
        run(record(), taxa=("family:Paridae",))


def test_periods_are_years_or_months_and_leave_records_without_a_date_out(run):
    records = [
        record("a", eventDate="2001-03-04"), record("b", eventDate="2001-04"), record("a", eventDate="2002"), record("c", eventDate=None),
    ]  # fmt: skip
    rows, report = run(*records, period="year", indicators=("richness",))
    assert [(row["period"], row["richness"]) for row in rows] == [("2001", 2), ("2002", 1)]
    assert report["removed"]["undated"] == 1
    rows, report = run(*records, period="month", indicators=("richness",))
    assert [row["period"] for row in rows] == ["2001-03", "2001-04"]
    assert report["removed"]["undated"] == 2  # in which month of 2002, nobody knows


@pytest.mark.parametrize(("datetime", "kept"), [("2001", 3), ("2001-03/2001-12", 2), ("2001-05", 2), ("2001-05-03", 1)])
def test_of_a_time_are_records_that_lie_wholly_in_it(run, datetime, kept):
    records = [
        record("a", eventDate="2001"), record("b", eventDate="2001-05"), record("c", eventDate="2001-05-03T10:00:00Z"),
        record("d", eventDate=None),
    ]  # fmt: skip
    rows, _ = run(*records, datetime=parse_interval(datetime), indicators=("richness",))
    assert [row["richness"] for row in rows] == [kept]


def test_individuals_are_summed_where_every_record_says_how_many(run):
    records = [record("a", individualCount=5), record("b", x=3.5, individualCount=3)]
    rows, report = run(*records, abundance="individualCount", indicators=("gini_simpson",))
    assert rows[0]["gini_simpson"] == approx(1 - (25 + 9) / 64)
    assert report["abundance"] == "individualCount"
    rows, report = run(
        *records, record("b", x=4.5, individualCount=None), abundance="individualCount", indicators=("gini_simpson",)
    )
    assert report["abundance"] == "records"
    assert rows[0]["gini_simpson"] == approx(1 - (1 + 4) / 9)


def test_a_cell_of_the_grid_is_half_open_and_drawn_in_degrees(run):
    rows, _ = run(record("a", 0.5, 0.6), record("b", -0.5, 0.5), by="grid", cell_size_km=1000)
    assert [row["unit"] for row in rows] == ["-1_0", "0_0"]
    west, south, east, north = run.frame.geometry.iloc[1].bounds
    assert (west, south) == approx((0, 0))
    assert east == approx(1000 / 17367.530445161 * 180)
    assert north > 7.5


def test_every_zone_has_a_row_and_a_point_on_a_shared_edge_is_of_the_first(run):
    zones = gpd.GeoDataFrame(
        {"name": ["west", "east", "far"]},
        geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(350, 0, 359, 1)],
        crs="OGC:CRS84",
    )
    rows, report = run(
        record("a", 1.0, 0.5),
        record("b", 1.5, 0.5),
        record("c", -5.0, 0.5),
        record("d", 9.0, 9.5),
        by="zones",
        zones=zones,
        zone_id="name",
    )
    assert [(row["unit"], row["n_species"]) for row in rows] == [("west", 1), ("east", 1), ("far", 1)]
    assert report["outside_units"] == 1


def test_an_empty_zone_has_no_species_and_no_diversity(run):
    zones = gpd.GeoDataFrame({"code": [7]}, geometry=[shapely.box(50, 50, 51, 51)], crs="OGC:CRS84")
    (row,), _ = run(record(), by="zones", zones=zones)
    assert (row["code"], row["richness"], row["n_records"]) == (7, 0, 0)
    assert math.isnan(row["shannon"])


def test_hexagons_and_sites_and_degrees(run):
    records = [record("a", eventID="p"), record("b", x=2.50001, eventID="q"), record("b", x=40.5, eventID=None)]
    assert len(run(*records, by="h3", h3_resolution=3)[0]) == 2
    assert shapely.is_valid(run.frame.geometry.to_numpy()).all()
    rows, report = run(*records, by="site")
    assert [row["unit"] for row in rows] == ["p", "q"]
    assert report["outside_units"] == 1
    assert [row["unit"] for row in run(*records, by="grid", cell_size_degrees=1)[0]] == ["2_48", "40_48"]
    assert any("different areas" in said for said in run.warnings)


def test_sites_without_a_column_are_refused_by_name(run):
    with pytest.raises(DatasetUnsuitable, match="eventID"):
        run(record(), by="site")


def test_no_record_left_says_what_removed_them(run):
    with pytest.raises(DatasetUnsuitable, match="zero 1"):
        run(record(x=0.0, y=0.0))


def test_occurrences_without_names_or_places_say_which_columns_there_are(run):
    with pytest.raises(DatasetUnsuitable, match=r"scientificName.*there are: a"):
        run({"a": 1})
    with pytest.raises(DatasetUnsuitable, match="decimalLongitude"):
        run({"species": "a"}, by="grid")


def test_occupancy_and_area_of_occupancy_are_of_species(run):
    rows, _ = run(
        record("a", 0.5, 0.6), record("a", 20.5, 0.6), record("b", 0.5, 0.6), by="grid", indicators=("occupancy", "aoo")
    )
    assert [(row["species"], row["occupancy"], row["aoo"], row["aoo_min"]) for row in rows] == [
        ("a", 1, 8, 8),
        ("b", 0.5, 4, 4),
    ]


def test_bins_of_the_environment_are_units(run):
    class Item:
        dataset = xr.Dataset(
            {"tas": (("lat", "lon"), np.array([[10.0, 20.0]], np.float32), {"units": "degC"})},
            coords={
                "lat": ("lat", [0.5], {"units": "degrees_north", "bounds": "lat_bnds"}),
                "lon": ("lon", [0.5, 1.5], {"units": "degrees_east"}),
                "lat_bnds": (("lat", "bnds"), [[0.0, 1.0]]),
            },
        )
        variable, method, datetime, bins = "tas", "nearest", None, None

    rows, report = run(
        record("a", 0.4, 0.6), record("b", 0.6, 0.4), record("c", 1.4, 0.5), record("d", 50.0, 50.5),
        by="environment", environment=(Item(),), bins=(0.0, 15.0, 30.0), indicators=("richness",),
    )  # fmt: skip
    assert [(row["tas_from"], row["tas_to"], row["richness"]) for row in rows] == [(0, 15, 2), (15, 30, 1)]
    assert report["without_environment"] == 1


def test_uncertainty_gives_three_columns_more(run, community):
    (row,), _ = run(community=community(a=[5, 3, 1, 1]), indicators=("chao1", "shannon"), uncertainty=True)
    assert row["chao1_lower"] >= 4
    assert row["chao1_lower"] < row["chao1"] < row["chao1_upper"]
    assert row["shannon_se"] > 0


def test_several_sample_sizes_are_several_columns(run, community):
    (row,), _ = run(community=community(a=[5, 3, 1, 1]), indicators=("es",), sample_size=(1, 10, 11))
    assert (row["es_1"], row["es_10"]) == approx((1, 4))
    assert math.isnan(row["es_11"])


def test_negative_abundances_are_refused_by_site_and_species(run):
    with pytest.raises(DatasetUnsuitable, match="-1 for 's' at 'a'"):
        run(community=pl.DataFrame({"site": ["a"], "s": [-1.0]}))


def test_rows_that_could_not_be_read_are_counted_and_named_in_the_report(run):
    unread = dict.fromkeys(record())
    rows, report = run(
        occurrences=pl.LazyFrame(
            [record() | {"gaia:unread": None}, unread | {"gaia:unread": "3: 2"}, unread | {"gaia:unread": "7: 9"}],
            schema_overrides={"gaia:unread": pl.String},
        ),
        indicators=("richness",),
    )
    assert [row["n_records"] for row in rows] == [1]
    assert (report["records_read"], report["removed"]["ragged"]) == (3, 2)
    assert report["removed"]["missing"] == 0
    assert report["ragged_rows"] == ["3: 2", "7: 9"]
