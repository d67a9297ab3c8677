"""Do keypoints move as they did? (pure)"""

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import MOST
from tasks.validate.averages import mean, saturated

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
LEAST_FRAMES = 8
STILL = 1e-6
BLOCK = 64  # keypoints


def temporal_correlation(original: Floats, other: Floats) -> float | None:
    """Return the mean correlation over time of the coordinates of two frames x K x 2 arrays.

    Coordinates that do not move in the original do not count; None where none does, or the arrays are short.
    """
    if len(original) < LEAST_FRAMES:
        return None
    alike: list[Doubles] = []
    for block in _blocks(original.shape[1]):
        first, second = (
            values[:, block].astype(np.float64) - values[:, block].mean(axis=0, dtype=np.float64)
            for values in (original, other)
        )
        spread = np.sqrt((first**2).sum(axis=0)), np.sqrt((second**2).sum(axis=0))
        moving = spread[0] > STILL
        product = (first * second).sum(axis=0)[moving]
        # what stands still only in the other does not follow
        alike.append(product / np.maximum(spread[0] * spread[1], STILL)[moving])
    found = np.concatenate(alike)
    return mean(found.clip(-1, 1)) if len(found) else None


def _blocks(keypoints: int) -> list[slice]:
    # ten minutes of a face in double precision at once would be large
    return [slice(start, start + BLOCK) for start in range(0, keypoints, BLOCK)]


def derivative(xy: Floats | Doubles, time_s: Doubles, order: int) -> Doubles:
    """Return the order-th difference quotient of frames x K x 2 over time, in units per second^order."""
    values, times = xy.astype(np.float64), time_s
    for _ in range(order):
        values = np.diff(values, axis=0) / np.diff(times)[:, None, None]
        times = (times[1:] + times[:-1]) / 2
    return values


def movement_difference(
    original: Floats, other: Floats, time_s: Doubles, length: float, order: int
) -> Doubles:
    """Return per frame the mean absolute difference of speed (order 1) or jerk (order 3).

    original, other: frames x K x 2 pixels; length: pixels that they are divided by. In lengths per
    second^order; order entries fewer than frames, none across a gap in time that is twice the usual.
    """
    if len(original) <= order:
        return np.zeros(0)
    apart = np.zeros(len(original) - order)
    for block in _blocks(original.shape[1]):
        first, second = (
            np.linalg.norm(derivative(xy[:, block] / np.float32(length), time_s, order), axis=2)
            for xy in (original, other)
        )
        apart += np.abs(first - second).sum(axis=1) / original.shape[1]
    gaps = np.diff(time_s) > 2 * np.median(np.diff(time_s))
    broken = np.convolve(gaps, np.ones(order), "valid") > 0
    # a step between two ticks of a fine clock is as good as endless
    return np.asarray(np.minimum(apart[~broken], MOST), np.float64)


def mean_speed(xy: Floats, time_s: Doubles) -> float:
    """Return the mean speed of the keypoints of frames x K x 2, in units per second."""
    sums = [
        float(np.linalg.norm(derivative(xy[:, block], time_s, 1), axis=2).sum())
        for block in _blocks(xy.shape[1])
    ]
    return saturated(sum(sums) / float((len(xy) - 1) * xy.shape[1]))
