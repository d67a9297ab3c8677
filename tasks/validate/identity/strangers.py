"""Faces out of packages that stand in every gallery, so that chance is small and known."""

from collections.abc import Mapping

import cv2
import numpy as np

from schemas.params.extract import Extract
from tasks.files.errors import ModelError
from tasks.validate.identity.distances import Embeddings
from tasks.vision.detectors import View
from tasks.vision.faces import face_region, locate_mesh, search_faces
from tasks.vision.recognisers import Face, Recogniser
from tasks.vision.regions import RgbImage
from tasks.vision.sessions import Weights

LEAST_PX = 40  # of a face that a recogniser can tell from others
EMPTY_PX = 64  # around a cut-out face, for the detectors
Faces = dict[str, Embeddings]


def read_strangers(
    weights: Weights, names: list[str], extract: Extract, judges: Mapping[str, Recogniser]
) -> list[Faces]:
    """Return recogniser -> 1 x D embedding of every face in the pictures of that name.

    Raises ModelError for a picture without one.
    """
    return [
        {judge: embed(face.rgb, face.mesh_xy)[None] for judge, embed in judges.items()}
        for name in names
        for face in pictured_faces(weights, name, extract)
    ]


def pictured_faces(weights: Weights, name: str, extract: Extract) -> list[Face]:
    """Return the faces of a picture of that name. Raises ModelError where there is none."""
    rgb = _read(weights, name)
    seen = search_faces(View.of(rgb, extract.search_px), weights, extract)
    meshes = [locate_mesh(rgb, face_region(face), weights, extract.landmark_score) for face in seen]
    large = [mesh.xy for mesh in meshes if mesh and np.ptp(mesh.xy, axis=0).max() >= LEAST_PX]
    if not large:
        raise ModelError(f"{name}, a stranger of validate.strangers, shows no face: take another picture")
    return [Face(rgb, mesh_xy) for mesh_xy in large]


def _read(weights: Weights, name: str) -> RgbImage:
    image = cv2.imread(str(weights.path(name)), cv2.IMREAD_COLOR)
    if image is None:
        raise ModelError(f"{name}, a stranger of validate.strangers, is no picture")
    framed = cv2.copyMakeBorder(image, EMPTY_PX, EMPTY_PX, EMPTY_PX, EMPTY_PX, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_BGR2RGB), np.uint8)
