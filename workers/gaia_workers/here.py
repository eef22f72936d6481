"""The command `gaia run`: a process here and now, with the validation and the code of a worker, on a file or a dataset."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import uuid4

import typer
import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gaia_config.catalogue import Dataset, Federation
from gaia_config.centres import Centre, read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_processes import formats
from gaia_processes.catalogue import all_processes, by_id
from gaia_processes.cube import Cube
from gaia_processes.errors import DatasetUnsuitable, GaiaError, InvalidInputs
from gaia_processes.formats import Format
from gaia_processes.inputs.dataset import (
    CatalogueRef,
    DatasetReference,
    UnknownDataset,
    UnusableUpload,
    UploadRef,
    explain_absent,
    explain_unfit,
)
from gaia_processes.inputs.references import references_in
from gaia_processes.inputs.sources import Inline, role_of
from gaia_processes.judging import cube_of_dataset, find_unfit, validate_request
from gaia_processes.kinds import NETCDF, Role, find_kind
from gaia_processes.process import Process
from gaia_processes.reading import dump_inputs
from gaia_processes.rows import Rows
from gaia_processes.text import Text
from gaia_workers.contract import Words
from gaia_workers.data import DataAccess
from gaia_workers.headers import read_header
from gaia_workers.holdings import Files, Holdings
from gaia_workers.progress import Track
from gaia_workers.readers.opening import open_dataset
from gaia_workers.readers.refusals import FOLDER
from gaia_workers.readers.zarr_stores import is_store
from gaia_workers.results import sync
from gaia_workers.runner import compute, write_value

if TYPE_CHECKING:
    from gaia_workers.readers.rows import Opened

LOCAL = "local-file"
REFUSED, FAILED = 2, 1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Here:
    """
    What datasets mean on this machine: a local file stands in for the name `local-file`, others come from the catalogue.

    Attributes
    ----------
    files : mapping of Path
        The local files, by the names that they have in the request: `local-file`, `local-file-2`, … of `dataset`, and those
        of features and tables.
    centres : mapping of Centre
        Those of the configuration, empty where there is none.
    """

    files: Mapping[str, Path]
    centres: Mapping[str, Centre]

    def find_rows(self, reference: CatalogueRef | UploadRef, role: Role) -> Rows | None:
        """Give what is known of features or of a table; nothing of a local file, into which the work itself looks."""
        if isinstance(reference, UploadRef):
            raise UnusableUpload(explain_absent(reference))
        if str(reference) in self.files:
            return None
        rows = Rows.from_stac(self._dataset(reference).properties)
        if rows is None or not rows.fits(role):
            kind = None if rows is None else find_kind(rows.kind)
            raise UnusableUpload(explain_unfit(reference, found=kind or NETCDF, role=role))
        return rows

    def find_cube(self, reference: CatalogueRef | UploadRef) -> Cube:
        """Give what is known of a dataset without reading its values; there are no uploads here."""
        if isinstance(reference, UploadRef):
            raise UnusableUpload(explain_absent(reference))
        if reference.id in self.files:
            return read_header(self.files[reference.id]).cube
        return Cube.from_stac(self._dataset(reference).properties)

    def _dataset(self, reference: CatalogueRef) -> Dataset:
        federation = Federation(self.centres)
        dataset = federation.find(reference.id, reference.version)
        if dataset is None:
            raise UnknownDataset(
                reference,
                known=tuple(each.id for each in federation.datasets()),
                versions=tuple(each.version for each in federation.versions(reference.id)),
            )
        return dataset

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset: a local file, or the copy of a centre whose data folder is on this machine."""
        if str(reference) in self.files:
            with open_dataset(self.files[str(reference)]) as dataset:
                yield dataset
            return
        with DataAccess({str(reference): self.locate(reference)}).open(reference) as dataset:
            yield dataset

    @contextmanager
    def open_rows(
        self, source: DatasetReference | Inline, role: Role, *, encoding: str, note: Callable[[Text], None]
    ) -> Iterator["Opened"]:
        """Open features or a table: a local file, the copy of a centre, or what was given by value."""
        located = {str(source): self._place_of(source)} if isinstance(source, CatalogueRef) else {}
        with DataAccess(located).open_rows(source, role, encoding=encoding, note=note) as rows:
            yield rows

    def file(self, reference: DatasetReference) -> Path:
        """Give the one file of a dataset: a local one, or the copy of a centre."""
        return (self._place_of(reference) if isinstance(reference, CatalogueRef) else self.locate(reference))[0]

    def _place_of(self, reference: CatalogueRef) -> Files:
        return (self.files[str(reference)],) if str(reference) in self.files else self.locate(reference)

    def locate(self, reference: DatasetReference) -> Files:
        """
        Find the files of a dataset of the catalogue.

        Raises
        ------
        ConfigurationError
            If no centre has it on this machine.
        """
        for centre in self.centres.values():
            if centre.data is not None and centre.data.is_dir():
                with suppress(DatasetUnsuitable):
                    return Holdings(centre).locate(reference)
        raise ConfigurationError(f"no centre whose data folder is on this machine holds {reference}; give a local file")


