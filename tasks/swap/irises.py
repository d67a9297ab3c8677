"""Where the eyes of a face whose mesh is known look, and how far they are open."""

import numpy as np

from schemas.skeletons import EYE_CORNERS
from tasks.swap.gaze import eye_axes
from tasks.vision.detectors import to_tensor
from tasks.vision.regions import Points, Region, RgbImage, crop_region, line_angle, to_picture
from tasks.vision.sessions import Weights

SIDE_PX = 64
EYE_SCALE = 2.3
# of the model's outline of an eye: its corners, and the middle of the lower and of the upper lid
CORNERS, LIDS = [0, 8], [4, 12]


def read_eyes(rgb: RgbImage, mesh_xy: Points, weights: Weights) -> Points:
    """Return 2 x 3: the iris of either eye, from the middle of its corners, and how far its lids are apart.

    In eye widths; the iris across and down.
    """
    return np.stack([_read(rgb, mesh_xy, eye, weights) for eye in range(2)])


def _read(rgb: RgbImage, mesh_xy: Points, eye: int, weights: Weights) -> Points:
    middle, axes = eye_axes(mesh_xy, eye)
    width = max(float(np.linalg.norm(axes[0])), 1e-3)
    left, right = mesh_xy[list(EYE_CORNERS[eye])]
    region = Region((float(middle[0]), float(middle[1])), width * EYE_SCALE, line_angle(left, right))
    crop = crop_region(rgb, region, SIDE_PX)
    # the model was taught on one side only: the other eye is shown mirrored
    outputs = weights.tflite("iris_landmarks")(to_tensor(np.ascontiguousarray(crop[:, :: 1 - 2 * eye])))
    center = next(output for output in outputs if output.size == 15).reshape(5, 3)[0, :2]
    outline = next(output for output in outputs if output.size == 213).reshape(71, 3)[:, :2]
    width_px, lids_px = (np.linalg.norm(np.diff(outline[pair], axis=0)) for pair in (CORNERS, LIDS))
    if eye:
        center = np.array([SIDE_PX - center[0], center[1]])
    away = to_picture(center[None], region, SIDE_PX)[0] - middle
    return np.asarray([*(axes @ away / width**2), lids_px / max(float(width_px), 1e-3)], np.float32)
