"""What the input `dataset` may say: the one place where its grammar is written."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show
from gaia_processes.kinds import TAKEN, TITLES, Kind, Role, list_kinds
from gaia_processes.text import Text

DATASET_FORMAT = "gaia-dataset"
"""`format` by which a schema says that its text is the id of a dataset."""

_NAME = r"[A-Za-z0-9._-]{1,200}"
_CATALOGUE = re.compile(rf"(?P<id>{_NAME})(@(?P<version>{_NAME}))?", re.ASCII)
_PREFIXED = re.compile(r"(?P<kind>upload|job):(?P<uuid>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII | re.I)
_LISTED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueRef:
    """A dataset of the federated catalogue; without a version the newest is meant."""

    id: str
    version: str | None = None

    def __str__(self) -> str:
        return self.id if self.version is None else f"{self.id}@{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadRef:
    """A user's own file."""

    uuid: uuid.UUID

    @classmethod
    def of(cls, id: str) -> "UploadRef":
        """Make it of the id of an upload."""
        return cls(uuid=uuid.UUID(id))

    def __str__(self) -> str:
        return f"upload:{self.uuid}"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRef:
    """The result of an earlier job."""

    uuid: uuid.UUID

    def __str__(self) -> str:
        return f"job:{self.uuid}"


DatasetReference = CatalogueRef | UploadRef | JobRef


class UnknownDataset(LookupError):
    """
    The catalogue has no such dataset, or not that version of it.

    Parameters
    ----------
    reference : CatalogueRef
        What was asked for.
    known : sequence of str
        Ids of the datasets that there are.
    versions : sequence of str
        Versions that there are, where the id is known but the version is not.
    """

    def __init__(self, reference: CatalogueRef, *, known: Sequence[str], versions: Sequence[str] = ()) -> None:
        super().__init__(str(reference))
        self.reference = reference
        self.known = tuple(known)
        self.versions = tuple(versions)


class UnusableUpload(LookupError):
    """
    An upload is not there, or it or a dataset is nothing that can be read as what it is named for.

    Parameters
    ----------
    fault : Fault
        What is wrong with it.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.problem.en)
        self.fault = fault


def parse_dataset(value: object) -> DatasetReference:
    """
    Read a reference to a dataset.

    Parameters
    ----------
    value : object
        `id`, `id@version`, `upload:<uuid>` or `job:<uuid>`.

    Raises
    ------
    BadValue
        If it is anything else; a path or an address is named as such.
    """
    if isinstance(value, CatalogueRef | UploadRef | JobRef):
        return value
    if not isinstance(value, str):
        raise _refuse(value, "is not text", "n'est pas un texte")
    text = value.strip()
    if match := _CATALOGUE.fullmatch(text):
        return CatalogueRef(id=match["id"], version=match["version"])
    if match := _PREFIXED.fullmatch(text):
        kind = UploadRef if match["kind"].lower() == "upload" else JobRef
        return kind(uuid=uuid.UUID(match["uuid"]))
    raise _refuse(value, *_what_it_is(text))


def explain_unknown(unknown: UnknownDataset) -> Fault:
    """Say that a dataset is not there, what is near it, and what there is."""
    wanted = unknown.reference
    if unknown.versions:
        there = ", ".join(unknown.versions)
        return make_fault(
            f"The dataset {show(wanted.id)} has no version {show(wanted.version)}; there is: {there}.",
            f"Le jeu de données {show(wanted.id)} n'a pas de version {show(wanted.version)} ; il y a : {there}.",
            given=str(wanted),
            allowed=[f"{wanted.id}@{version}" for version in unknown.versions],
        )
    near = get_close_matches(wanted.id, unknown.known, n=3, cutoff=0.75)
    english = f" Did you mean {' or '.join(near)}?" if near else ""
    french = f" Vouliez-vous dire {' ou '.join(near)} ?" if near else ""
    listed = ", ".join(unknown.known[:_LISTED]) + (", …" if len(unknown.known) > _LISTED else "")
    return make_fault(
        f"There is no dataset {show(wanted.id)}.{english} Datasets here: {listed or 'none'}.",
        f"Il n'y a pas de jeu de données {show(wanted.id)}.{french} Jeux de données ici : {listed or 'aucun'}.",
        given=str(wanted),
        allowed=unknown.known[:200],
    )


def explain_absent(reference: UploadRef | JobRef) -> Fault:
    """Say that an upload or a job's result is not there."""
    if isinstance(reference, JobRef):
        return make_fault(
            f"There is no result {reference} here; name a dataset of the catalogue.",
            f"Il n'y a pas ici de résultat {reference} ; nommez un jeu de données du catalogue.",
            given=str(reference),
        )
    return make_fault(
        f"There is no upload {reference} here, or it has expired; upload the file again, or name a dataset of the catalogue.",
        f"Il n'y a pas ici de fichier déposé {reference}, ou il a expiré ; déposez-le à nouveau, "
        "ou nommez un jeu de données du catalogue.",
        given=str(reference),
    )


def explain_unfit(reference: CatalogueRef | UploadRef, *, found: Kind | str, role: Role) -> Fault:
    """Say that an upload or a dataset is another kind of file than an input takes."""
    wanted, taken = TITLES[role], list_kinds(TAKEN[role])
    there = Text(en=found, fr=found) if isinstance(found, str) else found.title
    return make_fault(
        f"{reference} is a file of type {there.en}; this input takes {wanted.en}: {taken.en}.",
        f"{reference} est un fichier de type {there.fr} ; cette entrée prend {wanted.fr} : {taken.fr}.",
        given=str(reference),
        allowed=[kind.media_type for kind in TAKEN[role]],
    )


def _what_it_is(text: str) -> tuple[str, str]:
    if "://" in text:
        return "is an address", "est une adresse"
    if "/" in text or "\\" in text or text.startswith("~"):
        return "is a path", "est un chemin"
    if text.lower().startswith(("upload:", "job:")):
        return "does not hold a UUID", "ne contient pas d'UUID"
    return "is not the id of a dataset", "n'est pas l'identifiant d'un jeu de données"


def _refuse(value: object, en: str, fr: str) -> BadValue:
    return BadValue.of(
        f"{show(value)} {en}; a dataset is named by its id in the catalogue (letters, digits, '.', '_', '-'), "
        "with a version as id@version if you like, or as upload:<uuid> or job:<uuid>.",
        f"{show(value)} {fr} ; un jeu de données se nomme par son identifiant dans le catalogue (lettres, chiffres, "
        "« . », « _ », « - »), au besoin avec une version comme id@version, ou par upload:<uuid> ou job:<uuid>.",
        given=value,
    )
