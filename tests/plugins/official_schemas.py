"""The schemas of OGC API - Processes - Part 1 (1.0) as they are published, which lie beside the checkout."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

BASE = "http://schemas.example/"
DATE_TIMES = jsonschema.FormatChecker()


@DATE_TIMES.checks("date-time")
def _is_utc(value: object) -> bool:
    """Hold a time to what the contract says of it: UTC, to the second."""
    return not isinstance(value, str) or (len(value) == 20 and value[10] == "T" and value[-1] == "Z")


@dataclass(frozen=True)
class Schemas:
    """
    Validates bodies.

    Attributes
    ----------
    folder : Path
        Where the schemas lie.
    """

    folder: Path

    def check(self, document: Any, schema: str, *, any_branch: bool = False) -> None:
        """
        Validate a document.

        Parameters
        ----------
        schema : str
            Name of a file without its ending, as `statusInfo`.
        any_branch : bool
            Read `oneOf` as `anyOf`: by the schemas as published a string is text and base64 at once, and so never valid.
        """
        registry = _registry(self.folder, any_branch)
        reference = {"$ref": f"{BASE}{schema}.yaml"}
        jsonschema.Draft4Validator(reference, registry=registry, format_checker=DATE_TIMES).validate(document)
        _refuse_null(document, "")


@cache
def _registry(folder: Path, any_branch: bool) -> Registry[Any]:
    """Read all schemas; OpenAPI 3.0's are those of JSON Schema draft 4 in all that they use."""
    resources = []
    for path in folder.glob("*.yaml"):
        contents = yaml.safe_load(path.read_text(encoding="utf-8"))
        contents = _with_any_of(contents) if any_branch else contents
        resources.append((BASE + path.name, Resource.from_contents(contents, default_specification=DRAFT4)))
    return Registry().with_resources(resources)


def _with_any_of(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {("anyOf" if key == "oneOf" else key): _with_any_of(value) for key, value in node.items()}
    return [_with_any_of(each) for each in node] if isinstance(node, list) else node


def _refuse_null(node: Any, at: str) -> None:
    assert node is not None, f"null at {at or '/'}"
    if isinstance(node, Mapping):
        for key, value in node.items():
            _refuse_null(value, f"{at}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            _refuse_null(value, f"{at}/{place}")


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """
    Give the official schemas.

    Without them the test is skipped, except in CI, where their absence is a mistake that must be seen.
    """
    folder = Path(__file__).parents[3] / "shared" / "reference" / "ogc-schemas" / "part1-1.0" / "schemas"
    if folder.is_dir():
        return Schemas(folder)
    reason = "the official schemas are not beside the checkout (looked for ../shared/reference/ogc-schemas)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
