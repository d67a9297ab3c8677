"""Can a released face still be recognised? (pure)"""

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]


def distances(original: Embeddings, other: Embeddings) -> NDArray[np.float64]:
    """Return the distance of each of N frames to the same original frame, from N x D embeddings."""
    return np.asarray(np.linalg.norm(original.astype(np.float64) - other, axis=1), np.float64)


def make_gallery(originals: dict[str, list[Embeddings]]) -> dict[str, Embeddings]:
    """Return one mean direction per subject from all frames of all their original clips."""
    return {subject: _unit(_unit(np.concatenate(faces)).mean(axis=0)) for subject, faces in originals.items()}


def rank1(probes: Embeddings, subject: str, gallery: dict[str, Embeddings]) -> float:
    """Return the share of N probes that point most towards their own subject in the gallery."""
    subjects = list(gallery)
    likeness = _unit(probes) @ np.stack([gallery[name] for name in subjects]).T
    return float((likeness.argmax(axis=1) == subjects.index(subject)).mean())


def _unit(vectors: Embeddings) -> Embeddings:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)
