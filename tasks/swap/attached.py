"""Tubes and plasters that were there from the first: kept where no light makes a face look so (pure)."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from schemas.skeletons import LIPS
from tasks.swap.glasses import followed
from tasks.swap.layout import Layout, Mask, hulls
from tasks.swap.warping import Floats
from tasks.vision.skin import is_human
from tasks.vision.strange import has_an_edge, strange_pieces, whole_of

# of the face, at least to be noticed and at most to be kept
LEAST, MOST = 0.01, 0.2
EDGE_PX = 13  # of a flat face may show what is beside it
EASIER = 1.2  # where it stayed a frame before
SOFT_PX = 0.8


@dataclass
class Attached:
    """Follow what lies before one face, spread flat, and is no skin, hair or beard.

    is_lost: whether some of it is there whose edge cannot be told from the face's light. stayed: what was
    kept a frame before.
    """

    layout: Layout
    lately: float | None = None
    is_lost: bool = False
    stayed: Mask | None = None
    core: Mask = field(init=False)
    free: Mask = field(init=False)

    def __post_init__(self) -> None:
        inside = self.layout.inside.astype(np.uint8)
        self.core = (cv2.erode(inside, np.ones((EDGE_PX, EDGE_PX))) > 0) & ~self.layout.features
        # a tube may lie over lips, and nothing shows an eye or a brow
        over_lips = hulls([self.layout.mesh_xy[LIPS]])
        self.free = (self.layout.index >= 0) & (~self.layout.features | over_lips)

    def step(self, lab: Floats, skin: Floats | None, kept: Floats) -> Floats:
        """Return the weights of what stays of it; kept: those of what stays in front anyhow.

        It must have been there lately, too, or from the first: for a moment much can look like one.
        """
        stayed, self.stayed, self.is_lost = self.stayed, None, False
        is_known = skin is not None and is_human(skin)
        pieces = self._pieces(lab, skin, kept) if is_known and skin is not None else []
        self.lately = followed(self.lately, float(bool(pieces)))
        if skin is None or not pieces or self.lately < 0.5:
            return np.zeros(lab.shape[:2], np.float32)
        stays = np.zeros(lab.shape[:2], np.bool_)
        for piece in pieces:
            easier = EASIER if stayed is not None and stayed[piece].mean() > 0.5 else 1.0
            if has_an_edge(piece, lab, self.layout.index >= 0, easier):
                stays |= whole_of(piece, lab, skin, self.free)
        if (stays & self.layout.inside).sum() > MOST * self.layout.inside.sum():
            stays[:] = False
        self.stayed, self.is_lost = stays, any(not (piece & stays).any() for piece in pieces)
        return np.asarray(cv2.GaussianBlur(stays.astype(np.float32), (0, 0), SOFT_PX) * self.free, np.float32)

    def _pieces(self, lab: Floats, skin: Floats, kept: Floats) -> list[Mask]:
        where = self.core & (kept < 0.5)
        return strange_pieces(lab, skin, where, LEAST * float(self.layout.inside.sum()))
