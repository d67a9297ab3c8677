"""How much two pictures of a face look alike to somebody who looks at its features (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Points, RgbImage

# features are larger than grain and smaller than light, as shares of the face's size
FINE, COARSE = 1 / 64, 1 / 8


def features_alike(first: RgbImage, second: RgbImage, mesh_xy: Points) -> float:
    """Return the correlation, -1 to 1, of two crops' features inside the outline of a mesh."""
    inside = np.zeros(first.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    size = float(np.ptp(mesh_xy, axis=0).max())
    one, two = (_features(rgb, size)[inside > 0] for rgb in (first, second))
    if not one.size or not one.std() or not two.std():
        return 1.0
    return float(np.corrcoef(one, two)[0, 1])


def _features(rgb: RgbImage, size: float) -> NDArray[np.float32]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), max(0.5, size * share)) for share in (FINE, COARSE))
    return np.asarray(fine - coarse, np.float32)
