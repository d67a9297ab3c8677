"""How far keypoints moved between the original and another arm (pure)."""

import numpy as np
from numpy.typing import NDArray

from tasks.validate.people import Tracks

Floats = NDArray[np.float32]
Metrics = dict[str, tuple[float | None, int]]

# COCO's per-keypoint sigmas for the 17 keypoints, and where BlazePose has them
COCO_SIGMAS = np.array(
    [
        0.026,
        0.025,
        0.025,
        0.035,
        0.035,
        0.079,
        0.079,
        0.072,
        0.072,
        0.062,
        0.062,
        0.107,
        0.107,
        0.087,
        0.087,
        0.089,
        0.089,
    ]
)
COCO_IN_BODY = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
# for parts that COCO does not label: the eyes' sigma for the face, the ears' for hands
OKS_POINTS: dict[str, tuple[list[int] | slice, NDArray[np.float64] | float]] = {
    "body": (COCO_IN_BODY, COCO_SIGMAS),
    "head": (COCO_IN_BODY[:5], COCO_SIGMAS[:5]),
    "face": (slice(None), 0.025),
    "left_hand": (slice(None), 0.035),
    "right_hand": (slice(None), 0.035),
}
RIGHT_EYE, LEFT_EYE = 33, 263
LEFT_SHOULDER, RIGHT_SHOULDER = 11, 12
WRIST, MIDDLE_KNUCKLE = 0, 9


def reference_lengths(original: Tracks, part: str) -> Floats:
    """Return people x frames lengths in pixels that errors are divided by.

    Face: outer eye corners. Head and body: shoulders. Hand: wrist to middle knuckle.
    """
    source, first, second = {
        "face": ("face", RIGHT_EYE, LEFT_EYE),
        "head": ("body", LEFT_SHOULDER, RIGHT_SHOULDER),
        "body": ("body", LEFT_SHOULDER, RIGHT_SHOULDER),
        "left_hand": ("left_hand", WRIST, MIDDLE_KNUCKLE),
        "right_hand": ("right_hand", WRIST, MIDDLE_KNUCKLE),
    }[part]
    ends = original[source][:, :, [first, second]]
    lengths: Floats = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
    return np.maximum(lengths, 1.0)


def person_areas(original: Tracks, part: str) -> Floats:
    """Return people x frames areas in square pixels: the box of the part (of the body, for its head)."""
    points = original["body" if part == "head" else part]
    sides = points.max(axis=2) - points.min(axis=2)
    return np.asarray(np.maximum(sides.prod(axis=-1), 1.0), np.float32)


def measure(
    original: Tracks, control: Tracks, other: Tracks, part: str, pck_thresholds: list[float]
) -> Metrics:
    """Return metric -> (value, frames it rests on) for one part, people pooled.

    nme: mean keypoint distance per reference length. pck@t: share of keypoints within t of it.
    oks: object keypoint similarity with the original as reference. lost, gained: detections
    against the original. found_again: share of the control's detections that the arm has too.
    """
    has_original, has_control, has_other = (
        ~np.isnan(tracks[part]).any((2, 3)) for tracks in (original, control, other)
    )
    both = has_original & has_other
    frames = int(both.sum())
    found = int((has_control & has_other).sum())
    expected = int(has_control.sum())
    counts: Metrics = {
        "found_again": (found / expected if expected else None, expected),
        "lost": (float((has_original & ~has_other).sum()), int(has_original.sum())),
        "gained": (float((has_other & ~has_original).sum()), int(has_other.sum())),
    }
    distances = np.linalg.norm(original[part] - other[part], axis=-1)[both]
    errors = distances / reference_lengths(original, part)[both][:, None]
    values = _error_metrics(errors, pck_thresholds) | {
        "oks_mean": _mean_oks(distances, person_areas(original, part)[both], part)
    }
    return counts | {name: (value if frames else None, frames) for name, value in values.items()}


def _error_metrics(errors: Floats, pck_thresholds: list[float]) -> dict[str, float | None]:
    if not errors.size:
        return dict.fromkeys(
            ("nme_mean", "nme_p95", "nme_max", *(f"pck@{limit}" for limit in pck_thresholds))
        )
    per_frame = errors.mean(axis=1)
    values: dict[str, float | None] = {
        "nme_mean": float(per_frame.mean()),
        "nme_p95": float(np.percentile(per_frame, 95)),
        "nme_max": float(per_frame.max()),
    }
    return values | {f"pck@{limit}": float((errors <= limit).mean()) for limit in pck_thresholds}


def _mean_oks(distances: Floats, areas: Floats, part: str) -> float | None:
    if not distances.size:
        return None
    points, sigmas = OKS_POINTS[part]
    return float(oks(distances[:, points], areas, sigmas).mean())


def oks(distances: Floats, areas: Floats, sigmas: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the OKS of N instances from N x K pixel distances and N areas (COCO, k = 2 sigma)."""
    spread = 2 * areas[:, None] * (2 * np.asarray(sigmas)) ** 2
    return np.asarray(np.exp(-(distances.astype(np.float64) ** 2) / spread).mean(axis=1), np.float64)
