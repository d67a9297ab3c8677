"""Another face, laid on eyes and nose of one too small for keypoints: a lower detail, no expression."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from schemas.params.deidentify import MeshSwap
from tasks.swap.canvas import Brush, Canvas, Scene, lay_over
from tasks.swap.mesh_swap import smooth
from tasks.swap.shape import Shape
from tasks.swap.target import Target, with_rim
from tasks.swap.warping import Floats
from tasks.tracks.placing import Placed
from tasks.vision.regions import (
    MESH_SIDE_PX,
    Box,
    Points,
    RgbImage,
    crop_region,
    eyes_nose_of,
    mesh_region,
    to_crop,
)

# how much larger or smaller than its box a face may be drawn, and so much around it is smoothed
SMALLEST, LARGEST, AROUND = 0.9, 1.2, 1.25
# how far a face may be turned to a side and up or down, in steps of so many degrees
MOST_TURNED_DEG, MOST_TILTED_DEG, STEP_DEG = 60, 30, 5
DOUBT = 0.002  # what a face at the end of that must gain, in its size squared: points of so few pixels err


@dataclass(frozen=True)
class Turns:
    """A face's shape in every pose: poses x 468 x 2 in distances of the eyes, and how unlikely each is."""

    meshes_xy: Floats
    doubts: Floats

    @classmethod
    def of(cls, shape: Shape) -> "Turns":
        turns, tilts = (
            np.radians(np.arange(-most, most + 1, STEP_DEG)) for most in (MOST_TURNED_DEG, MOST_TILTED_DEG)
        )
        turn, tilt = (angles.ravel() for angles in np.meshgrid(turns, tilts))
        zero = np.zeros_like(turn)
        across = np.stack([np.cos(turn), zero, np.sin(turn)], axis=1)
        down = np.stack([np.sin(turn) * np.sin(tilt), np.cos(tilt), -np.cos(turn) * np.sin(tilt)], axis=1)
        meshes = np.stack([across, down], axis=1) @ (shape - shape.mean(axis=0)).T
        doubts = np.square(turn / turns[-1]) + np.square(tilt / tilts[-1])
        return cls(meshes.transpose(0, 2, 1).astype(np.float32), (DOUBT * doubts).astype(np.float32))

    def lay(self, face: Placed) -> Points:
        """Return the 468 x 2 mesh that fits eyes, nose and middle of a face best, about as large as its box.

        Eyes and nose of a face that is turned away lie close together at one side of it.
        """
        middles = (self.meshes_xy.min(axis=1) + self.meshes_xy.max(axis=1)) / 2
        own = np.concatenate([eyes_nose_of(self.meshes_xy), middles[:, None]], axis=1)
        box = face.box_xyxy.reshape(2, 2)
        aim = np.concatenate([face.eyes_nose_xy, box.mean(axis=0)[None]])
        # Umeyama (1991) in the plane: a turn and a scale are one complex number
        here, there = own @ [1, 1j], aim @ [1, 1j]
        from_here, from_there = here - here.mean(axis=1, keepdims=True), there - there.mean()
        way = (from_here.conj() @ from_there) / np.square(np.abs(from_here)).sum(axis=1)
        size = np.ptp(box, axis=0).max()
        whole = size / np.ptp(self.meshes_xy, axis=1).max(axis=1)
        way *= np.clip(np.abs(way), SMALLEST * whole, LARGEST * whole) / np.maximum(np.abs(way), 1e-6)
        astray = np.square(np.abs(way[:, None] * from_here - from_there)).mean(axis=1) / size**2
        best = int(np.argmin(astray + self.doubts))
        laid = (self.meshes_xy[best] @ [1, 1j] - here[best].mean()) * way[best] + there.mean()
        return np.stack([laid.real, laid.imag], axis=1).astype(np.float32)


@dataclass(frozen=True)
class PointSwapper:
    """Draw targets on faces of which only eyes, nose and box are known."""

    settings: MeshSwap
    _turns: dict[str, Turns] = field(default_factory=dict)

    def __call__(self, rgb: RgbImage, region_xyxy: Box, face: Placed, target: Target) -> None:
        """Replace a face in place, nowhere outside the region.

        Nothing finer than the scene's light is left of it, also beside what is drawn and in front of it.
        """
        if target.name not in self._turns:
            self._turns[target.name] = Turns.of(target.shape)
        mesh_xy = self._turns[target.name].lay(face)
        square = mesh_region(mesh_xy)
        aim = to_crop(mesh_xy, square, MESH_SIDE_PX)
        smooth(rgb, region_xyxy, square, around(aim, to_crop(octagon(face.box_xyxy), square, MESH_SIDE_PX)))
        scene = Scene(rgb, square, crop_region(rgb, square, MESH_SIDE_PX))
        brush = Brush(_front(target, aim), self.settings.feather, None)
        drawn = brush.draw(brush.sketch(aim), aim)
        light = scene.light(target.lab, drawn)
        canvas = Canvas(drawn, np.zeros_like(aim), light.tone(target.lab), light.offset_on(MESH_SIDE_PX))
        lay_over(rgb, region_xyxy, square, canvas)


def _front(target: Target, mesh_xy: Points) -> Target:
    """Return a target without the triangles that a turned face hides."""
    seen, own = (_signs(xy[target.triangles]) for xy in (with_rim(mesh_xy, target.rim), target.mesh_xy))
    return replace(target, triangles=target.triangles[seen == own])


def _signs(corners: Points) -> Floats:
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(np.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]), np.float32)


def octagon(box_xyxy: Box) -> Points:
    low, high = box_xyxy.reshape(2, 2)
    corners = np.array([[0, 1], [0, 2], [1, 3], [2, 3], [3, 2], [3, 1], [2, 0], [1, 0]], np.float32)
    return np.asarray(low + corners / 3 * (high - low), np.float32)


def around(mesh_xy: Points, outline_xy: Points) -> Floats:
    """Return the canvas's weights of all that is drawn, of the face itself, and of a bit around both."""
    points = np.concatenate([mesh_xy, outline_xy])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    weights = np.zeros((MESH_SIDE_PX, MESH_SIDE_PX), np.float32)
    hull = cv2.convexHull(np.round(middle + (points - middle) * AROUND).astype(np.int32))
    cv2.fillConvexPoly(weights, hull, 1.0)
    return np.asarray(cv2.GaussianBlur(weights, (0, 0), MESH_SIDE_PX / 50), np.float32)
