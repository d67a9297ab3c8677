"""How far two arms agree on a signal (pure)."""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray

from tasks.validate.averages import correlation, limits_of_agreement, mean, saturated

Doubles = NDArray[np.float64]
LEAST_FRAMES = 8
SAME_EVENT_S = 0.2


@dataclass(frozen=True)
class Agreement:
    """A signal in the original and in an arm: means, mean absolute difference, Pearson correlation over time.

    limit_low, limit_high: Bland and Altman's 95 % limits of agreement of the arm's minus the original's.
    """

    original: float | None
    value: float | None
    difference: float | None
    n: int
    correlation: float | None = None
    limit_low: float | None = None
    limit_high: float | None = None


def compare_series(original: Doubles, other: Doubles, period: float | None = None) -> Agreement:
    """Compare two signals over the frames, NaN where unknown, in which both are known.

    period: of an angle, whose ends are the same: a head upside down does not jump from 180 to -180.
    """
    both = ~(np.isnan(original) | np.isnan(other))
    first, second = original[both], other[both]
    if not len(first):
        return Agreement(None, None, None, 0)
    if period is not None:
        middle = _circular_mean(first, period)
        first = middle + _wrapped(first - middle, period)
        second = first + _wrapped(second - first, period)
    apart = second - first
    means = mean(first), mean(second), saturated(mean(np.abs(apart)))
    if len(first) < LEAST_FRAMES:
        return Agreement(*means, len(first))
    _, low, high = limits_of_agreement(apart)
    return Agreement(*means, len(first), correlation(first, second), low, high)


def _wrapped(angles: Doubles, period: float) -> Doubles:
    return np.asarray((angles + period / 2) % period - period / 2, np.float64)


def _circular_mean(angles: Doubles, period: float) -> float:
    return float(np.angle(np.exp(2j * np.pi * angles / period).mean())) * period / (2 * np.pi)


def compare_values(original: float | None, other: float | None, n: int) -> Agreement:
    """Compare one figure of each arm; None or NaN where it is not known."""
    known = [value is not None and not np.isnan(value) for value in (original, other)]
    first, second = original if known[0] else None, other if known[1] else None
    apart = None if first is None or second is None else saturated(abs(second - first))
    return Agreement(first, second, apart, n)


def events_in_both(original_s: Doubles, other_s: Doubles) -> int:
    """Return how many events of two lists are the same, one for one, no more than 0.2 s apart."""
    if not len(original_s) or not len(other_s):
        return 0
    near = np.abs(original_s[:, None] - other_s[None]) <= SAME_EVENT_S
    rows, columns = scipy.optimize.linear_sum_assignment(near, maximize=True)
    return int(near[rows, columns].sum())
