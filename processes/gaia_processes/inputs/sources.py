"""
Inputs that are features or tables: zones, points, occurrences, community tables.

Each is given by its value (GeoJSON, or a table as text), as `upload:<uuid>`, or as the id of a dataset. In a process' `compute`
they arrive opened: zones and points as `geopandas.GeoDataFrame`, occurrences as `polars.LazyFrame` (or `ParquetRows`), a community table as
`polars.DataFrame`.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bad_value import BadValue, show
from gaia_processes.inputs.dataset import (
    DATASET_FORMAT,
    CatalogueRef,
    DatasetReference,
    JobRef,
    UploadRef,
    parse_dataset,
)
from gaia_processes.inputs.dialect import COORDINATES, dialect_of, find_coordinates
from gaia_processes.inputs.geojson import POINTS, POLYGONS, Collection, read_collection
from gaia_processes.kinds import GEOJSON, TABLE, Role
from gaia_processes.rows import RowColumn, Rows

_MODELS = 512
"""So many inputs of models are remembered; models are made for single requests too."""

MOST_INLINE_VERTICES = 100_000
SPILLED_BYTES = 64 * 1024
"""What is larger does not travel in the request itself: it becomes an upload of its owner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Takes:
    """
    What a dataset or upload that an input names must be; stands in the `Annotated` of its field.

    Without it an input that names datasets takes data on a grid.
    """

    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnOf:
    """The value of this input is the name of a column of what another input gives; stands in the `Annotated` of its field."""

    inputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InlineFeatures:
    """Features that a request brings along."""

    collection: Collection

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the properties."""
        return self.collection.columns

    @property
    def rows(self) -> Rows:
        """What is known of them, as a catalogue would say."""
        return Rows(
            kind=GEOJSON.id,
            columns=tuple(RowColumn(name=name) for name in self.columns),
            count=len(self.collection.features),
        )

    def as_json(self) -> dict[str, Any]:
        """Write them as they are sent."""
        return self.collection.as_document()

    @property
    def content(self) -> bytes:
        """The bytes of a file of them; equal features have equal bytes."""
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class InlineTable:
    """A table as text that a request brings along."""

    text: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, by the first line."""
        header = self.text.lstrip("\r\n").partition("\n")[0]
        return dialect_of(header).split(header)

    @property
    def rows(self) -> Rows:
        """What is known of it, as a catalogue would say."""
        return Rows(kind=TABLE.id, columns=tuple(RowColumn(name=name) for name in self.columns))

    def as_json(self) -> str:
        """Write it as it is sent."""
        return self.text

    @property
    def content(self) -> bytes:
        """The bytes of a file of it."""
        return self.text.encode()


type Inline = InlineFeatures | InlineTable
INLINE = (InlineFeatures, InlineTable)


@lru_cache(_MODELS)
def role_of(model: type[BaseModel], name: str) -> Role:
    """Tell what an input takes where it names a dataset or an upload."""
    takes = next((each for each in _said_of(model, name) if isinstance(each, Takes)), None)
    return "grid" if takes is None else takes.role


