"""How far keypoints moved between the original and another arm (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import OUTER_EYES, PALM_LENGTH, SHOULDERS
from tasks.validate.averages import mean, percentile, weighted_mean
from tasks.validate.intervals import mean_interval, percentile_interval, stretches
from tasks.validate.keypoints.motion import motion_and_shape
from tasks.validate.keypoints.movement import movement_difference, temporal_correlation
from tasks.validate.keypoints.oks import OKS_POINTS, average_precision, part_oks
from tasks.validate.keypoints.people import Tracks

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
BLOCK_S = 1.0  # frames of so much time are resampled together


@dataclass(frozen=True)
class Figure:
    """A metric's value, the frames it rests on, and its 95 % interval over frames.

    There is none of what single frames do not have: ap, correlation, the maximum, counts.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


Metrics = dict[str, Figure]
VISIBLE = 0.5


def reference_lengths(original: Tracks, part: str) -> Floats:
    """Return people x frames lengths in pixels that errors are divided by.

    Face: outer eye corners. Head and body: shoulders. Hand: wrist to middle knuckle.
    """
    source, first, second = {
        "face": ("face", *OUTER_EYES),
        "head": ("body", *SHOULDERS),
        "body": ("body", *SHOULDERS),
        "left_hand": ("left_hand", *PALM_LENGTH),
        "right_hand": ("right_hand", *PALM_LENGTH),
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
    original: Tracks,
    control_seen: NDArray[np.bool_],
    other: Tracks,
    part: str,
    *,
    pck_thresholds: list[float],
    time_s: Doubles,
) -> Metrics:
    """Return the metrics of one part, people pooled.

    control_seen: people x frames, where the control has the part. time_s: of every frame.
    nme: mean keypoint distance per reference length. pck@t: share of keypoints within t of it.
    oks, ap: object keypoint similarity and average precision with the original as reference. lost,
    gained: detections against the original. found_again: share of the control's detections that the arm
    has too. correlation: of the coordinates over time. speed, jerk: mean absolute difference, in
    reference lengths per second and per second^3. Errors are taken over the keypoints that the original
    shows. Of the face: motion, shape: how far it moves otherwise, and is built otherwise, as
    `motion_and_shape` says it.
    """
    points = labelled(original, part)
    both = original.seen(part) & other.seen(part) & points.any(axis=2)
    distances = np.linalg.norm(original.xy[part] - other.xy[part], axis=-1)[both]
    distances = np.where(points[both], distances, np.float32(np.nan)).astype(np.float32)
    errors = np.asarray(distances / reference_lengths(original, part)[both][:, None], np.float32)
    block = _block(time_s)
    alike = part_oks(distances, person_areas(original, part)[both], part)
    return (
        _detections(original, control_seen, other, part, block)
        | _error_metrics(errors, pck_thresholds, block)
        | {"oks_mean": _mean(alike[~np.isnan(alike)], block)}
        | {"ap": _precision(alike, original, other, part, both)}
        | _movements(original, other, part, both, time_s)
        | (_motion(original, other, both, block) if part == "face" else {})
    )


def keypoint_errors(original: Tracks, other: Tracks, part: str) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
    """Return for each of K keypoints the share of frames in which the arm misses it, its mean error, and n.

    n: frames in which the original shows it, people pooled; the shares and errors are NaN where there are
    none. An arm misses a keypoint whose part it does not find or whose visibility it puts below one half.
    """
    shown = labelled(original, part) & original.seen(part)[..., None]
    found = labelled(other, part) & other.seen(part)[..., None]
    counts = shown.sum(axis=(0, 1))
    apart = np.linalg.norm(original.xy[part] - other.xy[part], axis=-1)
    errors = np.where(shown & found, apart / reference_lengths(original, part)[..., None], np.nan)
    both = (shown & found).sum(axis=(0, 1))
    with np.errstate(invalid="ignore"):
        missing = (shown & ~found).sum(axis=(0, 1)) / counts
        return missing, np.nansum(errors, axis=(0, 1)) / both, counts


def _block(time_s: Doubles) -> int:
    return max(1, round(BLOCK_S / float(np.median(np.diff(time_s))))) if len(time_s) > 1 else 1


