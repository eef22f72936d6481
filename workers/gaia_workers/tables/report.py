"""What stands beside a table: what its columns mean, and what was found out about the whole input."""

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from gaia_processes.shared.history import append_history
from gaia_processes.shared.table import Column, Table
from gaia_processes.text import Text
from gaia_workers.writers.csv import columns_of
from gaia_workers.writers.fields import Field, fields_of

_UNITS: Mapping[str, str | None] = {"time": None, "latitude": "degrees_north", "longitude": "degrees_east"}
"""Of columns whose cells are not as the data have them: times are written out, places are degrees."""


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


def describe_gridded(dataset: xr.Dataset, history: str) -> dict[str, Any]:
    """Write the document that lies beside data on a grid in a format that has no place for units (CSV)."""
    fields = fields_of(dataset)
    return {
        "columns": [_describe_variable(dataset, fields, name) for name in columns_of(fields)],
        "report": {},
        "attributes": {name: str(value) for name, value in append_history(dataset.attrs, history).items()},
    }


def _describe_variable(dataset: xr.Dataset, fields: tuple[Field, ...], name: str) -> dict[str, Any]:
    """Write what a column of the long form is: a coordinate under the name that it has there, or a variable."""
    levels = next((field.level for field in fields if field.level is not None), None)
    variable = dataset.variables.get(levels if name == "level" else name)
    attrs = {} if variable is None else variable.attrs
    told = {"unit": _UNITS.get(name, attrs.get("units")), "standardName": attrs.get("standard_name"),
            "cellMethods": attrs.get("cell_methods")}  # fmt: skip
    title = str(attrs.get("long_name") or attrs.get("standard_name") or name)
    known = {key: str(value) for key, value in told.items() if value is not None}
    return {"name": name, "title": {"en": title, "fr": title}, **known}


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
