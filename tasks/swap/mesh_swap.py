"""Another face, laid over the patient's own keypoints: warped triangle by triangle, blended at the rim.

The drawing is made on a square canvas around the face, turned with it, and only then brought into the
picture: a face of any size costs about the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from schemas.params.deidentify import MeshSwap
from schemas.skeletons import LEFT_CHEEK, NOSE_TIP, RIGHT_CHEEK
from tasks.swap.canvas import Brush, Scene, lay_over
from tasks.swap.gaze import FARTHEST_XY, lids_open, looking
from tasks.swap.hands import hand_weights
from tasks.swap.irises import read_eyes
from tasks.swap.layout import Layout, make_layout
from tasks.swap.moving import move_picture
from tasks.swap.occluders import Occluders
from tasks.swap.patches import onto, patch_of
from tasks.swap.settling import Fit, Settling
from tasks.swap.shape import Reshaping
from tasks.swap.target import Target, with_rim
from tasks.swap.warping import Floats
from tasks.vision.faces import fit_mesh
from tasks.vision.regions import (
    MESH_SIDE_PX,
    Box,
    Points,
    Region,
    RgbImage,
    crop_region,
    is_astray,
    mesh_region,
    to_crop,
)
from tasks.vision.sessions import Weights

GAZE_INTERVAL, GAZE_CORRECTION = 5, 0.4  # every so many frames, so much of what it is astray
# a face is turned to the side where the nose's tip is so near to a cheek, as a share of the way between
TURNED, TURNING = 0.2, 0.08
BESIDE = 0.08  # of the face's size: how much beside such a face is smoothed
SMOOTHED = 0.12  # of a face's square: over which what may be a shadow is blurred
# where the eyes of a face in a picture look and how far they are open, given its mesh, as `read_eyes` says it
Look = Callable[[RgbImage, Points], Points]


def make_fit(weights: Weights, landmark_score: float) -> Fit:
    """Bind the mesh model."""

    def fit(crop: RgbImage) -> Points | None:
        mesh = fit_mesh(crop, weights)
        return mesh[0] if mesh[1] >= landmark_score else None

    return fit


def make_look(weights: Weights) -> Look:
    """Bind the iris model."""
    return lambda rgb, mesh_xy: read_eyes(rgb, mesh_xy, weights)


class Shown(NamedTuple):
    """A face in a picture that is drawn on: its box, its mesh and the last frame's, and the hands around."""

    rgb: RgbImage
    box_xyxy: Box
    mesh_xy: Points
    last_xy: Points | None
    hands_xy: Sequence[Points]

    def reshaped(self, reshaping: Reshaping) -> "Shown":
        """Move the picture and the meshes as the shape of the face changes."""
        mesh_xy = reshaping.moved(self.mesh_xy)
        last_xy = None if self.last_xy is None else reshaping.moved(self.last_xy)
        move_picture(self.rgb, self.box_xyxy, self.mesh_xy, mesh_xy)
        return self._replace(mesh_xy=mesh_xy, last_xy=last_xy)


class Shares(NamedTuple):
    """Of which share of a face things in front kept its own pixels, and of which what is worn did.

    painted_over: whether something lies before it that should have stayed, as glasses, and could not.
    """

    in_front: float
    worn: float
    painted_over: bool


@dataclass
class Memory:
    """What is kept of a track from frame to frame: what lies in front, and what was put right."""

    occluders: Occluders
    settling: Settling = field(default_factory=Settling)
    gaze: Points = field(default_factory=lambda: np.zeros((2, 2), np.float32))
    frames: int = 0

    def read_before(self, last_xy: Points | None) -> Points | None:
        """Return around which mesh the extractor will look; last_xy: where the last frame's should be."""
        if last_xy is None:
            self.settling.moved = self.settling.read_xy = None
        return last_xy if self.settling.read_xy is None else self.settling.read_xy

    def correct_gaze(self, astray: Points) -> None:
        """Take into account how far the drawn irises are from where they should be."""
        self.gaze = np.clip(self.gaze + astray * GAZE_CORRECTION, -FARTHEST_XY, FARTHEST_XY)


