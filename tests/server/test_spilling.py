"""Features and tables in requests over HTTP: offered, refused, kept as files where they are large, named in the provenance."""

import json
from dataclasses import replace

import pytest
from pydantic import BaseModel

from gaia_config.catalogue import publish
from gaia_processes import formats
from gaia_processes.inputs.fields import DatasetInput, OccurrencesInput, ZoneIdInput, ZonesInput
from gaia_processes.inputs.sources import SPILLED_BYTES
from gaia_processes.process import STRICT, Estimate, Output, Process
from gaia_processes.rows import RowColumn, Rows
from gaia_processes.text import Text
from gaia_server.outbound import Outbound
from gaia_server.submission import content_key

SAID = Text(en="said", fr="dit")
GEOPACKAGE = b"SQLite format 3\0" + b"\0" * 52 + b"GPKG" + b"\0" * 100


class Inputs(BaseModel):
    model_config = STRICT

    dataset: DatasetInput
    zones: ZonesInput
    zone_id: ZoneIdInput = None
    occurrences: OccurrencesInput = None


PLACES = Process(
    id="places", version="1", title=SAID, description=SAID, inputs=Inputs, package="places",
    outputs={"table": Output(title=SAID, description=SAID, formats=(formats.CSV,))},
    estimate=lambda _inputs, _cube: Estimate(bytes_read=1, bytes_written=1, seconds=1),
)  # fmt: skip


def zones(count: int = 1) -> dict[str, object]:
    geometry = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    features = [
        {"type": "Feature", "properties": {"code": f"{each:05}"}, "geometry": geometry} for each in range(count)
    ]
    return {"type": "FeatureCollection", "features": features}


LARGE = zones(1000)


@pytest.fixture
def places(client, services, centres, app):
    """Let the service have a process that takes zones, and a dataset of zones and one of occurrences."""
    known = services.federation.datasets()[0]
    parks = Rows(
        kind="geopackage", columns=(RowColumn(name="code"), RowColumn(name="nom")), geometry=("Polygon",), count=3
    )
    records = Rows(kind="csv", columns=(RowColumn(name="scientificName"),), count=9)
    for id, rows in (("parks", parks), ("records", records)):
        publish(centres["theia"], replace(known, id=id, title=id, properties=rows.to_stac()))
    assert services.federation.find("parks")
    processes = dict(services.processes) | {"places": PLACES}
    object.__setattr__(services, "processes", processes)
    return client


def post(client, inputs, **headers):
    return client.post(
        "/processes/places/execution", json={"inputs": inputs}, headers={"Prefer": "respond-async", **headers}
    )


def problems(answer):
    assert answer.status_code == 400, answer.get_json()
    return {each["pointer"]: each["problem"] for each in answer.get_json()["errors"]}


def test_each_input_is_offered_the_datasets_that_fit_it(places):
    inputs = places.post("/processes/places/constraints", json={"inputs": {}}).get_json()["inputs"]
    assert inputs["dataset"]["values"] == ["tas-monthly"]
    assert inputs["zones"]["values"] == ["parks"]
    assert inputs["occurrences"]["values"] == ["records"]
    described = places.get("/processes/places").get_json()["inputs"]
    assert described["dataset"]["schema"]["enum"] == ["tas-monthly"]


def test_the_columns_of_the_zones_are_what_may_name_them(places):
    body = {"inputs": {"zones": "parks"}}
    assert places.post("/processes/places/constraints", json=body).get_json()["inputs"]["zone_id"]["values"] == [
        "code",
        "nom",
    ]


