"""Original pixels that are still there in a released face (pure)."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import FACE_PARTS, INNER_LIPS, OUTER_EYES
from tasks.vision.regions import Box, Points, Region, bounding_region, crop_region, line_angle, to_crop

Floats = NDArray[np.float32]
GreyImage = NDArray[np.uint8]
Mask = NDArray[np.bool_]
# a face is compared at this many pixels, in windows of so many: codec noise is finer, features are larger
BOX_PX, MESH_PX, WINDOW_PX, SMOOTH_PX = 96, 192, 12, 2
MESH_SCALE = 1.5  # of the compared square to the face
DIAGONAL = 0.75  # of a turned square, from its middle, and a bit
# a window with less contrast than this, in grey levels, is bare skin or background and says nothing
LEAST_CONTRAST, LEAST_WINDOWS = 1.0, 30
# windows survive that agree in shape (correlation); how bright they are is no matter: a veil hides nobody
BOX_SHAPE, MESH_SHAPE = 0.97, 0.98
# of a part, since windows at its edge see what lies beside it
INWARD_PX = 11
# what is larger than this in a part of a face is the scene's light, which a swap keeps
LIGHT_PX = 33
LANDMARKS = sorted({number for around in (*FACE_PARTS.values(), INNER_LIPS) for number in around})
PLACES = {number: place for place, number in enumerate(LANDMARKS)}


def surviving_shares(original: GreyImage, released: GreyImage, landmarks_xy: Points) -> dict[str, float]:
    """Return for a face and its parts which share with contrast is still the original's, in 0..1.

    landmarks_xy: the mesh's LANDMARKS.
    """
    right, left = (landmarks_xy[PLACES[corner]] for corner in OUTER_EYES)
    region = bounding_region(landmarks_xy, line_angle(right, left), MESH_SCALE)
    pair = [_smoothed(grey, region, MESH_PX) for grey in (original, released)]
    places, within = to_crop(landmarks_xy, region, MESH_PX), _within_picture(original, region, MESH_PX)
    looked_at = within & ~_in_mouth(places)
    whole, parts = _compare(*pair), _compare(*(_without_light(one) for one in pair))
    found = {}
    for part, around in FACE_PARTS.items():
        told, alike = whole if part == "face" else parts
        found[part] = _share(told & looked_at & _inside(places, around), alike >= MESH_SHAPE)
    return found


def surviving_share(original: GreyImage, released: GreyImage, box_xyxy: Box) -> float:
    """Return which share of the ellipse in a box, as far as it has contrast, is still the original's."""
    size = box_xyxy[2:] - box_xyxy[:2]
    if min(size) < 2:
        return 0.0
    center = (box_xyxy[:2] + box_xyxy[2:]) / 2
    region = Region((float(center[0]), float(center[1])), float(max(size)))
    told, alike = _compare(*(_smoothed(grey, region, BOX_PX) for grey in (original, released)))
    told &= _within_picture(original, region, BOX_PX)
    # the corners of a face's box show hair and background, which nobody covers
    axis = ((np.arange(BOX_PX) + 0.5) / BOX_PX * 2 - 1) * max(size)
    ellipse = (axis[:, None] / size[1]) ** 2 + (axis[None] / size[0]) ** 2 <= 1
    return _share(told & ellipse, alike >= BOX_SHAPE)


def _without_light(face: Floats) -> Floats:
    return np.asarray(face - cv2.blur(face, (LIGHT_PX, LIGHT_PX)), np.float32)


def _compare(first: Floats, second: Floats) -> tuple[Mask, Floats]:
    """Return, side x side, where a window has contrast, and how alike its shapes are, in -1..1."""
    means = [_mean(one) for one in (first, second)]
    spread = [
        np.sqrt(np.maximum(_mean(one * one) - mean * mean, 0))
        for one, mean in zip((first, second), means, strict=True)
    ]
    product = _mean(first * second) - means[0] * means[1]
    alike = product / np.maximum(spread[0] * spread[1], 1e-6)
    return np.asarray(spread[0] >= LEAST_CONTRAST, np.bool_), np.asarray(alike, np.float32)


def _within_picture(grey: GreyImage, region: Region, side_px: int) -> Mask:
    """Return where a window lies in the picture; beyond its edge both pictures are equally black."""
    corners = np.array([[0, 0], [grey.shape[1], 0], grey.shape[::-1], [0, grey.shape[0]]], np.float32)
    drawn = np.zeros((side_px, side_px), np.uint8)
    cv2.fillConvexPoly(drawn, np.round(to_crop(corners, region, side_px)).astype(np.int32), 1)
    reach = np.ones((WINDOW_PX + 2 * SMOOTH_PX, WINDOW_PX + 2 * SMOOTH_PX), np.uint8)
    return np.asarray(cv2.erode(drawn, reach, borderValue=1) > 0, np.bool_)


def _smoothed(grey: GreyImage, region: Region, side_px: int) -> Floats:
    corner, far = (
        np.clip(np.add(region.center_xy, reach).astype(int), 0, grey.shape[::-1])
        for reach in (-DIAGONAL * region.side, DIAGONAL * region.side + 1)
    )
    near = grey[corner[1] : far[1], corner[0] : far[0]]
    if near.size == 0:
        return np.zeros((side_px, side_px), np.float32)
    # what is large is brought down first, or what lies between its pixels would count
    step = max(1, round(region.side / side_px))
    even = np.asarray(cv2.blur(near, (step, step)), np.uint8)
    x, y = np.subtract(region.center_xy, corner)
    moved = Region((float(x), float(y)), region.side, region.angle_rad)
    face = crop_region(even, moved, side_px).astype(np.float32)
    # the codec takes noise out of a face without changing whose it is
    return np.asarray(cv2.GaussianBlur(face, (0, 0), SMOOTH_PX), np.float32)


def _mean(values: Floats) -> Floats:
    return np.asarray(cv2.blur(values, (WINDOW_PX, WINDOW_PX)), np.float32)


def _inside(places_xy: Points, around: list[int]) -> Mask:
    corners = np.round(places_xy[[PLACES[number] for number in around]]).astype(np.int32)
    drawn = np.zeros((MESH_PX, MESH_PX), np.uint8)
    cv2.fillConvexPoly(drawn, cv2.convexHull(corners), 1)
    return np.asarray(cv2.erode(drawn, np.ones((INWARD_PX, INWARD_PX), np.uint8)) > 0, np.bool_)


def _in_mouth(places_xy: Points) -> Mask:
    """Return where a window sees the inside of an open mouth, which stays by design; nowhere if shut."""
    corners = np.round(places_xy[[PLACES[number] for number in INNER_LIPS]]).astype(np.int32)
    drawn = np.zeros((MESH_PX, MESH_PX), np.uint8)
    if cv2.contourArea(corners) >= LEAST_WINDOWS:
        cv2.fillPoly(drawn, [corners], 1)
    return np.asarray(cv2.dilate(drawn, np.ones((INWARD_PX, INWARD_PX), np.uint8)) > 0, np.bool_)


def _share(told: Mask, survived: Mask) -> float:
    return float(survived[told].mean()) if told.sum() >= LEAST_WINDOWS else 0.0


def ranges(frames: Iterable[int]) -> str:
    """Write frame numbers as a person reads them: 3-7, 12."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
