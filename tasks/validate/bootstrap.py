"""How sure a mean is: percentile intervals by resampling (pure)."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES, SEED = 500, 0
LEAST_BLOCKS = 5
PERCENTILES = (2.5, 97.5)
Interval = tuple[float, float]
FEWER_RESAMPLES = 200  # of a figure that must be found anew in each


def mean_interval(values: NDArray[np.float64], block: int = 1) -> Interval | None:
    """Return the 95 % interval of N values' mean; None for fewer than two, or than five blocks.

    block: neighbours that are drawn together, since one frame is much like the next.
    """
    count, length = len(values), block
    if count < max(2, LEAST_BLOCKS * block if block > 1 else 2):
        return None
    # the first follow the last, so that the ends are drawn as often as the middle
    around = np.concatenate([values, values[: length - 1]])
    sums = np.concatenate([[0.0], np.cumsum(around, dtype=np.float64)])
    blocks = sums[length:] - sums[:-length]
    draws = -(-count // length)
    starts = np.random.default_rng(SEED).integers(0, len(blocks), (RESAMPLES, draws))
    low, high = np.percentile(blocks[starts].sum(axis=1) / (draws * length), PERCENTILES)
    return float(low), float(high)


def percentile_interval(values: NDArray[np.float64], percentile: float, block: int = 1) -> Interval | None:
    """Return the 95 % interval of N values' percentile; None as for a mean."""
    count = len(values)
    if count < max(2, LEAST_BLOCKS * block if block > 1 else 2):
        return None
    starts = np.random.default_rng(SEED).integers(0, count, (FEWER_RESAMPLES, -(-count // block)))
    picks = (starts[..., None] + np.arange(block)).reshape(FEWER_RESAMPLES, -1)[:, :count] % count
    low, high = np.percentile(np.percentile(values[picks], percentile, axis=1), PERCENTILES)
    return float(low), float(high)
