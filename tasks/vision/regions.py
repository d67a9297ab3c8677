"""Square, turned regions of a picture, and boxes (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import EYE_CORNERS, LEFT_EYE, NOSE_TIP, RIGHT_EYE

Points = NDArray[np.float32]
Box = NDArray[np.float32]
Matrix = NDArray[np.float64]
RgbImage = NDArray[np.uint8]
# of the square in which the mesh model looks: its side there, and how it is to the face
MESH_SIDE_PX, MESH_SCALE = 192, 1.5
ASTRAY = 0.04  # of that square: a face that was found so far from where it was looked for is read badly


@dataclass(frozen=True)
class Region:
    """A square in pixels; angle_rad turns its x axis clockwise on the screen."""

    center_xy: tuple[float, float]
    side: float
    angle_rad: float = 0.0

    def matrix(self, side_px: int) -> Matrix:
        """Return the 2 x 3 affine map from crop pixels to picture pixels."""
        scale = self.side / side_px
        cos, sin = np.cos(self.angle_rad) * scale, np.sin(self.angle_rad) * scale
        linear = np.array([[cos, -sin], [sin, cos]])
        corner = np.asarray(self.center_xy) - linear @ np.full(2, side_px / 2)
        return np.hstack([linear, corner[:, None]])


def crop_region(rgb: RgbImage, region: Region, side_px: int) -> RgbImage:
    """Cut a region out as side_px x side_px x 3; black outside the picture."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(rgb, region.matrix(side_px), (side_px, side_px), flags=flags)
    return np.asarray(crop, np.uint8)


def to_picture(points_xy: Points, region: Region, side_px: int) -> Points:
    """Map K x 2 crop points to picture pixels."""
    matrix = region.matrix(side_px)
    return (points_xy @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def to_crop(points_xy: Points, region: Region, side_px: int) -> Points:
    """Map K x 2 picture pixels to crop points."""
    matrix = region.matrix(side_px)
    return ((points_xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T).astype(np.float32)


def bounding_box(points_xy: Points) -> Box:
    """Return x0, y0, x1, y1 around K x 2 points."""
    return np.concatenate([points_xy.min(axis=0), points_xy.max(axis=0)]).astype(np.float32)


def without_margin(box_xyxy: Box, margin: float) -> Box:
    """Return a box that was grown by a share of its size on every side as it was before."""
    low, high = box_xyxy[:2], box_xyxy[2:]
    reach = (high - low) * np.float32(margin / (1 + 2 * margin))
    return np.concatenate([low + reach, high - reach]).astype(np.float32)


def bounding_region(points_xy: Points, angle_rad: float, scale: float) -> Region:
    """Return the turned square around points whose side is `scale` x their longer extent."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    turned = points_xy @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    center = turn @ ((low + high) / 2)
    return Region((float(center[0]), float(center[1])), float((high - low).max()) * scale, angle_rad)


def mesh_region(mesh_xy: Points) -> Region:
    """Return where the mesh model should look again, given 468 x 2 keypoints."""
    angle = line_angle(mesh_xy[RIGHT_EYE], mesh_xy[LEFT_EYE])
    return bounding_region(mesh_xy, angle, MESH_SCALE)


def is_astray(looked_at: Region, found_in: Region) -> bool:
    """Return whether a face lies so far from the middle of its square that it should be looked at again."""
    (x0, y0), (x1, y1) = looked_at.center_xy, found_in.center_xy
    return float(np.hypot(x1 - x0, y1 - y0)) > ASTRAY * looked_at.side


def eyes_nose_of(meshes_xy: Points) -> Points:
    """Return right eye, left eye and the tip of the nose, ... x 3 x 2, of ... x 468 x 2 keypoints."""
    eyes = [meshes_xy[..., list(corners), :].mean(axis=-2) for corners in EYE_CORNERS]
    return np.stack([*eyes, meshes_xy[..., NOSE_TIP, :]], axis=-2).astype(np.float32)


def line_angle(start_xy: Points, end_xy: Points) -> float:
    """Return the angle of a line, clockwise on the screen, in radians."""
    delta = np.asarray(end_xy, float) - np.asarray(start_xy, float)
    return float(np.arctan2(delta[1], delta[0]))


def share_within(box_xyxy: Box, other_xyxy: Box) -> float:
    """Return which share of a box lies in another one, in 0..1."""
    low, high = np.maximum(box_xyxy[:2], other_xyxy[:2]), np.minimum(box_xyxy[2:], other_xyxy[2:])
    area = float(np.prod(box_xyxy[2:] - box_xyxy[:2]))
    return float(np.prod(np.clip(high - low, 0, None))) / area if area > 0 else 0.0


def overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]))
    return shared / (areas - shared) if areas > shared else 0.0


def share_inside(box_xyxy: Box, points_xy: Points) -> float:
    """Return the share of a box inside the convex hull of points; 0 where a point is not known."""
    area = float(np.prod(box_xyxy[2:] - box_xyxy[:2]))
    if np.isnan(points_xy).any() or area <= 0:
        return 0.0
    x0, y0, x1, y1 = box_xyxy
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    shared, _ = cv2.intersectConvexConvex(cv2.convexHull(points_xy), corners)
    return float(shared) / area


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], limit: float) -> list[int]:
    """Return the indices of N x 4 boxes to keep, best first, none overlapping more than `limit`."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if all(overlap(boxes[index], boxes[other]) <= limit for other in kept):
            kept.append(int(index))
    return kept
