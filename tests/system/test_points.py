"""Values at points over HTTP: by value, by upload, with times of their own, in every format."""

import csv
import io
import json

import netCDF4
import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

TABLE = "site,longitude,latitude,seen\nDenver,-104.9,39.7,2001-03-05\nIowa,266.4,42,2050-07-01\nBrest,-4.5,48.4,2001-03-05\n"
REQUEST = {"dataset": "a1b-north-america", "datetime": "2000/2009", "points": TABLE}


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_table_by_value_gets_a_row_a_point_and_step(client):
    answer = client.execute("extract-points", {"inputs": REQUEST})
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
    rows = rows_of(answer.content)
    assert [row["site"] for row in rows] == ["Denver"] * 10 + ["Iowa"] * 10 + ["Brest"] * 10
    assert {row["status"] for row in rows[:20]} == {"ok"}
    assert {(row["status"], row["air_temperature"]) for row in rows[20:]} == {("outside", "")}
    assert all(float(row["distance_km"]) < 200 for row in rows[:20])


def test_points_choose_the_step_of_their_own_time(client):
    answer = client.execute("extract-points", {"inputs": REQUEST | {"match_time": "seen"}})
    rows = rows_of(answer.content)
    assert [row["status"] for row in rows] == ["ok", "missing_value", "outside"]
    assert rows[0]["time"].startswith("2001")


def test_an_upload_gives_what_its_text_gives(client):
    name = {"Content-Disposition": 'attachment; filename="sites.csv"'}
    upload = client.send("POST", "/uploads", TABLE.encode(), **name)
    assert upload.status == 201
    by_upload = client.execute("extract-points", {"inputs": REQUEST | {"points": upload.json["id"]}})
    by_value = client.execute("extract-points", {"inputs": REQUEST})
    assert (by_upload.status, by_upload.content) == (200, by_value.content)


def test_geojson_goes_in_and_comes_out(client):
    points = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"id": 7}, "geometry": {"type": "Point", "coordinates": [-104.9, 39.7]}}
        ],
    }
    body = {
        "inputs": REQUEST | {"points": points, "datetime": "2000", "method": "bilinear"},
        "outputs": {"points": {"format": {"mediaType": "application/geo+json"}}},
        "response": "raw",
    }
    (feature,) = json.loads(client.execute("extract-points", body).content)["features"]
    assert feature["properties"]["id"] == 7
    assert feature["properties"]["status"] == "ok"
    assert feature["geometry"]["coordinates"] == [-104.9, 39.7]


def test_netcdf_has_a_station_a_point(client):
    body = {
        "inputs": REQUEST,
        "outputs": {"points": {"format": {"mediaType": "application/x-netcdf"}}},
        "response": "raw",
    }
    with netCDF4.Dataset("points.nc", memory=client.execute("extract-points", body).content) as file:
        assert file.featureType == "timeSeries"
        assert file["air_temperature"].dimensions[0] == "station"
        assert np.ma.count(file["air_temperature"][:], axis=1).tolist() == [10, 10, 0]


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"match_time": "eventDate"}, "match_time"),
        ({"time_method": "linear"}, "time_method"),
        ({"method": "bilinear", "nearest_valid_km": 10}, "nearest_valid_km"),
        ({"match_time": "seen", "time_tolerance": "1 month"}, "time_tolerance"),
        ({"match_level": "seen"}, "match_level"),
        ({"variables": ["pr"]}, "variables"),
        ({"points": "a,b\n1,2\n"}, "points"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_queued(client, changed, wrong):
    answer = client.execute("extract-points", {"inputs": REQUEST | changed})
    assert answer.status == 400
    assert wrong in {error["input"] for error in answer.json["errors"]}


@pytest.mark.parametrize(
    "options",
    [
        {"max_distance_km": 500},
        {"nearest_valid_km": 100},
        {"min_valid_fraction": 0.8, "method": "bilinear"},
        {"match_time": "seen", "time_method": "nearest", "time_tolerance": "P200D"},
        {"match_time": "seen", "time_method": "linear"},
        {"bbox": [-110, 30, -80, 50]},
    ],
)
def test_every_option_is_reachable(client, options):
    assert client.execute("extract-points", {"inputs": REQUEST | options}).status == 200
