"""Every option that the science of a process names can be asked for over HTTP, and a wrong one is named."""

from typing import Any

import pytest
from flask.testing import FlaskClient

MONTHS = {"dataset": "tas-monthly"}

RIGHT: dict[str, dict[str, Any]] = {
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
    "inclusion": {"inclusion": "touch", "bbox": [0, 40, 10, 50]},
    "mask_outside": {"mask_outside": False},
    "drop_halo": {"drop_halo": False},
    "nearest_level": {"nearest_level": True},
    "datetime": {"datetime": "2000-03/2000-05"},
    "variables": {"variables": "tas"},
}
NEEDS_OTHER_DATA = {"leap_day": "period", "integrate": "integrate"}
"""Options that these monthly temperatures cannot have: what is refused then is named."""

WRONG: dict[str, Any] = {
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
}


def refused(client: FlaskClient, inputs: dict[str, Any]) -> set[str]:
    """Ask what an aggregate would cost, and give the inputs that are refused."""
    answer = client.post("/processes/aggregate/estimate", json={"inputs": MONTHS | inputs})
    assert answer.status_code in {200, 400}
    return {fault["input"] for fault in answer.get_json().get("errors", ())}


@pytest.mark.parametrize("options", [RIGHT], ids=["aggregate"])
def test_every_option_is_reached(client: FlaskClient, options: dict[str, dict[str, Any]]) -> None:
    described = client.get("/processes/aggregate").get_json()["inputs"]
    assert set(described) - set(options) == {"dataset", "bbox", "levels"}
    assert {name: refused(client, options[name]) for name in options} == {
        name: {NEEDS_OTHER_DATA[name]} if name in NEEDS_OTHER_DATA else set() for name in options
    }


def test_every_wrong_option_is_named(client: FlaskClient) -> None:
    assert {name: refused(client, {name: value}) for name, value in WRONG.items()} == {name: {name} for name in WRONG}


def test_all_wrong_options_are_named_at_once(client: FlaskClient) -> None:
    assert refused(client, WRONG) == set(WRONG)
