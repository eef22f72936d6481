"""What a catalogue says of a dataset, and how that reads as a STAC Collection."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

import pystac
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gaia_config.errors import ConfigurationError

type Bounds = tuple[float, float, float, float]
type Span = tuple[str | None, str | None]

WORLD: Bounds = (-180.0, -90.0, 180.0, 90.0)
EXTENSIONS = (
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/version/v1.2.0/schema.json",
)
DESCRIBED_BY = {
    "cube:dimensions": "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
    "table:columns": "https://stac-extensions.github.io/table/v1.2.0/schema.json",
}
"""Extensions that some datasets need, by a member that tells so."""
UNLOCATED = "gaia:unlocated"  # STAC demands a box; this says that ours is only a stand-in
SHA256_MULTIHASH = "1220"  # what the multihash of the file extension begins with: sha2-256, 32 bytes

_NUMBERED = re.compile(r"data-([0-9]{1,9})", re.ASCII)
_DATASET_ID = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)


class Escape(ConfigurationError):
    """A replica's place would lie outside the data folder of its centre."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """
    One of the files of a copy of a dataset.

    Attributes
    ----------
    href : str
        Where the file lies, from the centre's data folder.
    size_bytes : int
    sha256 : str
        64 hexadecimal digits.
    """

    href: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if (problem := _href_problem(self.href)) is not None:
            raise ValueError(problem)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """
    A copy of a dataset at a centre.

    Attributes
    ----------
    centre : str
        Id of the centre.
    href : str
        Where the file lies, from the centre's data folder; the first, where there are several.
    media_type : str
        As `application/x-netcdf`.
    size_bytes : int
        Of the file, or of all.
    sha256 : str
        Of the file, 64 hexadecimal digits; of several as `digest_of_parts` says.
    parts : tuple of Part
        The files of a dataset that is a series of files along time, in the order of time; empty where it is one file.
    """

    centre: str
    href: str
    media_type: str
    size_bytes: int
    sha256: str
    parts: tuple[Part, ...] = ()

    @classmethod
    def of_parts(cls, parts: tuple[Part, ...], *, centre: str, media_type: str) -> Self:
        """Make the copy that lies in several files, in the order of time."""
        return cls(
            centre=centre,
            href=parts[0].href,
            media_type=media_type,
            size_bytes=sum(part.size_bytes for part in parts),
            sha256=digest_of_parts([part.sha256 for part in parts]),
            parts=parts,
        )

    def __post_init__(self) -> None:
        if (problem := _href_problem(self.href)) is not None:
            raise ValueError(problem)

    @property
    def files(self) -> tuple[Part, ...]:
        """All its files, in the order of time."""
        return self.parts or (Part(href=self.href, size_bytes=self.size_bytes, sha256=self.sha256),)

    def paths(self, data: Path) -> tuple[Path, ...]:
        """Find all the files, as `path` does."""
        return tuple(self._path(part.href, data) for part in self.files)

    def path(self, data: Path) -> Path:
        """
        Find the file, which may not lie outside the data folder, not even by a symbolic link; the first of several.

        Parameters
        ----------
        data : Path
            The centre's data folder.

        Raises
        ------
        Escape
            It would.
        """
        return self._path(self.href, data)

    def _path(self, href: str, data: Path) -> Path:
        folder = data.resolve()
        path = (folder / href).resolve()
        if not path.is_relative_to(folder):
            raise Escape(f"{href!r} leads outside the data folder of {self.centre}; copy the file into it")
        return path


def digest_of_parts(digests: Sequence[str]) -> str:
    """Give the digest of a series of files: that of the one where it is one, else of the digests, a line each, in order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """
    One version of one entry of the federated catalogue.

    Attributes
    ----------
    id, version : str
        Together its name: `id@version`.
    title, description, licence : str
        For people; the licence as an SPDX id where there is one, else `other`.
    keywords : tuple of str
        For the search.
    bbox : tuple of 4 float or None
        West, south, east, north in degrees; west > east crosses the antimeridian.
    interval : tuple of 2 str or None
        First and last instant, RFC 3339 in UTC; only for discovery, the data's own calendar stands in the properties.
    properties : dict
        Members of the STAC collection that are opaque here: `cube:dimensions`, `cube:variables`, `gaia:…`.
    replicas : tuple of Replica
        At least one.
    created : str or None
        When this version was first published, RFC 3339 in UTC.
    """

    id: str
    version: str
    title: str
    description: str
    licence: str
    keywords: tuple[str, ...]
    bbox: Bounds | None
    interval: Span
    properties: dict[str, Any] = field(repr=False)
    replicas: tuple[Replica, ...]
    created: str | None = None

    def __post_init__(self) -> None:
        for name, value, pattern in (("id", self.id, _DATASET_ID), ("version", self.version, _VERSION)):
            if not pattern.fullmatch(value) or not value.strip("."):
                raise ValueError(
                    f"{name}: {value!r} cannot be used; write letters, digits, dots, hyphens or underscores"
                )
        if not self.replicas:
            raise ValueError("replicas: at least one is needed")

    def find_replica(self, centre: str) -> Replica | None:
        """Find the copy that lies at a centre."""
        return next((replica for replica in self.replicas if replica.centre == centre), None)


