"""The demo federation: three centres on one machine, with real data of the Met Office, in one folder, its home."""

import io
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import iris_sample_data

from gaia_config.catalogue import read_catalogue, write_empty
from gaia_config.centres import Centre, read_centres
from gaia_config.demo.samples import countries, daily_climate, occurrences, tree_cover
from gaia_config.errors import ConfigurationError
from gaia_config.files import write_whole

SAMPLES = Path(iris_sample_data.path)
LICENCE = "OGL-UK-3.0"
PUBLISHING_LIMIT_S = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """
    One dataset of the sample data, and what the demo federation calls it.

    Attributes
    ----------
    id : str
        Id of the dataset; the file has its name, several have it with a number.
    source : str, tuple of str, or callable
        Where the file lies in the sample data, or the files that follow each other in time; or what makes the bytes of it.
    centres : tuple of str
        Where it is copied to.
    title, description : str
        For people.
    ending : str
        Of the file's name.
    licence : str
        As an SPDX id.
    """

    id: str
    source: str | tuple[str, ...] | Callable[[], bytes]
    centres: tuple[str, ...]
    title: str
    description: str
    ending: str = ".nc"
    licence: str = LICENCE

    @property
    def files(self) -> dict[str, Path | Callable[[], bytes]]:
        """The files as they are called in a centre's data folder, and where they come from, or what makes them."""
        if callable(self.source):
            return {f"{self.id}{self.ending}": self.source}
        if isinstance(self.source, str):
            return {f"{self.id}.nc": SAMPLES / self.source}
        return {f"{self.id}-{at}.nc": SAMPLES / source for at, source in enumerate(self.source, start=1)}


DATA = (
    Sample(
        id="a1b-north-america",
        source="A1B_north_america.nc",
        centres=("climeri",),
        title="Air temperature over North America, scenario A1B",
        description="Annual means 1860 to 2099 of a Met Office climate model, SRES A1B; 360-day calendar.",
    ),
    Sample(
        id="e1-north-america",
        source="E1_north_america.nc",
        centres=("climeri",),
        title="Air temperature over North America, scenario E1",
        description="Annual means 1860 to 2099 of a Met Office climate model, ENSEMBLES E1; 360-day calendar.",
    ),
    Sample(
        id="daily-climate-demo",
        source=daily_climate,
        ending=".nc",
        centres=("climeri",),
        title="Daily temperatures and precipitation of Europe (synthetic, for demonstration)",
        description="Twenty years made by a formula and at random, observed by nobody: minimum and maximum temperature and "
        "precipitation of each day from 1991 to 2010 in 20 cells of 5 degrees, to try climate indices on.",
        licence="CC0-1.0",
    ),
    Sample(
        id="potential-temperature-hybrid-height",
        source="hybrid_height.nc",
        centres=("climeri",),
        title="Potential temperature on hybrid heights",
        description="One time step of a limited-area model: 15 hybrid-height levels on a rotated-pole grid.",
    ),
    Sample(
        id="pressure-rotated-pole",
        source="rotated_pole.nc",
        centres=("climeri",),
        title="Pressure at sea level on a rotated grid",
        description="A small rotated-pole field of the North Atlantic European model.",
    ),
    Sample(
        id="sea-temperature-orca2",
        source="orca2_votemper.nc",
        centres=("climeri", "theia"),
        title="Sea temperature on the ORCA2 grid",
        description="One level and month of a NEMO run on the curvilinear ORCA2 grid; lies at two centres.",
    ),
    Sample(
        id="sst-ostia-monthly",
        source="ostia_monthly.nc",
        centres=("theia", "pndb"),
        title="Sea surface temperature of the tropics, OSTIA",
        description="Monthly means 2006 to 2010 from 10 S to 5 N of the OSTIA analysis; lies at two centres.",
    ),
    Sample(
        id="sst-nemo-2015",
        source=tuple(f"NEMO/nemo_1m_2015{month:02}01-2015{month + 1:02}01_grid-T.nc" for month in (1, 2, 3)),
        centres=("theia",),
        title="Sea surface temperature of NEMO, January to March 2015",
        description="Monthly means of a NEMO run on the tripolar ORCA1 grid, a file a month; 360-day calendar.",
    ),
    Sample(
        id="toa-brightness-stereographic",
        source="toa_brightness_stereographic.nc",
        centres=("theia",),
        title="Brightness temperature at 10.8 micron, SEVIRI",
        description="One satellite image on a stereographic projection.",
    ),
    Sample(
        id="atlantic-profiles",
        source="atlantic_profiles.nc",
        centres=("pndb",),
        title="Profiles of the Atlantic",
        description="Salinity and potential temperature on 40 depths; the longitudes cross Greenwich.",
    ),
    Sample(
        id="countries-110m",
        source=countries,
        ending=".zip",
        centres=("climeri", "theia", "pndb"),
        title="Countries of the world, Natural Earth 1:110 million",
        description="177 countries as polygons, with their name, ISO code and continent; public domain. Lies at all three centres.",
        licence="CC-PDDC",
    ),
    Sample(
        id="tree-cover-demo",
        source=tree_cover,
        ending=".tif",
        centres=("theia", "pndb"),
        title="Tree cover of Europe in percent (synthetic, for demonstration)",
        description="Made by a formula, observed by nobody: a raster of 0.1 degrees to try zonal statistics and points on.",
        licence="CC0-1.0",
    ),
    Sample(
        id="occurrences-demo",
        source=occurrences,
        ending=".csv",
        centres=("pndb",),
        title="Occurrences of 24 species in Europe (synthetic, for demonstration)",
        description="20,000 records in Darwin Core made at random, observed by nobody, with the dirt of real downloads: records at 0, 0, "
        "without a place, and double ones.",
        licence="CC0-1.0",
    ),
)

