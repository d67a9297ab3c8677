"""Can a released face still be recognised? (pure)"""

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]


def distances(original: Embeddings, other: Embeddings) -> NDArray[np.float64]:
    """Return the distance of each of N frames to the same original frame, from N x D embeddings."""
    return np.asarray(np.linalg.norm(original.astype(np.float64) - other, axis=1), np.float64)


def make_gallery(originals: dict[str, list[Embeddings]]) -> dict[str, Embeddings]:
    """Return one mean embedding per subject from all frames of all their original clips."""
    return {subject: np.concatenate(frames).mean(axis=0) for subject, frames in originals.items()}


def rank1(probes: Embeddings, subject: str, gallery: dict[str, Embeddings]) -> float:
    """Return the share of N probes whose nearest subject in the gallery is their own."""
    subjects = list(gallery)
    templates = np.stack([gallery[name] for name in subjects])
    nearest = np.linalg.norm(probes[:, None] - templates[None], axis=2).argmin(axis=1)
    return float((nearest == subjects.index(subject)).mean())
