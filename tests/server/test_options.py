"""Every option that the science of a process names can be asked for over HTTP, and a wrong one is named."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from gaia_config.catalogue import publish
from gaia_config.centres import Centre
from gaia_processes.cube import Axis, Cube, Variable

from .conftest import CUBE, make_dataset

SELECTION: dict[str, dict[str, Any]] = {
    "variables": {"variables": "tas"},
    "bbox": {"bbox": [0, 40, 10, 50]},
    "datetime": {"datetime": "2000-03/2000-05"},
    "levels": {"levels": 850},
    "nearest_level": {"nearest_level": True},
}
CELLS: dict[str, dict[str, Any]] = {
    "inclusion": {"inclusion": "touch", "bbox": [0, 40, 10, 50]},
    "mask_outside": {"mask_outside": False},
}
NO_LEVELS = {"levels": "levels"}
"""Options that these data cannot have: what is refused then is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """
    What is asked of a process.

    Attributes
    ----------
    base : dict
        Inputs that it needs.
    right : dict
        For each other input a request that says it.
    refused : dict
        Those that these data cannot have, and what is refused then.
    wrong : dict
        Values that are none.
    """

    base: dict[str, Any]
    right: dict[str, dict[str, Any]]
    refused: dict[str, str]
    wrong: dict[str, Any]


CASES: dict[str, Case] = {
    "subset": Case(
        base={"dataset": "tas-monthly"},
        right=SELECTION | CELLS | {"drop_halo": {"drop_halo": True}},
        refused=NO_LEVELS,
        wrong={"inclusion": "around", "mask_outside": "perhaps", "drop_halo": 3, "datetime": "2000-13", "bbox": [0, 50, 10, 40]},
    ),
    "aggregate": Case(
        base={"dataset": "tas-monthly"},
        right=SELECTION
        | CELLS
        | {
            "statistic": {"statistic": "var"},
            "quantile": {"statistic": "quantile", "quantile": 0.9},
            "over": {"over": ["area", "time"]},
            "period": {"period": "season-of-year"},
            "seasons": {"period": "season", "seasons": ["NDJFM", "4-10"], "min_valid_fraction": 0.1},
            "years": {"period": "year", "years": 2, "min_valid_fraction": 0.5},
            "climatology": {"period": "month", "climatology": True},
            "baseline": {"period": "month", "baseline": "2000/2000"},
            "ratio": {"period": "month", "baseline": "2000", "ratio": "true"},
            "leap_day": {"period": "day", "climatology": True, "leap_day": True},
            "min_valid_fraction": {"min_valid_fraction": "0.9"},
            "ddof": {"statistic": "std", "ddof": 1},
            "integrate": {"statistic": "sum", "integrate": True},
            "drop_halo": {"drop_halo": False},
        },
        refused=NO_LEVELS | {"leap_day": "period", "integrate": "integrate"},
        wrong={
            "statistic": "mode",
            "quantile": 1.5,
            "over": ["depth"],
            "period": "week",
            "seasons": ["XYZ"],
            "years": 0,
            "baseline": "2010/1981",
            "ratio": "perhaps",
            "min_valid_fraction": -1,
            "ddof": 2,
            "integrate": 3,
        },
    ),
    "regrid": Case(
        base={"dataset": "tas-monthly", "grid": "2.5x2"},
        right=SELECTION
                | {
                    "method": {"method": "conservative"},
                    "grid": {"grid": "1x1"},
                    "like": {"grid": None, "like": "tas-monthly"},
                    "longitudes": {"grid": None, "longitudes": [0, 5], "latitudes": [40, 45]},
                    "latitudes": {"grid": None, "longitudes": [0, 5], "latitudes": [40, 45]},
                    "lon_bnds": {"grid": None, "longitudes": [1], "latitudes": [40], "lon_bnds": [[0, 5]]},
                    "lat_bnds": {"grid": None, "longitudes": [1], "latitudes": [40], "lat_bnds": [[35, 42]]},
                    "min_valid_fraction": {"min_valid_fraction": 0},
                    "mask": {"mask": "land"},
                    "drop_halo": {"drop_halo": False},
                    "max_distance_km": {"method": "nearest", "max_distance_km": 100},
                    "nearest_valid_km": {"method": "nearest", "nearest_valid_km": 100},
                },
        refused=NO_LEVELS,
        wrong={
            "method": "spline",
            "grid": "7x7",
            "longitudes": ["a"],
            "min_valid_fraction": 2,
            "mask": "ice",
            "drop_halo": "perhaps",
            "max_distance_km": -1,
            "nearest_valid_km": "far",
        },
    ),
    "reproject": Case(
        base={"dataset": "tas-monthly", "crs": "EPSG:3035"},
        right=SELECTION
        | {
            "resolution": {"resolution": [50_000, 25_000]},
            "size": {"size": [40, 30]},
            "align": {"resolution": 50_000, "align": "none"},
            "like": {"crs": None, "like": "tas-monthly"},
            "resampling": {"resampling": "average"},
            "nodata": {"nodata": -9999},
            "classes_as_numbers": {"classes_as_numbers": True, "resampling": "cubic"},
        },
        refused=NO_LEVELS,
        wrong={"crs": "lambert93", "resolution": 0, "size": [0], "align": "left", "resampling": "blurry", "nodata": "x", "classes_as_numbers": 7},
    ),
    "climate-indices": Case(
        base={"dataset": "days", "indices": ["TX90p"], "baseline": "1981/2010"},
        right=SELECTION
                | CELLS
                | {
                    "variables": {"variables": "tasmax"},
                    "datetime": {"datetime": "1990/1999"},
                    "bbox": {"bbox": [0, 40, 10, 50]},
                    "indices": {"indices": ["SU", "TXx", "RX5day", "GSL"]},
                    "period": {"period": "month"},
                    "seasons": {"period": "season", "seasons": ["JJAS"]},
                    "thresholds": {"indices": ["SU", "Rnnmm"], "thresholds": {"SU": 30, "Rnnmm": "25"}},
                    "baseline": {"baseline": "1991/2010"},
                    "within": {"indices": ["RX5day"], "within": True},
                    "carry": {"indices": ["CDD"], "carry": True},
                    "bootstrap": {"bootstrap": True},
                    "spi_months": {"indices": ["SPI"], "period": "month", "spi_months": 12},
                    "min_valid_fraction": {"min_valid_fraction": 0.9},
                    "missing_rule": {"missing_rule": "wmo"},
                },
        refused=NO_LEVELS,
        wrong={
            "indices": ["XX"],
            "period": "week",
            "seasons": ["XYZ"],
            "thresholds": {"SU": "hot"},
            "baseline": "2010/1981",
            "within": "perhaps",
            "carry": 3,
            "bootstrap": "often",
            "spi_months": 0,
            "min_valid_fraction": -1,
            "missing_rule": "strict",
        },
    ),
}  # fmt: skip

