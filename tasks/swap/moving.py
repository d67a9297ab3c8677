"""A picture moved along with the shape of a face in it (pure)."""

import cv2
import numpy as np

from tasks.swap.patches import onto, patch_of
from tasks.swap.target import with_rim
from tasks.swap.warping import Floats
from tasks.vision.regions import Box, Points, Region, RgbImage, bounding_box, to_crop

# how far around the face the picture gives way, as a share of the way from its middle to its outline
AROUND = 0.6
SIDE_PX, REACH_PX = 48, 1.5  # of a canvas of ways, and how far on it a keypoint takes the picture along
ALONE = 1e-4
FAR = 80.0  # squared: less than that weighs is no number that a processor multiplies quickly


def move_picture(rgb: RgbImage, box_xyxy: Box, mesh_xy: Points, goal_xy: Points) -> None:
    """Move a face from one 468 x 2 mesh to another in place, nowhere outside the box.

    What lies in front moves along, and what lies around gives way.
    """
    goals = with_rim(goal_xy, AROUND)
    ways = np.zeros_like(goals)
    ways[: len(mesh_xy)] = mesh_xy - goal_xy
    box = bounding_box(goals).reshape(2, 2)
    x, y = box.mean(axis=0)
    region = Region((float(x), float(y)), float(np.ptp(box, axis=0).max()) * 1.1)
    patch = patch_of(rgb, box_xyxy)
    flow = onto(patch, box_xyxy, region, _flow(to_crop(goals, region, SIDE_PX), ways))
    rows, columns = np.indices(patch.shape[:2], dtype=np.float32)
    patch[:] = cv2.remap(
        patch, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _flow(places: Points, ways: Points) -> Floats:
    """Return side x side x 2: the mean way of the N x 2 places around each pixel, by distance; 0 far away."""
    grid = np.arange(SIDE_PX, dtype=np.float32)[:, None]
    away = (np.square((grid - places[:, axis]) / REACH_PX) for axis in (0, 1))
    across, down = (np.exp(-np.minimum(one, FAR) / 2) for one in away)
    near = down @ across.T + ALONE
    return np.dstack([(down * ways[:, axis]) @ across.T / near for axis in (0, 1)]).astype(np.float32)
