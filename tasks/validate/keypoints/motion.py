"""How a face moves, and how it is built: each arm's own mean shape is taken off (pure)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import OUTER_EYES

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Plane = NDArray[np.complex128]  # a keypoint is one number: a turn and a scale are one factor
LEAST_FRAMES = 8
ROUNDS = 3


def motion_and_shape(
    original: Floats, other: Floats, outer_eyes: Sequence[int] = OUTER_EYES
) -> tuple[Doubles, float] | None:
    """Return how far each frame's motion is from the original's, and the distance of the mean shapes.

    original, other: the same frames x K x 2. Both in distances of the original's outer eye corners, over
    keypoints; place, size and tilt of every frame are taken off first. None for too few frames to know a
    mean shape. outer_eyes: which of the K they are.
    """
    if len(original) < LEAST_FRAMES:
        return None
    first, second = _taken_apart(original), _taken_apart(other)
    fit = _laid_over(second[0][None], first[0])
    eyes = abs(first[0][outer_eyes[0]] - first[0][outer_eyes[1]])
    moved = np.abs(second[1] * fit - first[1]).mean(axis=1) / eyes
    return moved, float(np.abs(second[0] * fit[0] - first[0]).mean() / eyes)


def _taken_apart(shapes: Floats) -> tuple[Plane, Plane]:
    """Return the mean of frames x K x 2 shapes laid over one another, and each frame's difference to it."""
    plane = shapes[..., 0].astype(np.float64) + 1j * shapes[..., 1]
    plane = plane - plane.mean(axis=1, keepdims=True)
    mean = plane[0]
    for _ in range(ROUNDS):
        laid = plane * _laid_over(plane, mean)
        mean = laid.mean(axis=0)
    return mean, laid - mean


def _laid_over(shapes: Plane, onto: Plane) -> Plane:
    """Return N x 1 factors that turn and scale N x K shapes so that they lie over another one."""
    return np.asarray((shapes.conj() @ onto) / (np.abs(shapes) ** 2).sum(axis=1))[:, None]
