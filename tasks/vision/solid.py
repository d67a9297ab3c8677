"""A face known by how it is built, whatever way it looks: an attacker needs no texture (pure)."""

from collections.abc import Sequence

import numpy as np

from schemas.skeletons import NOSE_ENDS
from tasks.vision.alignment import Embedding, laid_over
from tasks.vision.regions import Points

SHAPE = "shape"


def embed_shape(reading: Points, upright: Points) -> Embedding:
    """Return what lies above the mouth of a 468 x 3 reading, without place, size and pose, of unit length.

    upright: a reading of anybody who looks straight ahead. The jaw moves, and says less of who it is.
    """
    above = upright[:, 1] <= upright[NOSE_ENDS[1], 1]
    laid = laid_over(reading[above].astype(np.float64), upright[above].astype(np.float64))
    laid -= laid.mean(axis=0)
    return np.asarray(laid.ravel() / max(float(np.linalg.norm(laid)), 1e-9), np.float32)


def built_apart(seen: Points, own: Points, others: Sequence[Points], upright: Points) -> float:
    """Return how far a reading is from a person's own, as a multiple of the nearest other's, or 1."""
    face, *away = (embed_shape(reading, upright) for reading in (seen, own, *others))
    distances = [float(np.linalg.norm(face - other)) for other in away]
    return distances[0] / max(min(distances[1:]), 1e-6) if others else 1.0