class _Asset(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    href: str = Field(min_length=1)
    type: str = Field(min_length=1)
    size: int = Field(alias="file:size", ge=0)
    checksum: str = Field(alias="file:checksum", pattern=r"^1220[0-9a-f]{64}$")


def _href_problem(href: str) -> str | None:
    """Say why a place cannot be one inside a data folder."""
    path = PurePosixPath(href)
    if not href or "\0" in href or "://" in href:
        return f"href: {href!r} cannot be used; write the file's path from the data folder"
    if path.is_absolute() or ".." in path.parts:
        return f"href: {href!r} leads outside the data folder; write the file's path from there, without .."
    return None


def to_stac(dataset: Dataset, centre: str) -> dict[str, Any]:
    """
    Write a dataset, as it lies at one centre, as a STAC Collection.

    Raises
    ------
    ValueError
        The dataset has no replica at that centre.
    """
    replica = dataset.find_replica(centre)
    if replica is None:
        raise ValueError(f"{dataset.id} has no replica at {centre}")
    own = {"version": dataset.version, "created": dataset.created} | ({} if dataset.bbox else {UNLOCATED: True})
    collection = pystac.Collection(
        id=dataset.id,
        title=dataset.title,
        description=dataset.description,
        license=dataset.licence,
        keywords=list(dataset.keywords),
        extent=pystac.Extent.from_dict(
            {
                "spatial": {"bbox": [list(dataset.bbox or WORLD)]},
                "temporal": {"interval": [list(dataset.interval)]},
            }
        ),
        stac_extensions=[
            *EXTENSIONS,
            *(url for member, url in DESCRIBED_BY.items() if member in dataset.properties),
        ],
        extra_fields=dataset.properties | own,
        assets=_assets(replica),
    )
    return collection.to_dict(include_self_link=False)


def _assets(replica: Replica) -> dict[str, pystac.Asset]:
    """Write one file as the asset `data`, several as `data-0001`, `data-0002`, … in the order of time."""
    if not replica.parts:
        return {"data": _asset(replica.files[0], replica.media_type)}
    return {f"data-{at:04d}": _asset(part, replica.media_type) for at, part in enumerate(replica.parts, start=1)}


def _asset(part: Part, media_type: str) -> pystac.Asset:
    members = {"file:size": part.size_bytes, "file:checksum": SHA256_MULTIHASH + part.sha256}
    return pystac.Asset(href=part.href, media_type=media_type, roles=["data"], extra_fields=members)


def from_stac(members: dict[str, Any], centre: str) -> Dataset:
    """
    Read a dataset from the STAC Collection that its centre publishes.

    Raises
    ------
    ValueError
        The collection is not one, or lacks something; the message names the key and what would be right.
    """
    if members.get("type") != "Collection":
        raise ValueError("type: this is not a STAC Collection")
    bbox, interval = _bounds(members), _span(members)
    try:
        collection = pystac.Collection.from_dict(members)
    except (pystac.STACError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"this is not a STAC Collection ({_first_words(error)})") from None
    extra = dict(collection.extra_fields)
    extra.pop("type", None)
    located = not extra.pop(UNLOCATED, False)
    version, created = extra.pop("version", None), extra.pop("created", None)
    if not isinstance(version, str):
        raise ValueError(f"version: {version!r} cannot be used; write the version as text")  # noqa: TRY004 - of the file
    return Dataset(
        id=collection.id,
        version=version,
        title=collection.title or collection.id,
        description=collection.description,
        licence=collection.license,
        keywords=tuple(collection.keywords or ()),
        bbox=bbox if located else None,
        interval=interval,
        properties=extra,
        replicas=(_replica(collection, centre),),
        created=created,
    )


def _replica(collection: pystac.Collection, centre: str) -> Replica:
    numbered = sorted((int(match[1]), key) for key in collection.assets if (match := _NUMBERED.fullmatch(key)))
    if "data" not in collection.assets and not numbered:
        raise ValueError(
            "assets.data is missing; name the file with href, type, file:size and file:checksum, or the files of a series "
            "as data-0001, data-0002, … in the order of time"
        )
    if "data" in collection.assets:
        read, part = _read_asset(collection, "data")
        return Replica(
            centre=centre, href=part.href, media_type=read.type, size_bytes=part.size_bytes, sha256=part.sha256
        )
    parts = [_read_asset(collection, key) for _, key in numbered]
    return Replica.of_parts(tuple(part for _, part in parts), centre=centre, media_type=parts[0][0].type)


def _read_asset(collection: pystac.Collection, key: str) -> tuple[_Asset, Part]:
    asset = collection.assets[key]
    try:
        read = _Asset.model_validate(asset.to_dict() | {"href": asset.href})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ValueError(f"assets.{key}.{fault['loc'][0]}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from None
    return read, Part(href=read.href, size_bytes=read.size, sha256=read.checksum.removeprefix(SHA256_MULTIHASH))


def _bounds(members: dict[str, Any]) -> Bounds:
    box = _first(members, "spatial", "bbox")
    if isinstance(box, list) and len(box) == 6:
        box = [box[0], box[1], box[3], box[4]]
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(edge, int | float) for edge in box):
        raise ValueError(f"extent.spatial.bbox: {box!r} cannot be used; write [west, south, east, north] in degrees")
    west, south, east, north = map(float, box)
    return west, south, east, north


def _span(members: dict[str, Any]) -> Span:
    span = _first(members, "temporal", "interval")
    if not isinstance(span, list) or len(span) != 2 or not all(end is None or isinstance(end, str) for end in span):
        raise ValueError(f"extent.temporal.interval: {span!r} cannot be used; write [first, last] as RFC 3339 texts")
    return span[0], span[1]


def _first(members: dict[str, Any], kind: str, name: str) -> Any:
    """Take the first, overall extent; None where it is not there."""
    try:
        return members["extent"][kind][name][0]
    except (KeyError, IndexError, TypeError):
        return None


def _first_words(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
