"""Another face, laid over the patient's own keypoints: warped triangle by triangle, blended at the rim.

The drawing is made on a square canvas around the face, turned with it, and only then brought into the
picture: a face of any size costs about the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.params.deidentify import MeshSwap
from schemas.skeletons import LIDS
from tasks.swap.gaze import FARTHEST_XY, lids_apart, looking
from tasks.swap.hands import hand_weights
from tasks.swap.irises import locate_irises
from tasks.swap.layout import make_layout
from tasks.swap.mouth import mouth_weights
from tasks.swap.occluders import Occluders
from tasks.swap.patches import patch_of
from tasks.swap.target import Target, tinted, with_rim
from tasks.swap.tone import Tone
from tasks.swap.warping import Floats, draw_triangles, source_map
from tasks.vision.faces import MESH_SIDE_PX, fit_mesh, mesh_region
from tasks.vision.regions import Box, Points, Region, RgbImage, crop_region, to_crop
from tasks.vision.sessions import Weights

LID_POINTS = [*LIDS[0], *LIDS[1]]
FARTHEST_CORRECTION = 0.1
GAZE_INTERVAL, GAZE_CORRECTION = 5, 0.4  # every so many frames, so much of what it is astray
KEPT_CORRECTION = 0.8  # from frame to frame; more of it adds up
SMOOTHED = 0.12  # of a face's square: over which what may be a shadow is blurred
# the 468 x 2 mesh of the face in a crop of the mesh model's size, in crop pixels; None where none is seen
Fit = Callable[[RgbImage], Points | None]
# the irises of a face in a picture, given its mesh
Look = Callable[[RgbImage, Points], Points]


def make_fit(weights: Weights, landmark_score: float) -> Fit:
    """Bind the mesh model."""

    def fit(crop: RgbImage) -> Points | None:
        mesh = fit_mesh(crop, weights)
        return mesh[0] if mesh[1] >= landmark_score else None

    return fit


def make_look(weights: Weights) -> Look:
    """Bind the iris model."""
    return lambda rgb, mesh_xy: locate_irises(rgb, mesh_xy, weights)


@dataclass
class Memory:
    """What is kept of a track from frame to frame: its tone, what lies in front, and what was put right."""

    tone: Tone
    occluders: Occluders
    moved: Points | None = None
    gaze: Points = field(default_factory=lambda: np.zeros((2, 2), np.float32))
    frames: int = 0

    def take_over(self, aim: Points, last_xy: Points | None) -> Points:
        """Return by how much the drawn mesh is moved from the first, as the last frame's was."""
        if self.moved is None or last_xy is None:
            return np.zeros_like(aim)
        return self.moved * np.float32(KEPT_CORRECTION)

    def correct_gaze(self, astray: Points) -> None:
        """Take into account how far the drawn irises are from where they should be."""
        self.gaze = np.clip(self.gaze + astray * GAZE_CORRECTION, -FARTHEST_XY, FARTHEST_XY)


class Canvas(NamedTuple):
    """side x side x 3, which pixel of the target comes here and its weight, and how far its mesh is moved."""

    drawn: Floats
    moved: Points


@dataclass
class MeshSwapper:
    """Swap faces frame after frame.

    The extractor reads another face a little differently; each correction moves the drawn mesh
    by what was measured off, so that the keypoints stay where the patient's were. Most of what
    helped one frame helps the next.
    """

    settings: MeshSwap
    fit: Fit
    look: Look
    _tracks: dict[int, Memory] = field(default_factory=dict)

    def __call__(
        self,
        rgb: RgbImage,
        box_xyxy: Box,
        track: int,
        mesh_xy: Points,
        target: Target,
        *,
        last_xy: Points | None = None,
        hands_xy: Sequence[Points] = (),
    ) -> float:
        """Replace a face in place by the target's, in the patient's pose, expression, gaze and light.

        Return the share of the face in front of which something stayed with its own pixels.
        last_xy: the mesh of the frame before, around which the extractor looks for this one.
        """
        region = _square(mesh_xy, last_xy, target.rim)
        crop = crop_region(rgb, region, MESH_SIDE_PX)
        aim = to_crop(mesh_xy, region, MESH_SIDE_PX)
        memory = self._memory(track, target)
        hands = [to_crop(hand, region, MESH_SIDE_PX) for hand in hands_xy]
        in_front, shade = _in_front(crop, aim, hands, memory.occluders, target.rim)
        if shade is not None:
            smooth(rgb, box_xyxy, region, shade)
            crop = crop_region(rgb, region, MESH_SIDE_PX)
        face = tinted(target, memory.tone.follow(crop, aim, in_front), self.settings.tone)
        irises = self.look(rgb, mesh_xy)
        face = looking(face, irises + memory.gaze)
        canvas = self._settle(crop, aim, memory.take_over(aim, last_xy), face, in_front)
        memory.moved = canvas.moved
        lay_over(rgb, box_xyxy, region, canvas.drawn, face.rgb)
        if memory.frames % GAZE_INTERVAL == 0:
            memory.correct_gaze(irises - self.look(rgb, mesh_xy))
        memory.frames += 1
        return _share_kept(in_front, shade, aim)

    def _memory(self, track: int, target: Target) -> Memory:
        if track not in self._tracks:
            tone, occluders = Tone(self.settings.tone_frames), Occluders(make_layout(target))
            self._tracks[track] = Memory(tone, occluders)
        return self._tracks[track]

    def _settle(
        self, crop: RgbImage, aim: Points, moved: Points, face: Target, in_front: Floats | None
    ) -> Canvas:
        """Return the canvas in which the extractor reads the aim best."""
        moved = lids_apart(aim + moved) - aim
        best, least = Canvas(self._draw(aim + moved, face, in_front), moved), np.inf
        for number in range(self.settings.corrections + 1):
            canvas = Canvas(self._draw(aim + moved, face, in_front), moved) if number else best
            seen = self.fit(paint(crop, canvas.drawn, face.rgb))
            if seen is None or not is_near(seen, aim):
                break
            away = np.linalg.norm(aim - seen, axis=1)
            # a blink is small, and matters
            error = float(away.mean() + away[LID_POINTS].mean())
            if error < least:
                best, least = canvas, error
            moved = lids_apart(aim + moved + (aim - seen)) - aim
            if not is_near(aim + moved, aim):
                break
        return best

    def _draw(self, mesh_xy: Points, face: Target, in_front: Floats | None) -> Floats:
        """Return a canvas, side x side x 3: which pixel of the target comes here, and its weight."""
        wide_xy = with_rim(mesh_xy, face.rim)
        index = draw_triangles(wide_xy, face.triangles, MESH_SIDE_PX)
        source = source_map(index, wide_xy, face.mesh_xy, face.triangles)
        weights = blend_weights(mesh_xy, index >= 0, self.settings.feather)
        if in_front is not None:
            weights = weights * (1 - in_front)
        return np.dstack([source, weights])


