"""A description may change only together with the version of its process."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gaia_processes.catalogue import CATALOGUE
from gaia_processes.process import Process
from gaia_processes.text import Language
from gaia_server.descriptions import description

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "GAIA_UPDATE_GOLDEN"
LANGUAGES: tuple[Language, ...] = ("en", "fr")
HOW = f"{UPDATE}=1 python -m pytest tests/processes/test_golden.py"


def describe(process: Process) -> dict[str, Any]:
    return {language: description(process, language, "https://example.org") for language in LANGUAGES}


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_a_changed_description_has_a_new_version(process: Process) -> None:
    file, now = GOLDEN / f"{process.id}.json", describe(process)
    then = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    if then == now and list(then["en"]["inputs"]) == list(now["en"]["inputs"]):
        return
    if then is not None and then["en"]["version"] == process.version:
        pytest.fail(
            f"The description of {process.id} changed, but its version is still {process.version}. "
            f"Give it a new version where it is described, say so in the changelog, then run: {HOW}"
        )
    if UPDATE not in os.environ:
        pytest.fail(f"{process.id} {process.version} is new; if its description is right, run: {HOW}")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(now, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def test_every_golden_file_belongs_to_a_process() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} <= {process.id for process in CATALOGUE}
