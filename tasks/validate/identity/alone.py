"""Nothing but a face, in no particular light: what a swap can leave of a person."""

import cv2
import numpy as np

from tasks.swap.light import SPREAD, SPREAD_OF_COLOUR
from tasks.swap.warping import Floats
from tasks.vision.recognisers import Face

GREY = 128
EVEN_LAB = np.array([150, 128, 128], np.float32)  # in 8 bits
LEAST = 1e-3


def face_alone(face: Face) -> Face:
    """Return a face without hair, ears and whatever else is around it."""
    return Face(np.where(_inside(face)[..., None] > 0, face.rgb, np.uint8(GREY)), face.mesh_xy, face.like)


def without_light(face: Face) -> Face:
    """Return a face alone, without what a swap takes from its scene: what is larger than a feature."""
    inside, side = _inside(face), float(np.ptp(face.mesh_xy, axis=0).max())
    lab = np.asarray(cv2.cvtColor(face.rgb, cv2.COLOR_RGB2LAB), np.float32)
    scene = np.dstack(
        [
            _evened(lab[..., channel], inside, side * reach)
            for channel, reach in enumerate((SPREAD, SPREAD_OF_COLOUR, SPREAD_OF_COLOUR))
        ]
    )
    even = np.clip(lab - scene + EVEN_LAB, 0, 255).astype(np.uint8)
    return face_alone(face._replace(rgb=np.asarray(cv2.cvtColor(even, cv2.COLOR_LAB2RGB), np.uint8)))


def _inside(face: Face) -> Floats:
    inside = np.zeros(face.rgb.shape[:2], np.float32)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(face.mesh_xy).astype(np.int32)), 1)
    return inside


def _evened(channel: Floats, inside: Floats, reach_px: float) -> Floats:
    """Return a channel blurred within a face, as nothing around it were there."""
    near = cv2.GaussianBlur(inside, (0, 0), reach_px)
    return np.asarray(
        cv2.GaussianBlur(channel * inside, (0, 0), reach_px) / np.maximum(near, LEAST), np.float32
    )
