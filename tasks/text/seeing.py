"""Small grey pictures of lines of text, and where they are found again (pure)."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Box, RgbImage

GreyImage = NDArray[np.uint8]
# what is compared is so many pixels high at most, and has so much contrast at least, in grey levels
COMPARED_PX, LEAST_CONTRAST = 24, 4.0
# least correlation of a letter that surely is the same as before, and of one that may be
SURE, THERE = 0.9, 0.8


def shrunk(rgb: RgbImage, longest_px: int) -> GreyImage:
    """Return a grey copy whose longer side has so many pixels at most."""
    while max(rgb.shape[:2]) >= 2 * longest_px:  # means of four are fast, those of other areas are not
        rgb = _sized(rgb, 0.5, cv2.INTER_AREA)
    scale = min(1.0, longest_px / max(rgb.shape[:2]))
    return _grey(_sized(rgb, scale, cv2.INTER_LINEAR) if scale < 1 else rgb)


def cut_small(picture: RgbImage | GreyImage, box_xyxy: Box) -> GreyImage:
    """Return what lies in a box, in grey, COMPARED_PX high at most."""
    return _cut(picture, box_xyxy, 0, _scale(box_xyxy))


def find_again(
    picture: RgbImage | GreyImage, looks: GreyImage, box_xyxy: Box, reach_px: int, least: float
) -> Box | None:
    """Return where around a box something looks like `looks`, as `cut_small` gave it; None: nowhere.

    reach_px: how far from the box. least: correlation.
    """
    scale = _scale(box_xyxy)
    around = _cut(picture, box_xyxy, reach_px, scale)
    if not is_told_apart(looks) or (np.array(around.shape) < looks.shape).any():
        return None
    _, best, _, at_xy = cv2.minMaxLoc(cv2.matchTemplate(around, looks, cv2.TM_CCOEFF_NORMED))
    if best < least:
        return None
    middle_xy = (np.array(around.shape[::-1]) - looks.shape[::-1]) / 2
    return (box_xyxy + np.tile((np.array(at_xy) - middle_xy) / scale, 2)).astype(np.float32)


def seen_part(picture: RgbImage | GreyImage, looks: GreyImage, box_xyxy: Box) -> Box | None:
    """Return the box around those letters that look in a picture as in `looks`: one may come after another.

    None where less than half of them do so surely that one may say of the others that they are not there.
    """
    here = _cut(picture, box_xyxy, 0, _scale(box_xyxy))
    if here.shape != looks.shape:
        return None
    edges = np.linspace(0, looks.shape[1], max(1, round(looks.shape[1] / looks.shape[0])) + 1).round()
    parts = [slice(int(start), int(end)) for start, end in pairwise(edges)]
    alike = np.array([_correlation(here[:, part], looks[:, part]) for part in parts])
    if (alike >= SURE).mean() < 0.5:
        return None
    seen = np.flatnonzero(alike >= THERE)
    width = float(box_xyxy[2] - box_xyxy[0]) / len(parts)
    left, right = box_xyxy[0] + seen[0] * width, box_xyxy[0] + (seen[-1] + 1) * width
    return np.array([left, box_xyxy[1], right, box_xyxy[3]], np.float32)


def _correlation(here: GreyImage, looks: GreyImage) -> float:
    """Return how much a part looks as it did, 1 where there is nothing in it."""
    if not is_told_apart(looks):
        return 1.0
    found = cv2.matchTemplate(np.ascontiguousarray(here), np.ascontiguousarray(looks), cv2.TM_CCOEFF_NORMED)
    return float(found[0, 0])


def is_told_apart(looks: GreyImage) -> bool:
    """Return whether there is enough in a small picture to say where it is found again, and where not."""
    return float(looks.std()) >= LEAST_CONTRAST


def _scale(box_xyxy: Box) -> float:
    return min(1.0, COMPARED_PX / max(1.0, float(box_xyxy[3] - box_xyxy[1])))


def _cut(picture: RgbImage | GreyImage, box_xyxy: Box, reach_px: int, scale: float) -> GreyImage:
    """Cut a box out with what lies around it; beyond the picture its edge goes on."""
    x0, y0 = np.round(box_xyxy[:2]).astype(int) - reach_px
    wide, high = np.maximum(1, np.round(box_xyxy[2:] - box_xyxy[:2]).astype(int)) + 2 * reach_px
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(y0, y0 + high), 0, height - 1)
    columns = np.clip(np.arange(x0, x0 + wide), 0, width - 1)
    is_inside = min(x0, y0) >= 0 and x0 + wide <= width and y0 + high <= height
    part = picture[y0 : y0 + high, x0 : x0 + wide] if is_inside else picture[np.ix_(rows, columns)]
    grey = _grey(part) if part.ndim == 3 else part
    size_wh = max(1, round(wide * scale)), max(1, round(high * scale))
    return np.asarray(
        cv2.resize(grey, size_wh, interpolation=cv2.INTER_AREA) if scale < 1 else grey, np.uint8
    )


def _sized(rgb: RgbImage, scale: float, interpolation: int) -> RgbImage:
    size_wh = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    return np.asarray(cv2.resize(rgb, size_wh, interpolation=interpolation), np.uint8)


def _grey(rgb: RgbImage) -> GreyImage:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)
