"""How sure CenterFace is of a face from close by.

What separates faces from false alarms was measured on 18 clips (docs/decisions/015).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.vision.detectors import View
from tasks.vision.faces import detect_centerface
from tasks.vision.regions import Box, Points, Region, RgbImage, crop_region, overlap, to_picture
from tasks.vision.sessions import Weights

# squares of so many times the face, at so many pixels
SCALES, SIDE_PX = (2.2, 3.2), 224
LEAST, SAME = 0.05, 0.3
# overlap with the box that is meant; of what overlaps less and is near, a part only may be believed
MEANT, NEAR, OF_NEAR = 0.4, 0.3, 0.25
CLEAR = 0.5
QUARTERS = (0, np.pi / 2, np.pi, -np.pi / 2)


def closeness(
    rgb: RgbImage, box_xyxy: Box, angle_rad: float, weights: Weights, others: Sequence[Box] = ()
) -> float:
    """Return the best score of a face in this box, in 0..1, enlarged and upright, 0 where none is found.

    angle_rad: of the eyes' line; where the face is not clear at that angle, all quarter turns are tried.
    others: boxes of other faces; what is rather one of them says nothing.
    """
    best = 0.0
    meant, known = _square(box_xyxy), [_square(other) for other in others]
    for turn in QUARTERS:
        for square, score in _faces(rgb, meant, angle_rad + turn, weights):
            shared = overlap(square, meant)
            if shared >= NEAR and all(overlap(square, other) <= shared for other in known):
                best = max(best, score if shared >= MEANT else score * OF_NEAR)
        if best >= CLEAR:
            break
    return min(best, 1.0)


def _faces(rgb: RgbImage, meant: Box, angle_rad: float, weights: Weights) -> Iterator[tuple[Box, float]]:
    x, y = (float(value) for value in (meant[:2] + meant[2:]) / 2)
    for scale in SCALES:
        region = Region((x, y), float(meant[2] - meant[0]) * scale, angle_rad)
        crop = crop_region(rgb, region, SIDE_PX)
        for face in detect_centerface(View(crop, crop), weights, score=LEAST, overlap=SAME):
            corners = face.box_xyxy.reshape(2, 2)
            center: Points = to_picture(corners.mean(axis=0, keepdims=True), region, SIDE_PX)[0]
            half = np.float32(np.ptp(corners, axis=0).max() * region.side / SIDE_PX / 2)
            yield np.concatenate([center - half, center + half]), face.score


def _square(box_xyxy: Box) -> Box:
    center, half = (box_xyxy[:2] + box_xyxy[2:]) / 2, max(box_xyxy[2:] - box_xyxy[:2]) / 2
    return np.concatenate([center - half, center + half])
