"""Can a released face still be recognised? (pure)"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
RANK5 = 5
LEAST_LENGTH = 1e-12
SHRINKAGE = 0.5


def distances(original: Embeddings, other: Embeddings) -> NDArray[np.float64]:
    """Return the distance of each of N frames to the same original frame, from N x D embeddings."""
    return np.asarray(np.linalg.norm(original.astype(np.float64) - other, axis=1), np.float64)


def make_gallery(originals: dict[str, list[Embeddings]]) -> dict[str, Embeddings]:
    """Return one mean direction per subject from all frames of all their original clips."""
    return {subject: template_of(np.concatenate(faces)) for subject, faces in originals.items()}


@dataclass(frozen=True)
class Attack:
    """What somebody who holds the gallery finds in one clip.

    rank_mean: mean place of the own subject, 1 where it is the nearest. rank1, rank5: shares of frames whose
    own subject is the nearest, or among the five nearest. best_frame: whether the frame that looks most like
    anybody looks like its own subject. template: whether the mean of all frames does.
    """

    rank_mean: float
    rank1: float
    rank5: float
    best_frame: bool
    template: bool


def likeness_to(probes: Embeddings, gallery: dict[str, Embeddings]) -> Embeddings:
    """Return N x S cosines of N probes to the gallery's S subjects, in its order."""
    return np.asarray(unit(probes) @ np.stack(list(gallery.values())).T, np.float32)


def template_of(probes: Embeddings) -> Embeddings:
    """Return the mean direction of N probes."""
    return unit(unit(probes).mean(axis=0))


def template_distance(first: Embeddings, second: Embeddings) -> float:
    """Return the distance of two directions, in 0..2."""
    return min(float(np.linalg.norm(first.astype(np.float64) - second)), 2.0)


def attack(probes: Embeddings, subject: str, gallery: dict[str, Embeddings]) -> Attack:
    """Look for the subject of N probes in the gallery."""
    own, likeness = list(gallery).index(subject), likeness_to(probes, gallery)
    better = (likeness > likeness[:, own : own + 1]).sum(axis=1)
    most = int(likeness.max(axis=1).argmax())
    mean = likeness_to(template_of(probes)[None], gallery)
    return Attack(
        1 + float(better.mean()),
        float((better == 0).mean()),
        float((better < RANK5).mean()),
        bool(likeness[most].argmax() == own),
        bool(mean.argmax() == own),
    )


def mean_places(probes: Embeddings, gallery: dict[str, Embeddings]) -> dict[str, float]:
    """Return at which place, from 1, everybody in the gallery comes on average of N probes."""
    nearest_first = (-likeness_to(probes, gallery)).argsort(axis=1)
    places = nearest_first.argsort(axis=1).mean(axis=0) + 1
    return dict(zip(gallery, places.tolist(), strict=True))


def match_rates(genuine: Embeddings, impostor: Embeddings) -> list[tuple[float, float]]:
    """Return (false-match rate, true-match rate) at every threshold worth looking at, from strict to lax."""
    limits = np.unique(np.concatenate([genuine, impostor]))[::-1]
    false, true = (
        (len(scores) - np.searchsorted(np.sort(scores), limits, side="left")) / len(scores)
        for scores in (impostor, genuine)
    )
    return list(zip(false.tolist(), true.tolist(), strict=True))


def true_match_rate(rates: list[tuple[float, float]], false_match_rate: float) -> float:
    """Return the best true-match rate that keeps the false-match rate."""
    return max((true for false, true in rates if false <= false_match_rate), default=0.0)


def discriminants(
    people: Mapping[str, Sequence[Embeddings]], shown: Embeddings
) -> tuple[dict[str, list[Embeddings]], Embeddings]:
    """Return people's and other faces along what tells people apart (Fisher 1936).

    What differs between the faces of one person says nothing of who it is; half of it is taken as even.
    """
    pooled = {name: np.concatenate(parts).astype(np.float64) for name, parts in people.items()}
    within = np.concatenate([faces - faces.mean(axis=0) for faces in pooled.values()])
    spread = within.T @ within / max(len(within) - len(pooled), 1)
    even = np.trace(spread) / len(spread)
    shrunk = (1 - SHRINKAGE) * spread + (SHRINKAGE * even + LEAST_LENGTH) * np.eye(len(spread))
    axes = np.linalg.cholesky(np.linalg.inv(shrunk))
    middle = np.mean([faces.mean(axis=0) for faces in pooled.values()], axis=0)
    along = {name: [np.asarray((faces - middle) @ axes, np.float32)] for name, faces in pooled.items()}
    return along, np.asarray((shown - middle) @ axes, np.float32)


def unit(vectors: Embeddings) -> Embeddings:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    # opposite faces have no mean direction
    return np.asarray(vectors / np.maximum(lengths, LEAST_LENGTH), np.float32)
