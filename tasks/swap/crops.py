"""The square of a face that a trained network sees and draws (pure)."""

import cv2
import numpy as np

from tasks.vision.regions import MESH_SCALE, Points, Region, RgbImage, crop_region, mesh_region

# how much wider than a face its square is; a picture of many pixels is made smaller in one step of so much
SCALE, MOST_FINER = 1.35, 4


def face_square(mesh_xy: Points) -> Region:
    """Return the turned square around a face's 468 x 2 keypoints."""
    found = mesh_region(mesh_xy)
    return Region(found.center_xy, found.side * SCALE / MESH_SCALE, found.angle_rad)


def wider(square: Region, times: float) -> Region:
    """Return a square around the same middle."""
    return Region(square.center_xy, square.side * times, square.angle_rad)


def small_crop(rgb: RgbImage, square: Region, side_px: int) -> RgbImage:
    """Cut a square out as side_px x side_px x 3, every pixel of it seen."""
    finer = int(np.clip(np.ceil(square.side / side_px), 1, MOST_FINER))
    crop = crop_region(rgb, square, side_px * finer)
    return np.asarray(cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
