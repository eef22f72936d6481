"""
Darwin Core archives: the core table with Darwin Core terms as the names of its columns.

References
----------
Darwin Core text guide, https://dwc.tdwg.org/text/ ; defaults stand in `meta.xml`. Extensions are not read.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast
from xml.parsers import expat

from gaia_processes.archives import UnsafeArchive, members_of
from gaia_processes.errors import DatasetUnsuitable, UnreadableData
from gaia_processes.inputs.dialect import Dialect
from gaia_processes.text import Text
from gaia_workers.readers.text_table import Layout, as_utf8, write_parquet

META = "meta.xml"
LARGEST_META_BYTES = 2**20
OCCURRENCES = ("occurrence", "darwincore", "darwinrecord", "simpledarwinrecord")
"""Kinds of cores that are records of species, by the last part of `rowType`; the latter are of the time before 2009."""
_MOST_COLUMNS = 2000
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n", "\\|": "|"}


@dataclass(slots=True)
class Core:
    """
    What `meta.xml` says of the core.

    Attributes
    ----------
    columns : dict of str
        Darwin Core term by the place of its column.
    defaults : dict of str
        Value of a term where the column has none, or there is no column.
    extensions : list of str
        Kinds of the extensions.
    """

    row_type: str = ""
    encoding: str = "utf-8"
    separator: str = ","
    quotes: bool = True
    lines: str = "\n"
    header_lines: int = 0
    locations: list[str] = field(default_factory=list)
    columns: dict[int, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    extensions: list[str] = field(default_factory=list)


def write_core(path: Path, target: Path, *, note: Callable[[Text], None], tolerant: bool = False) -> dict[str, str]:
    """
    Write the core of an archive as Parquet, its columns named by Darwin Core terms.

    Parameters
    ----------
    note : callable
        Hears what is left out.
    tolerant : bool
        Whether rows of another length than the first are set apart.

    Returns
    -------
    dict of str
        Values of terms where they are missing.

    Raises
    ------
    DatasetUnsuitable
        If it is not safe, no archive of occurrences, or its core is not there or cannot be read; says why.
    """
    try:
        names = members_of(path)
    except UnsafeArchive as unsafe:
        raise DatasetUnsuitable(unsafe.text) from None
    try:
        with zipfile.ZipFile(path) as archive:
            meta = _find_meta(names)
            core = read_meta(_read(archive, meta))
            member = _find_core(core, names, PurePosixPath(meta).parent)
            if core.extensions:
                note(_left_out(core.extensions))
            with archive.open(member) as stream:
                columns = _columns(core, archive, member)
                layout = Layout(
                    dialect=Dialect(separator=core.separator, quotes=core.quotes), columns=columns,
                    header_lines=core.header_lines, encoding=core.encoding, tolerant=tolerant,
                )  # fmt: skip
                write_parquet(cast("BinaryIO", stream), target, layout)
    except (zipfile.BadZipFile, EOFError, zlib.error):
        raise UnreadableData(
            Text(en="The archive is damaged or cut short.", fr="L'archive est endommagée ou tronquée.")
        ) from None
    return core.defaults


def read_meta(content: bytes) -> Core:
    """
    Read `meta.xml`; a document type with entities is refused, so that nothing is expanded or fetched.

    Raises
    ------
    DatasetUnsuitable
        If it is not XML, has a document type, or no core.
    """
    reader = _Meta()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.hear, reader.refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError) as error:
        where = f" (line {error.lineno})" if isinstance(error, expat.ExpatError) else ""
        raise _refusal(f"its meta.xml cannot be read{where}", f"son meta.xml est illisible{where}") from None
    if reader.core is None:
        raise _refusal("its meta.xml names no core", "son meta.xml ne nomme aucun noyau (core)")
    return reader.core


class _Meta:
    """Hears the elements of `meta.xml`."""

    def __init__(self) -> None:
        self.core: Core | None = None
        self._extensions: list[str] = []
        self._inside: Core | None = None
        self._text: list[str] | None = None

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Hear an element begin."""
        local = name.rpartition(" ")[2]
        if local == "core":
            self._inside = self.core = _begin_core(attributes)
            self.core.extensions = self._extensions
        elif local == "extension":
            self._extensions.append(_last_part(attributes.get("rowType", "?")))
        elif self._inside is not None:
            self._begin_inside(local, attributes, self._inside)

    def _begin_inside(self, local: str, attributes: dict[str, str], core: Core) -> None:
        if local == "location":
            self._text = []
        elif local == "id" and attributes.get("index", "").isdigit():
            core.columns.setdefault(int(attributes["index"]), "id")
        elif local == "field":
            term = term_of(attributes.get("term", ""))
            if attributes.get("index", "").isdigit():
                core.columns[int(attributes["index"])] = term
            if "default" in attributes:
                core.defaults[term] = attributes["default"]

    def hear(self, text: str) -> None:
        """Hear the text of an element."""
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        """Hear an element end."""
        local = name.rpartition(" ")[2]
        if local == "core":
            self._inside = None
        elif local == "location" and self._inside is not None and self._text is not None:
            self._inside.locations.append("".join(self._text).strip())
            self._text = None

    def refuse(self, *_: object) -> None:
        """Refuse a document type."""
        raise _refusal(
            "its meta.xml has a document type (DOCTYPE), which is not read for safety",
            "son meta.xml a une déclaration de type (DOCTYPE), qui n'est pas lue par sécurité",
        )


