"""The same person in two arms, by assignment over the whole clip (pure)."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import polars as pl
import scipy  # its parts are opened when they are first used
from numpy.typing import NDArray

from schemas.keypoints import PARTS
from schemas.skeletons import HEAD_POINTS
from tasks.vision.keypoints import stack_visibility, stack_xy

Floats = NDArray[np.float32]
NEAR = 0.5


@dataclass(frozen=True)
class Tracks:
    """Keypoints of every person of a clip.

    xy: part -> people x frames x K x 2 pixels, NaN where not located. visibility: part -> people x
    frames x K in 0..1. score: part -> people x frames in 0..1, 0 where not located. strangers: part ->
    the scores of detections of people whom the original does not have.
    """

    xy: dict[str, Floats]
    visibility: dict[str, Floats]
    score: dict[str, Floats]
    strangers: dict[str, Floats] = field(default_factory=dict)

    def of(self, frames: range) -> Self:
        """Return the tracks of some consecutive frames; strangers stay."""
        between = slice(frames.start, frames.stop)
        parts = [
            {part: values[:, between] for part, values in tables.items()}
            for tables in (self.xy, self.visibility, self.score)
        ]
        return replace(self, xy=parts[0], visibility=parts[1], score=parts[2])

    def seen(self, part: str) -> NDArray[np.bool_]:
        """Return people x frames: where the part was located."""
        return np.asarray(~np.isnan(self.xy[part]).any((2, 3)), np.bool_)


def to_tracks(table: pl.DataFrame, frame_count: int) -> Tracks:
    """Spread a keypoint table over people and frames; the head is the body's first 11 keypoints."""
    people = sorted(table["person"].unique())
    row = {person: index for index, person in enumerate(people)}
    places = [row[person] for person in table["person"]], table["frame"].to_numpy()
    xy: dict[str, Floats] = {}
    visibility: dict[str, Floats] = {}
    score: dict[str, Floats] = {}
    for part, count in PARTS.items():
        xy[part] = np.full((len(people), frame_count, count, 2), np.nan, np.float32)
        xy[part][places] = stack_xy(table, part)
        visibility[part] = np.zeros((len(people), frame_count, count), np.float32)
        visibility[part][places] = np.nan_to_num(stack_visibility(table, part))
        score[part] = np.zeros((len(people), frame_count), np.float32)
        score[part][places] = table[f"{part}_score"].fill_null(0).to_numpy()
    xy["head"] = xy["body"][:, :, :HEAD_POINTS]
    visibility["head"] = visibility["body"][:, :, :HEAD_POINTS]
    score["head"] = score["body"]
    return Tracks(xy, visibility, score)


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
        for first, second in zip(*scipy.optimize.linear_sum_assignment(wins, maximize=True), strict=True)
        if wins[first, second] > 0
    ]
    xy = {part: np.full_like(values, np.nan) for part, values in original.xy.items()}
    visibility = {part: np.zeros_like(values) for part, values in original.visibility.items()}
    score = {part: np.zeros_like(values) for part, values in original.score.items()}
    for first, second in pairs:
        for part, values in xy.items():
            values[first] = other.xy[part][second]
            visibility[part][first] = other.visibility[part][second]
            score[part][first] = other.score[part][second]
    known = [second for _, second in pairs]
    strangers = {
        part: np.delete(other.score[part], known, axis=0)[np.delete(other.seen(part), known, axis=0)]
        for part in original.xy
    }
    return Tracks(xy, visibility, score, strangers)


def _count(tracks: Tracks) -> int:
    return len(tracks.xy["body"])


def _frames_together(original: Tracks, first: int, other: Tracks, second: int) -> int:
    return sum(_near(original.xy[part][first], other.xy[part][second]) for part in ("face", "body"))


def _near(first: Floats, second: Floats) -> int:
    # a frame counts where the centres lie nearer than half the original part's longer side
    both = ~(np.isnan(first).any((1, 2)) | np.isnan(second).any((1, 2)))
    if not both.any():
        return 0
    sizes = np.ptp(first[both], axis=1).max(axis=1)
    distances = np.linalg.norm(first[both].mean(axis=1) - second[both].mean(axis=1), axis=1)
    return int((distances < NEAR * sizes).sum())
