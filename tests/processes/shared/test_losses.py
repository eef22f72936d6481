"""The area that a threshold loses, on rows that can be counted."""

import numpy as np
import pytest

from gaia_processes.shared import losses
from gaia_processes.shared.rectilinear import Rectilinear, conservative


def bands(*edges: float) -> Rectilinear:
    """Make rows around the earth, of one column each, between latitudes."""
    pairs = np.stack([edges[:-1], edges[1:]], axis=1)
    return Rectilinear(
        longitudes=np.array([180.0]),
        latitudes=pairs.mean(axis=1),
        longitude_edges=np.array([[0.0, 360.0]]),
        latitude_edges=pairs,
    )


@pytest.mark.parametrize("held", [2**23, 1])
@pytest.mark.parametrize(("least", "lost"), [(0.5, 0.0), (0.6, 0.4), (1.0, 1.0)])
def test_area_is_counted_on_the_sphere_whether_at_once_or_row_by_row(
    least: float, lost: float, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "_HELD_CELLS", held)
    # Of the southern half of the earth 1/2 is valid, of the northern 3/4: lost are 2/5 of that, or all.
    source, target = bands(-90, -30, 0, 14.477512185929925, 30, 90), bands(-90, 0, 90)
    valid = np.array([[True], [False], [False], [True], [True]])  # sines -1 to -1/2; 0 to 1/4 is missing; 1/4 to 1
    share = losses.lost_share(conservative(source, target), target, lambda rows: valid[rows], least=least)
    assert share == pytest.approx(lost)


def test_nothing_is_lost_where_nothing_is_valid() -> None:
    source, target = bands(-90, 0, 90), bands(-90, 90)
    nothing = np.zeros((2, 1), dtype=bool)
    assert losses.lost_share(conservative(source, target), target, lambda rows: nothing[rows], least=0.5) == 0
