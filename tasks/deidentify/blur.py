"""Gaussian blur of an ellipse around the face."""

import cv2
import numpy as np

from schemas.params.deidentify import Blur
from tasks.deidentify.face_regions import FaceRegion
from tasks.swap.patches import blend_ellipse, patch_of
from tasks.vision.regions import RgbImage

# a blur that reaches so far, in pixels, hides whatever a smaller copy lacks
FINE_PX = 8.0


def blur(rgb: RgbImage, region: FaceRegion, settings: Blur) -> None:
    """Blur the region in place."""
    patch = patch_of(rgb, region.box_xyxy)
    kernel = int(max(patch.shape[:2]) * settings.kernel) | 1
    blend_ellipse(patch, _blurred(patch, kernel))


def _blurred(patch: RgbImage, kernel_px: int) -> RgbImage:
    """Blur by a Gaussian of a kernel's size, a wide one on a smaller copy: it costs the same for any."""
    sigma_px = 0.3 * ((kernel_px - 1) * 0.5 - 1) + 0.8  # OpenCV's own for a kernel
    step = int(sigma_px / FINE_PX)
    if step < 2:
        return np.asarray(cv2.GaussianBlur(patch, (kernel_px, kernel_px), 0), np.uint8)
    height, width = patch.shape[:2]
    small_wh = max(1, round(width / step)), max(1, round(height / step))
    small = cv2.resize(patch, small_wh, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma_px / step)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
