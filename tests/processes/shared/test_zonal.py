import numpy as np
import pytest
import shapely

from gaia_processes.shared.coverage import cover
from gaia_processes.shared.zonal import Stretches, add_block, start_sums

EDGES = np.arange(9.0)
ZONES = np.array([shapely.Point(4, 4).buffer(3.3), shapely.box(0.5, 0.25, 7.5, 1.75)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_side_by_side_add_up_to_the_same_as_one_after_the_other(dtype):
    rng = np.random.default_rng(4)
    maps = rng.normal(280, 5, (37, 8, 8)).astype(dtype)  # more than are turned at once, and no multiple of eight
    maps[5] = np.nan
    maps[9:, 2:4][rng.random((28, 2, 8)) < 0.5] = np.nan
    coverage = cover(ZONES, EDGES, EDGES)
    own = Stretches.of(coverage, 1.0 + coverage.rows)
    order = np.argsort(own.rows, kind="stable")
    together, single = start_sums(37, 2), start_sums(37, 2)
    add_block(maps, (0, 0), own.take(order), together, squares=True, extremes=True)
    for at in range(37):
        step = start_sums(1, 2)
        add_block(maps[at : at + 1], (0, 0), own.take(order), step, squares=True, extremes=True)
        single[..., at : at + 1] = step
    np.testing.assert_allclose(together, single, rtol=1e-12, atol=1e-12)
    assert np.isnan(together[:, 7, 5]).all()