@pytest.mark.parametrize(
    ("inputs", "pointer", "words"),
    [
        (
            {"dataset": "parks"},
            "/inputs/dataset",
            "parks is a file of type GeoPackage; this input takes data on a grid",
        ),
        ({"zones": "tas-monthly"}, "/inputs/zones", "this input takes zones (polygons): GeoJSON, GeoPackage"),
        ({"zones": "records"}, "/inputs/zones", "records is a file of type table as text (CSV)"),
        ({"zones": "pakrs"}, "/inputs/zones", "Did you mean parks?"),
        ({"occurrences": "parks"}, "/inputs/occurrences", "parks is a file of type GeoPackage"),
        ({"zones": "parks", "zone_id": "cod"}, "/inputs/zone_id", "Did you mean code?"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_queued(places, services, inputs, pointer, words):
    given = {"dataset": "tas-monthly", "zones": zones()} | inputs
    assert words in problems(post(places, given))[pointer]


def test_an_upload_of_another_kind_is_refused_before_anything_is_queued(places):
    csv = places.post("/uploads", data=b"a,b\n1,2\n").get_json()["id"]
    found = problems(post(places, {"dataset": csv, "zones": csv}))
    assert "this input takes data on a grid" in found["/inputs/dataset"]
    assert "this input takes zones" in found["/inputs/zones"]


def test_small_zones_travel_in_the_request(places, services):
    answer = post(places, {"dataset": "tas-monthly", "zones": zones()})
    assert answer.status_code == 201
    definition = places.get(f"/jobs/{answer.get_json()['jobID']}/definition").get_json()
    assert definition["inputs"]["zones"] == zones()


def test_large_zones_become_a_file_of_their_owner_and_the_same_ones_the_same_file(places, services, tmp_path):
    assert len(json.dumps(LARGE)) > SPILLED_BYTES
    answers = [post(places, {"dataset": "tas-monthly", "zones": LARGE, "zone_id": "code"}) for _ in range(2)]
    first, second = (
        places.get(f"/jobs/{each.get_json()['jobID']}/definition").get_json()["inputs"] for each in answers
    )
    assert first["zones"].startswith("upload:")
    assert first == second
    kept = services.uploads.path(first["zones"].removeprefix("upload:"))
    assert json.loads(kept.read_bytes()) == LARGE
    shown = places.get(f"/uploads/{first['zones'].removeprefix('upload:')}").get_json()
    assert (shown["kind"], shown["name"], shown["type"]) == ("geojson", "zones.geojson", "application/geo+json")


def test_the_definition_of_a_job_with_large_zones_can_be_sent_again(places):
    answer = post(places, {"dataset": "tas-monthly", "zones": LARGE})
    definition = places.get(f"/jobs/{answer.get_json()['jobID']}/definition").get_json()
    assert post(places, definition["inputs"]).status_code == 201


def test_an_estimate_keeps_nothing(places, services):
    places.post("/processes/places/estimate", json={"inputs": {"dataset": "tas-monthly", "zones": LARGE}})
    assert list((services.settings.home / "uploads").glob("*")) == []


def test_equal_large_zones_are_equal_work(places, services, monkeypatch):
    demands = []
    submit = type(services.submission).submit

    def keep(self, process, understood, **how):
        demands.append(understood.demand)
        return submit(self, process, understood, **how)

    monkeypatch.setattr(type(services.submission), "submit", keep)
    for _ in range(2):
        post(places, {"dataset": "tas-monthly", "zones": LARGE})
    post(places, {"dataset": "tas-monthly", "zones": zones(1001)})
    one, same, other = (content_key(PLACES, demand, owner="me") for demand in demands)
    assert one == same != other
    (upload,) = demands[0].uploads
    assert (upload.media_type, len(upload.sha256)) == ("application/geo+json", 64)


def test_the_provenance_names_the_files_of_users(places):
    answer = post(places, {"dataset": "tas-monthly", "zones": LARGE})
    told = places.get(f"/jobs/{answer.get_json()['jobID']}/provenance").get_json()["@graph"]
    (file,) = [each for each in told if str(each.get("identifier", "")).startswith("upload:")]
    assert (file["encodingFormat"], len(file["sha256"])) == ("application/geo+json", 64)
    (action,) = [each for each in told if "CreateAction" in each["@type"]]
    assert {"@id": file["@id"]} in action["prov:used"]


# --- by reference -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lay(canary, services, places):
    outbound = Outbound(hosts=(f"127.0.0.1:{canary.port}",), allow_http=True, time_limit_s=2)
    object.__setattr__(services, "outbound", outbound)

    def lay(content: bytes, kind: str, path: str = "/parks", **more):
        canary.answers[path] = (200, {"Content-Type": kind}, content)
        return {"href": canary.url + path, **more}

    return lay


def test_a_geopackage_is_named_by_its_address(places, services, lay):
    answer = post(
        places, {"dataset": "tas-monthly", "zones": lay(GEOPACKAGE, "application/geopackage+sqlite3", "/parks.gpkg")}
    )
    definition = places.get(f"/jobs/{answer.get_json()['jobID']}/definition").get_json()
    kept = services.uploads.path(definition["inputs"]["zones"].removeprefix("upload:"))
    assert kept.read_bytes() == GEOPACKAGE


def test_features_are_named_by_their_address(places, lay):
    link = lay(json.dumps(zones()).encode(), "application/geo+json")
    answer = post(places, {"dataset": "tas-monthly", "zones": link, "zone_id": "code"})
    definition = places.get(f"/jobs/{answer.get_json()['jobID']}/definition").get_json()
    assert definition["inputs"]["zones"] == zones()


def test_a_file_of_another_kind_is_refused_where_it_is_named_by_its_address(places, lay):
    inputs = {"dataset": "tas-monthly", "zones": lay(b"a,b\n1,2\n", "application/octet-stream")}
    assert "this input takes zones" in problems(post(places, inputs))["/inputs/zones"]
    found = problems(post(places, {"dataset": "tas-monthly", "zones": lay(b"%PDF-1.4", "application/pdf")}))
    assert "The file is PDF" in found["/inputs/zones"]


def test_a_table_in_another_encoding_says_so_in_its_type(places, lay):
    table = "scientificName,locality\nQuercus,For\xeat\n".encode("iso-8859-1")
    inputs = {"dataset": "tas-monthly", "zones": zones()}
    wrong = problems(post(places, inputs | {"occurrences": lay(table, "text/csv")}))
    assert "is not UTF-8: byte 35 in row 2" in wrong["/inputs/occurrences"]
    answer = post(places, inputs | {"occurrences": lay(table, "text/csv", type="text/csv; charset=iso-8859-1")})
    definition = places.get(f"/jobs/{answer.get_json()['jobID']}/definition").get_json()
    assert "Forêt" in definition["inputs"]["occurrences"]
