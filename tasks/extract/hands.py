"""Hands: 21 keypoints each."""

import numpy as np

from schemas.params.extract import Extract
from schemas.skeletons import FINGER_JOINTS, HAND_POINTS, HAND_WRIST, PALM
from tasks.extract.tracking import Located, Look, PartModel
from tasks.vision.detectors import Detection, View, detect, make_anchors, to_tensor
from tasks.vision.keypoints import Part
from tasks.vision.regions import (
    Points,
    Region,
    RgbImage,
    bounding_box,
    bounding_region,
    crop_region,
    line_angle,
    to_picture,
)
from tasks.vision.sessions import Weights

MODELS = ("palm_detector", "hand_landmarks")
ANCHORS = make_anchors([(24, 2), (12, 6)])
LANDMARK_SIDE_PX = 224


def hand_model(weights: Weights, settings: Extract) -> PartModel:
    """Pair the palm detector with the hand landmark model."""

    def find(view: View, look: Look) -> list[Detection]:
        return detect(
            weights.tflite("palm_detector"),
            view,
            side_px=192,
            anchors=ANCHORS,
            low=0.0,
            threshold=settings.hand_score,
            overlap=settings.overlap,
        )

    def follow(rgb: RgbImage, region: Region) -> Located | None:
        return _locate(rgb, region, weights, settings.landmark_score)

    return PartModel(find, lambda rgb, palm: follow(rgb, _region_of(palm)), follow)


def _region_of(palm: Detection) -> Region:
    angle = line_angle(palm.points_xy[0], palm.points_xy[2]) + np.pi / 2
    side = float(np.ptp(palm.box_xyxy.reshape(2, 2), axis=0).max())
    return _raise(palm.box_xyxy.reshape(2, 2).mean(axis=0), side, angle, scale=2.6, shift=0.5)


def _raise(center_xy: Points, side: float, angle: float, *, scale: float, shift: float) -> Region:
    up = np.array([np.sin(angle), -np.cos(angle)]) * side * shift
    return Region((float(center_xy[0] + up[0]), float(center_xy[1] + up[1])), side * scale, angle)


def _locate(rgb: RgbImage, region: Region, weights: Weights, threshold: float) -> Located | None:
    crop = crop_region(rgb, region, LANDMARK_SIDE_PX)
    raw, flag, handedness, _ = weights.tflite("hand_landmarks")(to_tensor(crop))
    score = float(flag.reshape(1)[0])
    if score < threshold:
        return None
    xy = to_picture(raw.reshape(HAND_POINTS, 3)[:, :2], region, LANDMARK_SIDE_PX)
    part = Part(xy, np.full(HAND_POINTS, score, np.float32), score, bounding_box(xy))
    # the model was taught on mirrored pictures: its right is the person's left
    return Located(part, _next_region(xy), right=1 - float(handedness.reshape(1)[0]))


def _next_region(xy: Points) -> Region:
    index, middle, ring = (xy[joint] for joint in FINGER_JOINTS)
    angle = line_angle(xy[HAND_WRIST], (index + 2 * middle + ring) / 4) + np.pi / 2
    palm = bounding_region(xy[PALM], angle, 1.0)
    return _raise(np.array(palm.center_xy), palm.side, angle, scale=2.0, shift=0.1)
