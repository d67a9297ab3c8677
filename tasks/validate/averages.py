"""Means, percentiles, correlations and ratios that stay within what went into them (pure).

The last bit of floating point carries a result past its bound on one processor and not on another.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.evidence import MOST

Values = NDArray[np.floating[Any]]
STILL = 1e-9  # a deviation of less is rounding


def mean(values: Values) -> float:
    """Return the mean of N > 0 values, between the least and the greatest of them."""
    return within(float(values.mean(dtype=np.float64)), values)


def mean_of_known(column: pl.Series) -> float | None:
    """Return the mean of a column's values; None where it has none."""
    known = column.drop_nulls().sort().to_numpy()
    return mean(known) if len(known) else None


def weighted_mean(values: Values, weights: Values | NDArray[np.integer[Any]]) -> float:
    """Return the mean of N > 0 values by N weights above 0, between the least and the greatest of them."""
    return within(float(np.average(values, weights=weights)), values)


def percentile(values: Values, percent: float) -> float:
    """Return a percentile of N > 0 values, between the least and the greatest of them."""
    return within(float(np.percentile(values.astype(np.float64), percent)), values)


def interval_around(middle: float, low: float, high: float, values: Values) -> tuple[float, float]:
    """Return an interval that lies within N > 0 values and holds their own figure."""
    return min(within(low, values), middle), max(within(high, values), middle)


def within(figure: float, values: Values) -> float:
    """Return a figure of N > 0 values, no less than the least and no more than the greatest of them."""
    return float(min(max(figure, float(values.min())), float(values.max())))


def correlation(first: Values, second: Values) -> float | None:
    """Return Pearson's correlation of N values each, in -1..1; None where one of them stands still."""
    if len(first) < 2 or min(first.std(dtype=np.float64), second.std(dtype=np.float64)) < STILL:
        return None
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))


def limits_of_agreement(apart: Values) -> tuple[float, float, float]:
    """Return Bland and Altman's bias of N > 1 differences, and the 95 % limits on either side of it."""
    bias, spread = mean(apart), 1.96 * float(apart.std(ddof=1, dtype=np.float64))
    return saturated(bias), saturated(bias - spread), saturated(bias + spread)


def ratio(value: float | None, floor: float | None) -> float | None:
    """Return a figure of 0 or more as a multiple of its floor, at most MOST.

    Where the floor is 0, so good a figure is 1 and any other has no ratio.
    """
    if value is None or floor is None:
        return None
    if floor == 0:
        return 1.0 if value == 0 else None
    return saturated(value / floor)


def saturated(value: float) -> float:
    """Return a figure no further from 0 than tables hold."""
    return min(max(value, -MOST), MOST)
