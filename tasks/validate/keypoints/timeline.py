"""How far keypoints are astray in each frame (pure)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from schemas.jobs import Row
from tasks.validate.keypoints.invariance import labelled, reference_lengths
from tasks.validate.keypoints.people import Tracks

TIMED = ("face", "body")


def frame_errors(original: Tracks, other: Tracks, time_s: NDArray[np.float64]) -> Iterator[Row]:
    """Yield each frame's time and mean error of face and body per reference length, everyone's pooled.

    An error is None where the frame shows the part in only one of both arms, or in none.
    """
    errors = {part: _per_frame(original, other, part) for part in TIMED}
    for frame, moment in enumerate(time_s):
        values = {f"{part}_nme": _known(errors[part][frame]) for part in TIMED}
        yield {"frame": frame, "timestamp_s": float(moment)} | values


def _per_frame(original: Tracks, other: Tracks, part: str) -> NDArray[np.float64]:
    both = (original.seen(part) & other.seen(part))[..., None] & labelled(original, part)
    apart = np.linalg.norm(original.xy[part] - other.xy[part], axis=-1)
    errors = np.where(both, apart / reference_lengths(original, part)[..., None], 0)
    counts = both.sum(axis=(0, 2))
    total = errors.sum(axis=(0, 2), dtype=np.float64)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
