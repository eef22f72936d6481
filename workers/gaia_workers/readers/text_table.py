"""
Tables as text, turned into Parquet in one pass: checked, of bounded memory, and lazy from there on.

Everything stays text: what a value means is the science's to say.
"""

import codecs
import io
from collections import Counter
from collections.abc import Buffer, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.dialect import UNREAD, Dialect, dialect_of
from gaia_processes.kinds import UTF_16_BEGINS
from gaia_processes.text import Text

LONGEST_HEADER_BYTES = 2**20
_BLOCK_BYTES = 2 * 2**20
_BATCHES_A_GROUP = 8
_GROUP_ROWS = 500_000
_TOLD_ROWS = 5
_MOST_UNREAD = 1_000_000
"""A table with more rows that cannot be read is none."""
_UTF_8 = "utf-8"
_IS_UTF_16 = Text(
    en="The table is UTF-16: say `utf-16` in the input `encoding`, or save it as UTF-8.",
    fr="Le tableau est en UTF-16 : indiquez `utf-16` dans l'entrée `encoding`, ou enregistrez-le en UTF-8.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """
    What is known of a table beforehand.

    Attributes
    ----------
    dialect : Dialect or None
        None: by the header.
    columns : tuple of str or None
        Names in the order of the file; None: those of the header.
    header_lines : int
        So many lines are no rows.
    encoding : str
        Python's name of it.
    tolerant : bool
        Whether rows that have more or fewer values than there are columns are set apart (`UNREAD`) while others can be read, and
        do not have the whole table refused.
    """

    dialect: Dialect | None = None
    columns: tuple[str, ...] | None = None
    header_lines: int = 1
    encoding: str = _UTF_8
    tolerant: bool = False


def write_parquet(source: BinaryIO, target: Path, layout: Layout) -> tuple[str, ...]:
    """
    Turn a table as text into a Parquet file of text columns; what is empty is missing.

    Parameters
    ----------
    source : binary stream
        Read once, from where it stands.

    Returns
    -------
    tuple of str
        Names of the columns of the Parquet file.

    Raises
    ------
    DatasetUnsuitable
        If it is not text in its encoding (which byte, in which row), has rows of another length than its header (which) and the
        layout is not tolerant, names a column twice, or has no rows.
    """
    text = as_utf8(source, layout.encoding)
    lines = [_line(text) for _ in range(layout.header_lines)]
    header = lines[-1] if lines else ""
    dialect = layout.dialect or dialect_of(header)
    columns = layout.columns or _named(dialect.split(header))
    _refuse_twice(columns)
    ragged = Ragged(header_lines=layout.header_lines)
    schema = pa.schema([(name, pa.string()) for name in (*columns, UNREAD)])
    rows = 0
    with pa.parquet.ParquetWriter(target, schema, compression="lz4", use_dictionary=True) as writer:
        for group in batched(_batches(text, dialect, columns, ragged), _BATCHES_A_GROUP):
            table = pa.Table.from_batches([_with_unread(batch, schema) for batch in group])
            rows += table.num_rows
            writer.write_table(table, row_group_size=_GROUP_ROWS)
        if not (layout.tolerant and rows):
            ragged.refuse(len(columns))
        if ragged.rows:
            writer.write_table(ragged.as_table(schema))
    if not rows:
        raise DatasetUnsuitable(
            Text(
                en=f"The table has a header and no rows (columns: {', '.join(columns[:20])}).",
                fr=f"Le tableau a un en-tête et aucune ligne (colonnes : {', '.join(columns[:20])}).",
            )
        )
    return columns


def _with_unread(batch: Any, schema: Any) -> Any:
    """Say of rows that could be read nothing in the column of those that could not."""
    return pa.record_batch([*batch.columns, pa.nulls(batch.num_rows, pa.string())], schema=schema)


def as_utf8(source: BinaryIO, encoding: str) -> BinaryIO:
    """Give a text as UTF-8, checked while it is read (`CheckedText`)."""
    return cast("BinaryIO", io.BufferedReader(CheckedText(source, encoding), buffer_size=_BLOCK_BYTES))


def _line(text: BinaryIO) -> str:
    line = text.readline(LONGEST_HEADER_BYTES)
    if not line.strip():
        raise DatasetUnsuitable(
            Text(en="The table does not begin with a header.", fr="Le tableau ne commence pas par un en-tête.")
        )
    return line.decode(_UTF_8, errors="replace")


def _batches(text: BinaryIO, dialect: Dialect, columns: tuple[str, ...], ragged: "Ragged") -> Iterable[Any]:
    try:
        batches: Iterable[Any] = pa.csv.open_csv(
            text,
            read_options=pa.csv.ReadOptions(column_names=list(columns), block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=pa.csv.ParseOptions(
                delimiter=dialect.separator,
                quote_char='"' if dialect.quotes else False,
                newlines_in_values=dialect.quotes,
                invalid_row_handler=ragged.skip,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True, null_values=[""],
                check_utf8=False,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid:
        batches = ()  # pyarrow's word for no rows at all
    return batches


class Ragged:
    """Keeps in mind the rows that have more or fewer values than there are columns."""

    def __init__(self, *, header_lines: int) -> None:
        self._header_lines = header_lines
        self.rows: list[str] = []

    def skip(self, row: "pa.csv.InvalidRow") -> str:
        """Go on, so that all are counted."""
        if len(self.rows) >= _MOST_UNREAD:
            return "error"
        number = "?" if row.number is None else str(row.number + self._header_lines)
        self.rows.append(f"{number}: {row.actual_columns}")
        return "skip"

    def as_table(self, schema: Any) -> Any:
        """Give them as rows of which nothing is known but which they were."""
        missing = [pa.nulls(len(self.rows), pa.string()) for _ in schema.names[:-1]]
        return pa.table([*missing, pa.array(self.rows, pa.string())], schema=schema)

    def refuse(self, columns: int) -> None:
        """Say which there were, if there were any."""
        if not self.rows:
            return
        count = len(self.rows)
        told = ", ".join(self.rows[:_TOLD_ROWS]) + (", …" if count > _TOLD_ROWS else "")
        raise DatasetUnsuitable(
            Text(
                en=f"{count} row(s) of the table have not the {columns} values of its header (row: values): {told}. Correct or remove them.",
                fr=f"{count} ligne(s) du tableau n'ont pas les {columns} valeurs de son en-tête (ligne : valeurs) : {told}. Corrigez-les ou retirez-les.",
            )
        )


class CheckedText(io.RawIOBase):
    """Text as UTF-8, whatever it was; each byte that is none, and each NUL, is refused by its place."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(_bare(encoding))("strict")
        self._left = b""
        self._rows = 1
        self._begun = self._ended = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Give some of it."""
        into = memoryview(buffer).cast("B")
        while not self._left and not self._ended:
            self._left = self._next(self._source.read(_BLOCK_BYTES))
        size = min(len(into), len(self._left))
        into[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def _next(self, piece: bytes) -> bytes:
        self._ended = not piece
        try:
            text = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from None
        if "\0" in text:
            raise self._binary(text)
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        if "\r" in text and "\n" not in text:
            text = text.replace("\r", "\n")  # as old programs on Macintoshes write lines
        self._rows += text.count("\n")
        return text.encode()

    def _undecodable(self, error: UnicodeDecodeError) -> DatasetUnsuitable:
        if codecs.lookup(self._encoding).name == _UTF_8 and not self._begun and error.object.startswith(UTF_16_BEGINS):
            return DatasetUnsuitable(_IS_UTF_16)
        byte = error.object[error.start]
        row = self._rows + error.object[: error.start].decode(self._encoding, errors="ignore").count("\n")
        return DatasetUnsuitable(
            Text(
                en=f"The table is not {self._encoding.upper()}: byte 0x{byte:02X} in row {row} cannot be read. Name its encoding in the input `encoding`, or save it as UTF-8.",
                fr=f"Le tableau n'est pas en {self._encoding.upper()} : l'octet 0x{byte:02X} de la ligne {row} est illisible. Indiquez son encodage dans l'entrée `encoding`, ou enregistrez-le en UTF-8.",
            )
        )

    def _binary(self, text: str) -> DatasetUnsuitable:
        row = self._rows + text[: text.index("\0")].count("\n")
        return DatasetUnsuitable(
            Text(
                en=f"The table has a NUL byte in row {row}: it is binary content, or in another encoding (UTF-16?).",
                fr=f"Le tableau a un octet NUL à la ligne {row} : c'est du contenu binaire, ou un autre encodage (UTF-16 ?).",
            )
        )


def _bare(encoding: str) -> str:
    try:
        "".encode(encoding)  # refuses what is no encoding of text, as `zlib`
        name = codecs.lookup(encoding).name
    except LookupError:
        raise DatasetUnsuitable(
            Text(
                en=f"The encoding {encoding[:40]!r} is not known; right are for example UTF-8, ISO-8859-1, Windows-1252.",
                fr=f"L'encodage {encoding[:40]!r} n'est pas connu ; il faut par exemple UTF-8, ISO-8859-1, Windows-1252.",
            )
        ) from None
    return name


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """Give a name to columns that have none, as the one of row names that R writes."""
    return tuple(name.strip() or f"column_{place}" for place, name in enumerate(names, start=1))


def _refuse_twice(columns: Sequence[str]) -> None:
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise DatasetUnsuitable(
            Text(
                en=f"The table has the column {twice[0]!r} twice; each name must be there once.",
                fr=f"Le tableau a deux fois la colonne {twice[0]!r} ; chaque nom ne doit y être qu'une fois.",
            )
        )
