import numpy as np
import pytest

from gaia_workers.previews.painting import paint, unwrap


@pytest.mark.parametrize(
    ("longitudes", "unwrapped"),
    [
        pytest.param([0.5, 325.5, 340.5], [0.5, -34.5, -19.5], id="over Greenwich"),
        pytest.param([170, 179, -172, -163], [170, 179, 188, 197], id="over the date line"),
        pytest.param([359.6, 359.9, 0.0], [-0.4, -0.1, 0.0], id="a narrow strip"),
        pytest.param([-110, -100, -90], [-110, -100, -90], id="in the frame that was asked for"),
        pytest.param(np.arange(-180, 180, 10), np.arange(-180, 180, 10), id="the whole earth from -180"),
        pytest.param(np.arange(0, 360, 10), np.arange(0, 360, 10), id="the whole earth from 0"),
        pytest.param([5.0], [5.0], id="one"),
    ],
)
def test_longitudes_lie_side_by_side(longitudes, unwrapped):
    np.testing.assert_allclose(unwrap(np.asarray(longitudes, dtype=float)), unwrapped, atol=1e-6)


def test_every_place_shows_its_nearest_cell_and_gaps_stay_gaps():
    x, y = np.meshgrid([0.0, 1.0, 2.0], [10.0, 11.0])
    values = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    picture = paint(x, y, values, columns=180, rows=90)
    assert picture.y[0] == 11
    assert picture.values[0, 0] == 4
    assert picture.values[-1, -1] == 3
    assert np.isnan(picture.values[-1]).any()


def test_cells_without_a_place_are_left_out():
    x, y = np.meshgrid([0.0, 1.0, np.nan], [10.0, 11.0])
    picture = paint(x, y, np.ones((2, 3)), columns=180, rows=90)
    assert (picture.x.min(), picture.x.max()) == (0, 1)


def test_no_cell_with_a_place_is_refused():
    with pytest.raises(ValueError, match="no cell"):
        paint(np.array([[np.nan]]), np.array([[1.0]]), np.array([[1.0]]), columns=180, rows=90)


def test_cells_in_one_spot_are_a_spot():
    picture = paint(np.array([[5.0, 5.0]]), np.array([[1.0, 1.0]]), np.array([[1.0, 2.0]]), columns=180, rows=90)
    assert np.isfinite(picture.values).any()
