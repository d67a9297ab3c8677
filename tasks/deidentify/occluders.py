"""Instruments and hair in front of a face, told from its skin and from how it looked before (pure).

What has the colour of the face's own skin is never in front: nothing of the patient's is uncovered.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.deidentify.layout import Layout, Mask
from tasks.deidentify.warping import Floats

# distances in 8-bit Lab, lightness at half its weight; lightness as a share of the skin's
OTHER_COLOUR, CHANGED, SAME_COLOUR = 14.0, 14.0, 14.0
DARK, HAIR = 0.35, 0.55
# less light says nothing; every skin, pale or dark, is a little red and a little yellow (a*, b*)
LEAST_LIGHT = 8.0
LEAST_TINT, MOST_TINT = np.array([3, 5], np.float32), np.array([40, 60], np.float32)
# what lies in front comes in from outside and covers at least so much of the square, at most so much of
# the face
LEAST, MOST = 0.01, 0.35
MOST_HAIR = 0.5  # of the forehead
AROUND_PX = 61
# how fast the skin, the usual look, what is doubtful in it, and hair are followed, as a share of each frame
SKIN_RATE, LOOK_RATE, DOUBTFUL_RATE, HAIR_RATE = 0.04, 0.06, 0.004, 0.2
SMALL, MIDDLE, LARGE = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (3, 5, 7))
SOFT_PX = 1.5


@dataclass
class Occluders:
    """Follow one face, spread flat: its skin, its usual look, and the hair that hangs into it."""

    layout: Layout
    skin: Floats | None = None
    look: Floats | None = None
    hair: Floats | None = None

    def step(self, lab: Floats) -> Floats:
        """Return side x side weights, 1 where something lies in front, given the next frame's face.

        lab: side x side x 3, 8-bit Lab, 0 beyond the picture. What lies in front from the first frame on
        is taken for the face's, and where no skin has been seen nothing is in front.
        """
        known = (lab[..., 0] >= LEAST_LIGHT) & (self.layout.index >= 0)
        self.skin = follow_skin(self.skin, lab[self.layout.cheeks & known], self.layout)
        if self.skin is None:
            return np.zeros(known.shape, np.float32)
        if self.look is None:
            self.look = lab.copy()
        foreign = known & is_foreign(lab, self.skin) & (_distance(lab - self.look) > CHANGED)
        doubtful = cv2.dilate(foreign.astype(np.uint8), MIDDLE) > 0
        rate = np.where(doubtful, DOUBTFUL_RATE, LOOK_RATE) * known
        self.look = self.look + (lab - self.look) * rate[..., None].astype(np.float32)
        return np.maximum(instrument(foreign, lab, self.layout), self._hair(lab, self.skin))

    def _hair(self, lab: Floats, skin: Floats) -> Floats:
        now = hair_of(lab, skin, self.layout)
        self.hair = now if self.hair is None else self.hair + (now - self.hair) * np.float32(HAIR_RATE)
        return self.hair


def follow_skin(skin: Floats | None, cheeks: Floats, layout: Layout) -> Floats | None:
    """Return the skin's colour after one more frame; `cheeks`, n x 3, are what can be seen of them.

    A glove or gauze over both cheeks must not become the skin: what it uncovers again would be in front.
    """
    if len(cheeks) < layout.cheeks.sum() / 2:
        return skin
    now = np.median(cheeks, axis=0).astype(np.float32)
    if skin is None:
        tint = now[1:] - 128
        return now if (tint >= LEAST_TINT).all() and (tint <= MOST_TINT).all() else None
    is_skin = not is_foreign(now[None, None], skin).any()
    return skin + (now - skin) * np.float32(SKIN_RATE) if is_skin else skin


def is_foreign(lab: Floats, skin: Floats) -> Mask:
    """Return where a colour is not the skin's, whatever light falls on it."""
    gain = np.clip(skin[0] / np.maximum(lab[..., 0], 20), 0.5, 2.5)[..., None]
    tint = (lab[..., 1:] - 128) * gain - (skin[1:] - 128)
    return np.asarray(
        (np.linalg.norm(tint, axis=2) > OTHER_COLOUR) | (lab[..., 0] < skin[0] * DARK), np.bool_
    )


def instrument(foreign: Mask, lab: Floats, layout: Layout) -> Floats:
    """Return the weights of what came in from outside: over brows, eyes and lips only in one colour."""
    found = _from_outside(foreign & ~layout.features, layout)
    if found.any():
        near = cv2.blur(found.astype(np.float32), (AROUND_PX, AROUND_PX))
        colours = cv2.blur(lab * found[..., None].astype(np.float32), (AROUND_PX, AROUND_PX))
        apart = lab - (colours / np.maximum(near, 1e-6)[..., None]).astype(np.float32)
        goes_on = (near > 0) & (_distance(apart) < SAME_COLOUR)
        found = _from_outside(foreign & (goes_on | ~layout.features), layout)
    if found[layout.inside].mean() > MOST:
        # so much can only be another light: nothing is uncovered
        found[:] = False
    return found.astype(np.float32)


def hair_of(lab: Floats, skin: Floats, layout: Layout) -> Floats:
    """Return the weights of the dark part of the forehead that hangs down from its upper edge."""
    light = cv2.blur(lab[..., 0], (3, 3))
    dark = layout.forehead & (light < skin[0] * HAIR) & (light >= LEAST_LIGHT)
    if dark.sum() > MOST_HAIR * layout.forehead.sum():
        return np.zeros(dark.shape, np.float32)
    whole = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, LARGE)
    hair = _touching(_large(whole > 0, layout.forehead), layout.rim)
    return np.asarray(cv2.GaussianBlur(hair.astype(np.float32), (0, 0), SOFT_PX), np.float32)


def _from_outside(foreign: Mask, layout: Layout) -> Mask:
    whole = cv2.morphologyEx(foreign.astype(np.uint8), cv2.MORPH_OPEN, SMALL)
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, MIDDLE)
    return _touching(_large(whole > 0, layout.inside) & (foreign | ~layout.features), layout.rim)


def _large(shape: Mask, where: Mask) -> Mask:
    count, labels = cv2.connectedComponents(shape.astype(np.uint8))
    size = np.bincount(labels[where], minlength=count)
    return np.asarray(shape & np.isin(labels, np.flatnonzero(size >= LEAST * labels.size)), np.bool_)


def _touching(shape: Mask, edge: Mask) -> Mask:
    _, labels = cv2.connectedComponents(shape.astype(np.uint8))
    at_edge = np.unique(labels[edge & shape])
    return np.asarray(np.isin(labels, at_edge[at_edge > 0]), np.bool_)


def _distance(difference: Floats) -> Floats:
    """Return the largest difference of the three channels, evened out."""
    weighted = np.abs(difference) * np.array([0.5, 1, 1], np.float32)
    return np.asarray(cv2.blur(weighted.max(axis=2), (3, 3)), np.float32)
