"""The scene's light on a drawn face: its tone, shading and shadows are the picture's (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.swap.warping import Floats
from tasks.vision.regions import Points, RgbImage

Lab = NDArray[np.uint8]
# of a face's square: what is larger is light, what is smaller is the face; a flush or a pallor is smaller
SPREAD, SPREAD_OF_COLOUR = 0.2, 0.08
# at the rim it is the picture's down to that: no step is seen from one skin to the other; and how soon
RIM, RIM_OF_COLOUR, SOON = 0.05, 0.03, 2.0
SMALL_PX = 48
GREY = 128.0
LEAST_CHROMA = 1.0
# of a target's detail: what is left of it in the dark, and how far it is raised in the light
DIM, BRIGHT = 0.2, 1.1
HEADROOM = 0.5  # of what lies between a face's lightness and white: the white of an eye is no lamp
LEVELS = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class Light:
    """What becomes of a face's colours: a table of 256 x 3 Lab values, and small x small x 3 to add."""

    table: Lab
    offset: Floats

    def tone(self, face: Lab) -> Lab:
        """Return a face whose detail is as strong and as coloured as the scene allows."""
        return np.asarray(cv2.LUT(face, self.table[None]), np.uint8)

    def offset_on(self, side_px: int) -> Floats:
        """Return the offset as it lies on a canvas of another side."""
        return np.asarray(cv2.resize(self.offset, (side_px, side_px)), np.float32)


def lit(drawn: Lab, offset: Floats) -> RgbImage:
    """Return a toned and drawn face in its light; offset: as it lies on the face's picture."""
    whole = cv2.add(drawn, offset, dtype=cv2.CV_8U)
    return np.asarray(cv2.cvtColor(whole, cv2.COLOR_LAB2RGB), np.uint8)


def light_of(scene: RgbImage, drawn: Lab, weights: Floats) -> Light:
    """Measure the light on the scene's face where another one is drawn; all three side x side."""
    share = _small(weights)[..., None]
    whole = max(float(share.sum()), 1e-6)
    lab = np.asarray(cv2.cvtColor(scene, cv2.COLOR_RGB2LAB), np.uint8)
    mine, other = ((_small(one) * share).sum(axis=(0, 1)) / whole for one in (lab, drawn))
    table = _table(mine, other)
    # beyond the face its light goes on
    toned = np.asarray(cv2.LUT(drawn, table[None]), np.uint8)
    apart = _small(lab) - _small(toned)
    ramp = _ramp(apart, share)
    inner = _smoothed(apart - ramp, share, SPREAD, SPREAD_OF_COLOUR)
    outer = _smoothed(apart - ramp, share, RIM, RIM_OF_COLOUR)
    at_rim = np.clip((1 - _smooth(np.minimum(share, 1), RIM)[..., None]) * SOON, 0, 1)
    return Light(table, np.asarray(ramp + inner + (outer - inner) * at_rim, np.float32))


def _smoothed(apart: Floats, share: Floats, spread: float, spread_of_colour: float) -> Floats:
    """Return Lab differences evened out within a face, lightness over one reach and colour over another."""
    light, colour = (
        _smooth(apart * share, reach) / np.maximum(_smooth(share, reach)[..., None], np.float32(1e-4))
        for reach in (spread, spread_of_colour)
    )
    return np.dstack([light[..., :1], colour[..., 1:]])


def _ramp(picture: Floats, share: Floats) -> Floats:
    """Return what rises evenly across a picture: a lamp at one side is no feature, however wide."""
    rows, columns = np.indices(share.shape[:2]) / SMALL_PX - 0.5
    evenly = np.stack([np.ones_like(rows), rows, columns], axis=-1).reshape(-1, 3)
    # what stays in front may weigh a little less than nothing
    weighed = evenly * np.maximum(share.reshape(-1, 1), 0)
    rises = np.linalg.lstsq(weighed.T @ evenly, weighed.T @ picture.reshape(-1, 3), rcond=None)[0]
    return np.asarray((evenly @ rises).reshape(picture.shape), np.float32)


def _table(mine: Floats, other: Floats) -> Lab:
    """Return what each Lab value of a face becomes; mine, other: mean Lab of the scene's and of it."""
    gain = np.clip(mine[0] / max(other[0], 1.0), DIM, BRIGHT)
    above, room = (LEVELS - other[0]) * gain, (255 - mine[0]) * HEADROOM + 1
    light = other[0] + above / np.sqrt(1 + np.square(np.maximum(above, 0) / room))
    colour = [float(np.hypot(*(mean[1:] - GREY))) for mean in (mine, other)]
    # what has no colour stays without it: a grey film, a dark room
    tint = np.clip(colour[0] / max(colour[1], LEAST_CHROMA), 0, 1)
    tints = [mean + (LEVELS - mean) * tint for mean in other[1:]]
    return np.clip(np.stack([light, *tints], axis=1) + 0.5, 0, 255).astype(np.uint8)


def lightness(lab: Lab, mesh_xy: Points) -> float:
    """Return the median lightness of a face, 8-bit; 0 where it is not in the picture."""
    inside = np.zeros(lab.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(mesh_xy).astype(np.int32)), 1)
    return float(np.median(lab[..., 0][inside > 0])) if inside.any() else 0.0


def _small(picture: Floats | Lab) -> Floats:
    small = cv2.resize(picture, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _smooth(picture: Floats, spread: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), SMALL_PX * spread), np.float32)
