"""A face known by the shape of its keypoints alone, as published: an attacker needs no picture (pure)."""

import numpy as np

from schemas.skeletons import FACE_POINTS, LEFT_EYE, RIGHT_EYE
from tasks.vision.alignment import Embedding
from tasks.vision.regions import Points, line_angle

SHAPE = "shape"


def embed_shape(mesh_xy: Points | None) -> Embedding:
    """Return a 468 x 2 mesh without its place, size and tilt, of unit length; NaN where there is none."""
    if mesh_xy is None:
        return np.full(2 * FACE_POINTS, np.nan, np.float32)
    angle = line_angle(mesh_xy[RIGHT_EYE], mesh_xy[LEFT_EYE])
    cos, sin = np.cos(angle), np.sin(angle)
    level = (mesh_xy - mesh_xy.mean(axis=0)) @ np.array([[cos, -sin], [sin, cos]])
    return np.asarray(level.ravel() / max(float(np.linalg.norm(level)), 1e-9), np.float32)
