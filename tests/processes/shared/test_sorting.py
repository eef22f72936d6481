import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.shared import sorting
from gaia_processes.shared.tallies import Tally, added


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@given(numbers=st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_numbers_are_sorted_by_their_digits(dtype, numbers):
    ordered = sorting.sort(np.array(numbers, dtype), max(numbers, default=0))
    assert ordered.tolist() == sorted(numbers)


def test_numbers_of_64_bits_are_sorted_too():
    numbers = [2**63 + 1, 2**33, 5, 2**63]
    assert sorting.sort(np.array(numbers, np.uint64), max(numbers)).tolist() == sorted(numbers)


counts = st.dictionaries(st.integers(0, 4), st.integers(1, 9), max_size=4)
communities = st.dictionaries(st.integers(0, 5), counts, max_size=4)


def tally_of(community):
    made = Tally.of(*(community[unit] for unit in sorted(community)))
    return Tally(np.array(sorted(community), np.int64), made.starts, made.species, made.abundance, 5)


@given(communities, communities)
def test_two_tallies_are_added_up_unit_by_unit_and_species_by_species(one, other):
    both = {
        unit: {
            code: one.get(unit, {}).get(code, 0) + other.get(unit, {}).get(code, 0)
            for code in one.get(unit, {}).keys() | other.get(unit, {}).keys()
        }
        for unit in one.keys() | other.keys()
    }
    made, expected = added(tally_of(one), tally_of(other)), tally_of(both)
    for name in ("units", "starts", "species", "abundance"):
        assert getattr(made, name).tolist() == getattr(expected, name).tolist()
