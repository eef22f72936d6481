"""The commands `gaia catalogue …`: publish files that lie at a centre as datasets of the federation."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gaia_config.catalogue import Dataset, Federation, Part, Replica, publish, write_empty
from gaia_config.centres import Centre, read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_processes.errors import GaiaError
from gaia_processes.kinds import NETCDF, ROWS, Kind
from gaia_workers.headers import Header, read_header
from gaia_workers.joining import order_files
from gaia_workers.readers.recognising import recognise
from gaia_workers.readers.refusals import FOLDER
from gaia_workers.readers.zarr_stores import digest_of, is_store, size_of

VERSION_LENGTH = 12
_GRIDS = (".nc", ".nc4", ".cdf", ".tif", ".tiff", ".h5", ".zarr")
_TOLD_COLUMNS = 8
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class _Entry(BaseModel):
    """A dataset in a list of those to be published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    centre: str
    files: Annotated[tuple[Path, ...], Field(min_length=1)]
    id: str | None = None
    title: str | None = None
    description: str | None = None
    licence: str | None = None


_ENTRIES = TypeAdapter(list[_Entry])

commands = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Publish datasets in the catalogue of a centre."
)


@commands.command()
def add(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files to publish (NetCDF, GeoTIFF, Zarr stores as folders or zip files, features, tables): each a dataset, or with --id several NetCDF files together one that goes on from file to "
            "file along time. Features and tables (GeoPackage, GeoJSON, GeoParquet, zipped shapefile, CSV, Parquet, Darwin Core "
            "archive) are one file each.",
            metavar="PATH…",
        ),
    ],
    centre: Annotated[str, typer.Option(help="Id of the centre that holds them.")],
    dataset_id: Annotated[
        str | None,
        typer.Option("--id", help="Id of the one dataset that the files make; made from a file's name if left out."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title; the file's own if left out.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence, as an SPDX id; the file's own if left out.")] = None,
) -> None:
    """Read the headers of files and publish them; a running server offers them within a few seconds."""
    place = _centre(centre)
    if len(paths) > 1 and title and not dataset_id:
        raise ConfigurationError("--title names one dataset; give one path with it, or --id for files that make one")
    together = [paths] if dataset_id else [[path] for path in paths]
    for files in together:
        dataset = add_files(files, place, dataset_id=dataset_id, title=title, licence=licence)
        typer.echo(f"published {dataset.id}@{dataset.version} at {place.id}: {', '.join(dataset.keywords)}")


@commands.command("add-list")
def add_list(
    path: Annotated[
        Path,
        typer.Argument(
            help="A JSON file: an array of objects with `centre`, `files` (paths, from the folder of the list), and if wanted `id`, "
            "`title`, `description`, `licence`. Each is published as `add` does.",
            metavar="LIST",
        ),
    ],
) -> None:
    """Publish all datasets that a file lists, of any centres; one that fails keeps none of the others away."""
    entries = _read_list(path)
    failed = 0
    for at, entry in enumerate(entries):
        try:
            place = _centre(entry.centre)
            files = [path.parent / file for file in entry.files]
            dataset = add_files(
                files,
                place,
                dataset_id=entry.id,
                title=entry.title,
                description=entry.description,
                licence=entry.licence,
            )
        except ConfigurationError as error:
            failed += 1
            typer.echo(f"{path.name}, entry {at}: {error}", err=True)
        else:
            typer.echo(f"published {dataset.id}@{dataset.version} at {place.id}: {', '.join(dataset.keywords)}")
    if failed:
        raise ConfigurationError(f"{failed} of {len(entries)} entries of {path} could not be published; see above")


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


def _read_list(path: Path) -> list[_Entry]:
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}); give a JSON file that lists datasets"
        ) from None
    except ValidationError as error:
        (first, *_) = error.errors()
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ConfigurationError(
            f"{path}: {where}: {first['msg']}; each entry has at least `centre` and `files`"
        ) from None


def add_file(
    path: Path, centre: Centre, *, dataset_id: str | None = None, title: str | None = None, licence: str | None = None
) -> Dataset:
    """Publish a file as a dataset of a centre, as `add_files` does."""
    return add_files([path], centre, dataset_id=dataset_id, title=title, licence=licence)


def add_files(
    paths: Sequence[Path],
    centre: Centre,
    *,
    dataset_id: str | None = None,
    title: str | None = None,
    description: str | None = None,
    licence: str | None = None,
) -> Dataset:
    """
    Publish files as one dataset of a centre; files from elsewhere are copied into the centre's data folder first.

    Parameters
    ----------
    paths : sequence of Path
        One file, or several that follow each other in time, in any order.
    dataset_id, title, description, licence : str, optional
        What the dataset is called; made of the files where left out.

    Raises
    ------
    ConfigurationError
        If a file is not there, cannot be read as data, its name makes no id, or several do not make one dataset.
    """
    data = centre.data
    if data is None:
        raise ConfigurationError(
            f"centre {centre.id}: its `data` folder is not named in the centres file; name it there"
        )
    for path in paths:
        _check_path(path)
    if (kind := _kind_of_rows(paths)) is not None:
        return _add_rows(
            paths[0], kind, centre, data, dataset_id=dataset_id, title=title, description=description, licence=licence
        )
    ordered = tuple(paths) if len(paths) == 1 else order_files(paths)
    try:
        header = read_header(*ordered)
    except GaiaError as error:
        names = ", ".join(path.name for path in ordered)
        raise ConfigurationError(f"{names}: {error.text.en}") from None
    hrefs = [
        _href(path, data) or _copy(path, data, sha256=digest)
        for path, digest in zip(ordered, header.digests, strict=True)
    ]
    dataset = describe(
        header,
        hrefs,
        centre,
        dataset_id=dataset_id or id_of(ordered[0]),
        title=title,
        description=description,
        licence=licence,
    )
    publish(centre, dataset)
    return dataset


