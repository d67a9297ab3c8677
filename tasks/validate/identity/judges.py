"""Everything that tells a face from others: recognisers, and how it is built."""

import numpy as np

from schemas.params.extract import Extract
from tasks.validate.identity.strangers import pictured_faces
from tasks.vision.faces import read_shape
from tasks.vision.recognisers import Face, OneByOne, Recogniser, make_recognisers
from tasks.vision.regions import Points
from tasks.vision.sessions import Weights
from tasks.vision.solid import SHAPE, embed_shape

UPRIGHT = "average_face"  # over which every shape is laid


def make_judges(weights: Weights, extract: Extract) -> dict[str, Recogniser]:
    """Return name -> recogniser, of this thread; `shape` reads a face in three dimensions."""
    judges: dict[str, Recogniser] = weights.once("judges", lambda: _make(weights, extract))
    return judges


def _make(weights: Weights, extract: Extract) -> dict[str, Recogniser]:
    def solid(face: Face) -> Points:
        return read_shape(face.rgb, face.mesh_xy, weights)

    def read_upright() -> Points:
        return solid(pictured_faces(weights, UPRIGHT, extract)[0])

    upright = np.asarray(weights.shared(f"shape of {UPRIGHT}", read_upright), np.float32)
    recognisers = weights.once("recognisers", lambda: make_recognisers(weights))
    return {**recognisers, SHAPE: OneByOne(lambda face: embed_shape(solid(face), upright))}
