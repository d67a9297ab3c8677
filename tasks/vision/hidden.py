"""Which keypoints of a face lie behind something, and are guessed (pure)."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import (
    BROWS,
    EYES,
    FACE_POINTS,
    FINGERS,
    INDEX_KNUCKLE,
    LIPS,
    LITTLE_KNUCKLE,
    NOSE_BASE,
    NOSE_BRIDGE,
    NOSE_END,
    PALM_OUTLINE,
)
from tasks.vision.regions import MESH_SIDE_PX, Points, RgbImage, crop_region, mesh_region, to_crop
from tasks.vision.skin import Floats, Mask, is_foreign, is_human, shines
from tasks.vision.strange import has_an_edge, is_strange, strange_pieces, whole_of

# of a mask so much of lips and chin is no skin (of bare faces, bearded ones too, half is at most); below a
# bare nose it has a colour that neither hair nor skin has; its a* and b* (the middle four fifths) are alike
MOST_OF, COLD, EVEN, MIDDLE = 0.8, -3.0, 10.0, (10, 90)
SMOOTH_PX = 5
EASIER = 1.15  # than to show something: to say that a keypoint is guessed uncovers nobody
LEAST = 0.01  # of a face, of a thing before it
EDGE_PX = 17  # of a face may show what is beside it
# a finger is about so thick, as a share of the width of the knuckles
FINGER_WIDTH = 0.32
IS_FEATURE = np.isin(
    np.arange(FACE_POINTS), [*np.ravel(BROWS[0]), *np.ravel(BROWS[1]), *np.ravel(EYES), *LIPS]
)
FEATURE_PX = 5


def hidden_keypoints(rgb: RgbImage, mesh_xy: Points) -> Mask:
    """Return which of 468 keypoints lie behind a mask, a tube or a plaster, as far as colours tell it."""
    square = mesh_region(mesh_xy)
    aim = to_crop(mesh_xy, square, MESH_SIDE_PX)
    crop = crop_region(rgb, square, MESH_SIDE_PX)
    smooth = _lab(cv2.blur(crop, (SMOOTH_PX, SMOOTH_PX))[_at(aim)][None])[0]
    bare = aim[:, 1] < aim[NOSE_BRIDGE, 1]
    bare &= ~IS_FEATURE
    skin = np.asarray(np.median(smooth[bare], axis=0), np.float32)
    if not is_human(skin):
        return np.zeros(FACE_POINTS, np.bool_)
    hidden = _behind_mask(smooth, aim, skin)
    # few faces have any, and the whole square takes its time
    if is_strange(smooth[None], skin)[0, ~IS_FEATURE].any():
        hidden |= _behind_things(_lab(crop), aim, skin)
    return hidden


def behind_hands(mesh_xy: Points, hands_xy: Sequence[Points]) -> Mask:
    """Return which keypoints of a face lie under palms and fingers of 21 x 2 keypoints each."""
    square = mesh_region(mesh_xy)
    shape = np.zeros((MESH_SIDE_PX, MESH_SIDE_PX), np.uint8)
    for hand_xy in hands_xy:
        draw_hand(shape, to_crop(hand_xy, square, MESH_SIDE_PX))
    return np.asarray(shape[_at(to_crop(mesh_xy, square, MESH_SIDE_PX))] > 0, np.bool_)


def draw_hand(shape: NDArray[np.uint8], hand_xy: Points) -> None:
    """Draw palm and fingers of 21 x 2 keypoints: no pixel between the fingers."""
    points = np.round(hand_xy).astype(np.int32)
    cv2.fillPoly(shape, [cv2.convexHull(points[PALM_OUTLINE])], 255)
    for finger in FINGERS:
        cv2.polylines(shape, [points[[finger[0], *finger]]], False, 255, finger_width(hand_xy))


def finger_width(hand_xy: Points) -> int:
    """Return how thick a hand's fingers are, in whole pixels."""
    across = float(np.linalg.norm(hand_xy[INDEX_KNUCKLE] - hand_xy[LITTLE_KNUCKLE]))
    return max(1, round(across * FINGER_WIDTH))


def _behind_mask(lab: Floats, aim: Points, skin: Floats) -> Mask:
    """Return what a mask over mouth and nose hides; lab: the colours at the keypoints, N x 3."""
    nothing = np.zeros(FACE_POINTS, np.bool_)
    foreign = (is_foreign(lab[None], skin) | shines(lab[None], skin))[0]
    below = aim[:, 1] > aim[NOSE_BASE, 1]
    if min(foreign[below].mean(), foreign[LIPS].mean()) < MOST_OF:
        return nothing
    tint = np.median(lab[below, 1:], axis=0) - 128
    if foreign[NOSE_END].mean() < MOST_OF and tint.min() > COLD:
        return nothing
    low, high = np.percentile(lab[below, 1:], MIDDLE, axis=0)
    return foreign & (aim[:, 1] > aim[NOSE_BRIDGE, 1]) if float((high - low).sum()) <= EVEN else nothing


def _behind_things(lab: Floats, aim: Points, skin: Floats) -> Mask:
    """Return what lies behind things with a tint and an edge of their own."""
    inside = _hulls([aim]).astype(np.uint8)
    features = _hulls([aim[[*brow, *eye]] for brow, eye in zip(BROWS, EYES, strict=True)] + [aim[LIPS]])
    core = cv2.erode(inside, np.ones((EDGE_PX, EDGE_PX))) > 0
    core &= cv2.dilate(features.astype(np.uint8), np.ones((FEATURE_PX, FEATURE_PX))) == 0
    hidden = np.zeros(inside.shape, np.bool_)
    for piece in strange_pieces(lab, skin, core, LEAST * float(inside.sum())):
        if has_an_edge(piece, lab, inside > 0, EASIER):
            hidden |= whole_of(piece, lab, skin, inside > 0)
    return np.asarray(hidden[_at(aim)], np.bool_)


def _hulls(parts: Sequence[Points]) -> Mask:
    drawn = np.zeros((MESH_SIDE_PX, MESH_SIDE_PX), np.uint8)
    for xy in parts:
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(xy).astype(np.int32)), 1)
    return drawn > 0


def _lab(crop: cv2.typing.MatLike) -> Floats:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2LAB), np.float32)


def _at(xy: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of points in the square."""
    x, y = np.clip(np.round(xy), 0, MESH_SIDE_PX - 1).astype(np.int64).T
    return y, x
