"""Which face of a clip is whose, and which target hides it best (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
# what the features and the shape count beside a recogniser's cosine
FEATURES, SHAPE = 0.5, 0.25


@dataclass(frozen=True)
class Person:
    """One track's face: how many pixels it covers over the clip, and N x D unit embeddings of it."""

    clip_id: str
    track: int
    area: float
    embeddings: Embeddings


def who_is_who(people: list[Person], alike: float) -> list[list[Person]]:
    """Group tracks that show one face, the clips' subject first.

    alike: least cosine between two tracks' mean embeddings. The subject is who is in most of the clips,
    and largest.
    """
    groups: list[list[Person]] = []
    for person in sorted(people, key=lambda one: (-one.area, one.clip_id, one.track)):
        likeness = [float(_mean(group) @ _mean([person])) for group in groups]
        if likeness and max(likeness) >= alike:
            groups[int(np.argmax(likeness))].append(person)
        else:
            groups.append([person])
    return sorted(
        groups, key=lambda group: (-len({one.clip_id for one in group}), -sum(one.area for one in group))
    )


def unit_mean(embeddings: list[Embeddings]) -> NDArray[np.float32]:
    """Return the direction of the mean of N x D embeddings."""
    vectors = np.concatenate(embeddings)
    mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _mean(group: list[Person]) -> NDArray[np.float32]:
    return unit_mean([one.embeddings for one in group])


@dataclass(frozen=True)
class Trial:
    """How a target did on a person's frames, with so much of its shape.

    own, other: cosine to their own face, and to the most alike of other people. features: correlation
    with their own as `features_alike` says it. apart: how far the shape that is read is from their own, as a
    multiple of how far it is from the nearest other's. error: of the keypoints, per distance between the
    eyes.
    """

    target: str
    share: float
    own: float
    other: float
    features: float
    error: float
    apart: float = 1.0


def choose(trials: list[Trial], tolerance: float) -> Trial:
    """Return the trial that leaves a person least like themselves with the keypoints within tolerance.

    One with which somebody else is nearer than they are goes first, then one that is built more like
    somebody else; likeness is what a recogniser and somebody who looks see together. tolerance: greatest
    keypoint error as a multiple of the least one among the trials.
    """
    limit = min(trial.error for trial in trials) * tolerance
    kept = [trial for trial in trials if trial.error <= limit]
    return min(
        kept,
        key=lambda trial: (
            trial.own >= trial.other, trial.apart < 1, _likeness(trial), trial.target, trial.share
        ),
    )  # fmt: skip


def _likeness(trial: Trial) -> float:
    # a shape that is nearer to somebody else's is unlike enough
    return trial.own + FEATURES * trial.features - SHAPE * min(trial.apart, 1.0)
