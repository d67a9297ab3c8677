"""The scene's light on a drawn face: its tone, shading and shadows are the picture's (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.warping import Floats
from tasks.vision.regions import Points, RgbImage

Lab = NDArray[np.uint8]
SPREAD = 0.12  # of a face's square: what is larger is light, what is smaller is the face
SMALL_PX = 48
GREY = 128.0
LEAST_CHROMA = 1.0
# of a target's detail: what is left of it in the dark, and how far it is raised in the light
DIM, BRIGHT = 0.2, 1.1
HEADROOM = 0.5  # of what lies between a face's lightness and white


@dataclass(frozen=True)
class Light:
    """What becomes of a drawn face's Lab: times three gains, plus a small x small x 3 offset.

    shade: small x small x 4, that offset, and the lightness of the scene's face itself.
    """

    gains: Floats
    shade: Floats

    def shade_on(self, side_px: int) -> Floats:
        """Return the shade as it lies on a canvas of another side."""
        return np.asarray(cv2.resize(self.shade, (side_px, side_px)), np.float32)

    def on(self, lab: Lab, shade: Floats) -> RgbImage:
        """Return a drawn face in this light; shade: as it lies on the face's picture."""
        lit = lab * self.gains + shade[..., :3]
        # the white of an eye is no lighter than the scene allows
        above, room = lit[..., 0] - shade[..., 3], (255 - shade[..., 3]) * np.float32(HEADROOM) + 1
        lit[..., 0] = shade[..., 3] + above / np.sqrt(1 + np.square(np.maximum(above, 0) / room))
        whole = cv2.convertScaleAbs(np.maximum(lit, 0, out=lit))
        return np.asarray(cv2.cvtColor(whole, cv2.COLOR_LAB2RGB), np.uint8)


def light_of(scene: RgbImage, drawn: Lab, weights: Floats) -> Light:
    """Measure the light on the scene's face where another one is drawn; all three side x side."""
    share = _small(weights)[..., None]
    # beyond the face its light goes on
    covered = np.maximum(_smooth(share)[..., None], np.float32(1e-4))
    mine, other = (
        _smooth(_small(lab.astype(np.float32)) * share) / covered
        for lab in (np.asarray(cv2.cvtColor(scene, cv2.COLOR_RGB2LAB)), drawn)
    )
    whole = max(float(share.sum()), 1e-6)
    means = [(one * share).sum(axis=(0, 1)) / whole for one in (mine, other)]
    light = np.clip(means[0][0] / max(means[1][0], 1.0), DIM, BRIGHT)
    colour = [float(np.hypot(*(mean[1:] - GREY))) for mean in means]
    # what has no colour stays without it: a grey film, a dark room
    tint = np.clip(colour[0] / max(colour[1], LEAST_CHROMA), 0, 1)
    gains = np.array([light, tint, tint], np.float32)
    return Light(gains, np.dstack([mine - other * gains, mine[..., :1]]).astype(np.float32))


def lightness(lab: Lab, mesh_xy: Points) -> float:
    """Return the median lightness of a face, 8-bit; 0 where it is not in the picture."""
    inside = np.zeros(lab.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    return float(np.median(lab[..., 0][inside > 0])) if inside.any() else 0.0


def _small(picture: Floats) -> Floats:
    return np.asarray(cv2.resize(picture, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA), np.float32)


def _smooth(picture: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), SMALL_PX * SPREAD), np.float32)
