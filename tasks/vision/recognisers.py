"""Face recognisers of two families, as an attacker would hold them. Embeddings stay in memory."""

from typing import Protocol

import dlib
import numpy as np

from tasks.vision.alignment import CROP_PX, Embedding, align_arcface, upright
from tasks.vision.dlib_network import CHIP_PX
from tasks.vision.regions import Points, RgbImage, bounding_box
from tasks.vision.sessions import Weights

# dlib's own: what lies around a face, in its sides
CHIP_PADDING = 0.25


class Recogniser(Protocol):
    """Embed a face of a picture, given its 468 x 2 mesh; `like`: another picture by which it is aligned."""

    def __call__(self, rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding: ...


def make_recognisers(weights: Weights) -> dict[str, Recogniser]:
    """Return name -> (picture, 468 x 2 mesh in it) -> embedding; nearer means more alike.

    `arcface` judges too where the workspace has its weight: one of insightface's recognisers.
    """
    found = {"dlib": _dlib(weights), "mobilefacenet": _mobilefacenet(weights)}
    return found | ({"arcface": _arcface(weights)} if weights.has("arcface") else {})


def _dlib(weights: Weights) -> Recogniser:
    predictor = dlib.shape_predictor(str(weights.path("dlib_landmarks")))
    session = weights.dlib("dlib_recogniser")

    def embed(rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding:
        face, upright_xy = upright(rgb, mesh_xy)
        aligned = face if like is None else upright(like, mesh_xy)[0]
        box = dlib.rectangle(*(round(float(value)) for value in bounding_box(upright_xy)))
        chip = dlib.get_face_chip(face, predictor(aligned, box), CHIP_PX, CHIP_PADDING)
        return np.asarray(session(chip[None].astype(np.float32))[0][0], np.float32)

    return embed


def _mobilefacenet(weights: Weights) -> Recogniser:
    session = weights.tflite("mobilefacenet")

    def embed(rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding:
        crop = align_arcface(rgb, mesh_xy).astype(np.float32) / 127.5 - 1
        vector = session(np.stack([crop, crop]))[0][0]
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    return embed


def _arcface(weights: Weights) -> Recogniser:
    session = weights.onnx("arcface", (CROP_PX, CROP_PX))

    def embed(rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding:
        crop = align_arcface(rgb, mesh_xy).astype(np.float32) / 127.5 - 1
        vector = session(crop.transpose(2, 0, 1)[None])[0][0]
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    return embed
