"""Maps weighed in one compiled loop: the same bits as weighed by the matrices of their rows and columns."""

from typing import Any

import numpy as np
import pytest

from gaia_processes.shared import rectilinear, remap
from gaia_processes.shared.map_loops import MapLoop
from gaia_processes.shared.rectilinear import Rectilinear
from gaia_processes.shared.remap import Blend
from gaia_processes.shared.values import find_rules, unpack
from gaia_processes.shared.weights import Separable

STEPS = 3


def grid(rows: int, columns: int, *, south: float = -90.0, width_deg: float = 360.0) -> Rectilinear:
    """Make a grid of equal cells from the south to the north pole, and from Greenwich to the east."""
    y, x = np.linspace(south, 90, rows + 1), np.linspace(0, width_deg, columns + 1)
    return Rectilinear(
        longitudes=(x[1:] + x[:-1]) / 2,
        latitudes=(y[1:] + y[:-1]) / 2,
        longitude_edges=np.stack([x[:-1], x[1:]], axis=1),
        latitude_edges=np.stack([y[:-1], y[1:]], axis=1),
    )


PAIRS = {
    "finer": (grid(7, 10), grid(11, 17)),
    "coarser, four and more rows and columns for one": (grid(23, 31), grid(5, 7)),
    "beyond the source": (grid(9, 8, south=-20.0, width_deg=100.0), grid(6, 12)),
}
KINDS: dict[str, dict[str, Any]] = {
    "f4": {"_FillValue": np.float32(1e20)},
    "f8": {"valid_range": np.array([-1e5, 1e5])},
    "i2": {"scale_factor": 0.01, "add_offset": 280.0, "_FillValue": np.int16(-32768)},
}


def maps(kind: str, source: Rectilinear) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(3).normal(0, 1000, (STEPS, *source.shape))
    values[1] = -0.0
    return values.astype(kind)


@pytest.mark.parametrize("method", ["bilinear", "conservative"])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_loop_gives_the_bits_of_the_matrices(method: str, pair: str) -> None:
    source, target = PAIRS[pair]
    weights: Separable = getattr(rectilinear, method)(source, target)
    for kind, attrs in KINDS.items():
        stored = maps(kind, source)
        rules = find_rules(stored.dtype, attrs)
        assert rules is not None
        made = np.empty((STEPS, *target.shape), "f8" if kind == "f8" else "f4")
        assert MapLoop(weights, rules).fill(stored, made)
        other = weights.mean(unpack(stored, attrs)).astype(made.dtype)
        assert made.tobytes() == other.tobytes(), kind


@pytest.mark.parametrize(("kind", "missing"), [("f4", np.nan), ("f4", 1e20), ("f8", -2e5), ("i2", -32768)])
def test_a_missing_value_is_left_to_who_knows_shares(kind: str, missing: float) -> None:
    source, target = PAIRS["finer"]
    stored, weights = maps(kind, source), rectilinear.conservative(source, target)
    stored[2, 3, 4] = missing
    rules = find_rules(stored.dtype, KINDS[kind])
    assert rules is not None
    assert not MapLoop(weights, rules).fill(stored, np.empty((STEPS, *target.shape), "f8" if kind == "f8" else "f4"))


@pytest.mark.parametrize("pair", PAIRS)
def test_maps_are_the_same_with_the_loop_and_without(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = PAIRS[pair]
    stored = maps("f4", source)

    def blended(worth_bytes: int) -> bytes:
        monkeypatch.setattr(remap, "_WORTH_BYTES", worth_bytes)
        blend = Blend(
            weights=rectilinear.conservative(source, target), attrs=KINDS["f4"], least=0.5, dtype=np.dtype("f4"),
            fill=np.float32(1e20),
        )  # fmt: skip
        assert blend.fill_in(stored, np.empty((STEPS, *target.shape), "f4")) is (worth_bytes == 0)
        return remap._in_parts(blend, stored).tobytes()

    assert blended(0) == blended(2**40)
