"""Which pixel of one picture of a face comes where in another, triangle by triangle (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Points

Floats = NDArray[np.float32]
Triangles = NDArray[np.int32]
FRACTION_BITS = 4
FLAT_PX2 = 0.5  # twice the area of a triangle whose map would fetch pixels from far outside it


def draw_triangles(mesh_xy: Points, triangles: Triangles, side_px: int) -> NDArray[np.int32]:
    """Return side x side numbers of the triangle that covers each pixel, -1 where none does.

    The last of those that cover it; one that is turned away, whose corners do not run clockwise, only where
    no other does.
    """
    index = np.full((side_px, side_px), -1, np.int32)
    corners = np.round(mesh_xy[triangles] * 2**FRACTION_BITS).astype(np.int32)
    away_first = np.argsort(runs_clockwise(mesh_xy[triangles]), kind="stable")
    for number, triangle in zip(away_first.tolist(), list(corners[away_first]), strict=True):
        cv2.fillConvexPoly(index, triangle, number, cv2.LINE_8, FRACTION_BITS)
    return index


def runs_clockwise(corners: Points) -> NDArray[np.bool_]:
    """Return of T x 3 x 2 corners in a picture, whose rows go down, whether they run clockwise."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(first[:, 0] * second[:, 1] > first[:, 1] * second[:, 0], np.bool_)


def source_map(index: NDArray[np.int32], mesh_xy: Points, source_xy: Points, triangles: Triangles) -> Floats:
    """Return side x side x 2: which pixel of the source comes to each pixel that a triangle covers.

    index: of `draw_triangles`. mesh_xy, source_xy: the triangles' corners here and in the source.
    """
    maps = triangle_maps(mesh_xy[triangles], source_xy[triangles]).reshape(-1, 6)
    # where nothing is drawn, -1 takes the last map, which is empty
    maps = np.ascontiguousarray(np.concatenate([maps, np.zeros((1, 6), np.float32)]).T)
    rows, columns = (np.arange(size, dtype=np.float32) for size in index.shape)
    source, places = np.empty((*index.shape, 2), np.float32), index.astype(np.intp)
    for axis in (0, 1):
        across, down, shift = (np.take(part, places, mode="wrap") for part in maps[3 * axis : 3 * axis + 3])
        source[..., axis] = across * columns + down * rows[:, None] + shift
    return source


def triangle_maps(corners: Points, sources: Points) -> Floats:
    """Return T x 2 x 3 affine maps from T x 3 x 2 corners to their sources; a flat one maps to a corner."""
    first = corners[:, 1:] - corners[:, :1]
    second = sources[:, 1:] - sources[:, :1]
    determinant = first[:, 0, 0] * first[:, 1, 1] - first[:, 0, 1] * first[:, 1, 0]
    safe = np.where(np.abs(determinant) < FLAT_PX2, np.inf, determinant)
    inverse = np.empty_like(first)
    inverse[:, 0, 0], inverse[:, 1, 1] = first[:, 1, 1] / safe, first[:, 0, 0] / safe
    inverse[:, 0, 1], inverse[:, 1, 0] = -first[:, 0, 1] / safe, -first[:, 1, 0] / safe
    linear = (inverse @ second).transpose(0, 2, 1)
    shift = sources[:, 0] - (linear @ corners[:, 0, :, None])[..., 0]
    return np.concatenate([linear, shift[..., None]], axis=2).astype(np.float32)