def _precision(alike: Doubles, original: Tracks, other: Tracks, part: str, both: NDArray[np.bool_]) -> Figure:
    judged = ~np.isnan(alike)
    countable = original.seen(part) & labelled(original, part)[:, :, OKS_POINTS[part][0]].any(axis=2)
    missed = int((countable & ~other.seen(part)).sum())
    # whom the original does not have at all, and what it does not have of somebody just now
    gained = other.score[part][other.seen(part) & ~original.seen(part)]
    strangers = np.concatenate([other.strangers.get(part, np.zeros(0, np.float32)), gained])
    value = average_precision(alike[judged], other.score[part][both][judged], strangers, missed)
    return Figure(value, int(judged.sum()) + missed)


def _detections(
    original: Tracks, in_control: NDArray[np.bool_], other: Tracks, part: str, block: int
) -> Metrics:
    in_original, in_other = original.seen(part), other.seen(part)
    strangers = len(other.strangers.get(part, ()))
    gained = int((in_other & ~in_original).sum()) + strangers
    return {
        "found_again": _mean(in_other[in_control].astype(np.float64), block),
        "lost": Figure(float((in_original & ~in_other).sum()), int(in_original.sum())),
        "gained": Figure(float(gained), int(in_other.sum()) + strangers),
    }


def _mean(per_frame: NDArray[np.floating], block: int) -> Figure:
    values = per_frame.astype(np.float64)
    if not len(values):
        return Figure(None, 0)
    interval = mean_interval(values, stretches(len(values), block)) or (None, None)
    return Figure(mean(values), len(values), *interval)


def _error_metrics(errors: Floats, pck_thresholds: list[float], block: int) -> Metrics:
    names = [f"pck@{limit}" for limit in pck_thresholds]
    if not errors.size:
        return {name: Figure(None, 0) for name in ("nme_mean", "nme_p95", "nme_max", *names)}
    per_frame, count = np.asarray(np.nanmean(errors, axis=1, dtype=np.float64)), len(errors)
    shown = (~np.isnan(errors)).sum(axis=1)
    within = [(errors <= limit).sum(axis=1) / shown for limit in pck_thresholds]
    return {
        "nme_mean": _mean(per_frame, block),
        "nme_p95": Figure(
            percentile(per_frame, 95),
            count,
            *(percentile_interval(per_frame, 95, block) or (None, None)),
        ),
        "nme_max": Figure(float(per_frame.max()), count),
    } | {name: _mean(share, block) for name, share in zip(names, within, strict=True)}


def _motion(original: Tracks, other: Tracks, both: NDArray[np.bool_], block: int) -> Metrics:
    moved: list[Doubles] = [np.zeros(0)]
    apart, frames = [], []
    shown = labelled(original, "face")
    for person, seen in enumerate(both):
        # what a mask hides is guessed, and moves as it is guessed
        known = np.flatnonzero(shown[person, seen].mean(axis=0) > 0.5) if seen.any() else np.zeros(0, int)
        if not {*OUTER_EYES} <= {*known}:
            continue
        first, second = (arm.xy["face"][person, seen][:, known] for arm in (original, other))
        found = motion_and_shape(first, second, [int(np.searchsorted(known, eye)) for eye in OUTER_EYES])
        if found is not None:
            moved.append(found[0])
            apart.append(found[1])
            frames.append(int(seen.sum()))
    shape = weighted_mean(np.array(apart), np.array(frames)) if apart else None
    return {"motion": _mean(np.concatenate(moved), block), "shape": Figure(shape, sum(frames))}


def _movements(
    original: Tracks, other: Tracks, part: str, both: NDArray[np.bool_], time_s: Doubles
) -> Metrics:
    lengths = reference_lengths(original, part)
    alike, apart = [], {"speed": [np.zeros(0)], "jerk": [np.zeros(0)]}
    for person, frames in enumerate(both):
        first, second = (arm.xy[part][person, frames] for arm in (original, other))
        # a keypoint that the original often only guesses does not move by itself
        known = np.median(labelled(original, part)[person, frames], axis=0) > 0 if frames.any() else []
        if not np.any(known):
            continue
        pair = first[:, known], second[:, known]
        length = float(np.median(lengths[person, frames]))
        followed = temporal_correlation(*pair)
        alike += [] if followed is None else [(followed, int(frames.sum()))]
        for name, order in (("speed", 1), ("jerk", 3)):
            apart[name].append(movement_difference(*pair, time_s[frames], length, order))
    values, weights = np.array(alike, np.float64).reshape(-1, 2).T
    correlation = weighted_mean(values, weights) if alike else None
    return {"correlation": Figure(correlation, int(weights.sum()))} | {
        f"{name}_difference": _mean(np.concatenate(found), _block(time_s)) for name, found in apart.items()
    }
