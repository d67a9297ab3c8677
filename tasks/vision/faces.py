"""Faces in a picture: two families of detectors, and the 468-point mesh."""

from dataclasses import dataclass

import cv2
import numpy as np

from schemas.params.extract import Extract
from schemas.skeletons import FACE_POINTS
from tasks.vision.detectors import (
    Detection,
    View,
    detect,
    make_anchors,
    move,
    sigmoid,
    to_tensor,
    turn,
    turn_back,
    unite,
)
from tasks.vision.regions import (
    MESH_SCALE,
    MESH_SIDE_PX,
    Box,
    Points,
    Region,
    RgbImage,
    bounding_box,
    crop_region,
    line_angle,
    mesh_region,
    overlap,
    to_picture,
)
from tasks.vision.sessions import Weights

FULL_RANGE_ANCHORS = make_anchors([(48, 1)])
# what is looked at in all turns between searches has a longer side of so many pixels at most
TURNED_PX = 480


@dataclass(frozen=True)
class FaceMesh:
    """468 x 2 keypoints in picture pixels and where to look in the next frame."""

    xy: Points
    score: float
    next_region: Region

    @property
    def box_xyxy(self) -> Box:
        return bounding_box(self.xy)


def glance_faces(view: View, weights: Weights, settings: Extract) -> list[Detection]:
    """Look for faces with BlazeFace over the whole picture; the first two points are the eyes."""
    return detect(
        weights.tflite("face_detector"),
        view,
        side_px=192,
        anchors=FULL_RANGE_ANCHORS,
        low=-1.0,
        threshold=settings.face_score,
        overlap=settings.overlap,
    )


def search_faces(view: View, weights: Weights, settings: Extract, *, turned: bool = False) -> list[Detection]:
    """Unite both families of detectors over the whole picture and its tiles.

    turned: look at the three other quarter turns as well, at a higher threshold.
    """
    found = _search_upright(view, weights, settings)
    if turned:
        strict = settings.model_copy(update={"face_score": settings.sure_score})
        for turns in (1, 2, 3):
            seen = _search_upright(turn(view, turns), weights, strict)
            found += [turn_back(face, turns, view.size_wh) for face in seen]
    return unite(found, settings.overlap)


def _search_upright(view: View, weights: Weights, settings: Extract) -> list[Detection]:
    found = glance_faces(view, weights, settings) + _detect_centerface(view, weights, settings)
    for x, y in tile_corners(view.size_wh, settings.tile_px):
        tile = np.ascontiguousarray(view.rgb[y : y + settings.tile_px, x : x + settings.tile_px])
        found += [move(face, (x, y)) for face in glance_faces(View(tile, tile), weights, settings)]
    return found


def search_box(view: View, box_xyxy: Box, weights: Weights, settings: Extract) -> list[Detection]:
    """Look into a box of the picture with CenterFace, at all quarter turns; turned ones must be sure."""
    x0, y0, x1, y1 = np.clip(np.round(box_xyxy), 0, [*view.size_wh] * 2).astype(int)
    if min(x1 - x0, y1 - y0) < 2:
        return []
    rgb = view.rgb[y0:y1, x0:x1]
    strict = settings.model_copy(update={"face_score": settings.sure_score})
    found = _detect_centerface(View.of(rgb, settings.search_px), weights, settings)
    inside = View.of(rgb, min(settings.search_px, TURNED_PX))
    for turns in (1, 2, 3):
        seen = _detect_centerface(turn(inside, turns), weights, strict)
        found += [turn_back(face, turns, inside.size_wh) for face in seen]
    return [move(face, (x0, y0)) for face in unite(found, settings.overlap)]


