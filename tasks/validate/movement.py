"""Do keypoints move as they did? (pure)"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
LEAST_FRAMES = 8
STILL = 1e-6


def temporal_correlation(original: Floats, other: Floats) -> float | None:
    """Return the mean correlation over time of the coordinates of two frames x K x 2 arrays.

    Coordinates that do not move in either array do not count; None where none does, or the arrays are short.
    """
    if len(original) < LEAST_FRAMES:
        return None
    first, second = (
        (values - values.mean(axis=0)).reshape(len(values), -1).astype(np.float64)
        for values in (original, other)
    )
    spread = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    moving = spread > STILL
    if not moving.any():
        return None
    return float(((first * second).sum(axis=0)[moving] / spread[moving]).mean())


def derivative(xy: Floats | Doubles, time_s: Doubles, order: int) -> Doubles:
    """Return the order-th difference quotient of frames x K x 2 over time, in units per second^order."""
    values, times = xy.astype(np.float64), time_s
    for _ in range(order):
        values = np.diff(values, axis=0) / np.diff(times)[:, None, None]
        times = (times[1:] + times[:-1]) / 2
    return values


def movement_difference(
    original: Floats, other: Floats, time_s: Doubles, lengths: Floats, order: int
) -> Doubles:
    """Return per frame the mean absolute difference of speed (order 1) or jerk (order 3).

    original, other: frames x K x 2 pixels; lengths: pixels per frame that they are divided by. In lengths
    per second^order; order entries fewer than frames, none across a gap in time that is twice the usual.
    """
    if len(original) <= order:
        return np.zeros(0)
    scale = lengths[:, None, None].astype(np.float32)
    sizes = [np.linalg.norm(derivative(xy / scale, time_s, order), axis=2) for xy in (original, other)]
    apart = np.abs(sizes[0] - sizes[1]).mean(axis=1)
    gaps = np.diff(time_s) > 2 * np.median(np.diff(time_s))
    broken = np.convolve(gaps, np.ones(order), "valid") > 0
    return np.asarray(apart[~broken], np.float64)
