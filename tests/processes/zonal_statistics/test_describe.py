"""What a request for statistics of zones is refused for, from the catalogue alone."""

import pytest

from gaia_processes.cube import Cube
from gaia_processes.errors import InvalidInputs
from gaia_processes.judging import validate_request
from gaia_processes.reading import read_inputs
from gaia_processes.zonal_statistics.describe import ZONAL_STATISTICS, estimate
from gaia_processes.zonal_statistics.names import class_name, quantile_name

ZONES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "north"},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]},
        }
    ],
}


def refusal(cube, **inputs):
    with pytest.raises(InvalidInputs) as caught:
        validate_request(
            ZONAL_STATISTICS, {"dataset": "d", "zones": ZONES, **inputs}, find_cube=lambda _reference: cube
        )
    return {fault.input: fault.problem for fault in caught.value.faults}


def test_a_plain_request_is_right(cube):
    validate_request(ZONAL_STATISTICS, {"dataset": "d", "zones": ZONES}, find_cube=lambda _reference: cube)


def test_quantiles_and_weights_must_be_told(cube):
    found = refusal(cube, statistics=["quantile", "weighted_mean"])
    assert set(found) == {"quantiles", "weights"}
    assert all(problem.en != problem.fr for problem in found.values())


def test_what_means_nothing_is_refused(cube):
    assert set(refusal(cube, quantiles=[0.5], classes=[1], weights="orog")) == {"quantiles", "classes", "weights"}


def test_weights_must_be_a_variable(cube):
    assert "orog" in refusal(cube, statistics=["weighted_sum"], weights="people")["weights"].en


def test_quantiles_lie_between_0_and_1(cube):
    assert "quantiles" in refusal(cube, statistics=["quantile"], quantiles=[95])


def test_data_without_rows_and_columns_are_refused(cube):
    assert "unstructured" in refusal(cube.model_copy(update={"grid": "unstructured"}))["dataset"].en


def test_the_estimate_grows_with_what_is_asked(cube: Cube):
    few, many = (
        estimate(read_inputs(ZONAL_STATISTICS, {"dataset": "d", "zones": ZONES, "statistics": each}), cube)
        for each in (["mean"], ["mean", "median", "max"])
    )
    assert 0 < few.seconds < many.seconds
    assert few.bytes_written < many.bytes_written
    assert few.bytes_read < many.bytes_read


def test_columns_are_named_as_the_contract_says():
    assert [quantile_name(each) for each in (0.25, 0.975, 0.05)] == ["q25", "q97_5", "q5"]
    assert class_name("frac", 3.0) == "frac_3"
