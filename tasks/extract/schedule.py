"""What the original's extraction lends to its copies': where scenes begin, and where nobody is (pure).

No box, track or keypoint is handed on: what is found in a copy is found in the copy.
"""

from dataclasses import dataclass
from typing import Self

import polars as pl

from tasks.vision.keypoints import stack_boxes
from tasks.vision.regions import Box


@dataclass(frozen=True)
class Schedule:
    """scenes: frame -> its scene. faces: frame -> the boxes of the original's faces."""

    scenes: dict[int, int]
    faces: dict[int, list[Box]]

    @classmethod
    def of(cls, frames: pl.DataFrame, faces: pl.DataFrame) -> Self:
        """Read it from the original's frames and the rows of its keypoints that hold faces."""
        boxes: dict[int, list[Box]] = {}
        for frame, box in zip(faces["frame"], stack_boxes(faces, "face"), strict=True):
            boxes.setdefault(frame, []).append(box)
        return cls(dict(frames.select("frame", "scene").iter_rows()), boxes)

    def is_cut(self, frame: int) -> bool:
        """Return whether a frame begins another scene than the one before."""
        scene = self.scenes[frame]
        return self.scenes.get(frame - 1, scene) != scene
