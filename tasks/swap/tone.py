"""Skin tones, measured and followed over a track (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Points, RgbImage

Lab = NDArray[np.float32]


@dataclass(frozen=True)
class Skin:
    """Mean and spread of a skin's colours, 8-bit Lab."""

    mean: Lab
    std: Lab


@dataclass
class Tone:
    """A face's skin as it changes slowly, over about so many frames: no flicker from frame to frame."""

    frames: int
    skin: Skin | None = None

    def follow(self, rgb: RgbImage, mesh_xy: Points, in_front: NDArray[np.float32] | None) -> Skin:
        """Take the face in one more frame into account, without what lies in front of it."""
        now = skin_of(rgb, mesh_xy, in_front)
        if self.skin is None:
            self.skin = now
        share = np.float32(1 / self.frames)
        self.skin = Skin(
            self.skin.mean * (1 - share) + now.mean * share, self.skin.std * (1 - share) + now.std * share
        )
        return self.skin


def skin_of(rgb: RgbImage, mesh_xy: Points, in_front: NDArray[np.float32] | None = None) -> Skin:
    """Measure the colours inside a face's hull."""
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    if in_front is not None:
        inside[in_front > 0.5] = 0
    pixels = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[inside > 0] if inside.any() else np.zeros((1, 3))
    return Skin(pixels.mean(axis=0).astype(np.float32), pixels.std(axis=0).astype(np.float32) + 1e-3)
