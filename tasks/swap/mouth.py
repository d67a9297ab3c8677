"""The inside of an open mouth, which stays the patient's own (pure)."""

import cv2
import numpy as np

from schemas.skeletons import INNER_LIPS, LIP_MIDDLES, MOUTH_CORNERS
from tasks.swap.warping import Floats
from tasks.vision.regions import Points


def openness(mesh_xy: Points) -> float:
    """Return 0 for a closed mouth, 1 for one that shows its inside."""
    gap, width = (
        float(np.linalg.norm(mesh_xy[first] - mesh_xy[second]))
        for first, second in (LIP_MIDDLES, MOUTH_CORNERS)
    )
    return float(np.clip((gap / max(width, 1e-6) - 0.03) / 0.05, 0, 1))


def mouth_weights(mesh_xy: Points, shape: tuple[int, int], soft_px: float) -> Floats:
    """Return H x W weights: 1 where the inside of the mouth is seen."""
    mouth = np.zeros(shape, np.float32)
    cv2.fillPoly(mouth, [np.round(mesh_xy[INNER_LIPS]).astype(np.int32)], openness(mesh_xy))
    return np.asarray(cv2.GaussianBlur(mouth, (0, 0), soft_px), np.float32)


def mouth_share(mesh_xy: Points) -> float:
    """Return which share of a face is the inside of its mouth, with its own pixels, in 0..1."""
    face = float(cv2.contourArea(cv2.convexHull(mesh_xy.astype(np.float32))))
    inside = float(cv2.contourArea(mesh_xy[INNER_LIPS].astype(np.float32)))
    return min(1.0, openness(mesh_xy) * inside / face) if face > 0 else 0.0
