"""The square on which another face is drawn, and how it comes into the picture (pure)."""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.gaze import shut_lids
from tasks.swap.light import Lab, Light, light_of, lit
from tasks.swap.mouth import mouth_weights
from tasks.swap.patches import onto, patch_of
from tasks.swap.sharpness import graded, grained, softened
from tasks.swap.target import Target, with_rim
from tasks.swap.warping import Floats, draw_triangles, source_map
from tasks.vision.regions import MESH_SIDE_PX, Box, Points, Region, RgbImage, crop_region

# a face is looked at as it will be seen: from this many picture pixels a canvas's on, they show the same
FINE = 1.3


@dataclass(frozen=True)
class Brush:
    """What draws a target: how soft its rim is as a share of the face, and what stays in front of it.

    lids: of either eye, how far they are open, as `lids_open` says it.
    """

    face: Target
    feather: float
    in_front: Floats | None
    lids: Points = field(default_factory=lambda: np.ones(2, np.float32))

    def sketch(self, mesh_xy: Points) -> "Sketch":
        """Return where a mesh lies on the canvas."""
        mesh_xy = shut_lids(mesh_xy, self.lids)
        index = draw_triangles(with_rim(mesh_xy, self.face.rim), self.face.triangles, MESH_SIDE_PX)
        weights = blend_weights(mesh_xy, index >= 0, self.feather)
        return Sketch(index, weights if self.in_front is None else weights * (1 - self.in_front))

    def draw(self, sketch: "Sketch", mesh_xy: Points) -> Floats:
        """Return a canvas, side x side x 3: which pixel of the target comes here, and its weight.

        mesh_xy: near the sketch's, of which it keeps triangles and outline.
        """
        wide_xy = with_rim(shut_lids(mesh_xy, self.lids), self.face.rim)
        source = source_map(sketch.triangles, wide_xy, self.face.mesh_xy, self.face.triangles)
        return np.dstack([source, sketch.weights])


class Sketch(NamedTuple):
    """Which triangle lies on each of side x side pixels, -1 where none does, and how much of it is drawn."""

    triangles: NDArray[np.int32]
    weights: Floats


class Scene:
    """A face's part of a picture, in which drawings are tried before one is laid over it."""

    def __init__(self, rgb: RgbImage, region: Region, crop: RgbImage) -> None:
        self._region, self._crop = region, crop
        self._part, self._scale = crop, MESH_SIDE_PX / region.side
        self._box: Box | None = None
        self._light: tuple[Floats, Floats] | None = None
        if region.side < FINE * MESH_SIDE_PX:
            reach = abs(np.cos(region.angle_rad)) + abs(np.sin(region.angle_rad))
            (x, y), half = region.center_xy, region.side * reach / 2 + 1
            self._box = np.array([x - half, y - half, x + half, y + half], np.float32)
            self._part, self._scale = patch_of(rgb, self._box).copy(), 1.0

    def light(self, face: Lab, drawn: Floats) -> Light:
        return light_of(self._crop, fetch(face, drawn), drawn[..., 2])

    def grade(self, canvas: "Canvas") -> tuple[float, float]:
        """Return by how many pixels a face must be softened to suit its picture, and what grain it lacks."""
        drawn, offset = self._lying(canvas)
        soft_px, grain = graded(self._part, paint(self._part, drawn, offset, face=canvas.face), drawn[..., 2])
        return soft_px / self._scale, grain

    def show(self, canvas: "Canvas") -> RgbImage:
        """Return the crop that the extractor would see of the picture with a face laid over it."""
        painted = paint(
            self._part, *self._lying(canvas), face=canvas.face, soft_px=canvas.soft_px * self._scale
        )
        if self._box is None:
            return painted
        x, y = np.subtract(self._region.center_xy, np.maximum(np.floor(self._box[:2]), 0))
        region = Region((float(x), float(y)), self._region.side, self._region.angle_rad)
        return crop_region(painted, region, MESH_SIDE_PX)

    def _lying(self, canvas: "Canvas") -> tuple[Floats, Floats]:
        """Return a canvas's drawing and its light as they lie on the part of the picture."""
        if self._box is None:
            return canvas.drawn, canvas.offset
        if self._light is None or self._light[0] is not canvas.offset:
            # one drawing after another is tried in the same light
            self._light = canvas.offset, onto(self._part, self._box, self._region, canvas.offset)
        return onto(self._part, self._box, self._region, canvas.drawn), self._light[1]


@dataclass(frozen=True)
class Canvas:
    """How a face is drawn: side x side x 3, which of its pixels comes here, and its weight; its mesh's way.

    face: the target's picture, toned. offset: side x side x 3, the scene's light. soft_px: how soft it is in
    the picture. grain: of the picture's noise, what it lacks, in 8-bit lightness.
    """

    drawn: Floats
    moved: Points
    face: Lab
    offset: Floats
    soft_px: float = 0.0
    grain: float = 0.0


def lay_over(rgb: RgbImage, box_xyxy: Box, region: Region, canvas: Canvas, seed: int = 0) -> None:
    """Bring a canvas into the picture, nowhere outside the box; seed: of its grain."""
    patch = patch_of(rgb, box_xyxy)
    drawn, offset = (onto(patch, box_xyxy, region, part) for part in (canvas.drawn, canvas.offset))
    patch[:] = paint(
        patch, drawn, offset, face=canvas.face, soft_px=canvas.soft_px, grain=(canvas.grain, seed)
    )


def paint(
    rgb: RgbImage,
    drawn: Floats,
    offset: Floats,
    *,
    face: Lab,
    soft_px: float = 0.0,
    grain: tuple[float, int] = (0.0, 0),
) -> RgbImage:
    """Return the picture with a face laid over it; drawn, offset: of its size, of a canvas and its light.

    soft_px: how far the face is softened. grain: how much of it is added, and its seed.
    """
    weights = np.ascontiguousarray(drawn[..., 2])
    shown = grained(softened(lit(fetch(face, drawn), offset), soft_px), *grain)
    return np.asarray(cv2.blendLinear(shown, rgb, weights, 1 - weights), np.uint8)


def fetch(face: Lab, drawn: Floats) -> Lab:
    """Return which pixels of a face come where a canvas says."""
    across, down = drawn[..., 0], drawn[..., 1]
    return np.asarray(cv2.remap(face, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def blend_weights(mesh_xy: Points, drawn: NDArray[np.bool_], feather: float) -> Floats:
    """Return H x W weights: 1 inside the face, 0 in the open mouth, falling at the rim."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    soft = max(1.0, size * feather / 2)
    framed = cv2.copyMakeBorder(drawn.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
    # the outermost pixel stays free: the canvas is interpolated there
    weights = np.clip((depth - 1) / (2 * soft), 0, 1)
    mouth = mouth_weights(mesh_xy, (drawn.shape[0], drawn.shape[1]), max(0.5, soft / 4))
    return np.asarray(weights * (1 - mouth), np.float32)
