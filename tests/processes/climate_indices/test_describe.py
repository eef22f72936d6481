"""What is said of climate indices before anything is queued: from the catalogue alone."""

from typing import Any

import pytest

from gaia_processes.climate_indices.describe import CLIMATE_INDICES
from gaia_processes.climate_indices.indices import INDICES
from gaia_processes.climate_indices.quantities import Described, find_conversion, quantity_of
from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.formats import COVERAGE_JSON, GEOTIFF, NETCDF, PNG
from gaia_processes.inputs.dataset import CatalogueRef, UploadRef
from gaia_processes.judging import constrain_request, cube_of_dataset, validate_request
from gaia_processes.reading import read_inputs


def daily(name: str, *, unit: str = "K", last: str = "2001-12-31", size: int = 365, rows: int = 6, **told: Any) -> Cube:
    """Give what a catalogue knows of a year of daily values."""
    return Cube.model_validate(
        {
            "dimensions": {
                "time": Axis(
                    type="temporal", extent=("2001-01-01T12:00:00", f"{last}T12:00:00"), size=size, calendar="noleap"
                ),
                "lat": Axis(type="spatial", axis="y", size=rows, extent=(-75.0, 75.0)),
                "lon": Axis(type="spatial", axis="x", size=12, extent=(0.0, 330.0)),
            },
            "variables": {name: Variable(dimensions=("time", "lat", "lon"), shape=(size, rows, 12), unit=unit, **told)},
            "grid": "regular",
            "bbox": (-180.0, -75.0, 180.0, 75.0),
        }
    )


CUBES = {
    "tasmin": daily("tasmin"),
    "tasmax": daily("tasmax"),
    "pr": daily("pr", unit="kg m-2 s-1"),
    "odd": daily("pr", unit="furlong"),
    "small": daily("tasmin", rows=3),
    "months": daily("tasmin", size=12),
}


def find(reference: CatalogueRef | UploadRef) -> Cube:
    assert isinstance(reference, CatalogueRef)
    return CUBES[reference.id]


def faults(**raw: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputs) as caught:
        validate_request(CLIMATE_INDICES, raw, find_cube=find)
    said: tuple[Fault, ...] = caught.value.faults
    assert all(fault.problem.en != fault.problem.fr for fault in said)
    return [(fault.pointer, fault.problem.en) for fault in said]


def test_several_datasets_serve_the_indices_that_need_them() -> None:
    raw = {"dataset": ["tasmin", "tasmax", "pr"], "indices": ["DTR", "RX1day", "GSL"]}
    validate_request(CLIMATE_INDICES, raw, find_cube=find)


