"""Gaussian blur of an ellipse around the face."""

import cv2
import numpy as np

from schemas.params.deidentify import Blur
from tasks.deidentify.face_regions import FaceRegion
from tasks.swap.patches import blend_ellipse, patch_of
from tasks.vision.regions import RgbImage


def blur(rgb: RgbImage, region: FaceRegion, settings: Blur) -> None:
    """Blur the region in place."""
    patch = patch_of(rgb, region.box_xyxy)
    kernel = int(max(patch.shape[:2]) * settings.kernel) | 1
    blend_ellipse(patch, np.asarray(cv2.GaussianBlur(patch, (kernel, kernel), 0), np.uint8))
