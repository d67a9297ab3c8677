"""Hands in front of a face, by their keypoints (pure)."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import EYE_CORNERS, LID_MIDDLES
from tasks.vision.hidden import draw_hand, finger_width
from tasks.vision.regions import Points


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
    width = max(finger_width(hand) for hand in near)
    weights = np.asarray(cv2.GaussianBlur(shape, (0, 0), max(0.5, width / 6)) / 255, np.float32)
    # a hand that was found where there is none must not leave the patient's own eyes
    for corners, lids in zip(EYE_CORNERS, LID_MIDDLES, strict=True):
        eye = mesh_xy[[*corners, *lids]]
        center, reach = eye.mean(axis=0), float(np.ptp(eye[:, 0]))
        cv2.circle(weights, tuple(int(at) for at in center), max(1, round(reach)), 0, -1)
    return weights


def _touches(hand_xy: Points, side_px: int) -> bool:
    low, high = hand_xy.min(axis=0), hand_xy.max(axis=0)
    return bool((high >= 0).all() and (low < side_px).all())
