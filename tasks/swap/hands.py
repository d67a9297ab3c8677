"""Hands in front of a face, by their keypoints (pure)."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import EYE_CORNERS, FINGERS, INDEX_KNUCKLE, LID_MIDDLES, LITTLE_KNUCKLE, PALM_OUTLINE
from tasks.vision.regions import Points

# a finger is about so thick, as a share of the width of the knuckles
FINGER_WIDTH = 0.32


def hand_weights(hands_xy: Sequence[Points], mesh_xy: Points, side_px: int) -> NDArray[np.float32] | None:
    """Return side x side weights, 1 on the hands' palms and fingers; None where no hand comes near.

    hands_xy: 21 x 2 keypoints each; mesh_xy: 468 x 2 of the face behind them; in pixels of the square.
    """
    near = [hand for hand in hands_xy if _touches(hand, side_px)]
    if not near:
        return None
    shape = np.zeros((side_px, side_px), np.uint8)
    for hand in near:
        draw_hand(shape, hand)
    width = max(_finger_width(hand) for hand in near)
    weights = np.asarray(cv2.GaussianBlur(shape, (0, 0), max(0.5, width / 6)) / 255, np.float32)
    # a hand that was found where there is none must not leave the patient's own eyes
    for corners, lids in zip(EYE_CORNERS, LID_MIDDLES, strict=True):
        eye = mesh_xy[[*corners, *lids]]
        center, reach = eye.mean(axis=0), float(np.ptp(eye[:, 0]))
        cv2.circle(weights, tuple(int(at) for at in center), max(1, round(reach)), 0, -1)
    return weights


def draw_hand(shape: NDArray[np.uint8], hand_xy: Points) -> None:
    """Draw palm and fingers of 21 x 2 keypoints: no pixel between the fingers."""
    points = np.round(hand_xy).astype(np.int32)
    cv2.fillPoly(shape, [cv2.convexHull(points[PALM_OUTLINE])], 255)
    for finger in FINGERS:
        cv2.polylines(shape, [points[[finger[0], *finger]]], False, 255, _finger_width(hand_xy))


def _finger_width(hand_xy: Points) -> int:
    return max(
        1, round(float(np.linalg.norm(hand_xy[INDEX_KNUCKLE] - hand_xy[LITTLE_KNUCKLE])) * FINGER_WIDTH)
    )


def _touches(hand_xy: Points, side_px: int) -> bool:
    low, high = hand_xy.min(axis=0), hand_xy.max(axis=0)
    return bool((high >= 0).all() and (low < side_px).all())
