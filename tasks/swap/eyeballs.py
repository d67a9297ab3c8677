"""Eyes as they are drawn: a white, an iris and a pupil that are nobody's, between a target's lids (pure).

A target is mixed of several people, and small: its own eyes are a dark blur, with the skin's tint for white.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import LIDS, LOWER_LIDS, UPPER_LIDS
from tasks.swap.gaze import eye_axes
from tasks.swap.target import Target
from tasks.swap.warping import Floats
from tasks.vision.regions import Points

# of an eye's width: an iris (half of 12 of 29 mm), and how soft its edge is; of the iris, its pupil
IRIS, EDGE, PUPIL = 0.21, 0.03, 0.42
# how far the patient's iris may lie from the middle of the corners
FARTHEST_XY = np.array([0.3, 0.16], np.float32)
# how much higher or lower than the target's the patient's eye may be open for its iris to be round again
LEAST_STRETCH, MOST_STRETCH = 0.4, 2.5
# a white against the skin beside it: its lightness, and what is left of the skin's colour
WHITE, TINT, LIGHTEST = 1.25, 0.3, 228.0
# an iris: its lightness against that white, and 8-bit a* and b*; beside dark skin it is brown, beside lighter
# skin hazel. Its rim and its pupil, and what shines in it
BROWN, HAZEL = (np.array(colour, np.float32) for colour in ((0.34, 134, 138), (0.56, 129, 131)))
DARK, PALE = 45.0, 95.0
RIM_SHARE, PUPIL_SHARE = 0.6, 0.25
SHINE, BRIGHTER, SHINE_AT, SHINE_SIZE = 0.9, 1.5, np.array([-0.32, -0.38]), 0.2
# the upper lid's shadow and the corners', of the white's lightness; how far down it falls, of the opening
LID_SHADE, CORNER_SHADE, FALLS = 0.6, 0.35, 0.3
BORDER_PX, GREY = 2, 128.0


def with_eyes(target: Target, irises: Points, mesh_xy: Points) -> Target:
    """Draw eyes into a target, which look where the patient's do.

    irises: 2 x 2, in eye widths as `read_eyes` says it. mesh_xy: the patient's, by whose opening the target's
    eyes will be stretched.
    """
    lab = target.lab.copy()
    for eye, lids in enumerate(LIDS):
        outline = target.mesh_xy[lids]
        (x0, y0), (x1, y1) = outline.min(axis=0) - BORDER_PX, outline.max(axis=0) + BORDER_PX
        left, top = int(np.floor(x0)), int(np.floor(y0))
        place = lab[top : int(np.ceil(y1)) + 1, left : int(np.ceil(x1)) + 1]
        where = _in_eye_widths(target.mesh_xy, eye, (left, top), place.shape[:2])
        drawn = _eyeball(target, eye, irises[eye], mesh_xy, where)
        inside = np.zeros(place.shape[:2], np.float32)
        cv2.fillPoly(inside, [np.round(outline - [left, top]).astype(np.int32)], 1)
        soft = np.asarray(cv2.GaussianBlur(inside, (0, 0), 1), np.float32)
        place[:] = cv2.blendLinear(drawn, np.ascontiguousarray(place), soft, 1 - soft)
    return replace(target, lab=lab)


def _eyeball(
    target: Target, eye: int, iris: Points, mesh_xy: Points, where: tuple[Floats, Floats]
) -> NDArray[np.uint8]:
    """Return the colours of an eye, H x W x 3; where: how far across and down each pixel lies."""
    across, down = where
    upper, lower = (_lid(target.mesh_xy, eye, lids[eye], across) for lids in (UPPER_LIDS, LOWER_LIDS))
    theirs, own = (_opening(xy, eye) for xy in (mesh_xy, target.mesh_xy))
    stretch = np.clip(theirs[0] / max(own[0], 1e-3), LEAST_STRETCH, MOST_STRETCH)
    center = np.clip(iris, -FARTHEST_XY, FARTHEST_XY)
    below = (down - own[1]) * stretch + theirs[1] - center[1]
    aside = np.stack([across - center[0], below], axis=-1).astype(np.float32) / np.float32(IRIS)
    depth = np.clip((down - upper) / np.maximum(lower - upper, 1e-3), 0, 1)
    shade = 1 - LID_SHADE * np.exp(-depth / FALLS) - CORNER_SHADE * np.clip(np.abs(across) * 2, 0, 1) ** 2
    skin = _skin(target, eye)
    colours = _colours(_white(skin), _iris(skin), aside)
    colours[..., 0] *= shade
    return np.asarray(np.clip(colours, 0, 255), np.uint8)


def _colours(white: Floats, iris: Floats, aside: Floats) -> Floats:
    """Return white, iris, pupil and what shines in it; aside: from the iris's middle, in its radius."""
    away = np.linalg.norm(aside, axis=-1)
    soft = EDGE / IRIS
    in_iris, in_pupil = (_within(away, reach, soft)[..., None] for reach in (1.0, PUPIL))
    rim = 1 - (1 - RIM_SHARE) * np.clip((away - 0.7) / 0.3, 0, 1)
    # light that falls in from above leaves below
    fibres = rim * (1 + 0.25 * np.clip(aside[..., 1], -1, 1))
    ring = np.dstack([iris[0] * white[0] * fibres, *(np.full(away.shape, tint) for tint in iris[1:])])
    pupil = np.array([BROWN[0] * white[0] * PUPIL_SHARE, GREY, GREY], np.float32)
    colours = white * (1 - in_iris) + (ring * (1 - in_pupil) + pupil * in_pupil) * in_iris
    shine = SHINE * _within(np.linalg.norm(aside - SHINE_AT, axis=-1), SHINE_SIZE, soft)[..., None] * in_iris
    lamp = np.array([min(white[0] * BRIGHTER, LIGHTEST), GREY, GREY], np.float32)
    return np.asarray(colours * (1 - shine) + lamp * shine, np.float32)


