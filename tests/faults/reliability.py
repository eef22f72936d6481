"""
Writes `docs/reliability.md`: each scenario, the tests that play it, and how they ended last.

    .venv/bin/python tests/faults/reliability.py [JUNIT.xml …]

Results come from the files that `make test-faults ARGS=--junit-xml=FILE` writes (and the other targets alike); of tests that no
file names, the page keeps what it said.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

HOUSE = Path(__file__).parents[2]
PAGE = HOUSE / "docs" / "reliability.md"
TESTS = HOUSE / "tests"
UNKNOWN = "not run yet"

SCENARIOS = {
    1: "The server is killed while 20 jobs run",
    2: "The server is killed between recording a job and sending its order",
    3: "A worker is killed with all its children, in the middle of a job",
    4: "The process that computes is killed",
    5: "A job kills its worker every time",
    6: "The broker is emptied with 50 jobs queued and 2 running",
    7: "The broker is killed, is away for 20 s and comes back empty",
    8: "The broker is frozen for 30 s",
    9: "The store is locked for 10 s",
    10: "The store is gone and comes back",
    11: "The power fails: everything is killed at seeded moments",
    12: "The disk of the results is full",
    13: "The disk of the store is full",
    14: "The results folder is read-only",
    15: "A job takes more memory than it may",
    16: "A job hangs, in Python or in C",
    17: "A job swallows every exception and signal",
    18: "500 jobs in a row: does anything leak?",
    19: "The clocks of a centre are an hour off",
    20: "A worker is frozen beyond its lease, and wakes up again",
    21: "A centre and the broker lose each other",
    22: "Connections are half open, or carry bytes one way only",
    23: "200 clients send a byte a second",
    24: "A client reads a result of 1 GB slowly",
    25: "An order is delivered twice at once",
    26: "An order is delivered again after its job has ended",
    27: "The broker hands an order out again while it is carried out",
    28: "10,000 jobs wait",
    29: "500 equal requests come at once",
    30: "A job is dismissed, in each state and at any moment",
    31: "The server is killed after half an upload",
    32: "A result expires while it is downloaded",
    33: "The sweeper is killed while it sweeps",
    34: "Two recorders, two reconcilers and two servers work at once",
    35: "The store is migrated while 20 jobs run",
    36: "Server and worker are of different versions",
    37: "An order names what its worker does not know",
    38: "Servers and workers are restarted one by one under load",
    39: "A backup of the store that is an hour old is restored",
    40: "A body of 100 MB is sent",
    41: "A body is deeply nested, or no JSON object",
    42: "A number is not finite, or has 5,000 digits",
    43: "Ids are odd: dots, encodings, NUL, 10 kB",
    44: "Boxes are odd: inverted, polar, without area",
    45: "Bodies are compressed, archives are bombs",
    46: "Anything at all is sent",
}

_NAME = re.compile(r"test_scenario_(?P<number>\d\d)_(?P<words>\w+)")
_ROW = re.compile(r"^\|[^|]*\|[^|]*\| `(?P<test>[^`]+)` \|[^|]*\| (?P<result>[^|]+) \|$", re.MULTILINE)

HEAD = """\
# Reliability

What may go wrong, the tests that make it go wrong, and how they ended last. Written by `tests/faults/reliability.py` from the names of the tests and
their JUnit reports; do not edit. Every scenario of the tiers *process* and *soak* ends with the same check (`tests/plugins/rig.py`): every accepted job has
ended; at most one result is published for each, and its bytes are those of the checksum; no file, lease, message or process is left over; a new job succeeds.

Tiers: *smoke* in `make test`, *process* in `make test-faults` (both in continuous integration), *soak* in `make test-soak`, *system* in `make test` against the box of all system tests.
Seconds are those of a machine that may have had much else to do.

| no. | what goes wrong | test | tier | last result |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A test that plays a scenario."""

    name: str
    scenario: int
    tier: str


def find_tests() -> list[Played]:
    """Find them by their names, in all test files."""
    return sorted(
        (test for path in TESTS.rglob("test_*.py") for test in _in_file(path)),
        key=lambda each: (each.scenario, each.name),
    )


def _in_file(path: Path) -> Iterator[Played]:
    own = path.is_relative_to(TESTS / "faults")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    of_all = [
        ast.unparse(node.value) for node in body if isinstance(node, ast.Assign) and _names(node) == ["pytestmark"]
    ]
    for node in body:
        if isinstance(node, ast.FunctionDef) and (found := _NAME.fullmatch(node.name)):
            marks = " ".join([*of_all, *(ast.unparse(each) for each in node.decorator_list)])
            yield Played(name=node.name, scenario=int(found["number"]), tier=_tier(marks) if own else "system")


def _names(node: ast.Assign) -> list[str]:
    return [each.id for each in node.targets if isinstance(each, ast.Name)]


def _tier(marks: str) -> str:
    return next(
        (tier for tier in ("smoke", "soak") if re.search(rf"^pytest\.mark\.{tier}\b|\bmark\.{tier}$", marks)), "process"
    )


def read_reports(paths: Iterable[Path]) -> dict[str, str]:
    """Read how tests ended, by name; of a test with parameters all must have passed."""
    ends: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    days: dict[str, str] = {}
    for path in paths:
        for suite in ET.parse(path).iter("testsuite"):
            for case in suite.iter("testcase"):
                name = case.attrib["name"].partition("[")[0]
                ends[name].append((_end(case), float(case.attrib.get("time", 0))))
                days[name] = suite.attrib.get("timestamp", "")[:10]
    return {
        name: f"{_sum_up([end for end, _ in each])}, {sum(s for _, s in each):.0f} s, {days[name]}"
        for name, each in ends.items()
    }


def _end(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _sum_up(ends: list[str]) -> str:
    worst = next(each for each in ("failed", "skipped", "passed") if each in ends)
    return worst if len(ends) == 1 else f"{worst} ({ends.count(worst)} of {len(ends)})"


def read_page(text: str) -> dict[str, str]:
    """Read what a page says of the tests in it."""
    return {row["test"]: row["result"] for row in _ROW.finditer(text)}


def read_sections(text: str) -> str:
    """Read what stands below the table: what the run of chaos wrote."""
    place = text.find("\n## ")
    return "" if place < 0 else text[place:]


def render(results: Mapping[str, str], sections: str = "") -> str:
    """Write the page: the table, and the sections below it."""
    tests: defaultdict[int, list[Played]] = defaultdict(list)
    for test in find_tests():
        tests[test.scenario].append(test)
    return HEAD + "".join(line for number in SCENARIOS for line in _rows(number, tests[number], results)) + sections


def _rows(number: int, tests: list[Played], results: Mapping[str, str]) -> Iterator[str]:
    if not tests:
        yield f"| {number} | {SCENARIOS[number]} | none yet | | |\n"
    for place, test in enumerate(tests):
        said = f"{number} | {SCENARIOS[number]}" if place == 0 else " | "
        yield f"| {said} | `{test.name}` | {test.tier} | {results.get(test.name, UNKNOWN)} |\n"


def main(arguments: list[str]) -> None:
    """Write the page anew."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    results = read_page(page) | read_reports(map(Path, arguments))
    PAGE.write_text(render(results, read_sections(page)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
