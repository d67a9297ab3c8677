"""Where one scene ends and another begins (pure)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import RgbImage

BINS_HSV = (8, 4, 8)


class SceneCutter:
    """Number the scenes of a clip; a cut is a jump of the colour histogram of at least `threshold`."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._last: NDArray[np.float32] | None = None
        self.scene = 0

    def step(self, rgb: RgbImage) -> bool:
        """Return whether the next frame begins another scene."""
        colours = histogram(rgb)
        is_cut = (
            self._last is not None
            and cv2.compareHist(self._last, colours, cv2.HISTCMP_BHATTACHARYYA) >= self._threshold
        )
        self._last = colours
        self.scene += is_cut
        return is_cut


def histogram(rgb: RgbImage) -> NDArray[np.float32]:
    """Return the smoothed HSV histogram of a small copy, summing to 1."""
    hsv = cv2.cvtColor(cv2.resize(rgb, (96, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(BINS_HSV), [0, 180, 0, 256, 0, 256])
    # a little more light must not look like another place
    smooth = cv2.GaussianBlur(counts.reshape(BINS_HSV[0], -1), (3, 3), 0)
    return np.asarray(smooth / smooth.sum(), np.float32)
