"""Faces laid as recognisers expect them, flat and solid (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import EYE_CORNERS, LEFT_EYE, LEFT_MOUTH, NOSE_TIP, RIGHT_EYE, RIGHT_MOUTH
from tasks.vision.regions import Points, RgbImage, bounding_region, crop_region, line_angle, to_crop

Embedding = NDArray[np.float32]
Doubles = NDArray[np.float64]
# where ArcFace's 112 x 112 crop has the eyes, the nose tip and the mouth corners, in pixels
ARCFACE_XY = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)
CROP_PX = 112
# dlib's own alignment copes with a head that leans so far; of a turned face this much around it is kept
LEVEL_RAD, AROUND = np.radians(15), 2.0


def upright(rgb: RgbImage, mesh_xy: Points) -> tuple[RgbImage, Points]:
    """Return a picture in which the eyes of a 468 x 2 mesh are level, and the mesh in it.

    To dlib all faces that lie on their side are one person's, and an attacker would turn them.
    """
    angle = line_angle(mesh_xy[RIGHT_EYE], mesh_xy[LEFT_EYE])
    if abs(angle) <= LEVEL_RAD:
        return rgb, mesh_xy
    region = bounding_region(mesh_xy, angle, AROUND)
    side_px = max(1, round(region.side))
    return crop_region(rgb, region, side_px), to_crop(mesh_xy, region, side_px)


def align_arcface(rgb: RgbImage, mesh_xy: Points) -> RgbImage:
    """Cut the 112 x 112 crop on which the ArcFace family was trained."""
    crop = cv2.warpAffine(rgb, similarity(five_points(mesh_xy), ARCFACE_XY), (CROP_PX, CROP_PX))
    return np.asarray(crop, np.uint8)


def five_points(mesh_xy: Points) -> Points:
    """Return the eyes, the nose's tip and the mouth's corners of a 468 x 2 mesh."""
    eyes = [mesh_xy[list(corners)].mean(0) for corners in EYE_CORNERS]
    return np.stack([*eyes, *mesh_xy[[NOSE_TIP, RIGHT_MOUTH, LEFT_MOUTH]]])


def similarity(source_xy: Points, target_xy: Points) -> NDArray[np.float64]:
    """Return the least-squares 2 x 3 turn, scale and shift between point sets (Umeyama 1991)."""
    source, target = (points.astype(np.float64) - points.mean(0) for points in (source_xy, target_xy))
    # as complex numbers a turn and scale is one factor
    first, second = source @ [1, 1j], target @ [1, 1j]
    factor = np.vdot(first, second) / np.vdot(first, first)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (target_xy.mean(0) - linear @ source_xy.mean(0))[:, None]])


def laid_over(shape: Doubles, onto: Doubles) -> Doubles:
    """Return N x 3 points turned, shifted and scaled so that they lie over others (Umeyama 1991)."""
    first, second = shape - shape.mean(axis=0), onto - onto.mean(axis=0)
    left, spread, right = np.linalg.svd(first.T @ second)
    spread[2] *= np.sign(np.linalg.det(left @ right))
    left[:, 2] *= np.sign(np.linalg.det(left @ right))
    return np.asarray(first @ (left @ right) * (spread.sum() / (first**2).sum()) + onto.mean(axis=0))
