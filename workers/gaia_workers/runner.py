"""One order, one atomic result: read, compute, write, publish. The same code runs at a centre and in `gaia run`."""

import importlib
import inspect
import json
import math
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import xarray as xr
from pydantic import BaseModel

from gaia_processes import formats
from gaia_processes.catalogue import known_processes
from gaia_processes.errors import DatasetUnsuitable, ResultTooLarge
from gaia_processes.formats import Format
from gaia_processes.inputs.dataset import DatasetReference
from gaia_processes.inputs.references import map_references
from gaia_processes.inputs.sources import Inline, InlineFeatures, InlineTable, role_of
from gaia_processes.kinds import Role
from gaia_processes.process import Process
from gaia_processes.reading import dump_inputs, read_inputs
from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_processes.shared.table import Table
from gaia_processes.text import Text
from gaia_workers.contract import INLINE_LIMIT_BYTES, Order, OutputFile, Receipt, Result, SideFile, Words
from gaia_workers.delivery import Delivers
from gaia_workers.kept import KeptArrays
from gaia_workers.progress import HearsProgress, Track
from gaia_workers.results import Draft, Results, digest
from gaia_workers.sides import make_sides
from gaia_workers.software import software_here
from gaia_workers.tables.watched import watch
from gaia_workers.versions import done_by_newer, is_ahead, is_behind, waits_for_upgrade

MOST_NAMES = 8
"""So many variables are named in a line of the log."""
ACDD_EXTENT = ("geospatial_", "time_coverage_")


class Opens(Protocol):
    """Where datasets come from."""

    def open(self, reference: DatasetReference) -> Any:
        """Open a dataset on a grid as a context."""

    def open_rows(
        self, source: DatasetReference | Inline, role: Role, *, encoding: str, note: Callable[[Text], None]
    ) -> Any:
        """Open features or a table as a context: of a dataset, an upload, or those that the request brought along."""

    def file(self, reference: DatasetReference) -> Path:
        """Give the one file of a dataset, unopened."""


class Counts(Opens, Protocol):
    """Where datasets come from, and how much was read of them."""

    @property
    def bytes_read(self) -> int:
        """Bytes of values that were read until now."""

    @property
    def bytes_moved(self) -> int:
        """Bytes that came over the network until now."""


class Says(HearsProgress, Protocol):
    """Who hears how it goes."""

    def warn(self, words: Words) -> None:
        """Say what the user should know."""

    def note(self, words: Words) -> None:
        """Say what was done and chosen, as a line of the job's log."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a process gave, before it is written."""

    outputs: Mapping[str, Any]
    warnings: tuple[Words, ...]


def run(
    order: Order,
    *,
    data: Counts,
    results: Results,
    say: Says,
    deliver: Delivers,
    cache: KeptArrays | None = None,
    output_limit_bytes: float = math.inf,
) -> Result:
    """
    Carry out one order; a second run of the same attempt finds the first one's result.

    Parameters
    ----------
    output_limit_bytes : float
        A larger grid, as it is in memory, is refused before it is computed: of uploads no estimate said so before.

    Raises
    ------
    gaia_processes.errors.GaiaError
        What was wrong with the inputs or the data.
    """
    if done := results.find(order):
        return done
    process = known_processes()[order.process_id]
    other_version = settle_version(process, order, say)
    inputs = read_inputs(process, order.inputs)
    meter, track = Meter(data), Track(say)
    with ExitStack() as opened, results.draft(order) as draft:
        made = compute(process, inputs, data=data, say=say, opened=opened, progress=track.computing, cache=cache)
        asked = tuple(
            (output, watched(value), file_format) for output, value, file_format in wanted(process, made, order)
        )
        refuse_too_large(asked, output_limit_bytes)
        history = history_line(order, process, inputs)
        files = tuple(
            write_output(draft, *each, history=history, progress=track.writing(at, len(asked)))
            for at, each in enumerate(asked)
        )
        result = Result(
            outputs=files,
            sides=write_sides(draft, zip(files, asked, strict=True), history),
            receipt=meter.receipt(),
            extent=extent_of_first(made.outputs),
            warnings=(*other_version, *made.warnings),
            software=software_here() | ({process.id: process.version} if other_version else {}),
        )
        result = deliver.deliver(order, draft, result)
        results.publish(draft, result)
    return result


