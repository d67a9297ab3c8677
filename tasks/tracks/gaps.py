"""Meshes of one track without their gaps: the future is known (pure)."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.vision.keypoints import Floats


def without_gaps(meshes_xy: Floats, max_gap: int) -> Floats:
    """Fill gaps of at most `max_gap` frames, for frames x K x 2 keypoints, NaN where unknown."""
    filled = meshes_xy.copy()
    known = np.flatnonzero(~np.isnan(meshes_xy).any(axis=(1, 2)))
    for left, right in pairwise(known):
        if 1 < right - left <= max_gap + 1:
            share = (np.arange(left + 1, right) - left)[:, None, None] / (right - left)
            filled[left + 1 : right] = meshes_xy[left] * (1 - share) + meshes_xy[right] * share
    return filled


def runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (start, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
