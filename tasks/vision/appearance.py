"""What somebody looks like from afar: enough to tell two who are equally near (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.faces import AFAR_PX
from tasks.vision.regions import Box, RgbImage

Afar = NDArray[np.uint8]  # AFAR_PX x AFAR_PX x 3, flat
AROUND = 0.25  # of a box, on every side: hair and collar tell people apart


def from_afar(rgb: RgbImage, box_xyxy: Box) -> Afar:
    """Return the colours of a box and of what is around it; black where it is not in the picture."""
    box = box_xyxy.reshape(2, 2)
    reach = np.ptp(box, axis=0) * AROUND
    limits = np.array(rgb.shape[1::-1])
    (x0, y0), (x1, y1) = np.clip(np.round(box + np.stack([-reach, reach])), 0, limits).astype(int)
    if min(x1 - x0, y1 - y0) < 1:
        return np.zeros(3 * AFAR_PX**2, np.uint8)
    small = cv2.resize(rgb[y0:y1, x0:x1], (AFAR_PX, AFAR_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(-1)


def unlikeness(first: Afar, second: Afar) -> float:
    """Return how far apart the colours of two are, in 0..1."""
    return float(np.abs(first.astype(np.float32) - second.astype(np.float32)).mean()) / 255