def term_of(uri: str) -> str:
    """Give the name of a term: the last part of its URI, as written today (`DecimalLatitude` was once written large)."""
    name = _last_part(uri)
    return name[:1].lower() + name[1:]


def _last_part(uri: str) -> str:
    return uri.rstrip("/#").replace("#", "/").rpartition("/")[2]


def _begin_core(attributes: dict[str, str]) -> Core:
    def plain(name: str, default: str) -> str:
        value = attributes.get(name, default)
        return _ESCAPES.get(value, value)

    header = attributes.get("ignoreHeaderLines", "0")
    return Core(
        row_type=attributes.get("rowType", ""),
        encoding=attributes.get("encoding", "utf-8"),
        separator=plain("fieldsTerminatedBy", ","),
        quotes=plain("fieldsEnclosedBy", '"') == '"',
        lines=plain("linesTerminatedBy", "\n"),
        header_lines=int(header) if header.isdigit() else 0,
    )


def _find_meta(names: tuple[str, ...]) -> str:
    """Find `meta.xml`, perhaps in a folder; what macOS puts beside files is no part of an archive."""
    found = [
        name for name in names if PurePosixPath(name).name.lower() == META and not name.lower().startswith("__macosx/")
    ]
    if not found:
        raise _refusal("it has no meta.xml", "elle n'a pas de meta.xml")
    return min(found, key=lambda name: name.count("/"))


def _find_core(core: Core, names: tuple[str, ...], folder: PurePosixPath) -> str:
    """Find the member that holds the core."""
    kind = _last_part(core.row_type)
    if kind.lower() not in OCCURRENCES:
        raise _refusal(
            f"its core is of the type {kind[:60]!r}, and a core of occurrences (Occurrence) is needed",
            f"son noyau est du type {kind[:60]!r}, et il faut un noyau d'occurrences (Occurrence)",
        )
    if len(core.locations) != 1:
        raise _refusal(
            f"its core lies in {len(core.locations)} files, and one is read",
            f"son noyau est dans {len(core.locations)} fichiers, et un seul est lu",
        )
    if core.lines not in ("\n", "\r\n", "\r") or len(core.separator) != 1:
        raise _refusal(
            "its lines or columns are separated by something that is not read; right are line breaks, and one character",
            "ses lignes ou colonnes sont séparées par quelque chose qui n'est pas lu ; il faut des sauts de ligne, et un caractère",
        )
    place = PurePosixPath(core.locations[0])
    if place.is_absolute() or ".." in place.parts or "://" in core.locations[0]:
        raise _refusal(
            "its meta.xml names a file outside of the archive", "son meta.xml nomme un fichier hors de l'archive"
        )
    member = (folder / place).as_posix()
    if member not in names:
        raise _refusal(f"its core {place.name[:80]!r} is not in it", f"son noyau {place.name[:80]!r} n'y est pas")
    return member


def _read(archive: zipfile.ZipFile, member: str) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(LARGEST_META_BYTES + 1)
    if len(content) > LARGEST_META_BYTES:
        raise _refusal("its meta.xml is larger than 1 MiB", "son meta.xml dépasse 1 Mio")
    return content


def _columns(core: Core, archive: zipfile.ZipFile, member: str) -> tuple[str, ...]:
    """Name all the columns of the file; those without a term by their place. Their number is that of the first line."""
    with archive.open(member) as stream:
        first = as_utf8(cast("BinaryIO", stream), core.encoding).readline(LARGEST_META_BYTES).decode(errors="replace")
    count = len(Dialect(separator=core.separator, quotes=core.quotes).split(first))
    wanted = max(core.columns, default=-1) + 1
    if wanted > count or count > _MOST_COLUMNS:
        raise _refusal(
            f"its core has {count} columns, and meta.xml names the column {wanted}",
            f"son noyau a {count} colonnes, et meta.xml nomme la colonne {wanted}",
        )
    return tuple(core.columns.get(place, f"column_{place + 1}") for place in range(count))


def _left_out(extensions: list[str]) -> Text:
    listed = ", ".join(extensions[:20])
    return Text(
        en=f"Extensions of the archive are not read: {listed}.",
        fr=f"Les extensions de l'archive ne sont pas lues : {listed}.",
    )


def _refusal(en: str, fr: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(en=f"The Darwin Core archive cannot be used: {en}.", fr=f"L'archive Darwin Core est inutilisable : {fr}.")
    )
