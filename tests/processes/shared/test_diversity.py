import csv
import itertools
import math

import numpy as np
import pytest
import skbio.diversity.alpha as oracle
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.shared import diversity
from gaia_processes.shared.diversity import Frequencies, log_absent
from gaia_processes.shared.diversity_errors import spread_of
from gaia_processes.shared.tallies import Tallier, Tally, tally

rare_or_not = st.one_of(st.integers(0, 3), st.integers(0, 60))  # singletons and pairs decide many estimates
abundances = st.lists(rare_or_not, min_size=1, max_size=30).filter(any)


def one(values):
    return Frequencies.of_abundances(values)


def comb(n, k):
    return math.comb(n, k)


@given(abundances)
def test_two_individuals_are_of_two_species_as_often_as_simpson_says(x):
    units = one(x)
    if sum(x) >= 2:
        assert diversity.hurlbert(units, 2)[0] == pytest.approx(1 + diversity.simpson_unbiased(units)[0], rel=1e-9)


@given(abundances)
def test_hill_numbers_fall_with_their_order(x):
    numbers = [diversity.hill(one(x), order)[0] for order in (0, 0.5, 1, 2, 5, np.inf)]
    assert all(first >= second - 1e-9 for first, second in itertools.pairwise(numbers))


@given(abundances, st.integers(1, 200))
def test_expected_species_are_those_of_the_plain_formula(x, n):
    total = sum(x)
    found = diversity.hurlbert(one(x), n)[0]
    if total < n:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(sum(1 - comb(total - each, n) / comb(total, n) for each in x), rel=1e-9)


def test_the_chance_to_draw_none_is_the_same_by_factors_and_by_the_gamma_function():
    n, x, size = 1e6, 5000.0, 3000.0
    exact = math.lgamma(n - x + 1) - math.lgamma(n - x - size + 1) - math.lgamma(n + 1) + math.lgamma(n - size + 1)
    assert log_absent(np.array([n]), np.array([x]), size)[0] == pytest.approx(exact, rel=1e-6)


@given(abundances)
def test_indices_are_those_of_scikit_bio(x):
    counts = np.array([each for each in x if each])
    units = one(x)
    assert diversity.shannon(units)[0] == pytest.approx(oracle.shannon(counts, base=np.e), abs=1e-9)
    assert diversity.gini_simpson(units)[0] == pytest.approx(oracle.simpson(counts), abs=1e-9)
    assert diversity.chao1(units)[0] == pytest.approx(oracle.chao1(counts), rel=1e-9)
    assert diversity.goods_coverage(units)[0] == pytest.approx(oracle.goods_coverage(counts), abs=1e-9)


def test_the_first_plots_of_barro_colorado_have_the_estimates_of_vegan(shared_data):
    with (shared_data / "biodiversity" / "bci.csv").open() as stream:
        _, *rows = csv.reader(stream)
    units = Frequencies.of_abundances(*([float(each) for each in row[1:]] for row in rows[:5]))
    # vegan 2.6, estimateR(BCI[1:5,]) and diversity(BCI[1:5,])
    assert units.s.tolist() == [93, 84, 90, 94, 101]
    assert diversity.chao1(units) == pytest.approx([117.473684, 117.214286, 141.230769, 111.55, 136.0], abs=1e-6)
    assert diversity.ace(units) == pytest.approx([122.848959, 117.317307, 134.669844, 118.729941, 137.114088], abs=1e-6)
    assert diversity.shannon(units) == pytest.approx([4.018412, 3.848471, 3.814060, 3.976563, 3.969940], abs=1e-6)


def test_coverage_of_the_whole_sample_is_reached_by_no_smaller_one():
    units = one([5, 3, 1, 1])
    assert math.isnan(diversity.size_for_coverage(units, 0.999)[0])
    size = diversity.size_for_coverage(units, 0.5)[0]
    assert (
        diversity.expected_coverage(units, int(size))[0] >= 0.5 > diversity.expected_coverage(units, int(size) - 1)[0]
    )


def test_the_spread_of_expected_species_is_that_of_all_samples():
    # Two individuals of a, a, b: {a} once, {a, b} twice
    spread = spread_of("es", one([2, 1]), size=2)
    assert spread.se[0] == pytest.approx(math.sqrt(2 / 9))


def test_chao1_has_no_spread_below_what_was_seen():
    spread = spread_of("chao1", Frequencies.of_abundances([5, 3, 1, 1], [2, 2], []))
    assert spread.lower[0] >= 4
    assert spread.lower[1] == 2
    assert math.isnan(spread.se[2])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 9)), max_size=40), st.integers(1, 7))
def test_counting_in_blocks_is_counting_at_once(rows, block):
    units = np.array([row[0] for row in rows], np.int64)
    species = np.array([row[1] for row in rows], np.int32)
    amounts = np.array([row[2] for row in rows], np.float64)
    whole = tally(units, species, amounts, 5)
    tallier = Tallier(waiting_rows=block)
    for start in range(0, len(rows), 3):
        tallier.add(units[start : start + 3], species[start : start + 3], amounts[start : start + 3])
    parts = tallier.finish(5)
    for name in ("units", "starts", "species", "abundance"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()
    assert whole.totals().sum() == amounts.sum()


def test_ids_too_large_to_be_packed_are_numbered():
    made = tally(np.array([2**62, 5, 2**62], np.int64), np.array([900, 0, 900], np.int32))
    assert (made.units.tolist(), made.species.tolist(), made.abundance.tolist()) == ([5, 2**62], [0, 900], [1, 2])


def test_units_can_be_added_up():
    made = Tally.of({0: 1}, {0: 2, 1: 1}, {1: 4}).pooled(lambda units: units // 2)
    assert made.abundance.tolist() == [3, 1, 4]
