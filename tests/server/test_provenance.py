"""Where a result comes from, as a linked document."""

import pytest

from gaia_server.provenance import MEDIA_TYPE


@pytest.fixture
def told(client):
    def get(job, **headers):
        answer = client.get(f"/jobs/{job.id}/provenance", headers=headers)
        assert answer.status_code == 200
        assert answer.content_type == MEDIA_TYPE
        return answer.get_json()

    return get


def by_id(document):
    entities = {each["@id"]: each for each in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    return entities


def references(value):
    """Find every reference in a document that is nothing but one."""
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for each in value.values():
            yield from references(each)
    if isinstance(value, list):
        for each in value:
            yield from references(each)


@pytest.fixture
def version(services):
    return services.federation.find("tas-monthly").version


@pytest.fixture
def cut_out(desk, version):
    return desk.accept("data", process="subset", inputs={"dataset": f"tas-monthly@{version}", "bbox": [0, 40, 10, 50]})


def activity_of(document, job):
    return by_id(document)[f"https://gaia.test/api/jobs/{job.id}"]


def test_it_is_the_metadata_of_a_research_object_crate(told, desk):
    document = told(desk.finish(desk.accept("message"), message=b"hi"))
    entities = by_id(document)
    descriptor = entities["ro-crate-metadata.json"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = entities[descriptor["about"]["@id"]]
    assert {"name", "description", "datePublished", "license"} <= set(root)


def test_whatever_is_named_is_described(told, desk, cut_out):
    document = told(desk.finish(cut_out, data=b"CDF"))
    known = set(by_id(document)) | {"https://w3id.org/ro/crate/1.1"}
    assert [each for each in references(document) if each not in known and "schema.org" not in each] == []


def test_the_dataset_comes_with_version_licence_and_digest(told, desk, cut_out, version):
    document = told(desk.finish(cut_out, data=b"CDF"))
    source = by_id(document)["https://gaia.test/api/collections/tas-monthly"]
    assert source["version"] == version
    assert source["identifier"] == f"tas-monthly@{source['version']}"
    assert len(source["sha256"]) == 64


def test_the_files_come_with_their_digests_and_who_made_them(told, desk):
    job = desk.finish(desk.accept("message"), message=b"hi")
    document = told(job)
    file = by_id(document)[f"https://gaia.test/api/jobs/{job.id}/results/message"]
    assert file["sha256"] == job.result.outputs[0].sha256
    assert file["prov:wasGeneratedBy"]["@id"] == activity_of(document, job)["@id"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_failed_job_says_what_it_would_have_used_and_what_went_wrong(told, desk, cut_out, language):
    job = desk.fail(cut_out, "worker-lost")
    done = activity_of(told(job, **{"Accept-Language": language}), job)
    assert done["actionStatus"]["@id"].endswith("FailedActionStatus")
    assert done["error"] == getattr(job.failure.words, language)
    assert done["result"] == []
    assert {"@id": "https://gaia.test/api/collections/tas-monthly"} in done["object"]


def test_a_job_that_waits_has_done_nothing_yet(told, desk):
    job = desk.accept("message")
    done = activity_of(told(job), job)
    assert done["actionStatus"]["@id"].endswith("PotentialActionStatus")
    assert "startTime" not in done


def test_the_status_links_to_it(client, desk):
    job = desk.accept("message")
    links = client.get(f"/jobs/{job.id}").get_json()["links"]
    (link,) = [each for each in links if each["rel"].endswith("has_provenance")]
    assert client.get(link["href"].removeprefix("https://gaia.test/api")).status_code == 200


def test_nobody_learns_of_a_job_that_is_not_theirs(client):
    assert client.get("/jobs/00000000-0000-4000-8000-000000000000/provenance").status_code == 404
