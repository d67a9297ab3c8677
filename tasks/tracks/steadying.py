"""Meshes of one track, steadied without lag: the future is known (pure)."""

from itertools import pairwise

import numpy as np
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray

from tasks.vision.keypoints import Floats

ORDER = 4
JUMP = 0.25


def steady(meshes_xy: Floats, max_gap: int, window: int) -> Floats:
    """Fill gaps of at most `max_gap` frames and smooth, for frames x K x 2 keypoints, NaN where unknown.

    window: frames of the Savitzky-Golay filter, odd; shorter runs stay as they are. The filter fits a
    polynomial: movement and its turning points keep their place in time.
    """
    filled = _fill(meshes_xy, max_gap)
    known = np.asarray(~np.isnan(filled).any(axis=(1, 2)), np.bool_)
    for start, stop in _without_jumps(filled, runs(known)):
        if stop - start >= window > ORDER:
            filled[start:stop] = scipy.signal.savgol_filter(filled[start:stop], window, ORDER, axis=0)
    return filled


def _fill(meshes_xy: Floats, max_gap: int) -> Floats:
    filled = meshes_xy.copy()
    known = np.flatnonzero(~np.isnan(meshes_xy).any(axis=(1, 2)))
    for left, right in pairwise(known):
        if 1 < right - left <= max_gap + 1:
            share = (np.arange(left + 1, right) - left)[:, None, None] / (right - left)
            filled[left + 1 : right] = meshes_xy[left] * (1 - share) + meshes_xy[right] * share
    return filled


def _without_jumps(meshes_xy: Floats, found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Divide runs where a face leaps by a part of its size: a filter would draw it in between."""
    parts = []
    for start, stop in found:
        run = meshes_xy[start:stop]
        size = np.ptp(run, axis=1).max(axis=1)
        moved = np.linalg.norm(np.diff(run.mean(axis=1), axis=0), axis=1)
        edges = [start, *(np.flatnonzero(moved > JUMP * size[1:]) + start + 1).tolist(), stop]
        parts += list(pairwise(edges))
    return parts


def runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (start, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
