"""A mask over mouth and nose: what nobody sees behind it is not drawn (pure)."""

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.swap.layout import Layout, Mask
from tasks.swap.warping import Floats
from tasks.vision.hidden import COLD, EVEN, MIDDLE, MOST_OF

# a mask has a colour that is no skin's, one colour (`tasks/vision/hidden.py`), and is shaded unlike a face
# (the correlation: masks up to 0.3, faces in any light 0.45 and more)
SAME_RELIEF = 0.4
FINE_PX, COARSE_PX = 1.5, 8.0
LATELY = 0.2  # what was worn is followed, as a share of each frame
CLOSE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))


@dataclass
class Worn:
    """Follow whether one face, spread flat, wears a mask."""

    layout: Layout
    lately: float | None = None

    def step(self, lab: Floats, foreign: Mask) -> Mask:
        """Return where the mask is, nowhere without one, in the next frame's face; foreign: what is no skin.

        It must have been there lately, too, or from the first: for a moment much can look like one.
        """
        is_worn = float(looks_worn(lab, foreign, self.layout))
        self.lately = is_worn if self.lately is None else self.lately + (is_worn - self.lately) * LATELY
        if is_worn and self.lately >= 0.5:
            return _piece(foreign, self.layout)
        return np.zeros_like(foreign)


def looks_worn(lab: Floats, foreign: Mask, layout: Layout) -> bool:
    """Return whether a face wears a mask over mouth and nose, or a coloured one over the mouth."""
    below = layout.lower
    if min(foreign[part].mean() for part in (below, layout.lips)) < MOST_OF:
        return False
    tint = np.median(lab[below, 1:], axis=0) - 128
    if foreign[layout.nose].mean() < MOST_OF and tint.min() > COLD:
        return False
    low, high = np.percentile(lab[below, 1:], MIDDLE, axis=0)
    return float((high - low).sum()) <= EVEN and _relief(lab[..., 0], layout) <= SAME_RELIEF


def _relief(light: Floats, layout: Layout) -> float:
    """Return how much the shading of mouth and chin is a face's: the correlation with the target's."""
    first, second = (_band(one, layout.lower)[layout.lower] for one in (light, layout.light))
    size = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean()) / size if size else 0.0


def _band(light: Floats, where: Mask) -> Floats:
    """Return lightness without what is finer than a feature and larger than one, from within a part only."""
    weights = where.astype(np.float32)
    fine, coarse = (
        cv2.GaussianBlur(light * weights, (0, 0), side)
        / np.maximum(cv2.GaussianBlur(weights, (0, 0), side), 1e-3)
        for side in (FINE_PX, COARSE_PX)
    )
    return np.asarray(fine - coarse, np.float32)


def _piece(foreign: Mask, layout: Layout) -> Mask:
    """Return all that hangs together with what is before the lips, folds and holes closed; never an eye."""
    eyes = layout.features & ~layout.lower
    whole = cv2.morphologyEx((foreign & ~eyes).astype(np.uint8), cv2.MORPH_CLOSE, CLOSE)
    _, labels = cv2.connectedComponents(whole)
    at_lips = np.unique(labels[layout.lips])
    piece = np.isin(labels, at_lips[at_lips > 0])
    _, around = cv2.connectedComponents((~piece).astype(np.uint8))
    outside = np.unique(np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]]))
    return np.asarray(~np.isin(around, outside[outside > 0]), np.bool_)
