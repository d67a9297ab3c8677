"""Faces in a picture: two families of detectors, and the 468-point mesh."""

from dataclasses import dataclass

import cv2
import numpy as np

from schemas.params import Extract
from tasks.detectors import Detection, detect, make_anchors, sigmoid, to_tensor
from tasks.inference import Weights
from tasks.regions import (
    Box,
    Points,
    Region,
    RgbImage,
    bounding_box,
    bounding_region,
    crop_region,
    line_angle,
    suppress,
    to_picture,
)

FULL_RANGE_ANCHORS = make_anchors([(48, 1)])
MESH_SIDE_PX = 192
MESH_KEYPOINTS = 468
MESH_SCALE = 1.5
# outer eye corners of the 468-point mesh, the person's right first
RIGHT_EYE, LEFT_EYE = 33, 263


@dataclass(frozen=True)
class FaceMesh:
    """468 x 2 keypoints in picture pixels and where to look in the next frame."""

    xy: Points
    score: float
    next_region: Region

    @property
    def box_xyxy(self) -> Box:
        return bounding_box(self.xy)


def detect_faces(rgb: RgbImage, weights: Weights, settings: Extract) -> list[Detection]:
    """Unite BlazeFace full-range and CenterFace; the first two points are the eyes, left in view first."""
    found = detect(
        weights.tflite("face_detector"),
        rgb,
        side_px=192,
        anchors=FULL_RANGE_ANCHORS,
        low=-1.0,
        threshold=settings.face_score,
        overlap=settings.overlap,
    ) + _detect_centerface(rgb, weights, settings)
    if not found:
        return []
    boxes = np.stack([face.box_xyxy for face in found])
    scores = np.array([face.score for face in found], np.float32)
    return [found[index] for index in suppress(boxes, scores, settings.overlap)]


def _detect_centerface(rgb: RgbImage, weights: Weights, settings: Extract) -> list[Detection]:
    height, width = rgb.shape[:2]
    size_wh = (-(-width // 32) * 32, -(-height // 32) * 32)
    blob = cv2.resize(rgb, size_wh).transpose(2, 0, 1)[None].astype(np.float32)
    heat, scale, offset, landmarks = (out[0] for out in weights.centerface("centerface")(blob))
    rows, columns = np.nonzero(heat[0] >= settings.face_score)
    ratio_xy = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
    detections = []
    for row, column in zip(rows, columns, strict=True):
        half_hw = np.exp(scale[:, row, column]) * 2
        center = np.array([column, row]) + offset[::-1, row, column] + 0.5
        box = np.concatenate([center * 4 - half_hw[::-1], center * 4 + half_hw[::-1]])
        points_yx = landmarks[:, row, column].reshape(5, 2)
        points = box[:2] + points_yx[:, ::-1] * (half_hw[::-1] * 2)
        detections.append(
            Detection(
                (box.reshape(2, 2) * ratio_xy).reshape(4).astype(np.float32),
                (points * ratio_xy).astype(np.float32),
                float(heat[0, row, column]),
            )
        )
    return detections


def face_region(face: Detection) -> Region:
    """Return the square that the mesh model expects around a detected face."""
    center, size = face.box_xyxy.reshape(2, 2).mean(axis=0), np.ptp(face.box_xyxy.reshape(2, 2), 0)
    angle = line_angle(face.points_xy[0], face.points_xy[1])
    return Region((float(center[0]), float(center[1])), float(size.max()) * MESH_SCALE, angle)


def locate_mesh(rgb: RgbImage, region: Region, weights: Weights, threshold: float) -> FaceMesh | None:
    """Fit the mesh inside a region; None where the model sees no face."""
    crop = crop_region(rgb, region, MESH_SIDE_PX)
    raw, flag = weights.tflite("face_landmarks")(to_tensor(crop))
    score = float(sigmoid(flag.reshape(1))[0])
    if score < threshold:
        return None
    xy = to_picture(raw.reshape(MESH_KEYPOINTS, 3)[:, :2], region, MESH_SIDE_PX)
    return FaceMesh(xy, score, mesh_region(xy))


def mesh_region(mesh_xy: Points) -> Region:
    """Return where the mesh model should look again, given 468 x 2 keypoints."""
    angle = line_angle(mesh_xy[RIGHT_EYE], mesh_xy[LEFT_EYE])
    return bounding_region(mesh_xy, angle, MESH_SCALE)
