"""The inputs that mean the same in every process: their types, schemas and texts, said once."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from gaia_processes.inputs.bbox import CRS84, Bbox, SentBbox, parse_bbox, parse_sent_bbox
from gaia_processes.inputs.dataset import DATASET_FORMAT, DatasetReference, parse_dataset
from gaia_processes.inputs.interval import Interval, parse_interval
from gaia_processes.inputs.levels import Levels, parse_levels
from gaia_processes.inputs.sources import (
    ColumnOf,
    CommunityField,
    OccurrencesDatasetField,
    OccurrencesField,
    PointsField,
    ZonesField,
)
from gaia_processes.text import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """
    What people are told of an input; stands in the `Annotated` of a field.

    Attributes
    ----------
    title, description : Text
        In both languages.
    example : object
        A value that is right, as it would stand in a request.
    conditional : bool
        Whether the input means something only beside certain others, so that an example of a whole request leaves it out.
    foremost : bool or None
        Whether a form shows it at once, or among its finer choices; None: at once where it comes without a value.
    """

    title: Text
    description: Text
    example: Any = None
    conditional: bool = False
    foremost: bool | None = None


BBOX_SCHEMA: dict[str, Any] = {
    "allOf": [
        # The short code comes first: the official test suite looks there.
        {"format": "ogc-bbox"},
        {
            "type": "object",
            "required": ["bbox"],
            "properties": {
                "bbox": {
                    "type": "array",
                    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
                    "items": {"type": "number"},
                },
                "crs": {"type": "string", "format": "uri", "default": CRS84},
            },
        },
    ]
}

DatasetField = Annotated[
    DatasetReference,
    PlainValidator(parse_dataset),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "format": DATASET_FORMAT}),
]
BboxField = Annotated[
    Bbox,
    PlainValidator(parse_bbox),
    PlainSerializer(Bbox.as_list, return_type=list[float]),
    WithJsonSchema(BBOX_SCHEMA),
]
SentBboxField = Annotated[
    SentBbox,
    PlainValidator(parse_sent_bbox),
    PlainSerializer(SentBbox.as_object, return_type=dict[str, Any]),
    WithJsonSchema(BBOX_SCHEMA),
]
IntervalField = Annotated[
    Interval,
    PlainValidator(parse_interval),
    PlainSerializer(Interval.as_text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
LevelsField = Annotated[
    Levels,
    PlainValidator(parse_levels),
    PlainSerializer(Levels.as_text, return_type=str),
    WithJsonSchema({"type": "string"}),
]

DatasetInput = Annotated[
    DatasetField,
    Told(
        title=Text(en="Dataset", fr="Jeu de données"),
        description=Text(
            en="Id of a dataset of the catalogue, with a version as id@version if you like. "
            "Without a version the newest is used.",
            fr="Identifiant d'un jeu de données du catalogue, au besoin avec une version comme id@version. "
            "Sans version, la plus récente est utilisée.",
        ),
    ),
]
VariablesInput = Annotated[
    Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)] | None,
    Told(
        title=Text(en="Variables", fr="Variables"),
        description=Text(
            en="Names of the variables to keep, as they are in the data. Left out: all the data variables.",
            fr="Noms des variables à garder, tels qu'ils sont dans les données. Absent : toutes les variables de données.",
        ),
        example=["tas"],
    ),
]
BboxInput = Annotated[
    BboxField | None,
    Told(
        title=Text(en="Box", fr="Boîte englobante"),
        description=Text(
            en="Box on the earth: [west, south, east, north] in degrees, or an object with the numbers in `bbox` and "
            "their coordinate reference system in `crs` (CRS84, CRS84h, or an EPSG code in that authority's axis "
            "order). A west greater than the east crosses the antimeridian; longitudes from -360 to 360 are right in "
            "either convention. The result's longitudes are in the frame of the box. Left out: everything.",
            fr="Boîte sur la terre : [ouest, sud, est, nord] en degrés, ou un objet avec les nombres dans `bbox` et "
            "leur système de coordonnées dans `crs` (CRS84, CRS84h, ou un code EPSG dans l'ordre des axes de cette "
            "autorité). Un ouest supérieur à l'est traverse l'antiméridien ; les longitudes de -360 à 360 conviennent "
            "dans les deux conventions. Les longitudes du résultat sont dans le repère de la boîte. Absent : tout.",
        ),
        example={"bbox": [-10, 35, 20, 60], "crs": CRS84},
    ),
]
DatetimeInput = Annotated[
    IntervalField | None,
    Told(
        title=Text(en="Time", fr="Temps"),
        description=Text(
            en="An RFC 3339 instant or interval, read in the dataset's own calendar. Partial dates mean the whole "
            "period: `1990` is all of 1990, `1990/1995-06` ends with June 1995. `..` is an open end. Left out: all "
            "the times.",
            fr="Un instant ou un intervalle RFC 3339, lu dans le calendrier du jeu de données. Une date partielle "
            "désigne toute la période : `1990` est toute l'année 1990, `1990/1995-06` finit avec juin 1995. `..` est "
            "une extrémité ouverte. Absent : tous les temps.",
        ),
        example="1990-01/1999-12",
    ),
]
LevelsInput = Annotated[
    LevelsField | None,
    Told(
        title=Text(en="Levels", fr="Niveaux"),
        description=Text(
            en="Vertical levels: values as `1000,850,500 hPa`, or a range in either order as `850/500 hPa` or "
            "`0/50 m`; without a unit, in that of the data. Variables without levels are kept. Left out: all the "
            "levels.",
            fr="Niveaux verticaux : des valeurs comme `1000,850,500 hPa`, ou une plage dans un ordre quelconque comme "
            "`850/500 hPa` ou `0/50 m` ; sans unité, dans celle des données. Les variables sans niveaux sont gardées. "
            "Absent : tous les niveaux.",
        ),
        example="850/500 hPa",
    ),
]
LikeInput = Annotated[
    DatasetField | None,
    Told(
        title=Text(en="Like", fr="Comme"),
        description=Text(
            en="Id of another dataset, whose grid the result gets.",
            fr="Identifiant d'un autre jeu de données, dont le résultat reçoit la grille.",
        ),
        conditional=True,
    ),
]
InclusionInput = Annotated[
    Literal["centre", "touch"],
    Told(
        title=Text(en="Inclusion", fr="Inclusion"),
        description=Text(
            en="Which cells are in the box: those whose `centre` is, or all that `touch` it with a part of their area.",
            fr="Les mailles qui comptent comme dans la boîte : celles dont le `centre` y est, ou toutes celles "
            "dont une part de la surface y est (`touch`).",
        ),
    ),
]
MaskOutsideInput = Annotated[
    bool,
    Told(
        title=Text(en="Mask outside", fr="Masquer l'extérieur"),
        description=Text(
            en="On grids with two-dimensional latitudes and longitudes the result is the smallest window of the "
            "grid that holds the box; its cells outside of the box are missing, unless this is false.",
            fr="Sur les grilles à latitudes et longitudes bidimensionnelles, le résultat est la plus petite "
            "fenêtre de la grille qui contient la boîte ; ses mailles hors de la boîte sont manquantes, sauf si "
            "cette entrée est fausse.",
        ),
    ),
]
DropHaloInput = Annotated[
    bool,
    Told(
        title=Text(en="Drop the halo", fr="Retirer le halo"),
        description=Text(
            en="Ocean grids such as ORCA repeat columns at their seam; with true each cell comes once.",
            fr="Les grilles océaniques comme ORCA répètent des colonnes à leur jointure ; avec true, chaque "
            "maille ne vient qu'une fois.",
        ),
    ),
]
NearestLevelInput = Annotated[
    bool,
    Told(
        title=Text(en="Nearest level", fr="Niveau le plus proche"),
        description=Text(
            en="With true, a level that the data do not have stands for the nearest one that they have.",
            fr="Avec true, un niveau absent des données désigne le plus proche qui y est.",
        ),
    ),
]
_ZONES = Told(
    title=Text(en="Zones", fr="Zones"),
    description=Text(
        en="Polygons: a GeoJSON FeatureCollection in longitude and latitude, `upload:<uuid>` of a file of yours "
        "(GeoJSON, GeoPackage, GeoParquet, zipped shapefile; any reference system), or the id of a dataset of zones.",
        fr="Des polygones : une FeatureCollection GeoJSON en longitude et latitude, `upload:<uuid>` d'un fichier à vous "
        "(GeoJSON, GeoPackage, GeoParquet, shapefile compressé ; tout système de référence), ou l'identifiant d'un jeu "
        "de données de zones.",
    ),
    example={
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": "north"},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[-5, 47], [5, 47], [5, 51], [-5, 51], [-5, 47]]],
                },
            }
        ],
    },
)
ZonesInput = Annotated[ZonesField, _ZONES]
OptionalZonesInput = Annotated[ZonesField | None, replace(_ZONES, conditional=True)]
"""Zones where only some of the other inputs need them."""
ZoneIdInput = Annotated[
    Annotated[str, Field(min_length=1, max_length=200)] | None,
    ColumnOf(inputs=("zones",)),
    Told(
        title=Text(en="Name of a zone", fr="Nom d'une zone"),
        description=Text(
            en="The property of the zones that names each. Left out: their place in the order of the file, from 0.",
            fr="La propriété des zones qui nomme chacune. Absent : leur rang dans l'ordre du fichier, à partir de 0.",
        ),
        example="name",
        conditional=True,
    ),
]
PointsInput = Annotated[
    PointsField,
    Told(
        title=Text(en="Points", fr="Points"),
        description=Text(
            en="Points: a GeoJSON FeatureCollection, a table as text (CSV) with columns decimalLongitude and "
            "decimalLatitude (or longitude/latitude, lon/lat, x/y), `upload:<uuid>` of a file of yours, or the id of a "
            "dataset of points.",
            fr="Des points : une FeatureCollection GeoJSON, un tableau en texte (CSV) avec les colonnes decimalLongitude et "
            "decimalLatitude (ou longitude/latitude, lon/lat, x/y), `upload:<uuid>` d'un fichier à vous, ou l'identifiant "
            "d'un jeu de données de points.",
        ),
        example="site,longitude,latitude\nBrest,-4.49,48.39\nNice,7.27,43.70\n",
    ),
]
MatchTimeInput = Annotated[
    Annotated[str, Field(min_length=1, max_length=200)] | None,
    ColumnOf(inputs=("points",)),
    Told(
        title=Text(en="Column of times", fr="Colonne des dates"),
        description=Text(
            en="The column of the points that says when each was observed; it gets the value of that time. Left out: a row "
            "for each point and time step.",
            fr="La colonne des points qui dit quand chacun a été observé ; il reçoit la valeur de ce moment. Absent : une "
            "ligne par point et pas de temps.",
        ),
        example="eventDate",
        conditional=True,
    ),
]
OccurrencesInput = Annotated[
    OccurrencesField | None,
    Told(
        title=Text(en="Occurrences", fr="Occurrences"),
        description=Text(
            en="Records of species with Darwin Core terms as columns: a table as text (CSV), `upload:<uuid>` of a file of "
            "yours (CSV, Parquet, Darwin Core archive), or the id of a dataset of occurrences.",
            fr="Des observations d'espèces dont les colonnes sont des termes Darwin Core : un tableau en texte (CSV), "
            "`upload:<uuid>` d'un fichier à vous (CSV, Parquet, archive Darwin Core), ou l'identifiant d'un jeu de données "
            "d'occurrences.",
        ),
        example="scientificName,decimalLongitude,decimalLatitude,eventDate\nParus major,2.35,48.85,1995-05-03\nTurdus merula,2.36,48.86,1996-06-01\n",
    ),
]
OccurrencesDatasetInput = Annotated[
    OccurrencesDatasetField | None,
    Told(
        title=Text(en="Dataset of occurrences", fr="Jeu de données d'occurrences"),
        description=Text(
            en="Id of a dataset of occurrences, with a version as id@version if you like. Without a version the newest is used.",
            fr="Identifiant d'un jeu de données d'occurrences, au besoin avec une version comme id@version. Sans version, la "
            "plus récente est utilisée.",
        ),
    ),
]
CommunityInput = Annotated[
    CommunityField | None,
    Told(
        title=Text(en="Community table", fr="Tableau de communautés"),
        description=Text(
            en="Counts of species at sites: the first column names the sites, each other is a species. A table as text (CSV), "
            "`upload:<uuid>` of a file of yours (CSV, Parquet), or the id of a dataset.",
            fr="Des comptages d'espèces par site : la première colonne nomme les sites, chaque autre est une espèce. Un "
            "tableau en texte (CSV), `upload:<uuid>` d'un fichier à vous (CSV, Parquet), ou l'identifiant d'un jeu de données.",
        ),
        example="site,Parus major,Turdus merula\nnorth,5,3\nsouth,1,1\n",
        conditional=True,
    ),
]
EncodingInput = Annotated[
    Literal["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "macroman", "utf-16"],
    Told(
        title=Text(en="Encoding", fr="Encodage"),
        description=Text(
            en="Encoding of tables as text (CSV) that are uploaded; archives name their own.",
            fr="Encodage des tableaux en texte (CSV) déposés ; les archives nomment le leur.",
        ),
        conditional=True,
    ),
]
"""The input `encoding`, with the default `utf-8`: readers of tables are told of it by its name."""
