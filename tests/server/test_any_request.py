"""
Requests that schemathesis makes up from the OpenAPI document: none breaks the server, none gets an undocumented answer.

A few a run in each operation; as many as you like with `GAIA_CASES=2000 make test ARGS="tests/server/test_any_request.py"`,
each time others.
"""

import json
import os
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    allow_header_conformance,
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.core.failures import FailureGroup

CASES = int(os.environ.get("GAIA_CASES", "0"))
A_FEW = 3
"""Made up for each operation and each kind (as the document says, and otherwise) in an ordinary run."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
]


@pytest.fixture
def document(client, desk, submission):
    """Give the document, with the ids of things that are there in place of any uuid and text."""

    def answer(job):
        made = {"message": b"hello", "values": b"[1, 2]", "area": b'{"bbox": [1, 2, 3, 4]}', "data": b"CDF"}
        desk.finish(job, **{wish.id: made.get(wish.id, b"{}") for wish in job.demand.outputs})

    submission.work = answer
    ended = desk.finish(desk.accept("message", response="raw"), message=b"hello")
    failed = desk.fail(desk.accept("message"), "empty-selection")
    several = desk.finish(desk.accept("message", "values"), message=b"hello", values=b"[1, 2]")
    jobs = [ended.id, failed.id, several.id]  # none that goes on: its events would have no end
    told = client.get("/openapi").get_json(force=True)
    told["servers"] = [{"url": "/"}]
    for name, there in {
        "jobID": jobs,
        "outputID": ["message", "message.txt", "values"],
        "centreID": ["theia"],
        "processID": ["echo", "subset"],
    }.items():
        parameter = told["components"]["parameters"][name]
        parameter["schema"] = {"anyOf": [{"type": "string", "enum": there}, parameter["schema"]]}
    return told


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_request_breaks_the_server_or_gets_an_answer_that_is_not_documented(app, document):
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    each = max(1, CASES // (2 * len(operations))) if CASES else A_FEW
    answers: Counter[int] = Counter()
    for operation in operations:
        for mode in modes_of(operation):
            try_some(operation, mode, each, answers)
    assert answers[200] > len(operations) / 2, "the requests reach what is there"
    assert sum(answers.values()) >= CASES * 0.9


def modes_of(operation: Any) -> tuple[GenerationMode, ...]:
    """A request that takes nothing cannot be made otherwise than the document says."""
    takes = operation.definition.raw.get("parameters") or "requestBody" in operation.definition.raw
    return (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if takes else (GenerationMode.POSITIVE,)


def try_some(operation: Any, mode: GenerationMode, count: int, answers: Counter[int]) -> None:
    @settings(
        max_examples=count,
        derandomize=not CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        response = case.call()
        answers[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    run()


def test_the_checks_do_find_an_undocumented_answer(app, document):
    del document["paths"]["/jobs/{jobID}"]["get"]["responses"]["404"]
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
    schema.app = app
    case = schema["/jobs/{jobID}"]["GET"].Case(path_parameters={"jobID": "nobody"})
    with pytest.raises(FailureGroup, match="404"):
        case.call_and_validate(checks=CHECKS)
