import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gaia_processes.shared.table import Table
from gaia_workers.tables.sample import Sample
from gaia_workers.tables.styles import make_styles
from gaia_workers.tables.watched import watch

HERE, THERE = shapely.Point(1, 2), shapely.Point(3, 4)


def series(**more):
    """Two places at two time steps."""
    frame = gpd.GeoDataFrame(
        {"time": ["2000", "2001", "2000", "2001"], "v": [1.0, 2.0, np.nan, 4.0]},
        geometry=[HERE, HERE, THERE, THERE],
        crs="OGC:CRS84",
    )
    return watch(Table.of(frame, shown="v", **more))


def test_a_place_that_comes_again_is_kept_with_its_first_number():
    kept = list(series().last.features.values())
    assert [place for place, _ in kept] == [HERE, THERE]
    assert (kept[0][1], np.isnan(kept[1][1])) == (1, True)


def test_all_numbers_count_for_the_classes():
    assert series().last.all_values().tolist() == [1, 2, 4]


def test_what_is_watched_already_is_not_watched_twice():
    watched = series()
    assert watch(watched) is watched


def test_each_pass_is_seen_anew():
    watched = series()
    for _ in range(2):
        list(watched.frames())
    assert watched.last.rows == 4


def test_places_are_kept_in_degrees_and_bounds_in_the_tables_own_system():
    paris = gpd.GeoDataFrame({"v": [1.0]}, geometry=[shapely.Point(652_709, 6_862_305)], crs="EPSG:2154")
    seen = watch(Table.of(paris, shown="v")).last
    ((place, _),) = seen.features.values()
    assert (round(place.x, 2), round(place.y, 2)) == (2.36, 48.86)
    assert seen.bounds[0] == 652_709


def test_rows_without_places_or_numbers_have_no_styles():
    assert make_styles(watch(Table.of(pd.DataFrame({"v": [1.0]}), shown="v")), "table") is None
    assert make_styles(watch(Table.of(gpd.GeoDataFrame(geometry=[HERE], crs="OGC:CRS84"))), "table") is None


def test_of_very_many_numbers_a_sample_counts_that_favours_no_month_and_keeps_the_ends():
    sample = Sample(most=100)
    for _ in range(50):
        sample.add(np.tile(np.arange(12.0), 10))
    kept = sample.values()
    counts = np.bincount(kept.astype(int), minlength=12)
    assert (len(kept) <= 102, kept.min(), kept.max()) == (True, 0, 11)
    assert counts.min() >= 0.5 * len(kept) / 12
