"""Gaussian blur of a region, soft towards its edges."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.params.deidentify import Blur
from tasks.deidentify.face_regions import FaceRegion
from tasks.swap.patches import patch_of
from tasks.vision.regions import Box, RgbImage

# what is blurred has so many cells a side: undone, it is a mosaic of them at best. So much of the region,
# which is in its margin, is soft at each side
CELLS, SOFT = 8, 0.08


def blur(rgb: RgbImage, region: FaceRegion, settings: Blur) -> None:
    """Blur the region in place."""
    patch = patch_of(rgb, region.box_xyxy)
    height, width = patch.shape[:2]
    cells_wh = [max(1, round(side * CELLS / max(height, width))) for side in (width, height)]
    cells = cv2.resize(patch, cells_wh, interpolation=cv2.INTER_AREA)
    kernel = int(CELLS * settings.kernel) | 1
    soft = cv2.GaussianBlur(cells, (kernel, kernel), 0)
    cover = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    weight = _weight(rgb, region.box_xyxy, (height, width))
    patch[:] = np.asarray(np.round(cover * weight + patch * (1 - weight)), np.uint8)


def _weight(rgb: RgbImage, box_xyxy: Box, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the share of the blur, height x width x 1: whole inside, and up to the picture's own edge."""
    down, across = (
        _rise(size, begins=box_xyxy[axis] > 0, ends=box_xyxy[axis + 2] < whole)
        for axis, size, whole in zip((1, 0), shape, rgb.shape, strict=False)
    )
    return np.asarray(down[:, None, None] * across[None, :, None], np.float32)


def _rise(size: int, *, begins: bool, ends: bool) -> NDArray[np.float32]:
    place, wide = np.arange(size, dtype=np.float32) + 0.5, max(1.0, size * SOFT)
    low = place / wide if begins else np.ones(size, np.float32)
    high = (size - place) / wide if ends else np.ones(size, np.float32)
    return np.minimum(np.minimum(low, high), 1.0).astype(np.float32)
