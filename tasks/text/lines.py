"""A line of text, and how it is covered (pure)."""

from dataclasses import dataclass

import numpy as np

from schemas.texts import Kind
from tasks.vision.regions import Box, RgbImage


@dataclass(frozen=True)
class Line:
    """A line of text: the box around it, in pixels, and what it may be; never its words."""

    box_xyxy: Box
    kind: Kind


def fill(rgb: RgbImage, box_xyxy: Box) -> None:
    """Fill a box, in place, with the middle colour of its rim."""
    height, width = rgb.shape[:2]
    x0, y0 = np.floor(np.maximum(box_xyxy[:2], 0)).astype(int)
    x1, y1 = np.ceil(np.minimum(box_xyxy[2:], [width, height])).astype(int)
    inside = rgb[y0:y1, x0:x1]
    if inside.size:
        rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        inside[:] = np.median(rim, axis=0).round().astype(np.uint8)
