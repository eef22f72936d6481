"""
Sample data that are made here: zones out of a package's own data, and records of species, a raster and days that nobody observed.

What is made is the same every time, so that it is the same dataset at every centre.
"""

import csv
import io
import math
import random
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

NATURAL_EARTH = "pyogrio/tests/fixtures/naturalearth_lowres"
"""Countries of Natural Earth at 1:110 million, public domain, as the package `pyogrio` carries them."""
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_LONG_AGO = (2000, 1, 1, 0, 0, 0)

RECORDS = 20_000
SPECIES = (
    # name, longitude and latitude of the middle of its range in degrees, spread in degrees, how common
    ("Quercus robur", 8.0, 50.0, 8.0, 30),
    ("Fagus sylvatica", 9.0, 47.5, 6.0, 26),
    ("Quercus ilex", 3.0, 41.0, 5.0, 18),
    ("Pinus sylvestris", 18.0, 58.0, 9.0, 24),
    ("Picea abies", 14.0, 56.0, 8.0, 20),
    ("Olea europaea", 15.0, 39.0, 7.0, 14),
    ("Betula pendula", 20.0, 57.0, 10.0, 22),
    ("Abies alba", 9.5, 45.5, 4.0, 9),
    ("Castanea sativa", 5.0, 43.5, 5.0, 10),
    ("Larix decidua", 10.5, 46.5, 3.0, 6),
    ("Erinaceus europaeus", 5.0, 49.0, 8.0, 16),
    ("Lynx lynx", 19.0, 54.0, 9.0, 3),
    ("Rupicapra rupicapra", 10.0, 46.0, 3.5, 5),
    ("Lutra lutra", 2.0, 48.0, 9.0, 6),
    ("Ciconia ciconia", 12.0, 49.0, 10.0, 12),
    ("Aquila chrysaetos", 7.0, 45.0, 10.0, 4),
    ("Upupa epops", 6.0, 43.0, 7.0, 8),
    ("Alcedo atthis", 7.0, 49.0, 9.0, 9),
    ("Salamandra salamandra", 7.0, 47.0, 6.0, 7),
    ("Lacerta bilineata", 4.0, 44.0, 4.0, 7),
    ("Papilio machaon", 8.0, 46.0, 9.0, 11),
    ("Parnassius apollo", 9.0, 45.5, 5.0, 3),
    ("Vulpes vulpes", 9.0, 50.0, 11.0, 20),
    ("Galanthus nivalis", 11.0, 47.0, 7.0, 6),
)
HEADER = (
    "occurrenceID", "scientificName", "decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters", "eventDate",
    "individualCount", "basisOfRecord", "datasetName",
)  # fmt: skip
_LABEL = "gaia demonstration, synthetic"

ROWS, COLUMNS, CELL_DEG = 360, 720, 0.1
WEST_DEG, NORTH_DEG = -25.0, 72.0

FIRST_YEAR, DAYS = 1991, 7305
LATITUDES_DEG, LONGITUDES_DEG = (40.0, 45.0, 50.0, 55.0), (-5.0, 0.0, 5.0, 10.0, 15.0)
_YEAR_DAYS = 365.25
_CDF_DIMENSIONS, _CDF_VARIABLES, _CDF_ATTRIBUTES = 10, 11, 12
_CDF_CHAR = 2
_CDF_TYPES = {"f": 5, "d": 6}
_HEADER_BYTES = 8
_TIFF_TYPES = {"s": 2, "H": 3, "I": 4, "d": 12}