@pytest.mark.parametrize(
    ("raw", "pointer", "said"),
    [
        ({"dataset": "tasmax", "indices": ["SU", "FD"]}, "/inputs/indices/1", "FD needs daily tasmin, which the data lack"),
        ({"dataset": "tasmax", "indices": "GSL"}, "/inputs/indices/0", "GSL needs daily tas"),
        ({"dataset": "months", "indices": "FD"}, "/inputs/dataset", "are of daily data"),
        ({"dataset": "odd", "indices": "RR1"}, "/inputs/dataset", "not known for pr; known are kg m-2 s-1"),
        ({"dataset": "tasmax", "indices": "TX90p"}, "/inputs/baseline", "years 1961/1990, and the data have 2001 to 2001"),
        ({"dataset": "pr", "indices": "Rnnmm"}, "/inputs/thresholds", "Rnnmm counts the days from a threshold"),
        ({"dataset": "pr", "indices": "RR1", "thresholds": {"SU": 30}}, "/inputs/thresholds/SU", "only where SU is among"),
        ({"dataset": "pr", "indices": "RR1", "thresholds": {"R10mm": 30}}, "/inputs/thresholds", "No threshold can be chosen"),
        ({"dataset": "pr", "indices": "RR1", "thresholds": {"RR1": "wet"}}, "/inputs/thresholds/RR1", "is not a number"),
        ({"dataset": ["tasmax", "small"], "indices": "DTR"}, "/inputs/dataset/1", "has a grid of 12 x 3 cells"),
        ({"dataset": "pr", "indices": "RR1", "seasons": ["DJF"]}, "/inputs/seasons", "only with period: season"),
        ({"dataset": "pr", "indices": "SPI", "baseline": "2001"}, "/inputs/period", "SPI is of months"),
        ({"dataset": "pr", "indices": "RR1", "missing_rule": "wmo", "min_valid_fraction": 0.9}, "/inputs/min_valid_fraction", "fraction"),
        ({"dataset": "pr", "indices": "SPI", "period": "month"}, "/inputs/baseline", "years 1961/1990"),
        ({"dataset": "pr", "indices": "SPI", "spi_months": 0}, "/inputs/spi_months", "1"),
        ({"dataset": "pr", "indices": "SPI", "spi_months": 1.5}, "/inputs/spi_months", "1.5"),
        (
            {"dataset": ["tasmin", "tasmax"], "indices": "GSL", "period": "month"}, "/inputs/period",
            "GSL is the length of a season of the year",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(raw: dict[str, Any], pointer: str, said: str) -> None:
    assert any(where == pointer and said in text for where, text in faults(**raw)), faults(**raw)


def test_the_indices_that_the_data_allow_are_offered() -> None:
    allowed = constrain_request(CLIMATE_INDICES, {"dataset": "pr"}, find_cube=find)["indices"].values
    assert allowed is not None
    assert {"RX1day", "CDD", "R95pTOT"} <= set(allowed)
    assert not {"FD", "DTR", "GSL"} & set(allowed)


def test_a_map_shows_one_index() -> None:
    one = read_inputs(CLIMATE_INDICES, {"dataset": "pr", "indices": ["RR1"]})
    two = read_inputs(CLIMATE_INDICES, {"dataset": "pr", "indices": ["RR1", "CDD"]})
    for file_format in (PNG, GEOTIFF):
        assert CLIMATE_INDICES.check_format(one, CUBES["pr"], file_format) is None
        assert CLIMATE_INDICES.check_format(two, CUBES["pr"], file_format) is not None
    assert CLIMATE_INDICES.check_format(two, CUBES["pr"], NETCDF) is None
    assert CLIMATE_INDICES.check_format(two, CUBES["pr"], COVERAGE_JSON) is None


def test_an_estimate_grows_with_the_indices_and_knows_the_bootstrap() -> None:
    raw: dict[str, Any] = {"dataset": ["tasmax", "pr"], "baseline": "2001"}
    seconds = []
    for more in ({"indices": ["SU"]}, {"indices": ["SU", "RR1"]}, {"indices": ["TX90p"], "bootstrap": True}):
        inputs = read_inputs(CLIMATE_INDICES, raw | more)
        cost = CLIMATE_INDICES.estimate(inputs, cube_of_dataset(inputs, find))
        assert cost.bytes_written > 0
        seconds.append(cost.seconds)
    assert seconds[0] < seconds[1]


def test_an_interval_costs_less_but_where_an_index_looks_at_the_whole_record() -> None:
    def bytes_read(**raw: Any) -> int:
        inputs = read_inputs(CLIMATE_INDICES, {"dataset": "tasmax", "baseline": "2001"} | raw)
        return CLIMATE_INDICES.estimate(inputs, cube_of_dataset(inputs, find)).bytes_read

    assert bytes_read(indices=["SU"], datetime="2001-03") < bytes_read(indices=["SU"]) / 5
    assert bytes_read(indices=["TX90p"], datetime="2001-03") == bytes_read(indices=["TX90p"])


@pytest.mark.parametrize(
    ("name", "standard_name", "methods", "unit", "expected"),
    [
        ("tasmax", "air_temperature", None, "K", "tasmax"),
        ("t", "air_temperature", "time: maximum", "K", "tasmax"),
        ("t", "air_temperature", "time: minimum within days", "K", "tasmin"),
        ("t", "air_temperature", None, "K", "tas"),
        ("rain", "precipitation_flux", None, "kg m-2 s-1", "pr"),
        ("rain", "lwe_precipitation_rate", None, "mm s-1", "pr"),
        ("tos", "sea_surface_temperature", None, "K", None),
    ],
)
def test_a_variable_is_known_by_its_name_or_by_cf(
    name: str, standard_name: str, methods: str | None, unit: str, expected: str | None
) -> None:
    assert quantity_of(Described(name=name, standard_name=standard_name, cell_methods=methods, unit=unit)) == expected


def test_numbers_of_days_have_the_unit_of_their_standard_names() -> None:
    numbers = [each for each in INDICES.values() if (each.standard_name or "").startswith("number_of_days")]
    assert len(numbers) == 8
    assert {each.unit for each in numbers} == {"1"}
    spells = [each for each in INDICES.values() if (each.standard_name or "").startswith("spell_length")]
    assert {each.unit for each in spells} == {"days"}


def test_a_rate_is_no_amount() -> None:
    rate, amount = find_conversion("pr", "kg m-2 s-1"), find_conversion("pr", "mm")
    assert rate is not None
    assert amount is not None
    assert (rate.scale, amount.scale) == (86400.0, 1.0)