@dataclass
class MeshSwapper:
    """Swap faces frame after frame.

    The extractor reads another face a little differently; each correction moves the drawn mesh
    by what was measured off. Most of what helped one frame helps the next, where one goes on.
    """

    settings: MeshSwap
    fit: Fit
    look: Look
    goes_on: bool = True
    _tracks: dict[int, Memory] = field(default_factory=dict)
    _layouts: dict[str, Layout] = field(default_factory=dict)

    def __call__(
        self,
        rgb: RgbImage,
        box_xyxy: Box,
        track: int,
        mesh_xy: Points,
        target: Target,
        *,
        reshaping: Reshaping | None = None,
        last_xy: Points | None = None,
        hands_xy: Sequence[Points] = (),
    ) -> Shares:
        """Replace a face in place by the target's, in the patient's pose, expression, gaze and light.

        reshaping: what becomes of the patient's own shape. last_xy: the mesh of the frame before, around
        which the extractor looks for this one.
        """
        shown = Shown(rgb, box_xyxy, mesh_xy, last_xy, hands_xy)
        if reshaping is not None:
            shown = shown.reshaped(reshaping)
        return self._draw(shown, self._memory(track, target), target)

    def _draw(self, shown: Shown, memory: Memory, target: Target) -> Shares:
        region = _square(shown.mesh_xy, memory.read_before(shown.last_xy), target.rim)
        crop = crop_region(shown.rgb, region, MESH_SIDE_PX)
        aim = to_crop(shown.mesh_xy, region, MESH_SIDE_PX)
        hands = [to_crop(hand, region, MESH_SIDE_PX) for hand in shown.hands_xy]
        in_front, shade, lasting = _in_front(crop, aim, hands, memory.occluders, target.rim)
        for smoothed in (shade, turned_away(aim, in_front)):
            if smoothed is not None:
                smooth(shown.rgb, shown.box_xyxy, region, smoothed)
                crop = crop_region(shown.rgb, region, MESH_SIDE_PX)
        eyes = self.look(shown.rgb, shown.mesh_xy)
        irises, lids = eyes[:, :2], lids_open(shown.mesh_xy, eyes[:, 2])
        brush = Brush(looking(target, irises + memory.gaze), self.settings.feather, in_front, lids)
        scene, number = Scene(shown.rgb, region, crop), self.settings.corrections
        canvas = memory.settling.settle(scene, region, aim, brush, fit=self.fit, corrections=number)
        lay_over(shown.rgb, shown.box_xyxy, region, canvas, memory.frames)
        if self.goes_on and memory.frames % GAZE_INTERVAL == 0:
            memory.correct_gaze(irises - self.look(shown.rgb, shown.mesh_xy)[:, :2])
        memory.frames += 1
        return Shares(*_shares_kept(in_front, shade, lasting, aim), memory.occluders.painted_over)

    def _memory(self, track: int, target: Target) -> Memory:
        if track not in self._tracks:
            if target.name not in self._layouts:
                self._layouts[target.name] = make_layout(target)
            layout = self._layouts[target.name]
            glasses, attached = self.settings.keep_glasses, self.settings.keep_attached
            self._tracks[track] = Memory(Occluders(layout, keep_glasses=glasses, keep_attached=attached))
        return self._tracks[track]


def _square(mesh_xy: Points, last_xy: Points | None, rim: float) -> Region:
    """Return where the extractor looks for a face last, from the mesh of the frame before."""
    region = mesh_region(mesh_xy if last_xy is None else last_xy)
    if is_astray(region, mesh_region(mesh_xy)):
        return mesh_region(mesh_xy)
    wide = to_crop(with_rim(mesh_xy, rim), region, MESH_SIDE_PX)
    # it may have moved so fast that the last frame's square does not hold it
    is_inside = wide.min() >= 1 and wide.max() <= MESH_SIDE_PX - 1
    return region if is_inside else mesh_region(mesh_xy)


