"""The page of reliability says what is."""

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parent / "reliability.py"
_SPEC = importlib.util.spec_from_file_location("reliability", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
reliability = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reliability)


REPORT = """<testsuites><testsuite timestamp="2026-01-31T12:00:00+00:00">
<testcase classname="a" name="test_scenario_01_a[x]" time="1.2"/>
<testcase classname="a" name="test_scenario_01_a[y]" time="2.0"><failure message="no"/></testcase>
<testcase classname="a" name="test_scenario_02_b" time="3.4"/>
</testsuite></testsuites>"""


def test_the_page_names_every_scenario_and_the_tests_that_there_are() -> None:
    page = reliability.PAGE.read_text(encoding="utf-8")
    remedy = "run .venv/bin/python tests/faults/reliability.py"
    assert reliability.render(reliability.read_page(page), reliability.read_sections(page)) == page, remedy
    assert set(reliability.SCENARIOS) == set(range(1, 47))


def test_results_are_read_from_reports_and_a_test_is_as_good_as_its_worst_case(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    assert reliability.read_reports([path]) == {
        "test_scenario_01_a": "failed (1 of 2), 3 s, 2026-01-31",
        "test_scenario_02_b": "passed, 3 s, 2026-01-31",
    }