def tile_corners(size_wh: tuple[int, int], tile_px: int) -> list[tuple[int, int]]:
    """Return the top left corners of overlapping square tiles; none where the picture is hardly larger."""
    if max(size_wh) <= tile_px * 1.5:
        return []
    rows = [
        np.linspace(0, max(0, size - tile_px), -(-max(0, size - tile_px) * 3 // (2 * tile_px)) + 1)
        for size in size_wh
    ]
    return [(int(x), int(y)) for y in rows[1] for x in rows[0]]


def _detect_centerface(view: View, weights: Weights, settings: Extract) -> list[Detection]:
    return detect_centerface(view, weights, score=settings.face_score, overlap=settings.overlap)


def detect_centerface(view: View, weights: Weights, *, score: float, overlap: float) -> list[Detection]:
    """Look for faces with CenterFace over the whole picture."""
    height, width = view.small.shape[:2]
    size_wh = (-(-width // 32) * 32, -(-height // 32) * 32)
    # it is a multiple of 32, so a little larger
    blob = cv2.resize(view.small, size_wh).transpose(2, 0, 1)[None].astype(np.float32)
    heat, scale, offset, landmarks = (out[0] for out in weights.centerface("centerface")(blob))
    ratio_xy = (np.array(view.size_wh) / size_wh).astype(np.float32)
    detections = []
    for row, column in zip(*np.nonzero(heat[0] >= score), strict=True):
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
    return unite(detections, overlap)


def look_closer(rgb: RgbImage, face: Detection, weights: Weights, settings: Extract) -> Detection | None:
    """Look at a face enlarged, in all quarter turns, and return the clearest view; None if there is none."""
    square = face_region(face)
    views = []
    for turns in range(4):
        region = Region(square.center_xy, square.side * 1.5, turns * np.pi / 2)
        crop = crop_region(rgb, region, MESH_SIDE_PX)
        for seen in glance_faces(View(crop, crop), weights, settings):
            xy = to_picture(
                np.concatenate([seen.box_xyxy.reshape(2, 2), seen.points_xy]), region, MESH_SIDE_PX
            )
            view = Detection(bounding_box(xy[:2]), xy[2:], seen.score)
            if overlap(view.box_xyxy, face.box_xyxy) > settings.overlap:
                views.append(view)
    return max(views, key=lambda view: view.score, default=None)


def face_region(face: Detection) -> Region:
    """Return the square that the mesh model expects around a detected face."""
    center, size = face.box_xyxy.reshape(2, 2).mean(axis=0), np.ptp(face.box_xyxy.reshape(2, 2), 0)
    angle = line_angle(face.points_xy[0], face.points_xy[1])
    return Region((float(center[0]), float(center[1])), float(size.max()) * MESH_SCALE, angle)


def locate_mesh(rgb: RgbImage, region: Region, weights: Weights, threshold: float) -> FaceMesh | None:
    """Fit the mesh inside a region; None where the model sees no face."""
    crop_xy, score = fit_mesh(crop_region(rgb, region, MESH_SIDE_PX), weights)
    if score < threshold:
        return None
    xy = to_picture(crop_xy, region, MESH_SIDE_PX)
    return FaceMesh(xy, score, mesh_region(xy))


def fit_mesh(crop: RgbImage, weights: Weights) -> tuple[Points, float]:
    """Return 468 x 2 keypoints in pixels of a crop of the model's size, and the face's score."""
    xyz, score = fit_solid(crop, weights)
    return np.ascontiguousarray(xyz[:, :2]), score


def fit_solid(crop: RgbImage, weights: Weights) -> tuple[Points, float]:
    """Return 468 x 3 keypoints in pixels of a crop of the model's size, z away, and the face's score."""
    raw, flag = weights.tflite("face_landmarks")(to_tensor(crop))
    return np.asarray(raw.reshape(FACE_POINTS, 3), np.float32), float(sigmoid(flag.reshape(1))[0])


def read_shape(rgb: RgbImage, mesh_xy: Points, weights: Weights) -> Points:
    """Read 468 x 3 keypoints of a face in a picture, in no particular unit, given its mesh."""
    return fit_solid(crop_region(rgb, mesh_region(mesh_xy), MESH_SIDE_PX), weights)[0]
