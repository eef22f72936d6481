"""Every index has a name that a person understands."""

from typing import get_args

from gaia_processes.climate_indices.indices import IndexId
from gaia_processes.climate_indices.titles import TITLES


def test_every_index_has_a_title_of_its_own_in_both_languages() -> None:
    assert list(TITLES) == list(get_args(IndexId.__value__))
    assert len({title.en for title in TITLES.values()}) == len({title.fr for title in TITLES.values()}) == len(TITLES)