def command(
    process: Annotated[str, typer.Argument(help="Id of the process, as subset.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input: JSON, text, a,b,c for lists, or @FILE."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File for the result; its ending picks the format. One that exists is replaced only with --force, "
            "one that is read never.",
        ),
    ] = None,
    media_type: Annotated[
        str | None, typer.Option("--format", help="Format: a media type, or a name as netcdf.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output where it exists.")] = False,
) -> None:
    """Run a process here and now, on a local file or a dataset of the catalogue."""
    try:
        chosen = _process(process)
        raw, files = read_arguments(chosen, inputs or [])
        files |= name_tables(chosen, raw)
        if output is not None:
            _check_output(output, _files_read(inputs or [], files), force=force)
        with _stopped_by_signals():
            result = _run(chosen, raw, Here(files, _centres(chosen, raw, files)), output, media_type)
    except InvalidInputs as error:
        _complain([f"{fault.input}: {fault.problem.en}" for fault in error.faults], REFUSED)
    except GaiaError as error:
        _complain([error.text.en], FAILED)
    except OSError as error:
        _complain([f"{error.filename or 'the result'}: {error.strerror}"], FAILED)
    except _Stopped as stopped:
        _complain(["stopped; nothing was written"], 128 + stopped.number)
    else:
        for line in result:
            typer.echo(line)


def read_arguments(process: Process, arguments: list[str]) -> tuple[dict[str, Any], dict[str, Path]]:
    """
    Read `NAME=VALUE` arguments.

    Returns
    -------
    tuple
        The raw inputs of a request, and the local files that `dataset` names, by the names that they have there.

    Raises
    ------
    ConfigurationError
        If an argument has no `=`, is given twice, or names a file that is not there.
    """
    raw: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--input {argument!r}: write it as name=value")
        if name in raw:
            raise ConfigurationError(f"--input {name} is given twice; write lists as {name}=a,b")
        raw[name] = text
    files = _local_files(raw)
    return {name: _value(process, name, text) for name, text in raw.items()}, files


