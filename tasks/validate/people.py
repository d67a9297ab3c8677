"""The same person in two arms, by assignment over the whole clip (pure)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from schemas.keypoints import PARTS
from tasks.keypoints import stack_xy

Floats = NDArray[np.float32]
# keypoints of every person: people x frames x K x 2 pixels, NaN where not seen
Tracks = dict[str, Floats]
HEAD_KEYPOINTS = 11
NEAR = 0.5


def to_tracks(table: pl.DataFrame, frame_count: int) -> Tracks:
    """Spread a keypoint table over people and frames; the head is the body's first 11 keypoints."""
    people = sorted(table["person"].unique())
    row = {person: index for index, person in enumerate(people)}
    places = [row[person] for person in table["person"]], table["frame"].to_numpy()
    tracks: Tracks = {}
    for part, count in PARTS.items():
        tracks[part] = np.full((len(people), frame_count, count, 2), np.nan, np.float32)
        tracks[part][places] = stack_xy(table, part)
    return tracks | {"head": tracks["body"][:, :, :HEAD_KEYPOINTS]}


def align_people(original: Tracks, other: Tracks) -> Tracks:
    """Return `other` with its people in the original's order; NaN for those it does not have."""
    wins = np.array(
        [
            [_frames_together(original, first, other, second) for second in range(_count(other))]
            for first in range(_count(original))
        ]
    ).reshape(_count(original), _count(other))
    pairs = [
        (first, second)
        for first, second in zip(*linear_sum_assignment(wins, maximize=True), strict=True)
        if wins[first, second] > 0
    ]
    aligned = {part: np.full_like(values, np.nan) for part, values in original.items()}
    for part, values in aligned.items():
        for first, second in pairs:
            values[first] = other[part][second]
    return aligned


def _count(tracks: Tracks) -> int:
    return len(tracks["body"])


def _frames_together(original: Tracks, first: int, other: Tracks, second: int) -> int:
    return sum(_near(original[part][first], other[part][second]) for part in ("face", "body"))


def _near(first: Floats, second: Floats) -> int:
    # a frame counts where the centres lie nearer than half the original part's longer side
    both = ~(np.isnan(first).any((1, 2)) | np.isnan(second).any((1, 2)))
    if not both.any():
        return 0
    sizes = np.ptp(first[both], axis=1).max(axis=1)
    distances = np.linalg.norm(first[both].mean(axis=1) - second[both].mean(axis=1), axis=1)
    return int((distances < NEAR * sizes).sum())
