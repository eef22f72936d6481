"""The commands `gaia catalogue …`: publish a file that lies at a centre as a dataset of the federation."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from gaia_config.catalogue import Dataset, Federation, Replica, publish, write_empty
from gaia_config.centres import Centre, read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_processes.errors import GaiaError
from gaia_workers.headers import Header, read_header
from gaia_workers.readers.refusals import FOLDER

VERSION_LENGTH = 12
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)

commands = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Publish datasets in the catalogue of a centre."
)


@commands.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files to publish (NetCDF).", metavar="PATH…")],
    centre: Annotated[str, typer.Option(help="Id of the centre that holds them.")],
    dataset_id: Annotated[
        str | None, typer.Option("--id", help="Id of the dataset; made from the file's name if left out.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title; the file's own if left out.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence, as an SPDX id; the file's own if left out.")] = None,
) -> None:
    """Read a file's header and publish it; a running server offers it within a few seconds."""
    place = _centre(centre)
    if len(paths) > 1 and (dataset_id or title):
        raise ConfigurationError("--id and --title name one dataset; give one path with them")
    for path in paths:
        dataset = add_file(path, place, dataset_id=dataset_id, title=title, licence=licence)
        typer.echo(f"published {dataset.id}@{dataset.version} at {place.id}: {', '.join(dataset.keywords)}")


@commands.command()
def begin(centre: Annotated[str, typer.Option(help="Id of the centre.")]) -> None:
    """Begin an empty catalogue where there is none yet: the server starts only where every centre has one."""
    place = _centre(centre)
    write_empty(place)
    typer.echo(f"{place.id} has a catalogue: {place.catalogue}")


@commands.command("list")
def list_datasets() -> None:
    """List the datasets of all centres: id, version, centres, title."""
    for dataset in Federation(read_centres(Settings().centres)).datasets():
        centres = ", ".join(replica.centre for replica in dataset.replicas)
        typer.echo(f"{dataset.id}@{dataset.version}  [{centres}]  {dataset.title}")


def add_file(
    path: Path, centre: Centre, *, dataset_id: str | None = None, title: str | None = None, licence: str | None = None
) -> Dataset:
    """
    Publish a file as a dataset of a centre; a file from elsewhere is copied into the centre's data folder first.

    Raises
    ------
    ConfigurationError
        If the file is not there, cannot be read as data, or its name makes no id.
    """
    if centre.data is None:
        raise ConfigurationError(
            f"centre {centre.id}: its `data` folder is not named in the centres file; name it there"
        )
    if path.is_dir():
        raise ConfigurationError(f"{path}: {FOLDER}")
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file; give the path of a NetCDF file")
    try:
        header = read_header(path)
    except GaiaError as error:
        raise ConfigurationError(f"{path.name}: {error.text.en}") from None
    href = _href(path, centre.data) or _copy(path, centre.data, sha256=header.sha256)
    dataset = describe(header, href, centre, dataset_id=dataset_id or id_of(path), title=title, licence=licence)
    publish(centre, dataset)
    return dataset


def describe(
    header: Header, href: str, centre: Centre, *, dataset_id: str, title: str | None, licence: str | None
) -> Dataset:
    """Make the catalogue's entry of a file; its version is what its bytes are, so that equal files are replicas."""
    replica = Replica(
        centre=centre.id, href=href, media_type=header.media_type, size_bytes=header.size_bytes, sha256=header.sha256
    )
    try:
        return Dataset(
            id=dataset_id,
            version=header.sha256[:VERSION_LENGTH],
            title=title or header.title or dataset_id,
            description=title or header.title or f"{', '.join(header.cube.data_variables)} in {Path(href).name}",
            licence=licence or header.licence or "other",
            keywords=header.cube.data_variables,
            bbox=header.bbox,
            interval=header.interval,
            properties=header.cube.to_stac(),
            replicas=(replica,),
        )
    except ValueError as error:
        raise ConfigurationError(f"{Path(href).name}: {error}") from None


def id_of(path: Path) -> str:
    """Make a dataset's id of a file's name."""
    return _NOT_IN_AN_ID.sub("-", path.stem).strip("-.") or "dataset"


def _centre(name: str) -> Centre:
    return read_centres(Settings().centres, only=name)[name]


def _href(path: Path, data: Path) -> str | None:
    """Name a file from the data folder; None where it lies elsewhere."""
    there, folder = path.resolve(), data.resolve()
    return there.relative_to(folder).as_posix() if there.is_relative_to(folder) else None


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _copy(path: Path, data: Path, *, sha256: str) -> str:
    """Copy a file into the data folder, whole or not at all; one that is there already is left as it is."""
    target = data / path.name
    if target.is_file() and _digest(target) == sha256:
        typer.echo(f"{path.name} is in the data folder already")
        return target.name
    if target.exists():
        raise ConfigurationError(
            f"{path.name}: the data folder has another file of that name; rename yours, or publish the one that is there"
        )
    data.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=data, prefix=".incoming-")
    os.close(handle)
    try:
        shutil.copyfile(path, draft)
        Path(draft).chmod(0o644)
        Path(draft).rename(target)
    finally:
        Path(draft).unlink(missing_ok=True)
    typer.echo(f"copied {path.name} into the data folder")
    return target.name
