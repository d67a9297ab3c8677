"""Object keypoint similarity and average precision, as COCO defines them (pure)."""

import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import COCO_17, COCO_HEAD_POINTS
from tasks.validate.averages import mean

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# COCO's per-keypoint sigmas
COCO_SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
# for parts that COCO does not label: the eyes' sigma for the face, the ears' for hands
OKS_POINTS: dict[str, tuple[list[int] | slice, Doubles | float]] = {
    "body": (COCO_17, COCO_SIGMAS),
    "head": (COCO_17[:COCO_HEAD_POINTS], COCO_SIGMAS[:COCO_HEAD_POINTS]),
    "face": (slice(None), 0.025),
    "left_hand": (slice(None), 0.035),
    "right_hand": (slice(None), 0.035),
}
AP_LIMITS = np.arange(0.5, 1.0, 0.05)
RECALLS = np.linspace(0, 1, 101)


def oks(distances: Floats, areas: Floats, sigmas: Doubles | float) -> Doubles:
    """Return the OKS of N instances from N x K pixel distances, NaN where unlabelled, and N areas.

    COCO's definition with k = 2 sigma.
    """
    spread = 2 * areas[:, None] * (2 * np.asarray(sigmas)) ** 2
    alike = np.exp(-(distances.astype(np.float64) ** 2) / spread)
    return np.asarray(np.nanmean(alike, axis=1).clip(0, 1), np.float64)


def part_oks(distances: Floats, areas: Floats, part: str) -> Doubles:
    """Return the OKS of N instances of a part; NaN where none of its keypoints that count is labelled."""
    points, sigmas = OKS_POINTS[part]
    chosen = distances[:, points]
    shown = ~np.isnan(chosen).all(axis=1)
    values = np.full(len(chosen), np.nan)
    values[shown] = oks(chosen[shown], areas[shown], sigmas)
    return values


def average_precision(values: Doubles, scores: Floats, strangers: Floats, missed: int) -> float | None:
    """Return AP .50:.05:.95 with 101 recall points; None where there is nothing to find.

    values, scores: the OKS and score of every detection that was matched with a person; strangers: the
    scores of those that were not; missed: people without a detection.
    """
    expected = len(values) + missed
    if not expected:
        return None
    order = np.argsort(-np.concatenate([scores, strangers]), kind="mergesort")
    similar = np.concatenate([values, np.full(len(strangers), -1.0)])[order]
    return mean(np.array([_precision(similar >= limit, expected) for limit in AP_LIMITS]))


def _precision(right: NDArray[np.bool_], expected: int) -> float:
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    # no later point may be better
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    first = np.searchsorted(hits / expected, RECALLS)
    return mean(np.append(envelope, 0)[np.minimum(first, len(envelope))])
