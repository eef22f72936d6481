"""What subset refuses before it runs, and what it expects to cost."""

import random
from pathlib import Path

import pytest

from gaia_processes.cube import Cube
from gaia_processes.errors import GaiaError, InvalidInputs
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.reading import read_inputs
from gaia_processes.subset.compute import compute
from gaia_processes.subset.describe import SUBSET, Inputs
from gaia_workers.headers import read_header
from gaia_workers.readers.netcdf import open_dataset


def read(**raw: object) -> Inputs:
    inputs = read_inputs(SUBSET, {"dataset": "sst", **raw})
    assert isinstance(inputs, Inputs)
    return inputs


def test_a_right_request_has_no_faults(cube: Cube) -> None:
    inputs = read(variables="ta", bbox=[-40, -20, 40, 50], datetime="2001-03/2001-05", levels="850 hPa")
    assert SUBSET.check(inputs, cube) == ()


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ({"variables": ["pr"]}, "variables"),
        ({"datetime": "1990"}, "datetime"),
        ({"datetime": "2001-12-31"}, "datetime"),
        ({"levels": "700 hPa"}, "levels"),
        ({"variables": ["tas"], "levels": "850 hPa"}, "levels"),
        ({"bbox": [0, 0, 0, 1, 1, 10]}, "bbox"),
    ],
)
def test_what_can_select_nothing_is_refused(raw: dict[str, object], wrong: str, cube: Cube) -> None:
    assert [fault.input for fault in SUBSET.check(read(**raw), cube)] == [wrong]


def test_the_nearest_level_must_be_asked_for(cube: Cube) -> None:
    assert SUBSET.check(read(levels="700 hPa", nearest_level=True), cube) == ()


def test_a_smaller_part_costs_less(cube: Cube) -> None:
    whole = SUBSET.estimate(read(), cube)
    part = SUBSET.estimate(read(datetime="2001-03", variables=["tas"]), cube)
    assert part.bytes_read < whole.bytes_read
    assert part.bytes_written < whole.bytes_written
    assert part.seconds < whole.seconds


def test_nothing_is_known_of_data_in_no_catalogue() -> None:
    assert SUBSET.estimate(read(), None).bytes_read == 0


def requests(seed: int, count: int) -> list[dict[str, object]]:
    """Make requests as people might send them, right and wrong."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        raw: dict[str, object] = {}
        if chance.random() < 0.6:
            west, south = chance.uniform(-360, 300), chance.uniform(-90, 85)
            east = chance.choice([west + chance.uniform(0, 60), chance.uniform(-360, 360)])
            raw["bbox"] = [west, south, east, min(90.0, south + chance.uniform(0, 50))]
        if chance.random() < 0.5:
            first, last = sorted(f"{chance.randint(1850, 2110)}-{chance.randint(1, 12):02d}" for _ in range(2))
            raw["datetime"] = chance.choice([first, f"{first}/{last}", f"{first}/..", f"../{last}", f"{first}-30"])
        if chance.random() < 0.3:
            raw["levels"] = chance.choice(["1", "0/50 m", "850/500 hPa", "10", "20 m", "0/100", "5.0", "2 km"])
        made.append(raw)
    return made


@pytest.mark.slow
def test_nothing_is_refused_that_real_data_have(shared_data: Path) -> None:
    """What the catalogue refuses would find nothing; the other way round it may know too little."""
    refused = 0
    for seed, path in enumerate(sorted((shared_data / "climate").glob("*.nc"))):
        cube = read_header(path).cube
        with open_dataset(path) as dataset:
            for raw in requests(seed, 8):
                inputs = read(**raw)
                if not SUBSET.check(inputs, cube):
                    continue
                refused += 1
                chosen = {name: value for name, value in inputs if name != "dataset"}
                with pytest.raises(GaiaError):
                    compute(dataset, warn=lambda _: None, **chosen)
    assert refused > 50


def test_faults_of_the_request_itself_come_from_its_reading() -> None:
    with pytest.raises(InvalidInputs):
        read(bbox=[1, 2, 3])
    assert read(bbox=[1, 2, 3, 4]).bbox == Bbox(west=1, south=2, east=3, north=4)
