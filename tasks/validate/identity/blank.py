"""A face filled flat: what hair, ears and surroundings say when nothing of the face is left (pure)."""

import cv2
import numpy as np

from schemas.skeletons import FACE_OVAL
from tasks.vision.regions import Points, RgbImage


def blank_face(rgb: RgbImage, mesh_xy: Points) -> RgbImage:
    """Return a picture in which a face has one colour, the mean of its own, within its 468 x 2 mesh."""
    outline = cv2.convexHull(np.round(mesh_xy[FACE_OVAL]).astype(np.int32))
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, outline, 1)
    blank = rgb.copy()
    if inside.any():
        blank[inside > 0] = np.round(rgb[inside > 0].mean(axis=0))
    return blank
