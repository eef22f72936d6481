"""
Files beside an output: what people want to see of it, made at the centre, since the server imports no science.

They are delivered and removed with the output and are no output themselves. Today there is one kind, the preview.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gaia_processes.formats import JSON, TEXT, Format
from gaia_workers.contract import OutputFile, SideFile
from gaia_workers.previews import csv, netcdf, text
from gaia_workers.results import Draft, digest

PREVIEW = "preview.json"
LIMIT_BYTES = 64 * 1024

PREVIEWS: Mapping[str, Callable[[Path], dict[str, Any] | None]] = {
    "netcdf": netcdf.preview,
    "csv": csv.preview,
    "csv_fr": partial(csv.preview, delimiter=";"),
    "coverage_json": text.preview,
    "text": text.preview,
    "json": text.preview,
}
"""By the id of the format; a format that is not here has no preview."""

_log = structlog.get_logger()


def make_preview(draft: Draft, file: OutputFile, file_format: Format) -> SideFile | None:
    """
    Write the preview of an output beside it.

    Returns
    -------
    SideFile or None
        None where there is nothing to show, or it could not be made: a result is whole without it, so that is only
        logged.
    """
    make = PREVIEWS.get(file_format.id)
    if make is None:
        return None
    try:
        told = make(draft.path(file.name))
    except Exception:  # noqa: BLE001 - whatever is wrong with a picture, the result itself stands
        _log.warning("no preview", job=draft.order.job_id, output=file.output, exc_info=True)
        return None
    content = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if told is None or len(content) > LIMIT_BYTES:
        return None
    return _write(draft, file, content, file_format)


def _write(draft: Draft, file: OutputFile, content: bytes, file_format: Format) -> SideFile:
    name = f"{file.name.removesuffix(file_format.extension)}.{PREVIEW}"
    path = draft.path(name)
    path.write_bytes(content)
    return SideFile(
        output=file.output,
        ending=PREVIEW,
        name=name,
        media_type=JSON.media_type,
        size_bytes=len(content),
        sha256=digest(path),
        location=f"{draft.order.folder}/{name}",
        store="centre",
    )


def is_shown_by_value(file: OutputFile, file_format: Format) -> bool:
    """Tell whether an output travels in the report itself, so that nobody needs a preview of it."""
    return file.value is not None and file_format in (JSON, TEXT)
