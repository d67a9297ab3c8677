"""A face that the workspace's own network drew, laid over one whose mesh cannot carry another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.canvas import Canvas, Scene, lay_over
from tasks.swap.cast import FaceKey
from tasks.swap.crops import face_square, small_crop
from tasks.swap.hands import hand_weights
from tasks.swap.laid import around, octagon
from tasks.swap.mesh_swap import smooth
from tasks.vision.regions import MESH_SIDE_PX, Box, Points, RgbImage, bounding_region, crop_region, to_crop

Floats = NDArray[np.float32]
# N x 3 x side x side in 0..1 -> N x 4 x side x side in 0..1: RGB and weight
Model = Callable[[Floats], Floats]
# of what is drawn: nothing reaches the edge of its square, as a share of that
EDGE = 0.04
WIDE = 2.0  # how much wider than all that was seen of a face the square is that is smoothed


@dataclass(frozen=True)
class Face:
    """A face to be drawn: 468 x 2 keypoints and the box in which it was seen, and the hands before it.

    is_sure: whether its keypoints can be trusted; else all of the box may be the face.
    """

    key: FaceKey
    network: str
    mesh_xy: Points
    box_xyxy: Box
    hands_xy: Sequence[Points] = ()
    is_sure: bool = False


@dataclass(frozen=True)
class Drawn:
    """A face and 4 x side x side that a network made of it."""

    face: Face
    picture: Floats


def draw_all(
    models: Callable[[str], tuple[Model, int]], pictures: Sequence[RgbImage], faces: Sequence[Face]
) -> list[Drawn]:
    """Return what a network makes of each face, those of one network together.

    models: name -> network and side of its square in pixels. pictures: the one that each face is in.
    """
    found: dict[int, Drawn] = {}
    for name in dict.fromkeys(face.network for face in faces):
        (model, side_px), places = models(name), [at for at, face in enumerate(faces) if face.network == name]
        crops = [small_crop(pictures[at], face_square(faces[at].mesh_xy), side_px) for at in places]
        tensor = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        for at, picture in zip(places, model(tensor), strict=True):
            found[at] = Drawn(faces[at], picture)
    return [found[place] for place in range(len(faces))]


def lay(rgb: RgbImage, region_xyxy: Box, drawn: Drawn) -> float:
    """Bring a drawn face into the picture, nowhere outside the region; return before which share hands are.

    Nothing finer than the scene's light is left of the patient's, also beside what is drawn.
    """
    face, side = drawn.face, MESH_SIDE_PX
    square = face_square(face.mesh_xy)
    aim = to_crop(face.mesh_xy, square, side)
    hands = hand_weights([to_crop(hand, square, side) for hand in face.hands_xy], aim, side)
    bare = np.ones((side, side), np.float32) if hands is None else 1 - hands
    kept = _smooth_all(rgb, region_xyxy, face)
    lab, weights = _canvas_of(drawn.picture)
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    made = np.dstack([columns, rows, weights * bare])
    light = Scene(rgb, square, crop_region(rgb, square, side)).light(lab, made)
    canvas = Canvas(made, np.zeros_like(aim), light.tone(lab), light.offset_on(side))
    lay_over(rgb, region_xyxy, square, canvas)
    return max(kept, _share_before(aim, bare))


def _smooth_all(rgb: RgbImage, region_xyxy: Box, face: Face) -> float:
    """Smooth all that was seen of a face; return of which share of it hands keep their pixels."""
    side = MESH_SIDE_PX
    # a mesh that is astray, or far too small, says little of where the face ends
    seen_xy = face.mesh_xy if face.is_sure else octagon(face.box_xyxy)
    wide = bounding_region(np.concatenate([face.mesh_xy, seen_xy]), 0.0, WIDE)
    aim, outline = (to_crop(points, wide, side) for points in (face.mesh_xy, seen_xy))
    covered = around(aim, outline)
    hands = hand_weights([to_crop(hand, wide, side) for hand in face.hands_xy], aim, side)
    if hands is None:
        smooth(rgb, region_xyxy, wide, covered)
        return 0.0
    smooth(rgb, region_xyxy, wide, covered * (1 - hands))
    return float((covered * hands).sum() / max(float(covered.sum()), 1e-6))


def _share_before(aim: Points, bare: Floats) -> float:
    inside = np.zeros(bare.shape, np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(aim).astype(np.int32)), 1)
    return float((1 - bare)[inside > 0].mean()) if inside.any() else 0.0


def _canvas_of(picture: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Return a drawn face in Lab and its weights, both of the canvas's size."""
    large = cv2.resize(
        picture.transpose(1, 2, 0), (MESH_SIDE_PX, MESH_SIDE_PX), interpolation=cv2.INTER_CUBIC
    )
    rgb = np.asarray(large[..., :3].clip(0, 1) * 255, np.uint8)
    ramp = np.arange(MESH_SIDE_PX, dtype=np.float32)
    depth = np.minimum(ramp, ramp[::-1]) / (EDGE * MESH_SIDE_PX)
    framed = large[..., 3].clip(0, 1) * np.minimum.outer(depth, depth).clip(0, 1)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8), np.asarray(framed, np.float32)
