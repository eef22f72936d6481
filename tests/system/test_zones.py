"""Statistics of zones over HTTP: zones by value and by upload, at once and as a job."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ZONES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Polygon", "coordinates": [[[w, 32], [e, 32], [e, 48], [w, 48], [w, 32]]]},
        }
        for name, w, e in (("west", -110, -95), ("east", 265, 280))
    ],
}
ASKED = {"dataset": "a1b-north-america", "datetime": "2000/2003", "statistics": ["mean", "max"], "zone_id": "name"}


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_zones_by_value_and_by_upload_have_the_same_numbers(client, tmp_path: Path):
    by_value = client.execute("zonal-statistics", {"inputs": ASKED | {"zones": ZONES}})
    assert by_value.status == 200, by_value.content
    file = tmp_path / "zones.gpkg"
    frame = gpd.GeoDataFrame(
        {"name": ["west", "east"]},
        geometry=[shapely.box(-110, 32, -95, 48), shapely.box(-95, 32, -80, 48)],
        crs="EPSG:4326",
    )
    frame.to_file(file)
    name = {"Content-Disposition": 'attachment; filename="zones.gpkg"'}
    sent = client.send("POST", "/uploads", file.read_bytes(), **name)
    assert sent.status == 201
    by_upload = client.execute("zonal-statistics", {"inputs": ASKED | {"zones": sent.json["id"]}})
    assert by_upload.status == 200, by_upload.content
    one, other = rows(by_value.content), rows(by_upload.content)
    assert [each["name"] for each in one] == ["west"] * (len(one) // 2) + ["east"] * (len(one) // 2)
    assert [row["time"] for row in one] == [row["time"] for row in other]
    means = [name for name in one[0] if name.endswith("_mean")]
    assert means
    for mine, yours in zip(one, other, strict=True):
        for each in means:
            assert float(mine[each]) == pytest.approx(float(yours[each]), rel=1e-9)


def test_a_point_is_no_zone_and_says_so_before_anything_is_queued(client):
    point = {"type": "Feature", "properties": {"name": "p"}, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    answer = client.execute(
        "zonal-statistics", {"inputs": ASKED | {"zones": {"type": "FeatureCollection", "features": [point]}}}
    )
    assert answer.status == 400
    assert answer.json["errors"][0]["input"] == "zones"
