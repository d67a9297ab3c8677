"""The static shape of a face, freed of its pose, and how another one is put in its place (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import (
    INNER_LIPS,
    LEFT_EYE,
    LOWER_LIDS,
    LOWER_LIP,
    MIRRORED,
    MOUTH_CORNERS,
    NOSE_ENDS,
    RIGHT_EYE,
    UPPER_LIDS,
    UPPER_LIP,
)
from tasks.vision.alignment import Doubles, laid_over
from tasks.vision.regions import Points

Shape = NDArray[np.float32]  # 468 x 3: across, down, away, in distances of the outer eye corners
ROUNDS = 3
# eye distances over which a difference is evened out; a mouth goes as a whole, or it would open otherwise
SMOOTH, SMOOTH_LIPS, AROUND_LIPS = 0.08, 0.15, 0.08
LIP_POINTS = [*UPPER_LIP, *LOWER_LIP, *MOUTH_CORNERS]
# what meets when it shuts is moved as one: a lid with the other one, a lip with the other one
MEETING = (
    [*np.ravel(UPPER_LIDS), *INNER_LIPS[-1:10:-1]],
    [*np.ravel(LOWER_LIDS), *INNER_LIPS[1:10]],
)
# how much less grown than a target somebody is who keeps their proportions: adults differ by less than that
GROWN = (0.12, 0.16)
STRAIN = 1e-3  # so little of it that it adds up evenly
SKULL = 0.6  # eye distances from between the eyes back to where a head grows from
LIMP = 0.1  # what a keypoint below the nose counts when the pose is found: jaws open


def shape_of(readings: Sequence[Shape]) -> Shape:
    """Return the median of N > 0 readings of a face, 468 x 3 in any unit, in the pose of the first."""
    shape = _of_unit_size(readings[0].astype(np.float64))
    for _ in range(ROUNDS):
        laid = [laid_over(reading.astype(np.float64), shape) for reading in readings]
        shape = _of_unit_size(np.median(laid, axis=0))
    return shape.astype(np.float32)


def _of_unit_size(shape: Doubles) -> Doubles:
    return np.asarray(shape / np.linalg.norm(shape[RIGHT_EYE] - shape[LEFT_EYE]), np.float64)


@dataclass(frozen=True)
class Reshaping:
    """A person's own shape, and 468 x 3 by how much it is changed; both in the shape's frame."""

    own: Shape
    by: Shape

    def moved(self, mesh_xy: Points) -> Points:
        """Return a 468 x 2 mesh of the person with the change carried by the head's pose."""
        return np.asarray(mesh_xy + self.by @ _camera(self.own, mesh_xy).T, np.float32)


def reshape(own: Shape, target: Shape, share: float, *, keep_asymmetry: bool) -> Reshaping:
    """Return what brings a person's shape a share of the way to a target's, smooth over the face.

    keep_asymmetry: what differs between the halves of the person's face stays as it is. A child's
    proportions stay.
    """
    mine = own.astype(np.float64)
    apart = laid_over(as_grown(target.astype(np.float64), mine), mine) - mine
    if keep_asymmetry:
        apart = (apart + apart[MIRRORED] @ _reflection(mine)) / 2
    return Reshaping(own, (_even(apart, mine) * share).astype(np.float32))


def as_grown(target: Doubles, own: Doubles) -> Doubles:
    """Return a target no more grown than a person, if that is a child; both 468 x 3.

    A head grows by cardioidal strain (Todd et al. 1980): the farther below its top, the more.
    """
    laid = laid_over(own, target)
    middle = (laid[RIGHT_EYE] + laid[LEFT_EYE]) / 2 + [
        0,
        0,
        SKULL * np.linalg.norm(laid[RIGHT_EYE] - laid[LEFT_EYE]),
    ]
    away = laid - middle
    strain = away * (1 + away[:, 1:2] / np.linalg.norm(away, axis=1, keepdims=True))
    # what place, size and pose take up is no growth
    growth = (laid_over(laid + STRAIN * strain, laid) - laid) / STRAIN
    grown = float(((target - laid) * growth).sum() / (growth**2).sum())
    return np.asarray(target - growth * grown * np.clip((grown - GROWN[0]) / (GROWN[1] - GROWN[0]), 0, 1))


def _even(ways: Doubles, shape: Doubles) -> Doubles:
    """Return 468 x 3 ways evened out over a shape, the same for what meets when it shuts."""
    apart = ((shape[:, None] - shape[None]) ** 2).sum(axis=2)
    fine, coarse = (np.exp(-apart / (2 * reach**2)) for reach in (SMOOTH, SMOOTH_LIPS))
    # from the lips to the skin around them without a step, which would tear
    at_mouth = np.exp(-apart[:, LIP_POINTS].min(axis=1) / (2 * AROUND_LIPS**2))[:, None]
    near = sum(
        share * one / one.sum(axis=1, keepdims=True)
        for share, one in ((1 - at_mouth, fine), (at_mouth, coarse))
    )
    upper, lower = MEETING
    for _ in range(2):
        ways = near @ ways
        ways[upper] = ways[lower] = (ways[upper] + ways[lower]) / 2
    return ways


def _reflection(shape: Doubles) -> Doubles:
    """Return the 3 x 3 map that lays the mirrored keypoints over a shape's own."""
    centred = shape - shape.mean(axis=0)
    left, _, right = np.linalg.svd(centred[MIRRORED].T @ centred)
    return np.asarray(left @ right, np.float64)


def _camera(shape: Shape, mesh_xy: Points) -> Doubles:
    """Return the 2 x 3 turn and scale with which a shape is seen as a mesh."""
    base = shape[NOSE_ENDS[1], 1]
    weights = np.sqrt(np.where(shape[:, 1] <= base, 1, LIMP))[:, None]
    seen = np.concatenate([shape, np.ones((len(shape), 1))], axis=1) * weights
    solved = np.linalg.lstsq(seen, mesh_xy * weights, rcond=None)[0]
    left, spread, right = np.linalg.svd(solved[:3].T, full_matrices=False)
    return np.asarray(left @ right * spread.mean(), np.float64)