@lru_cache(_MODELS)
def column_inputs(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Give the inputs that name columns, with those whose columns they name."""
    found = {
        name: [each for each in _said_of(model, name) if isinstance(each, ColumnOf)] for name in model.model_fields
    }
    return {name: each[0].inputs for name, each in found.items() if each}


def _said_of(model: type[BaseModel], name: str) -> Iterator[object]:
    """Give all that stands in the `Annotated` of a field, at whatever depth of its type."""
    field = model.model_fields.get(name)
    if field is not None:
        yield from field.metadata
        yield from _said_in(field.annotation)


def _said_in(annotation: Any) -> Iterator[object]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for each in get_args(annotation):
        yield from _said_in(each)


def parse_zones(value: object) -> DatasetReference | InlineFeatures:
    """
    Read zones: GeoJSON polygons, `upload:<uuid>`, or the id of a dataset.

    Raises
    ------
    BadValue
        With all that is wrong with the features, each named.
    """
    if isinstance(value, InlineFeatures | CatalogueRef | UploadRef | JobRef):
        return value
    value = _as_json(value)
    return _features(value, POLYGONS) if isinstance(value, Mapping) else _named(value, "GeoJSON", "du GeoJSON")


def parse_points(value: object) -> DatasetReference | InlineFeatures | InlineTable:
    """
    Read points: GeoJSON, a table as text with columns of coordinates, `upload:<uuid>`, or the id of a dataset.

    Raises
    ------
    BadValue
        With what is wrong.
    """
    if isinstance(value, InlineFeatures | InlineTable | CatalogueRef | UploadRef | JobRef):
        return value
    value = _as_json(value)
    if isinstance(value, Mapping):
        return _features(value, POINTS)
    if not _is_table(value):
        return _named(value, "GeoJSON, CSV", "du GeoJSON, du CSV")
    table = _table(value)
    if find_coordinates(table.columns) is None:
        raise explain_no_coordinates(table.columns, given=value)
    return table


def parse_occurrences(value: object) -> DatasetReference | InlineTable:
    """
    Read occurrences: a table as text whose columns are Darwin Core terms, `upload:<uuid>`, or the id of a dataset.

    Raises
    ------
    BadValue
        With what is wrong.
    """
    if isinstance(value, InlineTable | CatalogueRef | UploadRef | JobRef):
        return value
    return _table(value) if _is_table(value) else _named(value, "CSV", "du CSV")


def parse_community(value: object) -> DatasetReference | InlineTable:
    """
    Read a community table: text whose first column names sites and whose others are species, `upload:<uuid>`, or a dataset.

    Raises
    ------
    BadValue
        With what is wrong.
    """
    table = parse_occurrences(value)
    if isinstance(table, InlineTable) and len(table.columns) < 2:
        raise BadValue.of(
            f"The table has the one column {show(table.columns[0])}; a community table has a column of sites and one for each species.",
            f"Le tableau a la seule colonne {show(table.columns[0])} ; un tableau de communautés a une colonne de sites et une par espèce.",
            given=value,
        )
    return table


def explain_no_coordinates(columns: tuple[str, ...], *, given: object = None) -> BadValue:
    """Say that a table has no columns that say where its rows lie, and which it has."""
    right = ", ".join(f"{x}/{y}" for x, y in COORDINATES)
    there = ", ".join(columns[:50])
    return BadValue.of(
        f"The table has no columns of coordinates; right are {right} (case does not count), there are: {there}.",
        f"Le tableau n'a pas de colonnes de coordonnées ; il faut {right} (sans égard à la casse), il y a : {there}.",
        given=given,
    )


def write_source(value: DatasetReference | Inline) -> str | dict[str, Any]:
    """Write what an input gives as it stands in a request."""
    return value.as_json() if isinstance(value, INLINE) else str(value)


def _as_json(value: object) -> object:
    """Read text that is GeoJSON, as forms and command lines send it; leave all else as it is."""
    if not isinstance(value, str) or not value.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n").startswith("{"):
        return value
    try:
        return json.loads(value.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}"))
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadValue.of(
            f"{show(value)} is not valid JSON{at}.", f"{show(value)} n'est pas du JSON valide{at}.", given=value
        ) from None


def _features(value: object, types: tuple[str, ...]) -> InlineFeatures:
    return InlineFeatures(collection=read_collection(value, types=types, most_vertices=MOST_INLINE_VERTICES))


def _is_table(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _named(value: object, en: str, fr: str) -> DatasetReference:
    if isinstance(value, str):
        return parse_dataset(value)
    raise BadValue.of(
        f"{show(value)} cannot be used; right are {en} by value, upload:<uuid>, or the id of a dataset.",
        f"{show(value)} ne convient pas ; il faut {fr} par valeur, upload:<uuid>, ou l'identifiant d'un jeu de données.",
        given=value,
    )


def _table(value: object) -> InlineTable:
    table = InlineTable(text=str(value))
    if "\0" in table.text:
        raise BadValue.of(
            "The table holds NUL characters: it is binary content, and no text.",
            "Le tableau contient des caractères NUL : c'est du contenu binaire, et non du texte.",
            given=value,
        )
    dialect, count = dialect_of(table.text.partition("\n")[0]), len(table.columns)
    rows = csv.reader(
        table.text.splitlines(keepends=True),
        delimiter=dialect.separator,
        quoting=csv.QUOTE_MINIMAL if dialect.quotes else csv.QUOTE_NONE,
    )
    for number, row in enumerate(rows, start=1):
        if row and len(row) != count:
            raise BadValue.of(
                f"Row {number} of the table has {len(row)} values, its header {count}.",
                f"La ligne {number} du tableau a {len(row)} valeurs, son en-tête {count}.",
                given=dialect.separator.join(row),
            )
    return table


_NAMED_SCHEMA: dict[str, Any] = {"type": "string", "format": DATASET_FORMAT}
_TABLE_SCHEMA: dict[str, Any] = {"type": "string", "allOf": [{"format": "csv"}, {"format": DATASET_FORMAT}]}
"""Text of a table, or the name of a dataset: both are texts, so a list of the datasets would shut out the first."""


def _geojson_schema(*types: str) -> dict[str, Any]:
    """Say FeatureCollection in the part of JSON Schema that readers of OpenAPI 3.0 share; the short code comes first."""
    geometry = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": list(types)}}}
    feature = {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": geometry,
            "properties": {"type": "object"},
        },
    }
    return {
        "type": "object",  # clients that make forms look for it at the top of each way
        "allOf": [
            {"format": "geojson-feature-collection"},
            {
                "type": "object",
                "required": ["type", "features"],
                "properties": {
                    "type": {"type": "string", "enum": ["FeatureCollection"]},
                    "features": {"type": "array", "items": feature},
                },
            },
        ],
    }


ZonesField = Annotated[
    CatalogueRef | UploadRef | JobRef | InlineFeatures,
    Takes(role="zones"),
    PlainValidator(parse_zones),
    PlainSerializer(write_source),
    WithJsonSchema({"oneOf": [_geojson_schema(*POLYGONS), _NAMED_SCHEMA]}),
]
PointsField = Annotated[
    CatalogueRef | UploadRef | JobRef | InlineFeatures | InlineTable,
    Takes(role="points"),
    PlainValidator(parse_points),
    PlainSerializer(write_source),
    WithJsonSchema({"oneOf": [_geojson_schema(*POINTS), _NAMED_SCHEMA]}),
]
OccurrencesField = Annotated[
    CatalogueRef | UploadRef | JobRef | InlineTable,
    Takes(role="occurrences"),
    PlainValidator(parse_occurrences),
    PlainSerializer(write_source),
    WithJsonSchema(_TABLE_SCHEMA),
]
CommunityField = Annotated[
    CatalogueRef | UploadRef | JobRef | InlineTable,
    Takes(role="community"),
    PlainValidator(parse_community),
    PlainSerializer(write_source),
    WithJsonSchema(_TABLE_SCHEMA),
]
OccurrencesDatasetField = Annotated[
    CatalogueRef | UploadRef | JobRef,
    Takes(role="occurrences"),
    PlainValidator(parse_dataset),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_NAMED_SCHEMA),
]
"""For an input `dataset` that is a table of occurrences."""
