"""How sure a figure is: percentile intervals by resampling (pure)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tasks.validate.averages import interval_around, mean, percentile

RESAMPLES, SEED = 500, 0
LEAST_BLOCKS = 5
PERCENTILES = (2.5, 97.5)
Interval = tuple[float, float]
FEWER_RESAMPLES = 200  # of a figure that must be found anew in each


def mean_interval(values: NDArray[np.float64], block: int = 1) -> Interval | None:
    """Return the 95 % interval of N values' mean; None for fewer than two, or than five blocks.

    It lies within the values and holds their mean. block: neighbours that are drawn together, since one
    frame is much like the next.
    """
    count = len(values)
    if count < _least(block):
        return None
    # the first follow the last, so that the ends are drawn as often as the middle
    around = np.concatenate([values, values[: block - 1]])
    blocks = sliding_window_view(around, block).mean(axis=1)
    starts = np.random.default_rng(SEED).integers(0, len(blocks), (RESAMPLES, -(-count // block)))
    low, high = np.percentile(blocks[starts].mean(axis=1), PERCENTILES)
    return interval_around(mean(values), low, high, values)


def percentile_interval(values: NDArray[np.float64], percent: float, block: int = 1) -> Interval | None:
    """Return the 95 % interval of N values' percentile; None as for a mean."""
    count = len(values)
    if count < _least(block):
        return None
    starts = np.random.default_rng(SEED).integers(0, count, (FEWER_RESAMPLES, -(-count // block)))
    picks = (starts[..., None] + np.arange(block)).reshape(FEWER_RESAMPLES, -1)[:, :count] % count
    low, high = np.percentile(np.percentile(values[picks], percent, axis=1), PERCENTILES)
    return interval_around(percentile(values, percent), low, high, values)


def _least(block: int) -> int:
    return LEAST_BLOCKS * block if block > 1 else 2
