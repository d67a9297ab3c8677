"""Faces by insightface's SCRFD and by CenterFace; 68 keypoints by 1k3d68 in the mesh's layout."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from schemas.params.extract import Extract
from schemas.skeletons import FACE_POINTS, IBUG_68
from tasks.extract.tracking import Located, Look, PartModel
from tasks.files.errors import ModelError
from tasks.vision.detectors import Detection, View, move, turn, turn_back, unite
from tasks.vision.faces import detect_centerface, face_region, locate_mesh, search_faces, tile_corners
from tasks.vision.insightface_models import zoo_model
from tasks.vision.keypoints import Part
from tasks.vision.regions import Points, RgbImage, bounding_box, crop_region, mesh_region, to_picture
from tasks.vision.sessions import Weights

MODELS = ("scrfd", "landmarks_1k3d68", "centerface", "average_face", "face_detector", "face_landmarks")
DETECTOR_SIDE_PX, LANDMARK_SIDE_PX = 640, 192
# where in the crop of the landmark model the face's box lies: the crop is 1.5 times as wide
BOX_IN_CROP = np.array([32, 32, 160, 160], np.float32)
Detect = Callable[[View, Extract], list[Detection]]


def make_model(weights: Weights, settings: Extract) -> PartModel:
    """Pair SCRFD with the landmark model; everybody is found anew in every frame."""
    scrfd = zoo_model(weights, "scrfd", "SCRFD")
    landmarks = zoo_model(weights, "landmarks_1k3d68", "Landmark")
    if not scrfd.use_kps or landmarks.lmk_num != len(IBUG_68):
        raise ModelError(
            "scrfd must find five keypoints of a face, and landmarks_1k3d68 68: bring buffalo_l's"
        )
    spread = weights.once("ibug to mesh", lambda: _spread(weights, settings))

    def find(view: View, look: Look) -> list[Detection]:
        found = _detect(scrfd, view, settings.face_score)
        if look != "glance":
            found += detect_centerface(view, weights, score=settings.face_score, overlap=settings.overlap)
            for x, y in tile_corners(view.size_wh, settings.tile_px):
                tile = view.rgb[y : y + settings.tile_px, x : x + settings.tile_px]
                found += [
                    move(face, (x, y)) for face in _detect(scrfd, View(tile, tile), settings.face_score)
                ]
        if look == "turned":
            for turns in (1, 2, 3):
                seen = _detect(scrfd, turn(view, turns), settings.sure_score)
                found += [turn_back(face, turns, view.size_wh) for face in seen]
        return unite(found, settings.overlap)

    def meet(rgb: RgbImage, face: Detection) -> Located:
        xy = spread @ _landmarks(landmarks, rgb, face)
        visibility = np.zeros(FACE_POINTS, np.float32)
        visibility[IBUG_68] = min(face.score, 1.0)
        around = bounding_box(np.concatenate([xy, face.box_xyxy.reshape(2, 2)]))
        return Located(Part(xy, visibility, min(face.score, 1.0), around), mesh_region(xy))

    return PartModel(find, meet, lambda rgb, region: None, same_box=True, anew=True)


def _detect(scrfd: Any, view: View, threshold: float) -> list[Detection]:
    bgr = cv2.cvtColor(view.small, cv2.COLOR_RGB2BGR)
    side = DETECTOR_SIDE_PX
    boxes, points = scrfd.detect(bgr, input_size=(side, side), det_thresh=threshold)
    ratio = (np.array(view.size_wh) / view.small.shape[1::-1]).astype(np.float32)
    return [
        Detection((box[:4].reshape(2, 2) * ratio).reshape(4), five * ratio, float(box[4]))
        for box, five in zip(boxes, points, strict=True)
    ]


def _landmarks(model: Any, rgb: RgbImage, face: Detection) -> Points:
    """Return 68 x 2 keypoints in picture pixels, read upright however the face is turned."""
    from insightface.app.common import Face

    region = face_region(face)
    bgr = cv2.cvtColor(crop_region(rgb, region, LANDMARK_SIDE_PX), cv2.COLOR_RGB2BGR)
    found = np.asarray(model.get(bgr, Face(bbox=BOX_IN_CROP)), np.float32)[:, :2]
    return to_picture(found, region, LANDMARK_SIDE_PX)


def _spread(weights: Weights, settings: Extract) -> NDArray[np.float32]:
    """Return 468 x 68: how each keypoint of the mesh lies between the measured ones in an average face.

    A thin plate is bent through the measured ones, as Bookstein (1989) has it.
    """
    image = cv2.imread(str(weights.path("average_face")))
    if image is None:
        raise ModelError("average_face is no picture")
    view = View.of(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), settings.search_px)
    found = search_faces(view, weights, settings)
    mesh = locate_mesh(view.rgb, face_region(found[0]), weights, settings.landmark_score) if found else None
    if mesh is None:
        raise ModelError("average_face shows no face that can be measured")
    plate = RBFInterpolator(mesh.xy[IBUG_68], np.eye(len(IBUG_68)), kernel="thin_plate_spline")
    return np.asarray(plate(mesh.xy), np.float32)
