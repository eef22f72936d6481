"""The first rows of a CSV result."""

import csv
from itertools import islice
from pathlib import Path
from typing import Any

ROWS = 50
COLUMNS = 40
CELL_LENGTH = 60
LINE_LENGTH = 100_000


def preview(path: Path, *, delimiter: str = ",") -> dict[str, Any] | None:
    """Give the head and the first rows of a table as texts; None where it is empty."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = iter(lambda: stream.readline(LINE_LENGTH), "")
        rows = [
            [_short(cell) for cell in row[:COLUMNS]] for row in islice(csv.reader(lines, delimiter=delimiter), ROWS + 2)
        ]
    if not rows:
        return None
    head, *body = rows
    return {"kind": "table", "columns": head, "rows": body[:ROWS], "more": len(body) > ROWS}


def _short(cell: str) -> str:
    return cell if len(cell) <= CELL_LENGTH else f"{cell[: CELL_LENGTH - 1]}…"
