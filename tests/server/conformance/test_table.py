"""The table of requirements: it has all of them, and its tests and changes fit the tree."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gaia_server.front import CONFORMANCE

ROOT = Path(__file__).parents[3]
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"

STANDARD = {
    "core": """
        http landingpage-op landingpage-success api-definition-op api-definition-success conformance-op conformance-success
        process-list process-list-success pl-limit-definition pl-limit-response pl-links process process-success
        process-exception/no-such-process process-execute-op process-execute-request process-execute-inputs
        process-execute-input-array process-execute-input-inline-object process-execute-input-mixed-type
        process-execute-input-inline-binary process-execute-input-inline-bbox process-execute-input-validation
        process-execute-default-outputs process-execute-default-execution-mode process-execute-auto-execution-mode
        process-execute-success-async process-execute-sync-raw-value-one process-execute-sync-raw-value-multi
        process-execute-sync-raw-ref process-execute-sync-raw-mixed-multi process-execute-sync-document
        job job-success job-exception-no-such-job job-results job-results-async-raw-value-one
        job-results-async-raw-value-multi job-results-async-raw-ref job-results-async-raw-mixed-multi
        job-results-async-document job-results-exception/no-such-job job-results-exception/results-not-ready
        job-results-failed job-results-success-sync test-process""",
    "ogc-process-description": """
        json-encoding inputs-def input-def input-mixed-type input-binary outputs-def output-def output-mixed-type""",
    "json": "definition",
    "html": "definition content",
    "oas30": "oas-definition-1 oas-definition-2 oas-impl completeness exceptions-codes security",
    "job-list": """
        job-list-op job-list-success type-definition type-response processID-definition processid-response
        processID-mandatory status-definition status-response datetime-definition datetime-response duration-definition
        duration-response limit-definition limit-response links""",
    "callback": "job-callback",
    "dismiss": "job-dismiss-op job-dismiss-success",
}
"""The requirements of 18-062r2 by their labels (that of `duration-response` is printed as `status-response` there)."""


@pytest.fixture(scope="module")
def mutate() -> Iterator[object]:
    specification = importlib.util.spec_from_file_location("mutate", Path(__file__).with_name("mutate.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["mutate"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["mutate"]


def test_every_requirement_of_the_standard_stands_in_the_table(mutate):
    all_of_them = [f"{name}/{each}" for name, labels in STANDARD.items() for each in labels.split()]
    assert sorted(each.id for each in mutate.read_table()) == sorted(all_of_them)


def test_the_classes_of_the_table_are_declared_and_no_others():
    declared = {uri.removeprefix(CONF) for uri in CONFORMANCE if uri.startswith(CONF)}
    assert declared == set(STANDARD)


def test_every_test_of_the_table_is_there(mutate):
    for requirement in mutate.read_table():
        file, _, name = requirement.test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, requirement.test


def test_every_change_fits_the_source(mutate):
    for requirement in mutate.read_table():
        source = (ROOT / requirement.file).read_text(encoding="utf-8")
        assert source.count(requirement.old) == 1, f"{requirement.id}: {requirement.old!r} in {requirement.file}"
        assert requirement.new != requirement.old


def test_the_page_is_fresh_and_every_change_was_noticed(mutate):
    seen = mutate.outcomes()
    rows = "".join(mutate.render_row(each, seen.get(each.id, "was not run")) for each in mutate.read_table())
    how = "run: python tests/server/conformance/mutate.py"
    assert mutate.PAGE.read_text(encoding="utf-8") == mutate.HEAD + rows, how
    assert set(seen.values()) == {"fails"}, how


@pytest.mark.slow
def test_a_change_that_nobody_notices_is_told(mutate, tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "test_a.py").write_text(
        "import a\n\ndef test_x():\n    assert a.x == 1\n\ndef test_y():\n    assert a\n"
    )
    monkeypatch.setattr(mutate, "ROOMS", ("",))

    def tried(test, old="x = 1", new="x = 2"):
        members = {"id": "core/x", "test": f"test_a.py::{test}", "without": "", "file": "a.py", "old": old, "new": new}
        return mutate.try_without(tmp_path, mutate.Requirement(**members))

    assert tried("test_x") == "fails"
    assert tried("test_y") == "**passes**"
    assert tried("test_z") == "**cannot be run** (4)"
    assert tried("test_x", old="y = 1") == "was not run: the change does not fit the source"
    assert (tmp_path / "a.py").read_text() == "x = 1\n"
