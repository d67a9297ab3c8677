"""The square on which another face is drawn, and how it comes into the picture (pure)."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.light import Lab, Light, light_of, lit
from tasks.swap.mouth import mouth_weights
from tasks.swap.patches import onto, patch_of
from tasks.swap.target import Target, with_rim
from tasks.swap.warping import Floats, draw_triangles, source_map
from tasks.vision.regions import MESH_SIDE_PX, Box, Points, Region, RgbImage, crop_region

# a face is looked at as it will be seen: from this many picture pixels a canvas's on, they show the same
FINE = 1.3


@dataclass(frozen=True)
class Brush:
    """What draws a target: how soft its rim is as a share of the face, and what stays in front of it."""

    face: Target
    feather: float
    in_front: Floats | None

    def sketch(self, mesh_xy: Points) -> "Sketch":
        """Return where a mesh lies on the canvas."""
        index = draw_triangles(with_rim(mesh_xy, self.face.rim), self.face.triangles, MESH_SIDE_PX)
        weights = blend_weights(mesh_xy, index >= 0, self.feather)
        return Sketch(index, weights if self.in_front is None else weights * (1 - self.in_front))

    def draw(self, sketch: "Sketch", mesh_xy: Points) -> Floats:
        """Return a canvas, side x side x 3: which pixel of the target comes here, and its weight.

        mesh_xy: near the sketch's, of which it keeps triangles and outline.
        """
        wide_xy = with_rim(mesh_xy, self.face.rim)
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
        self._part: RgbImage | None = None
        self._light: tuple[Floats, Floats] | None = None
        if region.side < FINE * MESH_SIDE_PX:
            reach = abs(np.cos(region.angle_rad)) + abs(np.sin(region.angle_rad))
            (x, y), half = region.center_xy, region.side * reach / 2 + 1
            self._box = np.array([x - half, y - half, x + half, y + half], np.float32)
            self._part = patch_of(rgb, self._box).copy()

    def light(self, face: Lab, drawn: Floats) -> Light:
        return light_of(self._crop, fetch(face, drawn), drawn[..., 2])

    def show(self, drawn: Floats, face: Lab, offset: Floats) -> RgbImage:
        """Return the crop that the extractor would see of the picture with a face laid over it."""
        if self._part is None:
            return paint(self._crop, drawn, face, offset)
        box, part = self._box, self._part
        placed = onto(part, box, self._region, drawn)
        if self._light is None or self._light[0] is not offset:
            # one drawing after another is tried in the same light
            self._light = offset, onto(part, box, self._region, offset)
        light = self._light[1]
        x, y = np.subtract(self._region.center_xy, np.maximum(np.floor(box[:2]), 0))
        region = Region((float(x), float(y)), self._region.side, self._region.angle_rad)
        return crop_region(paint(part, placed, face, light), region, MESH_SIDE_PX)


@dataclass(frozen=True)
class Canvas:
    """How a face is drawn: side x side x 3, which of its pixels comes here, and its weight; its mesh's way.

    face: the target's picture, toned. offset: side x side x 3, the scene's light.
    """

    drawn: Floats
    moved: Points
    face: Lab
    offset: Floats


def lay_over(rgb: RgbImage, box_xyxy: Box, region: Region, canvas: Canvas) -> None:
    """Bring a canvas into the picture, nowhere outside the box."""
    patch = patch_of(rgb, box_xyxy)
    drawn, offset = (onto(patch, box_xyxy, region, part) for part in (canvas.drawn, canvas.offset))
    patch[:] = paint(patch, drawn, canvas.face, offset)


def paint(rgb: RgbImage, drawn: Floats, face: Lab, offset: Floats) -> RgbImage:
    """Return the picture with a face laid over it; drawn, offset: of its size, of a canvas and its light."""
    weights = np.ascontiguousarray(drawn[..., 2])
    shown = lit(fetch(face, drawn), offset)
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
