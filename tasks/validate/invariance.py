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
VISIBLE = 0.5


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
    ends = original.xy[source][:, :, [first, second]]
    lengths: Floats = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
    return np.maximum(lengths, 1.0)


def labelled(original: Tracks, part: str) -> NDArray[np.bool_]:
    """Return people x frames x K: the keypoints that the original shows; guessed ones do not count."""
    return original.visibility[part] >= VISIBLE


def person_areas(original: Tracks, part: str) -> Floats:
    """Return people x frames areas in square pixels.

    The box of the labelled keypoints: of the part, for the head of the body (COCO's person area).
    """
    source = "body" if part == "head" else part
    hidden = ~labelled(original, source)[..., None]
    low = np.where(hidden, np.inf, original.xy[source]).min(axis=2)
    high = np.where(hidden, -np.inf, original.xy[source]).max(axis=2)
    return np.asarray(np.maximum((high - low).clip(0).prod(axis=-1), 1.0), np.float32)


def measure(
    original: Tracks, control: Tracks, other: Tracks, part: str, pck_thresholds: list[float]
) -> Metrics:
    """Return metric -> (value, frames it rests on) for one part, people pooled.

    nme: mean keypoint distance per reference length. pck@t: share of keypoints within t of it.
    oks: object keypoint similarity with the original as reference. lost, gained: detections
    against the original. found_again: share of the control's detections that the arm has too.
    Errors are taken over the keypoints that the original shows.
    """
    points = labelled(original, part)
    both = original.seen(part) & other.seen(part) & points.any(axis=2)
    distances = np.linalg.norm(original.xy[part] - other.xy[part], axis=-1)[both]
    distances = np.where(points[both], distances, np.float32(np.nan)).astype(np.float32)
    errors = np.asarray(distances / reference_lengths(original, part)[both][:, None], np.float32)
    values = _error_metrics(errors, pck_thresholds) | {
        "oks_mean": _mean_oks(distances, person_areas(original, part)[both], part)
    }
    frames = int(both.sum())
    counts = _detections(original, control, other, part)
    return counts | {name: (value, frames) for name, value in values.items()}


def _detections(original: Tracks, control: Tracks, other: Tracks, part: str) -> Metrics:
    in_original, in_control, in_other = (arm.seen(part) for arm in (original, control, other))
    expected, found = int(in_control.sum()), int((in_control & in_other).sum())
    gained = int((in_other & ~in_original).sum()) + other.strangers.get(part, 0)
    return {
        "found_again": (found / expected if expected else None, expected),
        "lost": (float((in_original & ~in_other).sum()), int(in_original.sum())),
        "gained": (float(gained), int(in_other.sum()) + other.strangers.get(part, 0)),
    }


def _error_metrics(errors: Floats, pck_thresholds: list[float]) -> dict[str, float | None]:
    names = ["nme_mean", "nme_p95", "nme_max", *(f"pck@{limit}" for limit in pck_thresholds)]
    if not errors.size:
        return dict.fromkeys(names)
    per_frame = np.nanmean(errors, axis=1)
    shown = errors[~np.isnan(errors)]
    values = [per_frame.mean(), np.percentile(per_frame, 95), per_frame.max()]
    values += [(shown <= limit).mean() for limit in pck_thresholds]
    return dict(zip(names, map(float, values), strict=True))


def _mean_oks(distances: Floats, areas: Floats, part: str) -> float | None:
    points, sigmas = OKS_POINTS[part]
    chosen = distances[:, points]
    shown = ~np.isnan(chosen).all(axis=1)
    return float(oks(chosen[shown], areas[shown], sigmas).mean()) if shown.any() else None


def oks(distances: Floats, areas: Floats, sigmas: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the OKS of N instances from N x K pixel distances, NaN where unlabelled, and N areas.

    COCO's definition with k = 2 sigma.
    """
    spread = 2 * areas[:, None] * (2 * np.asarray(sigmas)) ** 2
    return np.asarray(np.nanmean(np.exp(-(distances.astype(np.float64) ** 2) / spread), axis=1), np.float64)
