"""What is shown of a table: its first rows, and a map of its places that says what it leaves out."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gaia_processes.shared.table import Table
from gaia_workers.previews import table as previews
from gaia_workers.previews.table import preview
from gaia_workers.tables import watched
from gaia_workers.tables.watched import watch

SQUARES = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(20, 0, 30, 10)]


def told_of(geometries, **columns):
    return preview(watch(Table.of(gpd.GeoDataFrame(columns, geometry=geometries, crs="OGC:CRS84"), shown="v")))


def test_points_are_told_one_by_one_with_their_numbers():
    told = told_of([shapely.Point(1, 2), shapely.Point(3, 4)], v=[5.0, np.nan])["map"]
    assert told["points"] == [[1, 2, 5], [3, 4, None]]
    assert (told["minimum"], told["maximum"]) == (5, 5)
    west, south, east, north = told["box"]
    assert west < 1 < 3 < east
    assert south < 2 < 4 < north
    assert "cells" not in told


def test_many_points_are_painted(monkeypatch):
    monkeypatch.setattr(previews, "MOST_POINTS", 1)
    told = told_of([shapely.Point(1, 2), shapely.Point(3, 4)], v=[5.0, 6.0])["map"]
    assert "points" not in told
    assert told["cells"]["shape"][0] > 1


def test_areas_are_painted_where_they_lie():
    told = told_of(SQUARES, v=[1.0, 2.0, np.nan])["map"]
    assert (told["minimum"], told["maximum"], told["places"], told["more_places"]) == (1, 2, 3, False)


@pytest.mark.parametrize(("most", "more"), [(3, False), (2, True)])
def test_places_that_are_not_drawn_are_said_to_be_missing(most, more, monkeypatch):
    monkeypatch.setattr(watched, "MAP_FEATURES", most)
    told = told_of(SQUARES, v=[1.0, 2.0, 3.0])["map"]
    assert (told["places"], told["more_places"]) == (min(most, 3), more)


def test_a_map_of_a_series_says_which_step_it_shows_of_how_many():
    told = told_of([SQUARES[0]] * 2 + [SQUARES[1]] * 2, time=["2000", "2001"] * 2, v=[1.0, 2.0, 3.0, 4.0])["map"]
    assert told["at"] == [{"name": "time", "value": "2000", "units": "", "steps": 2}]
    assert told["maximum"] == 3, "of the first step alone"


def test_a_map_of_one_step_says_none():
    assert told_of(SQUARES[:2], time=["2000", "2000"], v=[1.0, 2.0])["map"]["at"] == []


def test_points_and_lines_alone_become_dots(monkeypatch):
    buffered = []

    def buffer(geometries, *args, **options):
        buffered.extend(geometries)
        return whole(geometries, *args, **options)

    whole = shapely.buffer
    monkeypatch.setattr(shapely, "buffer", buffer)
    point, line = shapely.Point(15, 25), shapely.LineString([(0, 20), (5, 20)])
    told = told_of([SQUARES[0], point, line], v=[1.0, 2.0, 3.0])["map"]
    assert buffered == [point, line], "to buffer a coast takes gigabytes"
    assert (told["minimum"], told["maximum"]) == (1, 3)
