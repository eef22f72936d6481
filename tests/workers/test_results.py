import json
from datetime import UTC, datetime

import pytest

from gaia_workers.contract import Order, OutputFile, Receipt, Result
from gaia_workers.results import MANIFEST, Results, digest, inside

JOB = "11111111-1111-4111-8111-111111111111"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RESULT = Result(
    outputs=(
        OutputFile(
            output="data", name="a.txt", media_type="text/plain", size_bytes=2,
            sha256="8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
            location=f"{JOB}/1/a.txt", store="centre",
        ),
    ),
    receipt=Receipt(),
)  # fmt: skip


def order(attempt: int = 1) -> Order:
    return Order(
        job_id=JOB, part=0, attempt=attempt, process_id="echo", process_version="1.0.0", inputs={}, formats={},
        accepted=NOON, queue_deadline=NOON, time_limit_s=1, memory_limit_bytes=1, centre="c", queue="q",
    )  # fmt: skip


@pytest.fixture
def results(tmp_path) -> Results:
    made = Results(tmp_path / "results")
    made.prepare()
    return made


def publish(results: Results, attempt: int = 1) -> None:
    with results.draft(order(attempt)) as draft:
        draft.path("a.txt").write_text("hi")
        results.publish(draft, RESULT)


def test_what_is_published_is_found_with_a_manifest_that_fits_the_bytes(results: Results) -> None:
    publish(results)
    assert results.find(order()) == RESULT
    folder = results.folder(JOB, 1)
    (entry,) = json.loads((folder / MANIFEST).read_text())["files"]
    assert entry["sha256"] == digest(folder / "a.txt")


def test_a_draft_that_is_not_published_leaves_nothing(results: Results) -> None:
    with results.draft(order()) as draft:
        draft.path("a.txt").write_text("half")
    assert results.find(order()) is None
    assert results.drafts() == ()


def test_each_attempt_has_a_place_of_its_own(results: Results) -> None:
    publish(results, 1)
    publish(results, 2)
    results.remove(JOB, 1)
    assert results.find(order(1)) is None
    assert results.find(order(2)) == RESULT


def test_removing_takes_drafts_along_and_the_empty_folder(results: Results) -> None:
    publish(results)
    with results.draft(order()) as draft:
        results.remove(JOB, 1)
        assert not draft.folder.exists()
    assert not results.folder(JOB, 1).parent.exists()
    results.remove(JOB, 1)


def test_a_sweep_spares_the_drafts_of_the_living(results: Results) -> None:
    with results.draft(order()) as draft:
        results.sweep(frozenset({JOB}))
        assert draft.folder.exists()
        results.sweep()
        assert not draft.folder.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        inside(tmp_path, name)
