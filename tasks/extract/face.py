"""Face: 468 keypoints."""

import numpy as np

from schemas.params import Extract
from tasks.extract.tracking import Located, PartModel
from tasks.faces import MESH_KEYPOINTS, MESH_SCALE, detect_faces, face_region, locate_mesh
from tasks.inference import Weights
from tasks.keypoints import Part
from tasks.regions import Region, RgbImage


def face_model(weights: Weights, settings: Extract) -> PartModel:
    """Pair the united face detectors with the mesh model."""

    def find(rgb: RgbImage) -> list[Region]:
        return [face_region(face) for face in detect_faces(rgb, weights, settings)]

    def locate(rgb: RgbImage, region: Region) -> Located | None:
        mesh = locate_mesh(rgb, region, weights, settings.landmark_score)
        if mesh is None:
            return None
        visibility = np.full(MESH_KEYPOINTS, mesh.score, np.float32)
        return Located(Part(mesh.xy, visibility, mesh.score, mesh.box_xyxy), mesh.next_region)

    return PartModel(find, locate, keep=face_without_mesh)


def face_without_mesh(region: Region) -> Located:
    """Return a detected face of which only the box is known: it must be covered all the same."""
    half = region.side / MESH_SCALE / 2
    center = np.array(region.center_xy, np.float32)
    box = np.concatenate([center - half, center + half]).astype(np.float32)
    nowhere = np.full((MESH_KEYPOINTS, 2), np.nan, np.float32)
    return Located(Part(nowhere, np.zeros(MESH_KEYPOINTS, np.float32), 0.0, box), region)