class _Stopped(BaseException):
    """A signal asked the run to end; no error, so that nothing on the way takes it for one."""

    def __init__(self, number: int) -> None:
        self.number = number


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn the signals that end a program into an exception, so that a draft is removed on the way out."""

    def stop(number: int, _: object) -> None:
        for each in STOPPING:
            signal.signal(each, signal.SIG_IGN)  # once is enough: a second one must not cut the clearing up short
        raise _Stopped(number)

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _files_read(arguments: list[str], files: Mapping[str, Path]) -> list[Path]:
    """List the files that a run reads: the local datasets, and those named by `@`."""
    texts = (argument.partition("=")[2] for argument in arguments)
    return [*(Path(text[1:]) for text in texts if text.startswith("@")), *files.values()]


def _check_output(output: Path, read: list[Path], *, force: bool) -> None:
    """
    Refuse an output that would destroy something.

    Raises
    ------
    ConfigurationError
        It is a file that is read, or one that exists and may not be replaced, or no file at all.
    """
    if not output.parent.is_dir():
        raise ConfigurationError(f"--output {output}: there is no folder {output.parent}; make it first")
    if output.is_dir():
        raise ConfigurationError(f"--output {output}: this is a folder; name a file in it")
    if not os.path.lexists(output):
        return
    _refuse_inputs(output, read)
    if not force:
        raise ConfigurationError(f"--output {output}: this file exists; name another, or replace it with --force")
    if not os.access(output, os.W_OK):
        raise ConfigurationError(f"--output {output}: this file may not be written; name another, also with --force")


def _refuse_inputs(output: Path, read: list[Path]) -> None:
    """Refuse an output that is itself read, whatever it is called."""
    if any(output.exists() and each.exists() and output.samefile(each) for each in read):
        raise ConfigurationError(f"--output {output}: the run reads this file; name another, also with --force")


def _local_files(raw: dict[str, Any]) -> dict[str, Path]:
    """Find the files that `dataset` names; in the request they are then called `local-file`, `local-file-2`, …"""
    named = raw.get("dataset")
    if named is None:
        return {}
    # A file whose name has a comma is one file, not two.
    texts = [named] if _is_local(named) and ("," not in named or Path(named).exists()) else named.split(",")
    names, files = list[str](), dict[str, Path]()
    for text in texts:
        name = text
        if _is_local(text):
            name = LOCAL if not files else f"{LOCAL}-{len(files) + 1}"
            files[name] = _check_local(Path(text))
        names.append(name)
    if files:
        raw["dataset"] = ",".join(names)
    return files


def _is_local(text: str) -> bool:
    return Path(text).exists() or "/" in text or text.endswith((".nc", ".nc4", ".zarr"))


def _check_local(path: Path) -> Path:
    if path.is_dir():
        if not is_store(path):
            raise ConfigurationError(f"--input dataset={path}: {FOLDER}")
        return path
    if not path.is_file():
        raise ConfigurationError(f"--input dataset={path}: there is no such file")
    return path


def name_tables(process: Process, raw: dict[str, Any]) -> dict[str, Path]:
    """
    Find the local files that inputs name which take features or tables; in the request each then has a name of its own.

    Raises
    ------
    ConfigurationError
        If something that looks like a file is not there.
    """
    files = {}
    for name, value in raw.items():
        if role_of(process.inputs, name) == "grid" or not isinstance(value, str) or "\n" in value or value[:1] == "{":
            continue
        path = Path(value)
        if path.is_file():
            files[f"{LOCAL}-{name}"] = path
        elif "/" in value:
            raise ConfigurationError(f"--input {name}={value}: there is no such file")
    raw.update({place.removeprefix(f"{LOCAL}-"): place for place in files})
    return files


def _value(process: Process, name: str, text: str) -> Any:
    """Read one value: a file's content, JSON, a list where the input takes one, else the text as it is."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"--input {name}={text}: the file cannot be read ({error})") from None
    kinds = _kinds(process, name)
    if kinds == {"string"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [_item(part) for part in text.split(",")] if "array" in kinds else text


def _item(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _kinds(process: Process, name: str) -> set[str]:
    """Say what JSON types an input takes; `array` for a box, which may be written as four numbers."""
    schema = process.inputs.model_json_schema().get("properties", {}).get(name, {})
    found = {each["type"] for each in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())) if "type" in each}
    found.discard("null")
    boxed = any(
        each.get("format") == "ogc-bbox"
        for part in (schema, *schema.get("anyOf", ()))
        for each in part.get("allOf", ())
    )
    return found | {"array"} if boxed else found