CENTRES = """\
# The demo federation, written by `gaia up` at its first start. Yours to change: it is never written again, except that a
# depot gets another port where its own is taken. Delete it to have it made anew.
centres:
  - id: climeri
    title: CLIMERI, climate model output
    broker_url: file:keys/broker
    key: file:keys/climeri
    queues: [{name: interactive, concurrency: 2}, {name: batch, concurrency: 1}]
    delivery: push        # results travel to the server
    catalogue: centres/climeri/catalogue/catalog.json
    data: centres/climeri/data
    results: centres/climeri/results

  - id: theia
    title: Theia, land and sea seen from space
    broker_url: file:keys/broker
    key: file:keys/theia
    queues: [{name: interactive, concurrency: 2}, {name: batch, concurrency: 1}]
    delivery: serve       # results are fetched from the centre's depot
    public_url: http://HOST:THEIA_PORT
    catalogue: centres/theia/catalogue/catalog.json
    data: centres/theia/data
    results: centres/theia/results

  - id: pndb
    title: PNDB, biodiversity
    broker_url: file:keys/broker
    key: file:keys/pndb
    queues: [{name: interactive, concurrency: 2}, {name: batch, concurrency: 1}]
    delivery: serve
    public_url: http://HOST:PNDB_PORT
    catalogue: centres/pndb/catalogue/catalog.json
    data: centres/pndb/data
    results: centres/pndb/results
"""


