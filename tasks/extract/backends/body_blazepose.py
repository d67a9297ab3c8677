"""Bodies by BlazePose: 33 keypoints."""

import numpy as np

from schemas.params.extract import Extract
from schemas.skeletons import BODY_POINTS
from tasks.extract.tracking import Located, Look, PartModel
from tasks.vision.detectors import (
    Detection,
    View,
    detect,
    make_anchors,
    sigmoid,
    to_tensor,
    turn,
    turn_back,
    unite,
)
from tasks.vision.keypoints import Part
from tasks.vision.regions import (
    Points,
    Region,
    RgbImage,
    bounding_box,
    crop_region,
    line_angle,
    to_picture,
)
from tasks.vision.sessions import Weights

MODELS = ("pose_detector", "pose_landmarks")
ANCHORS = make_anchors([(28, 2), (14, 2), (7, 6)])
LANDMARK_SIDE_PX = 256
REGION_SCALE = 2 * 1.25


def make_model(weights: Weights, settings: Extract) -> PartModel:
    """Pair the pose detector with the pose landmark model."""

    def look(view: View) -> list[Detection]:
        return detect(
            weights.tflite("pose_detector"),
            view,
            side_px=224,
            anchors=ANCHORS,
            low=-1.0,
            threshold=settings.body_score,
            overlap=settings.overlap,
        )

    def find(view: View, how: Look) -> list[Detection]:
        found = look(view)
        if how == "turned" and not found:
            for turns in (1, 2, 3):
                found += [turn_back(person, turns, view.size_wh) for person in look(turn(view, turns))]
        return unite(found, settings.overlap)

    def follow(rgb: RgbImage, region: Region) -> Located | None:
        return _locate(rgb, region, weights, settings.landmark_score)

    return PartModel(find, lambda rgb, person: follow(rgb, _region_of(person)), follow)


def _region_of(person: Detection) -> Region:
    return _upright_region(person.points_xy[0], person.points_xy[1])


def _upright_region(center_xy: Points, top_xy: Points) -> Region:
    side = float(np.linalg.norm(top_xy - center_xy)) * REGION_SCALE
    angle = line_angle(center_xy, top_xy) + np.pi / 2
    return Region((float(center_xy[0]), float(center_xy[1])), side, angle)


def _locate(rgb: RgbImage, region: Region, weights: Weights, threshold: float) -> Located | None:
    crop = crop_region(rgb, region, LANDMARK_SIDE_PX)
    # the others, a mask and heat maps, take as long as these two
    raw, flag = weights.tflite("pose_landmarks", outputs=2)(to_tensor(crop))
    score = float(flag.reshape(1)[0])
    if score < threshold:
        return None
    values = raw.reshape(39, 5)
    points = to_picture(values[:, :2], region, LANDMARK_SIDE_PX)
    xy = points[:BODY_POINTS]
    visibility = sigmoid(values[:BODY_POINTS, 3]).astype(np.float32)
    part = Part(xy, visibility, score, bounding_box(xy))
    # the two points behind are the body's centre and the circle around it
    return Located(part, _upright_region(*points[BODY_POINTS : BODY_POINTS + 2]))