def _run(process: Process, raw: dict[str, Any], here: Here, output: Path | None, media_type: str | None) -> list[str]:
    inputs = validate_request(process, raw, find_cube=here.find_cube, find_rows=here.find_rows)
    if output is not None:
        named = [each.reference for each in references_in(inputs) if isinstance(each.reference, CatalogueRef)]
        _refuse_inputs(output, [path for each in named if each.id not in here.files for path in here.locate(each)])
    name, described = next(iter(process.outputs.items()))
    file_format = _format(described.formats, output, media_type)
    cube = cube_of_dataset(inputs, here.find_cube)
    if (unfit := find_unfit(process, inputs, file_format, cube=cube)) is not None:
        raise DatasetUnsuitable(unfit)
    if output is None and file_format is formats.NETCDF:
        raise ConfigurationError("--output is needed: name the file for the result")
    history = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} gaia {process.id} {process.version} {json.dumps(dump_inputs(inputs))}"
    )
    with ExitStack() as opened, _Bar(process.title.en) as bar:
        track = Track(bar)
        made = compute(process, inputs, data=here, say=bar, opened=opened, progress=track.computing)
        if output is None:
            return [str(value) for value in made.outputs.values() if value is not None]
        draft = output.with_name(f".{output.name}.{uuid4().hex[:8]}")
        try:
            write_value(made.outputs[name], draft, file_format, history=history, progress=track.writing(0, 1))
            sync(draft)
            draft.rename(output)
        finally:
            draft.unlink(missing_ok=True)
    return [f"{output}: {output.stat().st_size} bytes"]


class _Bar:
    """A progress bar on a terminal; silent elsewhere, but for warnings."""

    def __init__(self, title: str) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn(title), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn(),
            console=console, disable=not console.is_terminal, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(title, total=100)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def progress(self, percent: int, words: Words | None = None) -> None:
        self._progress.update(self._task, completed=percent, description=words.en if words else None)

    def note(self, words: Words) -> None:
        """Say nothing: a log is for those who were not there."""

    def warn(self, words: Words) -> None:
        self._progress.console.print(f"warning: {words.en}", markup=False, highlight=False)


def _process(name: str) -> Process:
    known = by_id(all_processes())
    if name not in known:
        raise ConfigurationError(f"there is no process {name!r}; there are {', '.join(known)}")
    return known[name]


def _centres(process: Process, raw: dict[str, Any], files: Mapping[str, Path]) -> Mapping[str, Centre]:
    """Read the centres, where a dataset of the catalogue is named."""
    named = raw.get("dataset", ())
    others = [each for each in (named if isinstance(named, list) else [named]) if each not in files]
    tables = [name for name in raw if role_of(process.inputs, name) != "grid" and isinstance(raw[name], str)]
    of_catalogue = [name for name in tables if not raw[name].startswith(LOCAL) and "\n" not in raw[name]]
    return read_centres(Settings().centres) if ("dataset" in raw and others) or of_catalogue else {}


def _format(offered: tuple[Format, ...], output: Path | None, wanted: str | None) -> Format:
    """Pick the format: by its name or media type, else by the file's ending, else the default."""
    names = ", ".join(f"{each.id} ({each.extension})" for each in offered)
    if wanted is not None:
        found = formats.format_for(wanted, offered) or next((each for each in offered if each.id == wanted), None)
        if found is None:
            raise ConfigurationError(f"--format {wanted!r} is not offered; there are {names}")
        return found
    if output is None:
        return offered[0]
    found = formats.format_of_name(output.name, offered)
    if found is None:
        raise ConfigurationError(
            f"--output {output.name!r}: its ending names no format that is offered; there are {names}"
        )
    return found


def _complain(lines: list[str], code: int) -> None:
    for line in lines:
        typer.echo(f"gaia run: {line}", err=True)
    sys.exit(code)
