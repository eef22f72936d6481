"""A filled form to begin with: of data that are here, and right as it stands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gaia_processes.inputs.constraints import Allowed
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.process import Process, told_of
from gaia_server.pages.form import Kind, kind_of, write_form

DATASET = "dataset"
_TRIED = 12
"""So many datasets are tried: a page must not take long because nothing fits."""
_DIGITS = 2

type Box = Sequence[float]
type Judge = Callable[[Mapping[str, str]], bool]
type Allows = Callable[[Mapping[str, Any]], Mapping[str, Allowed]]


def find_example(
    process: Process, datasets: Sequence[str], *, is_right: Judge, allows: Allows
) -> Mapping[str, str] | None:
    """
    Fill a form in so that it can be run.

    Parameters
    ----------
    datasets : sequence of str
        Ids of those that may be worked on; the first that gives a right request is taken.
    is_right : callable
        Judges a filled form.
    allows : callable
        Says what each input may be, given some.

    Returns
    -------
    mapping or None
        By the names of fields. None where nothing that is here fits.
    """
    return next((filled for filled in _candidates(process, datasets, allows) if is_right(filled)), None)


def _candidates(process: Process, datasets: Sequence[str], allows: Allows) -> Iterator[Mapping[str, str]]:
    schemas = input_schemas(process.inputs)
    needed = {name for name, field in process.inputs.model_fields.items() if field.is_required()}
    told = {name: told_of(process, name).example for name in needed}
    known = {name: example for name, example in told.items() if example is not None} | dict(process.example)
    for dataset in datasets[:_TRIED] if DATASET in schemas else [None]:
        chosen = known if dataset is None else known | {DATASET: dataset}
        kinds = {name: kind_of(process, name, schemas[name]) for name in needed}
        extent = allows({DATASET: dataset}).get("bbox", Allowed()).extent if dataset else None
        places = {name: PLACES[kind](extent) for name, kind in kinds.items() if kind in PLACES and extent is not None}
        filled = write_form(process, chosen | places)
        if filled is not None:
            yield filled


def _points_in(box: Box) -> str:
    """Make a table of two points a quarter and three quarters of the way through a box of west, south, east, north."""
    rows = (f"{name},{','.join(map(str, _within(box, share)))}\n" for name, share in (("A", 0.25), ("B", 0.75)))
    return "name,longitude,latitude\n" + "".join(rows)


def _zones_in(box: Box) -> dict[str, Any]:
    """Make two zones, the west and the east of the middle of a box, as GeoJSON."""
    (west, south), (middle, _), (east, north) = (_within(box, share) for share in (0.25, 0.5, 0.75))
    return {
        "type": "FeatureCollection",
        "features": [_rectangle("west", west, south, middle, north), _rectangle("east", middle, south, east, north)],
    }


def _rectangle(name: str, west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"name": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _within(box: Box, share: float) -> tuple[float, float]:
    west, south, east, north = box
    return round(west + share * (east - west), _DIGITS), round(south + share * (north - south), _DIGITS)


PLACES: Mapping[Kind, Callable[[Any], Any]] = {"points": _points_in, "geojson": _zones_in}
"""By what a field takes: what is made of the extent of the data, so that something lies there."""
