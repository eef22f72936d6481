"""
Sums of rain as multiples of a standard deviation: the standardized precipitation index. Arrays in, arrays out.

The sums of each month of the year in the baseline make a gamma distribution, in which those without any rain are counted apart;
the probability of a sum is brought to the normal distribution.

References
----------
McKee, Doesken and Kleist (1993), 8th Conference on Applied Climatology (the index); WMO (2012), No. 1090 (user guide); Thom
(1958), doi:10.1175/1520-0493(1958)086<0117:ANOTGD>2.0.CO;2 (estimates of the distribution).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, ndtri

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

_FARTHEST = 8.21
"""What lies farther out than numbers of 64 bits can tell from 0 or 1; xclim ends there too."""
_OF_YEAR = 12


def sum_of_months(totals: Floats, months: int) -> Floats:
    """
    Sum the totals of some months in a row, each sum at its last month.

    Parameters
    ----------
    totals : array, shape (months of the record, cells)
        NaN is missing.
    months : int
        How many are summed.

    Returns
    -------
    array, shape (months of the record, cells)
        Missing where one of the months is, or lies before the record.
    """
    sums = np.full(totals.shape, np.nan)
    if len(totals) >= months:
        sums[months - 1 :] = np.lib.stride_tricks.sliding_window_view(totals, months, axis=0).sum(axis=-1)
    return sums


def standardize(sums: Floats, month: NDArray[np.int64], base: Bools) -> Floats:
    """
    Bring sums to the standard normal distribution, each by those of the same month in the baseline.

    Parameters
    ----------
    sums : array, shape (months of the record, cells)
        Of rain, none below 0; NaN is missing.
    month : array of int, shape (months of the record,)
        Of the year, of each; 0 to 11.
    base : array of bool, shape (months of the record,)
        Which belong to the baseline.

    Returns
    -------
    array, shape (months of the record, cells)
        Missing where fewer than two different sums of the baseline have rain: they make no distribution.
    """
    found = np.full(sums.shape, np.nan)
    for each in range(_OF_YEAR):
        own = month == each
        if own.any():
            found[own] = _standardize(sums[own], sums[own & base])
    return found


def _standardize(sums: Floats, known: Floats) -> Floats:
    rainy = known > 0
    shape, scale = fit_gamma(np.where(rainy, known, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        dry = np.sum(known == 0, axis=0) / np.sum(~np.isnan(known), axis=0)
        probability = dry + (1 - dry) * gammainc(shape, np.maximum(sums, 0.0) / scale)
    index: Floats = np.clip(ndtri(probability), -_FARTHEST, _FARTHEST)
    return index


def fit_gamma(values: Floats) -> tuple[Floats, Floats]:
    """
    Estimate the gamma distribution of values above 0, by Thom's approximation of the greatest likelihood.

    Parameters
    ----------
    values : array, shape (n, cells)
        NaN is left out.

    Returns
    -------
    tuple of array
        Shape and scale of each cell; NaN where there are no two different values.
    """
    there = ~np.isnan(values)
    number = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.sum(values, axis=0, where=there) / number
        spread = np.log(mean) - np.sum(np.log(values, where=there, out=np.zeros_like(values)), axis=0) / number
        spread = np.where(spread > 1e-12, spread, np.nan)
        shape = (1 + np.sqrt(1 + 4 * spread / 3)) / (4 * spread)
        return shape, mean / shape
