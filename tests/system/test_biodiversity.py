"""Indicators over HTTP: of a dataset, of text, of an upload, in formats for maps, with their report."""

import csv
import io
import json

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

RECORDS = (
    "scientificName,decimalLongitude,decimalLatitude,eventDate,occurrenceStatus\n"
    "Parus major,2.35,48.85,2001-05-03,PRESENT\nTurdus merula,2.36,48.86,2001-05-04,PRESENT\n"
    "Parus major,7.27,43.70,2002-05-03,PRESENT\nParus major,0,0,2002-05-03,PRESENT\nParus major,7.3,43.7,2002-05-03,ABSENT\n"
)
INDICATORS = "biodiversity-indicators"


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_records_by_value_give_a_row_a_year(client):
    answer = client.execute(
        INDICATORS, {"inputs": {"occurrences": RECORDS, "period": "year", "indicators": ["richness", "shannon"]}}
    )
    assert answer.status == 200, answer.content
    rows = rows_of(answer.content)
    assert [(row["period"], row["n_records"], row["richness"]) for row in rows] == [
        ("2001", "2", "2"),
        ("2002", "1", "1"),
    ]


def test_an_upload_gives_what_its_text_gives(client):
    name = {"Content-Disposition": 'attachment; filename="records.csv"'}
    upload = client.send("POST", "/uploads", RECORDS.encode(), **name)
    body = {"inputs": {"by": "h3", "indicators": ["richness"]}}
    by_upload = client.execute(INDICATORS, {"inputs": body["inputs"] | {"occurrences": upload.json["id"]}})
    by_value = client.execute(INDICATORS, {"inputs": body["inputs"] | {"occurrences": RECORDS}})
    assert (by_upload.status, by_upload.content) == (200, by_value.content)


def test_a_dataset_of_the_catalogue_is_divided_by_zones_of_the_catalogue(client):
    inputs = {
        "dataset": "occurrences-demo", "by": "zones", "zones": "countries-110m", "indicators": ["richness", "chao1"],
    }  # fmt: skip
    wanted = {"indicators": {"format": {"mediaType": "application/geo+json"}}}
    answer = client.execute(INDICATORS, {"inputs": inputs, "outputs": wanted, "response": "raw"})
    assert answer.status == 200, answer.content
    document = json.loads(answer.content)
    assert len(document["features"]) == 177
    assert document["gaia:report"]["removed"]["zero"] > 0
    assert sum(feature["properties"]["n_records"] for feature in document["features"]) > 1000


def test_a_community_table_is_compared_site_by_site(client):
    inputs = {"community": "site,a,b\nnorth,1,2\nsouth,0,2\n", "indicators": ["bray_curtis"]}
    (row,) = rows_of(client.execute(INDICATORS, {"inputs": inputs}).content)
    assert float(row["bray_curtis"]) == pytest.approx(1 / 5)


def test_what_cannot_be_is_refused_at_once_and_all_together(client):
    inputs = {"occurrences": RECORDS, "indicators": ["richness", "aoo"], "by": "zones", "cell_size_km": 5}
    answer = client.execute(INDICATORS, {"inputs": inputs})
    assert answer.status == 400
    assert {error["input"] for error in answer.json["errors"]} == {"indicators", "zones", "cell_size_km"}


def test_a_map_of_what_has_no_place_is_refused(client):
    wanted = {"indicators": {"format": {"mediaType": "image/png"}}}
    answer = client.execute(INDICATORS, {"inputs": {"occurrences": RECORDS}, "outputs": wanted})
    assert answer.status == 400
    assert "zones, grid or h3" in answer.json["errors"][0]["problem"]
