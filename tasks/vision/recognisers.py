"""Face recognisers of two families, as an attacker would hold them. Embeddings stay in memory."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import dlib
import numpy as np
from numpy.typing import NDArray

from tasks.vision.alignment import CROP_PX, Embedding, align_arcface, upright
from tasks.vision.dlib_network import CHIP_PX
from tasks.vision.regions import Points, RgbImage, bounding_box
from tasks.vision.sessions import Weights

# dlib's own: what lies around a face, in its sides
CHIP_PADDING = 0.25


class Face(NamedTuple):
    """A face of a picture, by its 468 x 2 mesh; like: another picture by which it is aligned."""

    rgb: RgbImage
    mesh_xy: Points
    like: RgbImage | None = None


class Recogniser(Protocol):
    """Embed a face, or face after face, N x D, which may be quicker."""

    def __call__(self, rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding: ...

    def many(self, faces: Sequence[Face]) -> NDArray[np.float32]: ...


def make_recognisers(weights: Weights) -> dict[str, Recogniser]:
    """Return name -> (picture, 468 x 2 mesh in it) -> embedding; nearer means more alike.

    `arcface` judges too where the workspace has its weight: one of insightface's recognisers.
    """
    found = {"dlib": _dlib(weights), "mobilefacenet": _MobileFaceNet(weights)}
    return found | ({"arcface": _arcface(weights)} if weights.has("arcface") else {})


class OneByOne:
    """A recogniser that takes one face at a time."""

    def __init__(self, embed: Callable[[Face], Embedding]) -> None:
        self._embed = embed

    def __call__(self, rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding:
        return self._embed(Face(rgb, mesh_xy, like))

    def many(self, faces: Sequence[Face]) -> NDArray[np.float32]:
        return np.stack([self._embed(face) for face in faces])


def _dlib(weights: Weights) -> Recogniser:
    predictor = dlib.shape_predictor(str(weights.path("dlib_landmarks")))
    session = weights.dlib("dlib_recogniser")

    def embed(face: Face) -> Embedding:
        turned, upright_xy = upright(face.rgb, face.mesh_xy)
        aligned = turned if face.like is None else upright(face.like, face.mesh_xy)[0]
        box = dlib.rectangle(*(round(float(value)) for value in bounding_box(upright_xy)))
        chip = dlib.get_face_chip(turned, predictor(aligned, box), CHIP_PX, CHIP_PADDING)
        return np.asarray(session(chip[None].astype(np.float32))[0][0], np.float32)

    return OneByOne(embed)


class _MobileFaceNet:
    """Its file takes two faces at a time, no more and no fewer."""

    def __init__(self, weights: Weights) -> None:
        self._session = weights.tflite("mobilefacenet")

    def __call__(self, rgb: RgbImage, mesh_xy: Points, like: RgbImage | None = None) -> Embedding:
        return np.asarray(self.many([Face(rgb, mesh_xy)])[0], np.float32)

    def many(self, faces: Sequence[Face]) -> NDArray[np.float32]:
        crops = np.stack([_crop(face) for face in [*faces, faces[-1]]])
        pairs = [crops[at : at + 2] for at in range(0, len(faces), 2)]
        vectors = np.concatenate([self._session(pair)[0] for pair in pairs])[: len(faces)]
        return np.stack([vector / np.linalg.norm(vector) for vector in vectors])


def _arcface(weights: Weights) -> Recogniser:
    session = weights.onnx("arcface", (CROP_PX, CROP_PX))

    def embed(face: Face) -> Embedding:
        vector = session(_crop(face).transpose(2, 0, 1)[None])[0][0]
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    return OneByOne(embed)


def _crop(face: Face) -> NDArray[np.float32]:
    return align_arcface(face.rgb, face.mesh_xy).astype(np.float32) / 127.5 - 1