def prepare(home: Path, *, host: str = "127.0.0.1") -> None:
    """
    Make a home: folders, keys and the centres file, each where it is not there yet.

    Parameters
    ----------
    home : Path
        The folder.
    host : str
        Address of this machine under which the depots are to be reached.

    Raises
    ------
    ConfigurationError
        The folder cannot be made or written.
    """
    try:
        for folder in ("store", "logs", "keys"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        (home / "keys").chmod(0o700)
        for centre in {centre for sample in DATA for centre in sample.centres}:
            _make_key(home / "keys" / centre)
        if not (home / "centres.yml").exists():
            theia, pndb = free_ports(2, host)
            ports = {"HOST": host, "THEIA_PORT": str(theia), "PNDB_PORT": str(pndb)}
            write_whole(home / "centres.yml", _filled(CENTRES, ports))
    except OSError as error:
        problem = f"the folder {home} cannot be written ({error.strerror}); choose another with GAIA_HOME"
        raise ConfigurationError(problem) from None


def read_federation(path: Path) -> dict[str, Centre]:
    """
    Read the centres; a depot gets another port where its own is taken, so that several boxes run side by side.

    Raises
    ------
    ConfigurationError
        Something in the file is wrong.
    """
    centres = read_centres(path)
    text = path.read_text(encoding="utf-8")
    for centre in centres.values():
        address = urlsplit(centre.public_url or "")
        if (
            centre.delivery == "serve"
            and address.hostname
            and address.port
            and not is_free(address.hostname, address.port)
        ):
            (port,) = free_ports(1, address.hostname)
            text = text.replace(f"{address.hostname}:{address.port}", f"{address.hostname}:{port}")
    if text != path.read_text(encoding="utf-8"):
        write_whole(path, text)
        return read_centres(path)
    return centres


def seed(centres: dict[str, Centre], *, environment: dict[str, str], log: Path | None = None) -> None:
    """
    Copy the sample data of each centre into its data folder, and publish them with the command that operators use.

    What is there already stays as it is.

    Parameters
    ----------
    centres : dict of Centre
        By id.
    environment : dict
        In which the command finds the same centres.
    log : Path, optional
        Where it writes what it says; here, without.

    Raises
    ------
    ConfigurationError
        A folder cannot be written, or the publication failed.
    """
    with seeding(centres, environment=environment, log=log):
        pass


@contextmanager
def seeding(centres: dict[str, Centre], *, environment: dict[str, str], log: Path | None = None) -> Iterator[None]:
    """
    As `seed`, but publish while the caller does something else: all is published when this is left.

    The folders, the catalogues and the files are there when it is entered.
    """
    for centre in centres.values():
        _lay_out(centre)
    missing = [entry for centre in centres.values() for entry in _missing(centre)]
    if not missing:
        yield
        return
    with log.open("ab") if log else nullcontext() as output, _listed(missing) as path:
        process = subprocess.Popen(
            _publishing(path), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield
        except BaseException:
            process.kill()
            process.wait()
            raise
        returned = _wait(process)
    if returned != 0:
        failed = [id for id, centre in centres.items() if list(_unpublished(centre))] or list(centres)
        where = f"; {log} says why" if log else ""
        raise ConfigurationError(f"the sample data of {', '.join(failed)} could not be published{where}")


def check_host(host: str) -> None:
    """
    See that the name of a host is known.

    Raises
    ------
    ConfigurationError
        It is not; without this it would look as if a folder or a port were at fault.
    """
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(
            f"GAIA_HOST: the host name {host!r} is not known here; use 127.0.0.1, or 0.0.0.0 for all addresses"
        ) from None


def free_ports(count: int, host: str) -> list[int]:
    """Find ports on which nobody listens."""
    sockets = [socket.socket(_family(host)) for _ in range(count)]
    try:
        for each in sockets:
            each.bind((host, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_free(host: str, port: int) -> bool:
    """Tell whether one could listen at an address."""
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _filled(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(name, value)
    return template


def _make_key(path: Path) -> None:
    if not path.exists():
        write_whole(path, f"{secrets.token_urlsafe(48)}\n", mode=0o600)


def _lay_out(centre: Centre) -> None:
    """Make a centre's folders and its catalogue, and copy its sample data."""
    try:
        for folder in filter(None, (centre.data, centre.results)):
            folder.mkdir(parents=True, exist_ok=True)
        write_empty(centre)
        for sample in DATA:
            if centre.id in sample.centres and centre.data is not None:
                for name, source in sample.files.items():
                    _put(source, centre.data / name)
    except OSError as error:
        problem = f"the folders of {centre.id} cannot be written ({error.strerror}); correct them in the centres file"
        raise ConfigurationError(problem) from None


def _put(source: Path | Callable[[], bytes], target: Path) -> None:
    """Put a file into its place whole or not at all; one that is there stays."""
    if target.exists():
        return
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source()) as file:
        _copy(file, target)


def _copy(file: BinaryIO, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.NamedTemporaryFile(dir=target.parent, prefix=".incoming-", delete=False) as draft,
    ):
        shutil.copyfileobj(file, draft)
    Path(draft.name).chmod(0o644)
    Path(draft.name).replace(target)


def _unpublished(centre: Centre) -> Iterator[tuple[Sample, list[Path]]]:
    """Give the samples of a centre that its catalogue does not list yet, with their files there."""
    known = {dataset.id for dataset in read_catalogue(centre.catalogue, centre.id)}
    for sample in DATA:
        if centre.id in sample.centres and sample.id not in known and centre.data is not None:
            files = [centre.data / name for name in sample.files]
            if all(file.exists() for file in files):
                yield sample, files


def _missing(centre: Centre) -> Iterator[dict[str, object]]:
    """List what is to be published of a centre, as `gaia catalogue add-list` reads it."""
    for sample, files in _unpublished(centre):
        yield {
            "centre": centre.id,
            "files": [str(file.absolute()) for file in files],
            "id": sample.id,
            "title": sample.title,
            "description": sample.description,
            "licence": sample.licence,
        }


@contextmanager
def _listed(entries: list[dict[str, object]]) -> Iterator[Path]:
    """Write a list of datasets down for one command: to import what reads them takes longer than to read them."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="gaia-samples-", suffix=".json") as file:
        json.dump(entries, file)
        file.flush()
        yield Path(file.name)


def _publishing(path: Path) -> list[str]:
    return [sys.executable, "-m", "gaia_config.demo.child", "gaia", "catalogue", "add-list", str(path)]


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(PUBLISHING_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