def turned_away(aim: Points, in_front: Floats | None) -> Floats | None:
    """Return the canvas's weights of a face turned to the side and of what is beside it, else None.

    Nose, lips and chin are its outline there, where no rim is drawn and a mesh is least sure: the patient's
    own must not stand out.
    """
    line = aim[LEFT_CHEEK] - aim[RIGHT_CHEEK]
    across = float(line @ (aim[NOSE_TIP] - aim[RIGHT_CHEEK])) / max(float(line @ line), 1e-6)
    strength = (TURNED - min(across, 1 - across)) / TURNING
    if strength <= 0:
        return None
    reach = float(np.ptp(aim, axis=0).max()) * BESIDE
    outline = cv2.convexHull(np.round(aim).astype(np.int32))
    weights = np.zeros((MESH_SIDE_PX, MESH_SIDE_PX), np.float32)
    cv2.fillConvexPoly(weights, outline, min(strength, 1.0))
    cv2.polylines(weights, [outline], True, min(strength, 1.0), max(1, round(2 * reach)))
    soft = np.asarray(cv2.GaussianBlur(weights, (0, 0), reach / 4), np.float32)
    return soft if in_front is None else soft * (1 - in_front)


def _shares_kept(
    in_front: Floats | None, shade: Floats | None, lasting: Floats | None, aim: Points
) -> tuple[float, float]:
    """Return of which share of a face things in front kept its own pixels, and of which what is worn did."""
    if in_front is None:
        return 0.0, 0.0
    worn = 0.0 if lasting is None else _share_inside(lasting, aim)
    kept = _share_inside(in_front if shade is None else in_front - shade, aim)
    return max(0.0, kept - worn), worn


def _in_front(
    crop: RgbImage, aim: Points, hands_xy: Sequence[Points], occluders: Occluders, rim: float
) -> tuple[Floats | None, Floats | None, Floats | None]:
    """Return the canvas's weights of what must stay in front of the face, None where nothing does.

    Beside them those of the part that may be skin in a shadow, of which only the darkness may stay, and those
    of what was there from the first, as glasses.
    """
    wide_xy = with_rim(aim, rim)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    flat = occluders.step(occluders.layout.spread(lab, wide_xy))
    hands = hand_weights(hands_xy, aim, MESH_SIDE_PX)
    if not flat.any():
        return hands, None, None
    shadow, frame = (
        np.zeros_like(flat) if part is None else part for part in (occluders.shade, occluders.lasting)
    )
    # both at once: where the mesh lies is drawn once
    folded = occluders.layout.fold(np.dstack([flat, shadow, frame]), wide_xy, MESH_SIDE_PX)
    things, shade, lasting = (np.ascontiguousarray(folded[..., channel]) for channel in range(3))
    all_things = things if hands is None else np.maximum(things, hands)
    if not shadow.any():
        return all_things, None, lasting
    return all_things, shade if hands is None else np.minimum(shade, 1 - hands), lasting


def _share_inside(weights: Floats, mesh_xy: Points) -> float:
    inside = np.zeros(weights.shape, np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    return float(weights[inside > 0].mean()) if inside.any() else 0.0


def smooth(rgb: RgbImage, box_xyxy: Box, region: Region, weights: Floats) -> None:
    """Leave only the darkness of a part of the picture, nowhere outside the box."""
    patch = patch_of(rgb, box_xyxy)
    share = onto(patch, box_xyxy, region, weights)
    side = 2 * round(region.side * SMOOTHED / 2) + 1
    patch[:] = cv2.blendLinear(cv2.stackBlur(patch, (side, side)), patch, share, 1 - share)
