"""Things painted on faces, as they are worn in a ward."""

import cv2
import numpy as np

CYAN, GREEN, DEEP_BLUE = (120, 185, 205), (95, 175, 125), (60, 110, 210)


def with_tube(rgb, mesh_xy, colour):
    """Paint a tube from the nose over a cheek to the ear."""
    drawn = rgb.copy()
    size = float(np.ptp(mesh_xy, axis=0).max())
    way = np.round(mesh_xy[[2, 97, 206, 147, 177]] * 16).astype(np.int32)
    cv2.polylines(drawn, [way], False, colour, max(2, round(0.05 * size)), cv2.LINE_AA, 4)
    return drawn


def with_plaster(rgb, mesh_xy, colour):
    """Paint a plaster on a cheek."""
    drawn = rgb.copy()
    cv2.fillConvexPoly(
        drawn, cv2.convexHull(np.round(mesh_xy[[117, 123, 187, 205, 101]]).astype(np.int32)), colour
    )
    return drawn


def in_the_light(drawn, rgb, mesh_xy):
    """Give what was painted on a face the light that falls on the face, and the camera's grain."""
    is_thing = (drawn != rgb).any(axis=-1, keepdims=True)
    size = float(np.ptp(mesh_xy, axis=0).max())
    light = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.1 * size)
    grain = np.random.default_rng(0).normal(0, 2, rgb.shape)
    lit = np.clip(drawn * np.clip(light / 160, 0.4, 1.1)[..., None] + grain, 0, 255)
    return np.where(is_thing, lit, rgb).astype(np.uint8), is_thing[..., 0]
