"""
Files beside an output: what people want to see and to know of it, made at the centre, since the server imports no science.

They are delivered and removed with the output and are no output themselves. There is the preview; beside tables their
report (what the columns mean, what was found out about the whole input) and, where rows have places, styles that colour them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import xarray as xr

from gaia_processes.formats import CSV, CSV_FR, JSON, NETCDF, PNG, TEXT, Format
from gaia_workers.contract import OutputFile, SideFile
from gaia_workers.previews import csv, geotiff, netcdf, png, table, text
from gaia_workers.results import Draft, digest
from gaia_workers.tables.report import as_json, describe_gridded, describe_table
from gaia_workers.tables.styles import make_styles
from gaia_workers.tables.watched import Watched
from gaia_workers.writers.geopackage import LAYER

PREVIEW, REPORT, QML, SLD = "preview.json", "report.json", "qml", "sld"
LIMIT_BYTES = 64 * 1024
MEDIA_TYPES = {
    PREVIEW: JSON.media_type,
    REPORT: JSON.media_type,
    QML: "application/vnd.qgis.style+xml",
    SLD: "application/vnd.ogc.sld+xml",
}
"""By what stands after the output's id."""

PREVIEWS: Mapping[str, Callable[[Path], dict[str, Any] | None]] = {
    "netcdf": netcdf.preview,
    "geotiff": geotiff.preview,
    "png": png.preview,
    "csv": csv.preview,
    "csv_fr": partial(csv.preview, delimiter=";"),
    "coverage_json": text.preview,
    "text": text.preview,
    "json": text.preview,
}
"""By the id of the format; a format that is not here has no preview, unless the result is a table."""

_log = structlog.get_logger()


def make_sides(draft: Draft, file: OutputFile, file_format: Format, value: Any, *, history: str) -> Iterator[SideFile]:
    """
    Write what lies beside an output.

    Parameters
    ----------
    value : object
        What was written: a watched table, a dataset, a plain value.
    history : str
        The line that the output got.
    """
    watched = value if isinstance(value, Watched) and file_format is not NETCDF else None
    side = None if is_shown_by_value(file, file_format) else make_preview(draft, file, file_format, watched)
    if side is not None:
        yield side
    for ending, content in _documents(value, watched, file_format, history):
        yield _write(draft, file, content.encode(), file_format, ending)


def _documents(value: Any, watched: Watched | None, file_format: Format, history: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Watched):
        yield REPORT, as_json(describe_table(value, history))
    elif isinstance(value, xr.Dataset) and file_format in (CSV, CSV_FR):
        yield REPORT, as_json(describe_gridded(value, history))
    styles = make_styles(watched, LAYER) if watched is not None and file_format is not PNG else None
    if styles is not None:
        yield QML, styles.qml
        yield SLD, styles.sld


def make_preview(
    draft: Draft, file: OutputFile, file_format: Format, watched: Watched | None = None
) -> SideFile | None:
    """
    Write the preview of an output beside it.

    Returns
    -------
    SideFile or None
        None where there is nothing to show, or it could not be made: a result is whole without it, so that is only
        logged.
    """
    make = PREVIEWS.get(file_format.id)
    if make is None and watched is None:
        return None
    try:
        shown_as_table = watched is not None and file_format is not PNG
        told = table.preview(watched) if shown_as_table and watched else make(draft.path(file.name)) if make else None
        content = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except Exception:  # noqa: BLE001 - whatever is wrong with a picture, the result itself stands
        _log.warning("no preview", job=draft.order.job_id, output=file.output, exc_info=True)
        return None
    if told is None or len(content) > LIMIT_BYTES:
        return None
    return _write(draft, file, content, file_format, PREVIEW)


def _write(draft: Draft, file: OutputFile, content: bytes, file_format: Format, ending: str) -> SideFile:
    name = f"{file.name.removesuffix(file_format.extension)}.{ending}"
    path = draft.path(name)
    path.write_bytes(content)
    return SideFile(
        output=file.output,
        ending=ending,
        name=name,
        media_type=MEDIA_TYPES[ending],
        size_bytes=len(content),
        sha256=digest(path),
        location=f"{draft.order.folder}/{name}",
        store="centre",
    )


def is_shown_by_value(file: OutputFile, file_format: Format) -> bool:
    """Tell whether an output travels in the report itself, so that nobody needs a preview of it."""
    return file.value is not None and file_format in (JSON, TEXT)