def settle_version(process: Process, order: Order, say: Says) -> tuple[Words, ...]:
    """
    Refuse an order of a newer version of the process, and say where another than the asked one does the work.

    Returns
    -------
    tuple of Words
        Warnings for the user.
    """
    if is_behind(process, order):
        words = waits_for_upgrade(process, order)
        raise DatasetUnsuitable(Text(en=words.en, fr=words.fr))
    if not is_ahead(process, order):
        return ()
    words = done_by_newer(process, order)
    say.warn(words)
    return (words,)


def compute(
    process: Process,
    inputs: BaseModel,
    *,
    data: Opens,
    say: Says,
    opened: ExitStack,
    progress: Callable[[float, float], None],
    cache: KeptArrays | None = None,
) -> Made:
    """
    Call the process' `compute` with its inputs, datasets opened, and what else it takes.

    An array of datasets arrives as a tuple of opened ones; a nested object as its model, with the opened dataset in the
    place of the reference. Zones and points arrive as `geopandas.GeoDataFrame`, occurrences as `polars.LazyFrame` or `ParquetRows`, a community
    table as `polars.DataFrame`.
    """
    function: Callable[..., Any] = importlib.import_module(f"{process.package}.compute").compute
    warnings: list[Words] = []

    def warn(text: Text) -> None:
        words = Words(en=text.en, fr=text.fr)
        warnings.append(words)
        say.warn(words)

    def note(text: Text) -> None:
        say.note(Words(en=text.en, fr=text.fr))

    def open_one(reference: DatasetReference) -> object:
        dataset = opened.enter_context(data.open(reference))
        say.note(opened_words(reference, dataset))
        return dataset

    def open_input(name: str, value: object) -> object:
        role = role_of(type(inputs), name)
        if role == "grid":
            return map_references(value, open_one)
        if role == "file":
            return map_references(value, data.file)
        if not isinstance(value, DatasetReference | InlineFeatures | InlineTable):
            return value
        encoding = str(getattr(inputs, "encoding", None) or "utf-8")
        rows = opened.enter_context(data.open_rows(value, role, encoding=encoding, note=note))
        say.note(rows_words(value, rows))
        return rows

    arguments = {name: open_input(name, value) for name, value in inputs}
    offered = {"warn": warn, "progress": progress, "note": note} | ({} if cache is None else {"cache": cache})
    taken = parameters_of(function)
    outputs = function(**arguments, **{name: value for name, value in offered.items() if name in taken})
    if not isinstance(outputs, Mapping) or isinstance(outputs, xr.Dataset):
        (only,) = process.outputs
        outputs = {only: outputs}
    return Made(outputs=outputs, warnings=tuple(warnings))


@cache
def parameters_of(function: Callable[..., Any]) -> frozenset[str]:
    """Name what a `compute` takes; a process does many tasks, and what inspects is slow."""
    return frozenset(inspect.signature(function).parameters)


def opened_words(reference: DatasetReference, dataset: xr.Dataset) -> Words:
    """Say what was opened, as a line of the log: the dataset with its version, what is in it, how large it is."""
    names = [str(name) for name in dataset.data_vars]
    shown = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    sizes = ", ".join(f"{dim} {size}" for dim, size in dataset.sizes.items())
    size_mb = dataset.nbytes / 1e6
    return Words(
        en=f"Opened {reference}: {shown} ({sizes}), {size_mb:.1f} MB uncompressed.",
        fr=f"Ouverture de {reference} : {shown} ({sizes}), {size_mb:.1f} Mo non compressés.",
    )


def rows_words(source: DatasetReference | Inline, rows: Any) -> Words:
    """Say what rows were opened, as a line of the log: from where, how many, and their columns."""
    rows = rows.table if isinstance(rows, ParquetRows) else rows
    names = [str(name) for name in (rows.collect_schema() if _is_lazy(rows) else rows.columns)]
    shown = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    count = "" if _is_lazy(rows) else f"{len(rows)} "
    named = isinstance(source, DatasetReference)
    return Words(
        en=f"Opened {source if named else 'what the request holds'}: {count}rows ({shown}).",
        fr=f"Ouverture de {source if named else 'ce que la requête contient'} : {count}lignes ({shown}).",
    )


def _is_lazy(rows: Any) -> bool:
    """Tell whether rows are a query that is not carried out yet, which nobody counts."""
    return hasattr(rows, "collect")


def wanted(process: Process, made: Made, order: Order) -> Iterator[tuple[str, Any, Format]]:
    """Give the outputs that were asked for and that there are, with their formats."""
    known = {each.id: each for output in process.outputs.values() for each in output.formats}
    for output, format_id in order.formats.items():
        if made.outputs.get(output) is not None:
            yield output, made.outputs[output], known[format_id]


