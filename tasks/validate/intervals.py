"""How sure a figure is: 95 % intervals of means over people or time, and of percentiles (pure)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit as student_quantile  # without the rest of scipy.stats, which takes a second

from tasks.validate.averages import interval_around, mean, percentile

RESAMPLES, SEED = 200, 0
LEAST_GROUPS = 8  # fewer say too little: an interval of 4 people misses one time in five
PERCENTILES = (2.5, 97.5)
Interval = tuple[float, float]
Groups = NDArray[np.int64]


def mean_interval(values: NDArray[np.float64], groups: Groups) -> Interval | None:
    """Return the 95 % interval of N values' mean; None for fewer than eight groups.

    It lies within the values and holds their mean. groups: of which group each value is, as of which person:
    values of one group go together, and only groups are independent. By the groups' own spread (Liang and
    Zeger 1986) and Student's t.
    """
    count, own = len(values), np.unique(groups, return_inverse=True)[1]
    number = int(own.max(initial=-1)) + 1
    if number < LEAST_GROUPS:
        return None
    middle = mean(values)
    apart = np.bincount(own, weights=values - middle)
    error = float(np.sqrt(number / (number - 1) * (apart**2).sum())) / count
    reach = float(student_quantile(number - 1, PERCENTILES[1] / 100)) * error
    return interval_around(middle, middle - reach, middle + reach, values)


def stretches(count: int, block: int) -> Groups:
    """Return the groups of frames that follow each other, so many together."""
    return np.arange(count, dtype=np.int64) // block


def percentile_interval(values: NDArray[np.float64], percent: float, block: int = 1) -> Interval | None:
    """Return the 95 % interval of N values' percentile by resampling blocks; None for fewer than eight."""
    count = len(values)
    if count < LEAST_GROUPS * block:
        return None
    # the first follow the last, so that the ends are drawn as often as the middle
    starts = np.random.default_rng(SEED).integers(0, count, (RESAMPLES, -(-count // block)))
    picks = (starts[..., None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :count] % count
    low, high = np.percentile(np.percentile(values[picks], percent, axis=1), PERCENTILES)
    return interval_around(percentile(values, percent), low, high, values)


def prediction_reach(deviation: float, groups: int) -> float:
    """Return how far around a mean of so many groups the next value lies, 95 times in 100."""
    return (
        float(student_quantile(groups - 1, PERCENTILES[1] / 100)) * deviation * float(np.sqrt(1 + 1 / groups))
    )
