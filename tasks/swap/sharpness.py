"""How sharp and how grainy a face is in its picture, so that another one in its place is no other (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.warping import Floats
from tasks.vision.regions import RgbImage

FINE_PX = 1.5  # what is finer is a face's fine detail
SOFT_PX = (0.0, 0.5, 0.7, 1.0)  # how far a face may be softened: more of it hides what it does
INSIDE = 0.8  # of a weight: the rim blends both
LEAST_PX = 64  # of a face: fewer say nothing
LEAST_GRAIN = 0.75  # in 8-bit lightness: less is rounding
# Immerkaer (1996): noise is six times as strong in this second difference, features are few in it
DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
GAIN, MEDIAN = 6.0, 0.6745


def graded(scene: RgbImage, drawn: RgbImage, weights: Floats) -> tuple[float, float]:
    """Return by how many pixels a drawn face must be softened to suit its scene, and how much grain it lacks.

    scene, drawn: H x W x 3, the face before and after. weights: H x W, where it is drawn.
    """
    inside = np.asarray(weights > INSIDE, np.bool_)
    if inside.sum() < LEAST_PX:
        return 0.0, 0.0
    own, other = (np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.float32) for one in (scene, drawn))
    wanted, noise = _detail(own, inside)
    soft_px, left = SOFT_PX[-1], 0.0
    for px in SOFT_PX:
        found, grain = _detail(_blurred(other, px), inside)
        if found <= wanted:
            soft_px, left = px, grain
            break
    lacking = float(np.sqrt(max(0.0, noise**2 - left**2)))
    return soft_px, lacking if lacking >= LEAST_GRAIN else 0.0


def softened(rgb: RgbImage, soft_px: float) -> RgbImage:
    """Return a picture softened by so many pixels."""
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), soft_px), np.uint8) if soft_px > 0 else rgb


def grained(rgb: RgbImage, grain: float, seed: int) -> RgbImage:
    """Return a picture with so much noise in its lightness, always the same of a seed."""
    if grain <= 0:
        return rgb
    noise = np.random.default_rng(seed).normal(0, grain, rgb.shape[:2]).astype(np.float32)
    return np.asarray(cv2.add(rgb, np.dstack([noise] * 3), dtype=cv2.CV_8U), np.uint8)


def _detail(light: Floats, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the variance of a face's fine detail, noise not counted, and the noise."""
    noise = float(np.median(np.abs(cv2.filter2D(light, -1, DIFFERENCE))[inside])) / (MEDIAN * GAIN)
    return float(np.square(light - _blurred(light, FINE_PX))[inside].mean()) - noise**2, noise


def _blurred(light: Floats, px: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(light, (0, 0), px), np.float32) if px else light
