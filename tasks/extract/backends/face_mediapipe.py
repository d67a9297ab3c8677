"""Faces by BlazeFace and CenterFace; 468 keypoints by MediaPipe's mesh."""

import numpy as np

from schemas.params.extract import Extract
from schemas.skeletons import FACE_POINTS
from tasks.extract.tracking import Located, Look, PartModel
from tasks.tracks.beliefs import GOOD
from tasks.vision.closeup import closeness
from tasks.vision.detectors import Detection, View
from tasks.vision.faces import (
    FaceMesh,
    face_region,
    glance_faces,
    locate_mesh,
    look_closer,
    search_box,
    search_faces,
)
from tasks.vision.hidden import hidden_keypoints
from tasks.vision.keypoints import Part
from tasks.vision.regions import Box, Region, RgbImage, is_astray
from tasks.vision.sessions import Weights

MODELS = ("face_detector", "centerface", "face_landmarks")
LOOKS = 4  # at most, at one face in one frame


def make_model(weights: Weights, settings: Extract) -> PartModel:
    """Pair the united face detectors with the mesh model."""

    def find(view: View, look: Look) -> list[Detection]:
        if look == "glance":
            return glance_faces(view, weights, settings)
        return search_faces(view, weights, settings, turned=look == "turned")

    def follow(rgb: RgbImage, region: Region) -> Located | None:
        mesh = _locate(rgb, region, weights, settings.landmark_score)
        if mesh is None:
            return None
        visibility = np.full(FACE_POINTS, mesh.score, np.float32)
        visibility[hidden_keypoints(rgb, mesh.xy)] = 0
        return Located(Part(mesh.xy, visibility, mesh.score, mesh.box_xyxy), mesh.next_region)

    def meet(rgb: RgbImage, face: Detection) -> Located | None:
        clear = look_closer(rgb, face, weights, settings)
        located = follow(rgb, face_region(clear or face))
        if clear is not None or face.score >= settings.sure_score:
            return located or face_without_mesh(face)
        return located if located and located.part.score >= settings.sure_score else None

    def look_at(view: View, box_xyxy: Box) -> list[Detection]:
        return search_box(view, box_xyxy, weights, settings)

    def fit(rgb: RgbImage, face: Detection, taken_xyxy: Box) -> Located | None:
        # two who stand cheek to cheek are two
        if closeness(rgb, taken_xyxy, 0.0, weights, [face.box_xyxy]) >= GOOD:
            return None
        return follow(rgb, face_region(face))

    return PartModel(find, meet, follow, same_box=True, look_at=look_at, fit=fit)


def _locate(rgb: RgbImage, region: Region, weights: Weights, least_score: float) -> FaceMesh | None:
    """Fit the mesh, and again where it was found astray: at the edge of its square a face is read badly."""
    mesh = locate_mesh(rgb, region, weights, least_score)
    for _ in range(LOOKS - 1):
        if mesh is None or not is_astray(region, mesh.next_region):
            break
        region = mesh.next_region
        mesh = locate_mesh(rgb, region, weights, least_score) or mesh
    return mesh


def face_without_mesh(face: Detection) -> Located:
    """Return a detected face of which only box, eyes and nose are known: it must be covered all the same."""
    nowhere = np.full((FACE_POINTS, 2), np.nan, np.float32)
    part = Part(
        nowhere, np.zeros(FACE_POINTS, np.float32), min(face.score, 1.0), face.box_xyxy, face.points_xy[:3]
    )
    return Located(part, face_region(face))
