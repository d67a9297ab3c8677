"""Glasses with a dark frame: it stays in front of another face, no eye or brow behind it does (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from schemas.skeletons import (
    BROWS,
    EYE_CORNERS,
    LEFT_EYE,
    LID_MIDDLES,
    LIDS,
    NOSE_ROOT,
    RIGHT_EYE,
)
from tasks.swap.layout import Layout, Mask, hulls
from tasks.swap.warping import Floats

# in distances of the outer eye corners: from a lid down to where a frame passes, around an eye, and how far
# above and below its root a nose is crossed
UNDER, AROUND, CROSSED = (0.09, 0.36), 0.36, (0.17, 0.16)
# how much darker than the light around it a frame is, as a share of that light, and of its own darkness
DARKER, AS_DARK = 0.1, 0.45
# below so much of either eye it must pass: of 9 photographs of glasses all of it
PASSES = 0.5
# a frame that cannot be separated, as speckled tortoiseshell, is told by what crosses the nose (a fifth of it
# may be lighter): 61 faces without glasses reach 0.22 of the light there
CROSSES, LIGHTER = 0.25, 20
LATELY = 0.2  # what was worn is followed, as a share of each frame
LIGHT_PX, SOFT_PX = 13, 0.8
EYE_BORDER_PX, BROW_BORDER_PX, BRIDGE_PX = 2, 1, 4
WIDEST, CLOSE = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (LIGHT_PX, 3))


@dataclass
class Glasses:
    """Follow whether one face, spread flat, wears glasses with a frame that can be told from it.

    zone: where a frame may be seen. crossing: the middle of the nose's root, bridge: all of it. under: below
    each eye. is_lost: whether glasses are worn whose frame cannot be told from the face.
    """

    layout: Layout
    lately: float | None = None
    crossed_lately: float | None = None
    is_lost: bool = False
    zone: Mask = field(init=False)
    crossing: Mask = field(init=False)
    bridge: tuple[slice, slice] = field(init=False)
    under: list[Mask] = field(init=False)

    def __post_init__(self) -> None:
        xy = self.layout.mesh_xy
        rows, columns = np.indices(self.layout.index.shape)
        size = float(np.linalg.norm(xy[LEFT_EYE] - xy[RIGHT_EYE]))
        (root_x, root_y), reach = xy[NOSE_ROOT[0]], round(AROUND * size)
        self.crossing = abs(columns - root_x) < 2
        self.crossing &= (rows >= root_y - CROSSED[0] * size) & (rows <= root_y + CROSSED[1] * size)
        inner = [xy[EYE_CORNERS[0][1], 0], xy[EYE_CORNERS[1][0], 0]]
        level = np.flatnonzero(self.crossing.any(axis=1))
        left, right = round(inner[0]) + BRIDGE_PX, round(inner[1]) - BRIDGE_PX
        self.bridge = slice(int(level[0]), int(level[-1]) + 1), slice(left, right)
        bridge = self.crossing.any(axis=1, keepdims=True) & (columns > inner[0]) & (columns < inner[1])
        lids, brows = ([xy[list(part)] for part in parts] for parts in (LIDS, BROWS))
        self.zone = (hulls(lids, reach) | bridge) & (self.layout.index >= 0)
        self.zone &= ~hulls(lids, EYE_BORDER_PX) & ~hulls(brows, BROW_BORDER_PX)
        self.under = [
            (columns >= xy[right, 0]) & (columns <= xy[left, 0])
            & (rows >= xy[lower, 1] + UNDER[0] * size) & (rows <= xy[lower, 1] + UNDER[1] * size)
            for (right, left), (_, lower) in zip(EYE_CORNERS, LID_MIDDLES, strict=True)
        ]  # fmt: skip

    def step(self, lab: Floats) -> Floats:
        """Return the weights of the frame in the next picture of the face, 0 where none is worn.

        It must have been there lately, too, or from the first: for a moment much can look like one.
        """
        found = self._frame(lab[..., 0])
        is_worn = float(found.any())
        self.lately = followed(self.lately, is_worn)
        crosses = float(self._crosses(lab[..., 0]))
        self.crossed_lately = followed(self.crossed_lately, crosses)
        self.is_lost = bool(self.crossed_lately >= 0.5 and self.lately < 0.5 and crosses)
        if self.lately < 0.5:
            found[:] = False
        soft = cv2.GaussianBlur(found.astype(np.float32), (0, 0), SOFT_PX)
        return np.asarray(soft * self.zone, np.float32)

    def _frame(self, light: Floats) -> Mask:
        """Return what is dark, passes below both eyes and hangs together across the nose; nothing without."""
        dark = _darker(light)
        found = self._piece(dark > DARKER)
        below = found & (self.under[0] | self.under[1])
        # shadows beside it are less dark
        return (
            self._piece(dark > max(DARKER, AS_DARK * float(np.median(dark[below])))) if found.any() else found
        )

    def _crosses(self, light: Floats) -> bool:
        """Return whether something much darker than what is around it crosses the nose, and passes an eye."""
        dark = _darker(light)
        passes = max(self._passes((dark > DARKER) & self.zone))
        return bool(np.percentile(dark[self.bridge].max(axis=0), LIGHTER) >= CROSSES and passes >= PASSES)

    def _piece(self, dark: Mask) -> Mask:
        whole = cv2.morphologyEx((dark & self.zone).astype(np.uint8), cv2.MORPH_CLOSE, CLOSE)
        _, labels = cv2.connectedComponents(whole * self.zone.astype(np.uint8), connectivity=8)
        across = np.unique(labels[self.crossing])
        passing = [number for number in across if number and min(self._passes(labels == number)) >= PASSES]
        return np.asarray(np.isin(labels, passing), np.bool_)

    def _passes(self, piece: Mask) -> Iterator[float]:
        """Yield below how much of each eye a piece passes."""
        for under in self.under:
            yield float((piece & under).any(axis=0).sum() / under.any(axis=0).sum())


def _darker(light: Floats) -> Floats:
    """Return by which share of the light around it each pixel is darker."""
    fine = cv2.GaussianBlur(light, (0, 0), SOFT_PX)
    around = cv2.morphologyEx(fine, cv2.MORPH_CLOSE, WIDEST)
    return np.asarray((around - fine) / np.maximum(around, 1), np.float32)


def followed(lately: float | None, now: float) -> float:
    """Return how much of lately something was so, in 0..1."""
    return now if lately is None else lately + (now - lately) * LATELY
