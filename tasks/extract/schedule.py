"""What the original's extraction lends to its copies': scenes, where nobody is, what is hidden (pure).

No box, track or keypoint is handed on: what is found in a copy is found in the copy. What the original could
only guess is a guess in a copy, too.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from tasks.vision.keypoints import stack_boxes, stack_visibility
from tasks.vision.regions import Box, overlap
from tasks.vision.skin import Mask

SAME = 0.5  # overlap of a face with itself in a copy


@dataclass(frozen=True)
class Schedule:
    """scenes: frame -> its scene. faces: frame -> the boxes of the original's faces.

    hidden: frame -> the box of a face and which of its 468 keypoints lie behind something.
    """

    scenes: dict[int, int]
    faces: dict[int, list[Box]]
    hidden: dict[int, list[tuple[Box, Mask]]]

    @classmethod
    def of(cls, frames: pl.DataFrame, faces: pl.DataFrame, behind: pl.DataFrame) -> Self:
        """Read it from the original's frames and the rows of its keypoints that hold faces.

        behind: those of faces some of whose keypoints lie behind something.
        """
        boxes: dict[int, list[Box]] = {}
        for frame, box in zip(faces["frame"], stack_boxes(faces, "face"), strict=True):
            boxes.setdefault(frame, []).append(box)
        hidden: dict[int, list[tuple[Box, Mask]]] = {}
        guessed = stack_visibility(behind, "face") == 0
        for frame, box, points in zip(behind["frame"], stack_boxes(behind, "face"), guessed, strict=True):
            hidden.setdefault(frame, []).append((box, points))
        return cls(dict(frames.select("frame", "scene").iter_rows()), boxes, hidden)

    def guessed(self, frame: int, box_xyxy: Box) -> Mask | None:
        """Return which keypoints of the face in a box the original only guessed; None where it did not."""
        known = self.hidden.get(frame, [])
        shares = [overlap(box_xyxy, box) for box, _ in known]
        return known[int(np.argmax(shares))][1] if max(shares, default=0.0) >= SAME else None

    def is_cut(self, frame: int) -> bool:
        """Return whether a frame begins another scene than the one before."""
        scene = self.scenes[frame]
        return self.scenes.get(frame - 1, scene) != scene