DAYS = 30 * 365
DAILY = Cube(
    dimensions=CUBE.dimensions
    | {
        "time": Axis(
            type="temporal", extent=("1981-01-01T12:00:00", "2010-12-31T12:00:00"), size=DAYS, calendar="noleap"
        )
    },
    variables={
        name: Variable(dimensions=("time", "lat", "lon"), shape=(DAYS, 4, 4), unit=unit, stored_bytes=DAYS * 64)
        for name, unit in (("tasmax", "K"), ("tasmin", "K"), ("pr", "kg m-2 s-1"))
    },
    grid="regular",
    bbox=CUBE.bbox,
)
EACH = pytest.mark.parametrize("process", CASES)


@pytest.fixture
def asked(client: FlaskClient, centres: dict[str, Centre]) -> FlaskClient:
    """Give a client of a server that knows monthly and daily data."""
    publish(centres["theia"], make_dataset("days", DAILY))
    return client


def refused(client: FlaskClient, process: str, inputs: dict[str, Any]) -> set[str]:
    """Ask what a process would cost, and give the inputs that are refused."""
    told = {name: value for name, value in (CASES[process].base | inputs).items() if value is not None}
    answer = client.post(f"/processes/{process}/estimate", json={"inputs": told})
    assert answer.status_code in {200, 400}
    return {fault["input"] for fault in answer.get_json().get("errors", ())}


@EACH
def test_every_option_is_reached(asked: FlaskClient, process: str) -> None:
    case = CASES[process]
    described = asked.get(f"/processes/{process}").get_json()["inputs"]
    assert set(described) == set(case.right) | set(case.base)
    found = {name: refused(asked, process, request) for name, request in case.right.items()}
    assert found == {name: {case.refused[name]} if name in case.refused else set() for name in case.right}


@EACH
def test_every_wrong_option_is_named(asked: FlaskClient, process: str) -> None:
    wrong = CASES[process].wrong
    assert {name: refused(asked, process, {name: value}) for name, value in wrong.items()} == {
        name: {name} for name in wrong
    }


@EACH
def test_all_wrong_options_are_named_at_once(asked: FlaskClient, process: str) -> None:
    assert refused(asked, process, CASES[process].wrong) >= set(CASES[process].wrong)
