"""A face spread flat, the same point always in the same place, and where its parts lie (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.skeletons import (
    BROWS,
    CHEEKS,
    CHIN,
    EYES,
    FACE_POINTS,
    LIPS,
    NOSE_BASE,
    NOSE_BRIDGE,
    NOSE_END,
)
from tasks.swap.target import Target
from tasks.swap.warping import Floats, Triangles, draw_triangles, source_map
from tasks.vision.regions import Points

SIDE_PX = 128
BORDER_PX, FEATURE_BORDER_PX = 2, 3
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """A target's mesh with rim on a small square, and side x side masks of what lies where.

    features: brows, eyes and lips. rim: the outermost pixels. forehead: all above the brows. upper: bare skin
    beside and above the eyes. nose: its end. lower: all below it. light: the target's own lightness.
    """

    mesh_xy: Points
    triangles: Triangles
    index: NDArray[np.int32]
    inside: Mask
    features: Mask
    cheeks: Mask
    rim: Mask
    forehead: Mask
    upper: Mask
    nose: Mask
    lips: Mask
    lower: Mask
    light: Floats

    def spread(self, picture: Floats, mesh_xy: Points) -> Floats:
        """Spread the face of a picture flat; mesh_xy: where its mesh with rim lies in the picture."""
        return _remap(picture, source_map(self.index, self.mesh_xy, mesh_xy, self.triangles))

    def fold(self, flat: Floats, mesh_xy: Points, side_px: int) -> Floats:
        """Bring channels of something flat, 0 outside the face, to where the mesh with rim lies."""
        index = draw_triangles(mesh_xy, self.triangles, side_px)
        folded = _remap(flat, source_map(index, mesh_xy, self.mesh_xy, self.triangles))
        return np.where((index >= 0)[..., None], folded, np.float32(0))


def make_layout(target: Target) -> Layout:
    """Lay a target's mesh out."""
    low, extent = target.mesh_xy.min(axis=0), np.ptp(target.mesh_xy, axis=0).max()
    xy = ((target.mesh_xy - low) / extent * (SIDE_PX - 1 - 2 * BORDER_PX) + BORDER_PX).astype(np.float32)
    index = draw_triangles(xy, target.triangles, SIDE_PX)
    drawn = index >= 0
    eyes = [xy[[*brow, *eye]] for brow, eye in zip(BROWS, EYES, strict=True)]
    rows = np.arange(SIDE_PX)[:, None]
    inside, features = hulls([xy[:FACE_POINTS]]), hulls([*eyes, xy[LIPS]], FEATURE_BORDER_PX)
    source = source_map(index, xy, target.mesh_xy, target.triangles)
    return Layout(
        xy,
        target.triangles,
        index,
        inside=inside,
        features=features,
        cheeks=hulls([xy[cheek] for cheek in CHEEKS]),
        rim=drawn & (cv2.erode(drawn.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0),
        forehead=drawn & (rows < min(float(xy[brow, 1].min()) for brow in BROWS) - BORDER_PX),
        upper=inside & ~features & (rows < xy[NOSE_BRIDGE, 1]),
        nose=hulls([xy[NOSE_END]]),
        lips=hulls([xy[LIPS]]),
        lower=inside & (rows > xy[NOSE_BASE, 1]) & (rows < xy[CHIN, 1] - BORDER_PX),
        light=_remap(target.lab[..., 0].astype(np.float32), source),
    )


def hulls(parts: Sequence[Points], border_px: int = 0) -> Mask:
    """Return what lies within the outlines of points of the square, and so far around them."""
    drawn = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for xy in parts:
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(xy).astype(np.int32)), 1)
    side = 2 * border_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(drawn, kernel) > 0, np.bool_)


def _remap(picture: Floats, source: Floats) -> Floats:
    across, down = np.ascontiguousarray(source[..., 0]), np.ascontiguousarray(source[..., 1])
    return np.asarray(
        cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
