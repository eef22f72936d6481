"""A process that has all it works with is not gone through again and again."""

import gc
from collections.abc import Iterator

import pytest

from gaia_config.garbage import leave_alone


@pytest.fixture
def thawed() -> Iterator[None]:
    """Leave the collector as it was."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_what_is_there_is_passed_over_and_what_comes_later_is_not() -> None:
    before: list[object] = []
    leave_alone()
    after: list[object] = []
    looked_at = {id(each) for each in gc.get_objects()}
    assert id(before) not in looked_at
    assert id(after) in looked_at
