"""The part of a picture that a box covers (pure)."""

import cv2
import numpy as np

from tasks.swap.warping import Floats
from tasks.vision.regions import Box, Region, RgbImage


def patch_of(rgb: RgbImage, box_xyxy: Box) -> RgbImage:
    """Return a writable view of every pixel that the box touches, at least one."""
    height, width = rgb.shape[:2]
    x0, y0 = (
        int(np.clip(np.floor(low), 0, size - 1))
        for low, size in zip(box_xyxy[:2], (width, height), strict=True)
    )
    x1, y1 = (
        int(np.clip(np.ceil(high), 1, size)) for high, size in zip(box_xyxy[2:], (width, height), strict=True)
    )
    return rgb[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]


def onto(patch: RgbImage, box_xyxy: Box, region: Region, canvas: Floats) -> Floats:
    """Return a region's canvas, side x side or with channels, as it lies on the box's patch."""
    matrix = region.matrix(canvas.shape[0])
    matrix[:, 2] -= np.maximum(np.floor(box_xyxy[:2]), 0)
    return np.asarray(cv2.warpAffine(canvas, matrix, patch.shape[1::-1]), np.float32)


def blend_ellipse(patch: RgbImage, cover: RgbImage) -> None:
    """Put `cover` over the ellipse inscribed in the patch."""
    height, width = patch.shape[:2]
    inside = np.zeros((height, width), np.uint8)
    cv2.ellipse(inside, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    patch[inside > 0] = cover[inside > 0]
