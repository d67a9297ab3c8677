"""One opaque colour over the face."""

from schemas.params.deidentify import Mask
from tasks.deidentify.face_regions import FaceRegion
from tasks.swap.patches import patch_of
from tasks.vision.regions import RgbImage


def mask(rgb: RgbImage, region: FaceRegion, settings: Mask) -> None:
    """Paint the region in place."""
    patch_of(rgb, region.box_xyxy)[:] = settings.rgb