def _skin(target: Target, eye: int) -> Floats:
    """Return the colour of the skin below an eye."""
    middle, axes = eye_axes(target.mesh_xy, eye)
    below = middle + axes[1] * np.array([[0.5], [0.6], [0.7]])
    x, y = np.round(below).astype(int).T
    return np.asarray(np.median(target.lab[y, x].astype(np.float32), axis=0), np.float32)


def _white(skin: Floats) -> Floats:
    return np.array([min(skin[0] * WHITE, LIGHTEST), *(GREY + (skin[1:] - GREY) * TINT)], np.float32)


def _iris(skin: Floats) -> Floats:
    pale = np.float32(np.clip((skin[0] - DARK) / (PALE - DARK), 0, 1))
    return np.asarray(BROWN + (HAZEL - BROWN) * pale, np.float32)


def _in_eye_widths(
    mesh_xy: Points, eye: int, corner_xy: tuple[int, int], shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return for each pixel how far across and down from an eye's middle it lies."""
    middle, axes = eye_axes(mesh_xy, eye)
    rows, columns = np.indices(shape).astype(np.float32)
    x, y = columns + corner_xy[0] - middle[0], rows + corner_xy[1] - middle[1]
    size = float(axes[0] @ axes[0])
    across, down = ((x * axis[0] + y * axis[1]) / size for axis in axes)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _lid(mesh_xy: Points, eye: int, points: list[int], across: Floats) -> Floats:
    """Return how far down a lid lies at each pixel's place across."""
    middle, axes = eye_axes(mesh_xy, eye)
    along, down = ((mesh_xy[points] - middle) @ axis / (axes[0] @ axes[0]) for axis in axes)
    order = np.argsort(along)
    ways = np.concatenate([[-0.5], along[order], [0.5]]), np.concatenate([[0], down[order], [0]])
    return np.asarray(np.interp(across, *ways), np.float32)


def _opening(mesh_xy: Points, eye: int) -> tuple[float, float]:
    """Return how far an eye is open in its middle and where that middle lies, in eye widths down."""
    middle, axes = eye_axes(mesh_xy, eye)
    upper, lower = (mesh_xy[lids[eye]] for lids in (UPPER_LIDS, LOWER_LIDS))
    downs = [(lid - middle) @ axes[1] / (axes[0] @ axes[0]) for lid in (upper, lower)]
    return float((downs[1] - downs[0]).mean()), float((downs[1] + downs[0]).mean() / 2)


def _within(away: Floats, reach: float, soft: float) -> Floats:
    return np.asarray(np.clip((reach - away) / soft + 0.5, 0, 1), np.float32)
