"""What can be asked for: indicators by their kind, ways to divide the records, cleaning checks."""

from typing import Literal

type UnitIndicator = Literal[
    "richness",
    "shannon",
    "simpson_dominance",
    "gini_simpson",
    "inverse_simpson",
    "simpson_unbiased",
    "hill_0",
    "hill_1",
    "hill_2",
    "pielou",
    "es",
    "chao1",
    "ace",
    "goods_coverage",
    "chao_jost_coverage",
    "completeness",
    "richness_at_coverage",
    "weighted_endemism",
    "corrected_weighted_endemism",
]
type SpeciesIndicator = Literal["occupancy", "aoo", "eoo"]
type PairIndicator = Literal["jaccard", "sorensen", "turnover", "nestedness", "bray_curtis"]
type WholeIndicator = Literal["gamma", "alpha", "whittaker", "chao2"]
type By = Literal["all", "zones", "grid", "h3", "site", "environment"]
type Check = Literal[
    "missing", "range", "zero", "equal", "issue", "absent", "basis", "rank", "uncertainty", "duplicate"
]
type Abundance = Literal["records", "individualCount", "organismQuantity"]
type Period = Literal["all", "year", "month"]

PER_UNIT: tuple[str, ...] = (
    "richness",
    "shannon",
    "simpson_dominance",
    "gini_simpson",
    "inverse_simpson",
    "simpson_unbiased",
    "hill_0",
    "hill_1",
    "hill_2",
    "pielou",
    "es",
    "chao1",
    "ace",
    "goods_coverage",
    "chao_jost_coverage",
    "completeness",
    "richness_at_coverage",
    "weighted_endemism",
    "corrected_weighted_endemism",
)
PER_SPECIES: tuple[str, ...] = ("occupancy", "aoo", "eoo")
PER_PAIR: tuple[str, ...] = ("jaccard", "sorensen", "turnover", "nestedness", "bray_curtis")
OF_THE_WHOLE: tuple[str, ...] = ("gamma", "alpha", "whittaker", "chao2")
KINDS: dict[str, tuple[str, ...]] = {"unit": PER_UNIT, "species": PER_SPECIES, "pair": PER_PAIR}
CHECKS: tuple[str, ...] = (
    "missing",
    "range",
    "zero",
    "equal",
    "issue",
    "absent",
    "basis",
    "rank",
    "uncertainty",
    "duplicate",
)
"""In the order in which they are applied."""
DEFAULT: tuple[str, ...] = (
    "richness",
    "shannon",
    "gini_simpson",
    "hill_1",
    "hill_2",
    "pielou",
    "es",
    "chao1",
    "completeness",
)
WITH_UNCERTAINTY: tuple[str, ...] = ("shannon", "gini_simpson", "simpson_dominance", "es", "chao1", "goods_coverage")
"""Estimators that have a published standard error."""
PLACED: tuple[str, ...] = ("zones", "grid", "h3", "environment")
"""Ways to divide records that need to know where each lies."""


def kind_of(indicators: tuple[str, ...]) -> str:
    """Tell what a row of the result is: a unit, a species, or a pair of units; a unit where nothing decides."""
    return next((kind for kind, names in KINDS.items() if any(each in names for each in indicators)), "unit")
