"""The face that patients are given: a picture that is nobody's, with its mesh."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from tasks.regions import Points, RgbImage

WHITE = 245


@dataclass(frozen=True)
class Target:
    """A face picture, its 468 x 2 mesh in pixels, and T x 3 triangles over the mesh."""

    rgb: RgbImage
    mesh_xy: Points
    triangles: NDArray[np.int32]


def make_target(rgb: RgbImage, mesh_xy: Points) -> Target:
    """Prepare a target whose white surroundings are no skin."""
    triangles = Delaunay(mesh_xy).simplices.astype(np.int32)
    return Target(extend_skin(rgb), mesh_xy, triangles)


def extend_skin(rgb: RgbImage) -> RgbImage:
    """Continue the skin into the white around a cut-out face, so that a forehead is covered too."""
    missing = cv2.dilate((rgb.min(axis=2) >= WHITE).astype(np.uint8), np.ones((9, 9), np.uint8))
    if not missing.any():
        return rgb
    skin = np.percentile(rgb[missing == 0], 60, axis=0)
    soft = cv2.GaussianBlur(missing.astype(np.float32), (0, 0), 6)
    share = np.maximum(soft, missing.astype(np.float32))[..., None]
    return np.asarray(np.clip(rgb * (1 - share) + skin * share, 0, 255), np.uint8)
