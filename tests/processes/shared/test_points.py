import numpy as np
import shapely

from gaia_processes.shared.points import coordinates_of


def test_points_that_lie_nowhere_have_no_coordinates():
    x, y = coordinates_of([shapely.Point(1, 2), shapely.Point(), None])
    assert (x[0], y[0]) == (1, 2)
    assert np.isnan([x[1:], y[1:]]).all()
