"""Original pixels that are still there in a released face (pure)."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.regions import Box
from tasks.video import GreyImage

# a face is compared at this many pixels, in windows of so many: codec noise is finer, features are larger
SIDE_PX, WINDOW_PX, SMOOTH_PX = 96, 12, 2
# a window with less contrast than this, in grey levels, is bare skin or background and says nothing
LEAST_CONTRAST = 1.0
# windows survive that agree in shape (correlation) and in brightness (grey levels)
SAME_SHAPE, SAME_LEVEL = 0.95, 16.0


def _in_ellipse() -> NDArray[np.bool_]:
    # the corners of a face's box show hair and background, which nobody covers
    axis = (np.arange(SIDE_PX // WINDOW_PX) + 0.5) / (SIDE_PX // WINDOW_PX) * 2 - 1
    return np.asarray((axis[:, None] ** 2 + axis[None] ** 2 <= 1).ravel(), np.bool_)


IN_ELLIPSE = _in_ellipse()


def surviving_share(original: GreyImage, released: GreyImage, box_xyxy: Box) -> float:
    """Return which share of a face's windows with contrast is still the original's, in 0..1."""
    first, second = (_face(grey, box_xyxy) for grey in (original, released))
    if first.size == 0:
        return 0.0
    windows = [_windows(face) for face in (first, second)]
    means = [window.mean(axis=1, keepdims=True) for window in windows]
    spread = [
        np.sqrt(((window - mean) ** 2).mean(axis=1)) for window, mean in zip(windows, means, strict=True)
    ]
    product = ((windows[0] - means[0]) * (windows[1] - means[1])).mean(axis=1)
    alike = product / np.maximum(spread[0] * spread[1], 1e-6)
    level = np.abs(means[0] - means[1])[:, 0]
    told = (spread[0] >= LEAST_CONTRAST) & IN_ELLIPSE
    survived = told & (alike >= SAME_SHAPE) & (level <= SAME_LEVEL)
    return float(survived.sum() / told.sum()) if told.any() else 0.0


def ranges(frames: Iterable[int]) -> str:
    """Write frame numbers as a person reads them: 3-7, 12."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def _face(grey: GreyImage, box_xyxy: Box) -> NDArray[np.float32]:
    height, width = grey.shape
    x0, y0, x1, y1 = np.clip(np.round(box_xyxy), 0, [width, height, width, height]).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.empty(0, np.float32)
    face = cv2.resize(grey[y0:y1, x0:x1], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    # the codec takes noise out of a face without changing whose it is
    return np.asarray(cv2.GaussianBlur(face, (0, 0), SMOOTH_PX), np.float32)


def _windows(face: NDArray[np.float32]) -> NDArray[np.float32]:
    count = SIDE_PX // WINDOW_PX
    split = face.reshape(count, WINDOW_PX, count, WINDOW_PX).transpose(0, 2, 1, 3)
    return split.reshape(count * count, WINDOW_PX * WINDOW_PX)
