"""What the original's extraction lends to its copies': where scenes begin, and where to look (pure).

No box, track or keypoint is handed on: what is found in a copy is found in the copy.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from tasks.vision.keypoints import stack_boxes
from tasks.vision.regions import Box

# of a face's longer side, from its middle: as far as one looks around what is new in the original
AROUND = 1.0


@dataclass(frozen=True)
class Schedule:
    """scenes: frame -> its scene. places: frame -> where a face is that was not in the frame before."""

    scenes: dict[int, int]
    places: dict[int, list[Box]]

    @classmethod
    def of(cls, frames: pl.DataFrame, faces: pl.DataFrame) -> Self:
        """Read it from the original's frames and the rows of its keypoints that hold faces."""
        at = faces.select("frame", "person")
        before = at.with_columns(pl.col("frame") + 1)
        new = faces.join(before, on=["frame", "person"], how="anti")
        places: dict[int, list[Box]] = {}
        for frame, box in zip(new["frame"], stack_boxes(new, "face"), strict=True):
            places.setdefault(frame, []).append(_around(box))
        return cls(dict(frames.select("frame", "scene").iter_rows()), places)

    def is_cut(self, frame: int) -> bool:
        """Return whether a frame begins another scene than the one before."""
        scene = self.scenes[frame]
        return self.scenes.get(frame - 1, scene) != scene


def _around(box_xyxy: Box) -> Box:
    center, half = (box_xyxy[:2] + box_xyxy[2:]) / 2, AROUND * max(box_xyxy[2:] - box_xyxy[:2])
    return np.concatenate([center - half, center + half]).astype(np.float32)
