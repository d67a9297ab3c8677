"""A mosaic over the face."""

import cv2

from schemas.params.deidentify import Pixelate
from tasks.deidentify.face_regions import FaceRegion
from tasks.swap.patches import patch_of
from tasks.vision.regions import RgbImage


def pixelate(rgb: RgbImage, region: FaceRegion, settings: Pixelate) -> None:
    """Replace the region in place by cells of one colour each."""
    patch = patch_of(rgb, region.box_xyxy)
    height, width = patch.shape[:2]
    cell = max(1, -(-max(height, width) // settings.blocks))
    cells_wh = (-(-width // cell), -(-height // cell))
    small = cv2.resize(patch, cells_wh, interpolation=cv2.INTER_AREA)
    patch[:] = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