def _square(mesh_xy: Points, last_xy: Points | None, rim: float) -> Region:
    """Return where the extractor looks for a face, from the mesh of the frame before."""
    region = mesh_region(mesh_xy if last_xy is None else last_xy)
    wide = to_crop(with_rim(mesh_xy, rim), region, MESH_SIDE_PX)
    # it may have moved so fast that the last frame's square does not hold it
    is_inside = wide.min() >= 1 and wide.max() <= MESH_SIDE_PX - 1
    return region if is_inside else mesh_region(mesh_xy)


def _share_kept(in_front: Floats | None, shade: Floats | None, aim: Points) -> float:
    """Return the share of a face in front of which something stayed with its own pixels."""
    if in_front is None:
        return 0.0
    return _share_inside(in_front if shade is None else in_front - shade, aim)


def _in_front(
    crop: RgbImage, aim: Points, hands_xy: Sequence[Points], occluders: Occluders, rim: float
) -> tuple[Floats | None, Floats | None]:
    """Return the canvas's weights of what must stay in front of the face, None where nothing does.

    Beside them those of the part that may be skin in a shadow, of which only the darkness may stay.
    """
    wide_xy = with_rim(aim, rim)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    flat = occluders.step(occluders.layout.spread(lab, wide_xy))
    hands = hand_weights(hands_xy, aim, MESH_SIDE_PX)
    if not flat.any():
        return hands, None
    things = occluders.layout.fold(flat, wide_xy, MESH_SIDE_PX)
    all_things = things if hands is None else np.maximum(things, hands)
    if occluders.shade is None or not occluders.shade.any():
        return all_things, None
    shade = occluders.layout.fold(occluders.shade, wide_xy, MESH_SIDE_PX)
    return all_things, shade if hands is None else np.minimum(shade, 1 - hands)


def _share_inside(weights: Floats, mesh_xy: Points) -> float:
    inside = np.zeros(weights.shape, np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    return float(weights[inside > 0].mean()) if inside.any() else 0.0


def is_near(seen_xy: Points, mesh_xy: Points) -> bool:
    """Return whether two meshes are one face: a mesh found elsewhere must not pull the cover away."""
    size = float(np.ptp(mesh_xy, axis=0).max())
    return float(np.linalg.norm(seen_xy - mesh_xy, axis=1).max()) <= FARTHEST_CORRECTION * size


def lay_over(rgb: RgbImage, box_xyxy: Box, region: Region, canvas: Floats, face: RgbImage) -> None:
    """Bring a canvas into the picture, nowhere outside the box."""
    patch = patch_of(rgb, box_xyxy)
    patch[:] = paint(patch, _onto(patch, box_xyxy, region, canvas), face)


def smooth(rgb: RgbImage, box_xyxy: Box, region: Region, weights: Floats) -> None:
    """Leave only the darkness of a part of the picture, nowhere outside the box."""
    patch = patch_of(rgb, box_xyxy)
    share = _onto(patch, box_xyxy, region, weights)
    side = 2 * round(region.side * SMOOTHED / 2) + 1
    patch[:] = cv2.blendLinear(cv2.stackBlur(patch, (side, side)), patch, share, 1 - share)


def _onto(patch: RgbImage, box_xyxy: Box, region: Region, canvas: Floats) -> Floats:
    """Return a region's canvas as it lies on the box's part of the picture."""
    matrix = region.matrix(canvas.shape[0])
    matrix[:, 2] -= np.maximum(np.floor(box_xyxy[:2]), 0)
    return np.asarray(cv2.warpAffine(canvas, matrix, patch.shape[1::-1]), np.float32)


def paint(rgb: RgbImage, canvas: Floats, face: RgbImage) -> RgbImage:
    """Return the picture with a canvas of its size laid over it."""
    across, down = canvas[..., 0], canvas[..., 1]
    swapped = cv2.remap(face, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    weights = np.ascontiguousarray(canvas[..., 2])
    return np.asarray(cv2.blendLinear(swapped, rgb, weights, 1 - weights), np.uint8)


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