def countries() -> bytes:
    """Give the countries of the world as a zipped shapefile."""
    folder = Path(str(distribution("pyogrio").locate_file(NATURAL_EARTH)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in _PARTS:
            member = zipfile.ZipInfo(f"countries{ending}", _LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, (folder / f"naturalearth_lowres{ending}").read_bytes())
    return packed.getvalue()


def occurrences() -> bytes:
    """Make records of real species at places where nobody saw them, with the dirt that real records have: a CSV of Darwin Core."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_records(random.Random(20260131)))  # noqa: S311 - nothing secret is made of it
    return text.getvalue().encode()


def _records(chance: random.Random) -> Iterator[tuple[object, ...]]:
    weights = [common for *_, common in SPECIES]
    for number in range(1, RECORDS + 1):
        (name, longitude, latitude, spread, _) = chance.choices(SPECIES, weights)[0]
        x = round(chance.gauss(longitude, spread), 4)
        y = round(min(max(chance.gauss(latitude, 0.5 * spread), 34.5), 71.0), 4)
        day = f"{chance.randint(1990, 2024)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        place: tuple[object, object] = (x, y)
        if number % 200 == 0:
            place = (0, 0)
        elif number % 333 == 0:
            place = ("", "")
        id = number - 1 if number % 500 == 0 else number
        kind = "PRESERVED_SPECIMEN" if chance.random() < 0.1 else "HUMAN_OBSERVATION"
        yield (
            f"demo-{id:06}", name, *place, chance.choice((10, 50, 100, 1000, 25000)), day, chance.randint(1, 12), kind, _LABEL,
        )  # fmt: skip


@cache
def tree_cover() -> bytes:
    """Make a raster of Europe that nobody observed: percent of trees, in cells of 0.1 degrees; -1 where there is no value."""
    return geotiff(
        [[_cover(WEST_DEG + (column + 0.5) * CELL_DEG, NORTH_DEG - (row + 0.5) * CELL_DEG) for column in range(COLUMNS)] for row in range(ROWS)],
        west_deg=WEST_DEG, north_deg=NORTH_DEG, cell_deg=CELL_DEG, no_data=-1,
    )  # fmt: skip


def _cover(longitude: float, latitude: float) -> int:
    """Let trees stand densest in the north and on the ridges of a wave; in the west of the Atlantic nothing is known."""
    if longitude < -12.0 and latitude < 60.0:
        return -1
    wave = math.sin(math.radians(9 * longitude)) * math.cos(math.radians(11 * latitude))
    return round(min(max(1.6 * (latitude - 35) + 25 * wave + 15, 0), 100))


def geotiff(rows: list[list[int]], *, west_deg: float, north_deg: float, cell_deg: float, no_data: int) -> bytes:
    """
    Write whole numbers in longitude and latitude as a GeoTIFF (TIFF 6.0, OGC GeoTIFF 1.1), int16 in deflated strips.

    Parameters
    ----------
    rows : list of list of int, shape (rows, columns)
        From north to south.
    """
    strips = [zlib.compress(struct.pack(f"<{len(row)}h", *row)) for row in rows]
    data = b"".join(strips)
    starts = [_HEADER_BYTES + sum(map(len, strips[:at])) for at in range(len(strips))]
    keys = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)  # geographic, cells are areas, WGS 84
    tags = (
        (256, "H", (len(rows[0]),)), (257, "H", (len(rows),)), (258, "H", (16,)), (259, "H", (8,)), (262, "H", (1,)),
        (273, "I", starts), (277, "H", (1,)), (278, "H", (1,)), (279, "I", [len(each) for each in strips]), (339, "H", (2,)),
        (33550, "d", (cell_deg, cell_deg, 0.0)), (33922, "d", (0.0, 0.0, 0.0, west_deg, north_deg, 0.0)),
        (34735, "H", keys), (42113, "s", f"{no_data}\0".encode()),
    )  # fmt: skip
    at = _HEADER_BYTES + len(data)
    return struct.pack("<2sHI", b"II", 42, at + at % 2) + data + b"\0" * (at % 2) + _directory(tags, at + at % 2)


def _directory(tags: tuple[tuple[int, str, Any], ...], at: int) -> bytes:
    """Write the directory of a TIFF: what is longer than four bytes stands behind it."""
    entries, behind = b"", b""
    end = at + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        content = bytes(values) if kind == "s" else struct.pack(f"<{len(values)}{kind}", *values)
        place = content.ljust(4, b"\0")
        if len(content) > 4:
            place = struct.pack("<I", end + len(behind))
            behind += content + b"\0" * (len(content) % 2)
        entries += struct.pack("<HHI", tag, _TIFF_TYPES[kind], len(values)) + place
    return struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + behind


def daily_climate() -> bytes:
    """Make twenty years of daily temperatures and precipitation over Europe that nobody observed: a NetCDF of 4 x 5 cells."""
    chance = random.Random(20260131)  # noqa: S311 - nothing secret is made of it
    lowest, highest, rain = array("f"), array("f"), array("f")
    weather = 0.0
    for day in range(DAYS):
        weather = 0.8 * weather + chance.gauss(0.0, 1.8)
        is_wet, amount = chance.random() < 0.35, chance.expovariate(1 / 6.0)
        for latitude in LATITUDES_DEG:
            for longitude in LONGITUDES_DEG:
                middle = _normal_k(day, latitude, longitude) + weather
                half_range = 4.5 - 0.5 * is_wet
                lowest.append(round(middle - half_range, 2))
                highest.append(round(middle + half_range, 2))
                rain.append(round(is_wet * amount * (1.2 - 0.01 * (longitude + 5.0)), 1))
    shape = ("time", "lat", "lon")
    temperature = {"standard_name": "air_temperature", "units": "K"}
    return netcdf_classic(
        {
            "time": (("time",), array("d", range(DAYS)), {"standard_name": "time", "units": f"days since {FIRST_YEAR}-01-01", "calendar": "standard", "axis": "T"}),
            "lat": (("lat",), array("d", LATITUDES_DEG), {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}),
            "lon": (("lon",), array("d", LONGITUDES_DEG), {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}),
            "tasmin": (shape, lowest, temperature | {"long_name": "daily minimum temperature", "cell_methods": "time: minimum"}),
            "tasmax": (shape, highest, temperature | {"long_name": "daily maximum temperature", "cell_methods": "time: maximum"}),
            "pr": (shape, rain, {"long_name": "daily precipitation", "units": "mm d-1", "standard_name": "lwe_precipitation_rate", "cell_methods": "time: mean"}),
        },
        {"Conventions": "CF-1.8", "title": "Daily climate of Europe, synthetic", "source": _LABEL},
    )  # fmt: skip


def _normal_k(day: int, latitude: float, longitude: float) -> float:
    """Let it be colder in the north, more different through the year in the east, and a little warmer from year to year."""
    season = -math.cos(2 * math.pi * (day - 20) / _YEAR_DAYS)
    return 286.0 - 0.7 * (latitude - 45.0) + (7.0 + 0.25 * (longitude + 5.0)) * season + 0.04 * day / _YEAR_DAYS


def netcdf_classic(
    variables: Mapping[str, tuple[tuple[str, ...], "array[float]", Mapping[str, str]]], attributes: Mapping[str, str]
) -> bytes:
    """
    Write variables as NetCDF, classic format (version 1 of the specification that Unidata publishes), without records.

    Parameters
    ----------
    variables : mapping
        By name: dimensions, numbers (float32 or float64), attributes. A dimension is as long as the variable of its name.
    attributes : mapping
        Of the file.
    """
    starts = dict.fromkeys(variables, 0)
    at = len(_cdf_head(variables, attributes, starts))  # as long whatever the starts are
    for name, (_, values, _) in variables.items():
        starts[name], at = at, at + len(values) * values.itemsize
    data = (struct.pack(f">{len(values)}{values.typecode}", *values) for _, values, _ in variables.values())
    return _cdf_head(variables, attributes, starts) + b"".join(data)


def _cdf_head(
    variables: Mapping[str, tuple[tuple[str, ...], "array[float]", Mapping[str, str]]],
    attributes: Mapping[str, str],
    starts: Mapping[str, int],
) -> bytes:
    """Write what stands before the numbers; `starts` says where those of each variable begin."""
    sizes = {name: len(values) for name, (dimensions, values, _) in variables.items() if dimensions == (name,)}
    place = {name: at for at, name in enumerate(sizes)}
    lengths = b"".join(_cdf_name(name) + struct.pack(">I", size) for name, size in sizes.items())
    described = b"".join(
        _cdf_name(name)
        + struct.pack(f">{len(dimensions) + 1}I", len(dimensions), *(place[each] for each in dimensions))
        + _cdf_attributes(told)
        + struct.pack(">III", _CDF_TYPES[values.typecode], len(values) * values.itemsize, starts[name])
        for name, (dimensions, values, told) in variables.items()
    )
    return (
        struct.pack(">4sIII", b"CDF\x01", 0, _CDF_DIMENSIONS, len(sizes)) + lengths
        + _cdf_attributes(attributes)
        + struct.pack(">II", _CDF_VARIABLES, len(variables)) + described
    )  # fmt: skip


def _cdf_name(name: str) -> bytes:
    return struct.pack(">I", len(name)) + _cdf_padded(name.encode())


def _cdf_attributes(attributes: Mapping[str, str]) -> bytes:
    written = (
        _cdf_name(name) + struct.pack(">II", _CDF_CHAR, len(text.encode())) + _cdf_padded(text.encode())
        for name, text in attributes.items()
    )
    return struct.pack(">II", _CDF_ATTRIBUTES, len(attributes)) + b"".join(written)


def _cdf_padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)
