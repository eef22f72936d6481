"""What the statistics of zones are called. Light: the server knows these too."""

from typing import Literal

Statistic = Literal[
    "mean", "sum", "count", "min", "max", "stdev", "variance", "median", "quantile", "majority", "minority", "variety",
    "fractions", "areas", "weighted_mean", "weighted_sum",
]  # fmt: skip
Weighting = Literal["area", "cells"]

ORDERED = frozenset({"median", "quantile", "majority", "minority", "variety", "fractions", "areas"})
"""Those that need the values of a zone one by one."""
CLASSED = frozenset({"fractions", "areas"})
"""Those that have a column for each class."""
BY_WEIGHTS = frozenset({"weighted_mean", "weighted_sum"})
"""Those that need a variable of weights."""
OF_NUMBERS = frozenset({"mean", "sum", "stdev", "variance", "median", "quantile", "weighted_mean", "weighted_sum"})
"""Those that mean nothing for categories."""


def quantile_name(share: float) -> str:
    """
    Name a quantile.

    Examples
    --------
    >>> quantile_name(0.25), quantile_name(0.975)
    ('q25', 'q97_5')
    """
    return f"q{100 * share:.10g}".replace(".", "_")


def class_name(prefix: str, value: float) -> str:
    """
    Name a column of a class.

    Examples
    --------
    >>> class_name("frac", 3.0), class_name("area", -1.5)
    ('frac_3', 'area_-1_5')
    """
    return f"{prefix}_{value:.10g}".replace(".", "_")