def _kind_of_rows(paths: Sequence[Path]) -> Kind | None:
    """Tell what kind of features or table a file is; None for data on a grid, and for what its own reader refuses in its words."""
    kinds = []
    for path in paths:
        try:
            kinds.append(recognise(path))
        except GaiaError as error:
            if path.suffix.lower() in _GRIDS:
                kinds.append(NETCDF)
            else:
                raise ConfigurationError(f"{path.name}: {error.text.en}") from None
    of_rows = [kind for kind in kinds if kind in ROWS]
    if of_rows and len(paths) > 1:
        raise ConfigurationError(
            "--id makes one dataset of several NetCDF files; features and tables are one file each"
        )
    return of_rows[0] if of_rows else None


def _add_rows(
    path: Path,
    kind: Kind,
    centre: Centre,
    data: Path,
    *,
    dataset_id: str | None,
    title: str | None,
    description: str | None,
    licence: str | None,
) -> Dataset:
    """Publish a file of features or of a table."""
    # What reads them is large, and data on a grid need none of it.
    from gaia_workers.row_headers import read_rows_header

    try:
        header = read_rows_header(path, kind)
    except GaiaError as error:
        raise ConfigurationError(f"{path.name}: {error.text.en}") from None
    href = _href(path, data) or _copy(path, data, sha256=header.sha256)
    names = header.rows.names[:_TOLD_COLUMNS]
    try:
        dataset = Dataset(
            id=dataset_id or id_of(path),
            version=header.sha256[:VERSION_LENGTH],
            title=title or dataset_id or id_of(path),
            description=description
            or title
            or f"{header.rows.count} rows of {kind.title.en} with {', '.join(names)}",
            licence=licence or "other",
            keywords=(kind.title.en, *header.rows.geometry),
            bbox=header.bbox,
            interval=header.interval,
            properties=header.rows.to_stac(),
            replicas=(
                Replica(
                    centre=centre.id, href=href, media_type=header.media_type, size_bytes=header.size_bytes,
                    sha256=header.sha256,
                ),
            ),
        )  # fmt: skip
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: {error}") from None
    publish(centre, dataset)
    return dataset


def _check_path(path: Path) -> None:
    if path.is_dir():
        if not is_store(path):
            raise ConfigurationError(f"{path}: {FOLDER}")
        return
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file; give the path of a file of data")


def describe(
    header: Header,
    hrefs: Sequence[str],
    centre: Centre,
    *,
    dataset_id: str,
    title: str | None,
    licence: str | None,
    description: str | None = None,
) -> Dataset:
    """Make the catalogue's entry of files; its version is what their bytes are, so that equal files are replicas."""
    try:
        return Dataset(
            id=dataset_id,
            version=header.sha256[:VERSION_LENGTH],
            title=title or header.title or dataset_id,
            description=description
            or title
            or header.title
            or f"{', '.join(header.cube.data_variables)} in {Path(hrefs[0]).name}",
            licence=licence or header.licence or "other",
            keywords=header.cube.data_variables,
            bbox=header.bbox,
            interval=header.interval,
            properties=header.cube.to_stac(),
            replicas=(_replica(header, hrefs, centre),),
        )
    except ValueError as error:
        raise ConfigurationError(f"{Path(hrefs[0]).name}: {error}") from None


def _replica(header: Header, hrefs: Sequence[str], centre: Centre) -> Replica:
    if centre.data is None or len(hrefs) == 1:
        return Replica(
            centre=centre.id, href=hrefs[0], media_type=header.media_type, size_bytes=header.size_bytes,
            sha256=header.sha256,
        )  # fmt: skip
    parts = tuple(
        Part(href=href, size_bytes=size_of(centre.data / href), sha256=digest)
        for href, digest in zip(hrefs, header.digests, strict=True)
    )
    return Replica.of_parts(parts, centre=centre.id, media_type=header.media_type)


def id_of(path: Path) -> str:
    """Make a dataset's id of a file's name."""
    return _NOT_IN_AN_ID.sub("-", path.stem.removesuffix(".zarr")).strip("-.") or "dataset"


def _centre(name: str) -> Centre:
    return read_centres(Settings().centres, only=name)[name]


def _href(path: Path, data: Path) -> str | None:
    """Name a file, or a store, from the data folder; None where it lies elsewhere."""
    there, folder = path.resolve(), data.resolve()
    return there.relative_to(folder).as_posix() if there.is_relative_to(folder) else None


def _copy(path: Path, data: Path, *, sha256: str) -> str:
    """Copy a file, or a store, into the data folder, whole or not at all; one that is there already is left as it is."""
    target = data / path.name
    if target.exists() and target.is_dir() == path.is_dir() and digest_of(target) == sha256:
        typer.echo(f"{path.name} is in the data folder already")
        return target.name
    if target.exists():
        raise ConfigurationError(
            f"{path.name}: the data folder has another file of that name; rename yours, or publish the one that is there"
        )
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=".incoming-") as folder:
        draft = Path(folder) / path.name
        if path.is_dir():
            shutil.copytree(path, draft, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(path, draft)
            draft.chmod(0o644)
        draft.rename(target)
    typer.echo(f"copied {path.name} into the data folder")
    return target.name
