"""Targets tried on shots of a person."""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from schemas.params.deidentify import MeshSwap
from schemas.skeletons import LEFT_EYE, RIGHT_EYE
from tasks.swap.light import lightness
from tasks.swap.mesh_swap import Look, MeshSwapper
from tasks.swap.settling import Fit
from tasks.swap.shape import Reshaping, Shape, reshape, shape_of
from tasks.swap.target import Target
from tasks.targets.assignment import Trial, unit_mean
from tasks.targets.likeness import features_alike
from tasks.vision.alignment import Embedding
from tasks.vision.recognisers import Face, Recogniser
from tasks.vision.regions import (
    MESH_SIDE_PX,
    Box,
    Points,
    RgbImage,
    bounding_box,
    crop_region,
    mesh_region,
    to_crop,
    to_picture,
)
from tasks.vision.solid import built_apart

# around a face, as a share of its size: what a swap draws on, and what is kept of a picture
MARGIN, KEPT = 0.35, 1.0
# how a face of a picture is built, given its mesh
Read = Callable[[RgbImage, Points], Shape]


@dataclass(frozen=True)
class Shot:
    """One track's face in one frame: that part of the picture."""

    track: int
    rgb: RgbImage
    mesh_xy: Points


def lightness_of(shots: list[Shot]) -> float:
    """Return how light a person's skin is in their shots, 8-bit L."""
    labs = [np.asarray(cv2.cvtColor(shot.rgb, cv2.COLOR_RGB2LAB), np.uint8) for shot in shots]
    return float(np.median([lightness(lab, shot.mesh_xy) for lab, shot in zip(labs, shots, strict=True)]))


def close_up(track: int, rgb: RgbImage, mesh_xy: Points) -> Shot:
    """Keep a face and what is around it: whole pictures of every track would fill the memory."""
    x0, y0, x1, y1 = np.round(_box_around(mesh_xy, KEPT)).astype(int)
    corner = np.array([max(0, x0), max(0, y0)])
    part = rgb[corner[1] : max(0, y1), corner[0] : max(0, x1)].copy()
    return Shot(track, part, (mesh_xy - corner).astype(np.float32))


class Swapped(NamedTuple):
    """A shot with another face: picture and mesh, how alike its features are, its error."""

    rgb: RgbImage
    mesh_xy: Points
    features: float
    error: float


class Heard(NamedTuple):
    """A swapped shot: likeness to the own and to the nearest other face, features, error, how it is built."""

    own: float
    other: float
    features: float
    error: float
    shape: Shape


@dataclass(frozen=True)
class Audition:
    """A person's shots, on which targets are tried, and how likeness is judged.

    shape, own: the person's; shapes, decoys: others'. read: how a face is built.
    """

    shots: list[Shot]
    own: Embedding
    shape: Shape
    decoys: dict[str, Embedding]
    shapes: dict[str, Shape]
    _: KW_ONLY
    judge: Recogniser
    fit: Fit
    look: Look
    read: Read
    settings: MeshSwap

    def hear(self, target: Target, donors: set[str], share: float) -> Trial:
        """Swap the shots and measure how alike the face still is, and how far from where it should be.

        donors: the target's own, which cannot stand among the others. share: of the way to its shape.
        """
        others = [face for name, face in self.decoys.items() if name not in donors]
        keep = self.settings.keep_asymmetry
        reshaping = reshape(self.shape, target.shape, share, keep_asymmetry=keep)
        heard = [*self._hear(target, reshaping, others)]
        own, other, features, error = (
            float(np.mean([one[column] for one in heard])) for column in range(len(Heard._fields) - 1)
        )
        elsewhere = [shape for name, shape in self.shapes.items() if name != target.name]
        seen = shape_of([one.shape for one in heard])
        apart = built_apart(seen, self.shape, elsewhere, target.shape)
        return Trial(target.name, share, own, other, features, error, apart)

    def _hear(self, target: Target, reshaping: Reshaping, others: list[Embedding]) -> Iterator[Heard]:
        swap = MeshSwapper(self.settings, self.fit, self.look, goes_on=False)
        # two at a time: all pictures at once would fill the memory
        for at in range(0, len(self.shots), 2):
            pair = enumerate(self.shots[at : at + 2], at)
            swapped = [
                self._swap(partial(swap, track=number), shot, target, reshaping) for number, shot in pair
            ]
            seen = self.judge.many([Face(one.rgb, one.mesh_xy) for one in swapped])
            for one, vector in zip(swapped, seen, strict=True):
                face = unit_mean([vector[None]])
                nearest = max((float(face @ other) for other in others), default=1.0)
                shape = self.read(one.rgb, one.mesh_xy)
                yield Heard(float(face @ self.own), nearest, one.features, one.error, shape)

    def _swap(self, swap: Callable[..., object], shot: Shot, target: Target, reshaping: Reshaping) -> Swapped:
        rgb, goal_xy = shot.rgb.copy(), reshaping.moved(shot.mesh_xy)
        region = mesh_region(goal_xy)
        box_xyxy = _box_around(shot.mesh_xy, MARGIN)
        swap(rgb, box_xyxy, mesh_xy=shot.mesh_xy, target=target, reshaping=reshaping)
        before, after = (crop_region(picture, region, MESH_SIDE_PX) for picture in (shot.rgb, rgb))
        seen, aim = self.fit(after), to_crop(goal_xy, region, MESH_SIDE_PX)
        found = aim if seen is None else seen
        eyes = float(np.linalg.norm(aim[LEFT_EYE] - aim[RIGHT_EYE]))
        error = 1.0 if seen is None else float(np.linalg.norm(found - aim, axis=1).mean()) / eyes
        mesh_xy = to_picture(found, region, MESH_SIDE_PX)
        return Swapped(rgb, mesh_xy, features_alike(before, after, aim), error)


def _box_around(mesh_xy: Points, margin: float) -> Box:
    box = bounding_box(mesh_xy).reshape(2, 2)
    reach = np.ptp(box, axis=0) * margin
    return np.asarray((box + np.stack([-reach, reach])).reshape(4), np.float32)
