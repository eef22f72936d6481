"""What stands beside a table: what its columns mean, and what was found out about the whole input."""

import json
from collections.abc import Mapping
from typing import Any

from gaia_processes.shared.history import append_history
from gaia_processes.shared.table import Column, Table
from gaia_processes.text import Text


def describe_table(table: Table, history: str) -> dict[str, Any]:
    """
    Write the document that lies beside a table.

    Returns
    -------
    dict
        `columns` (name, title, unit, definition of what was computed), `report` (of the whole input), `attributes` (ACDD).
    """
    return {
        "columns": [describe_column(column) for column in table.columns],
        "report": dict(table.report),
        "attributes": attributes_of(table, history),
    }


def describe_column(column: Column) -> dict[str, Any]:
    """Write what a column means, in every language."""
    unit = {} if column.unit is None else {"unit": column.unit}
    return {"name": column.name, "title": _both(column.title), **unit, "definition": _both(column.definition)}


def attributes_of(table: Table, history: str) -> dict[str, str]:
    """Give the attributes of a table, with a line of its history."""
    told = append_history(dict(table.attributes), history)
    return {name: str(value) for name, value in told.items()}


def as_members(table: Table, history: str) -> Mapping[str, str]:
    """Write the parts of the document as JSON texts, by the names that they have inside a file."""
    return {f"gaia:{name}": as_json(part) for name, part in describe_table(table, history).items()}


def as_json(value: Any) -> str:
    """Write JSON without blanks; numbers that are not finite are an error of ours."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "fr": text.fr}