def refuse_too_large(asked: Iterable[tuple[str, Any, Format]], limit_bytes: float) -> None:
    """Refuse what a small file may declare and no job may write: terabytes of cells that were never stored."""
    size_bytes = sum(value.nbytes for _, value, _ in asked if isinstance(value, xr.Dataset))
    if size_bytes > limit_bytes:
        size_gb, limit_gb = size_bytes / 1e9, limit_bytes / 1e9
        raise ResultTooLarge(
            Text(
                en=f"The result would have {size_gb:.4g} GB uncompressed, and a job may write {limit_gb:.4g} GB; ask for less.",
                fr=f"Le résultat aurait {size_gb:.4g} Go non compressés, et une tâche peut écrire {limit_gb:.4g} Go ; demandez moins.",
            )
        )


def write_output(
    draft: Draft,
    output: str,
    value: Any,
    file_format: Format,
    *,
    history: str,
    progress: Callable[[float, float], None],
) -> OutputFile:
    """Write one output into the draft."""
    order = draft.order
    several = len(order.formats) > 1
    name = f"{order.process_id}-{order.job_id[:8]}{'-' + output if several else ''}{file_format.extension}"
    path = draft.path(name)
    write_value(value, path, file_format, history=history, progress=progress)
    size_bytes = path.stat().st_size
    return OutputFile(
        output=output,
        name=name,
        media_type=file_format.media_type,
        size_bytes=size_bytes,
        sha256=digest(path),
        location=f"{order.folder}/{name}",
        store="centre",
        value=inline(path, file_format) if size_bytes <= INLINE_LIMIT_BYTES else None,
    )


def watched(value: Any) -> Any:
    """Watch a table while it is written, for what lies beside it; anything else is left as it is."""
    return watch(value) if isinstance(value, Table) else value


def write_sides(
    draft: Draft, files: Iterable[tuple[OutputFile, tuple[str, Any, Format]]], history: str
) -> tuple[SideFile, ...]:
    """Write what people want to see and to know of the outputs beside them."""
    return tuple(
        side
        for file, (_, value, file_format) in files
        for side in make_sides(draft, file, file_format, value, history=history)
    )


def write_value(
    value: Any, path: Path, file_format: Format, *, history: str, progress: Callable[[float, float], None]
) -> None:
    """Write a value in a format, by the writer module of that name."""
    writer = importlib.import_module(f"gaia_workers.writers.{file_format.id}")
    writer.write(value, path, progress=progress, history=history)


def inline(path: Path, file_format: Format) -> Any:
    """Read back a small value that can travel in a message; None for binary formats."""
    if file_format is formats.JSON:
        return json.loads(path.read_text(encoding="utf-8"))
    return path.read_text(encoding="utf-8") if file_format is formats.TEXT else None


def extent_of_first(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Say what extent was really returned (ACDD attributes), where an output has one."""
    gridded = next((value for value in outputs.values() if isinstance(value, xr.Dataset)), None)
    attributes = {} if gridded is None else gridded.attrs
    return {name: as_plain(value) for name, value in attributes.items() if name.startswith(ACDD_EXTENT)}


def as_plain(value: Any) -> Any:
    """Turn a numpy scalar into a plain number."""
    return value.item() if hasattr(value, "item") else value


def history_line(order: Order, process: Process, inputs: BaseModel) -> str:
    """Make the line that a result's `history` gets: time of acceptance, process with version, inputs."""
    asked = json.dumps(dump_inputs(inputs), ensure_ascii=False)
    return f"{order.accepted:%Y-%m-%dT%H:%M:%SZ} gaia {process.id} {process.version} {asked}"


class Meter:
    """Measures what a task costs this process, and how much of the data it reads."""

    def __init__(self, data: Counts) -> None:
        self._data = data
        self._wall_s = time.monotonic()
        self._cpu_s = time.process_time()
        self._bytes_read = data.bytes_read
        _forget_peak()

    def receipt(self) -> Receipt:
        """Say what was used since the beginning."""
        return Receipt(
            bytes_read=self._data.bytes_read - self._bytes_read,
            bytes_moved=self._data.bytes_moved,
            cpu_s=round(time.process_time() - self._cpu_s, 4),
            wall_s=round(time.monotonic() - self._wall_s, 4),
            peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


def _forget_peak() -> None:
    """Let the peak of resident memory begin anew (proc(5), clear_refs): this process may have done other work before."""
    with suppress(OSError), open("/proc/self/clear_refs", "wb", buffering=0) as peak:  # noqa: PTH123 - for every task
        peak.write(b"5")  # where the kernel does not offer it, the peak is that of the whole process
