"""Where a picture shows what nobody has looked at yet (pure).

What moves a little is not new; what comes between two searches is, however short it stays.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Box, RgbImage

# of the small copy: how far things may move, by how many grey levels they may change, and what is told apart
REACH_PX, LEVELS, CELL_PX = 3, 20, 8
# so much of a cell must be new
SHARE = 0.25
# a face is more than what is new of it; where so much of the picture is, all of it is worth a look
AROUND, LEAST_PX, ALL = 0.5, 64, 0.5
# so much of a picture may be looked at in a frame where much of it moves always; what is no larger than SMALL
# and comes to a place where nothing was new for so many frames is looked at in any case
BUDGET, SMALL, QUIET_FRAMES = 0.15, 0.1, 5


class Novelty:
    """Remember what of a clip was looked at, and tell what was not."""

    def __init__(self) -> None:
        self._low = self._high = np.empty((0, 0), np.uint8)
        self._looked_at = np.empty((0, 0), np.int32)
        self._frame, self._credit = 0, BUDGET

    def looked(self, small: RgbImage) -> None:
        """Take note that all of the next frame was looked at."""
        self._frame += 1
        self._low, self._high = _bounds(_grey(small))
        self._looked_at = np.full(small.shape[:2], self._frame, np.int32)

    def next_boxes(self, small: RgbImage, known: list[Box]) -> list[Box]:
        """Return where the next frame is to be looked at, in the copy's pixels, and take note that it was.

        known: boxes of faces that are followed anyway.
        """
        if self._low.shape != small.shape[:2]:
            self.looked(small)
            return [_whole(small)]
        self._frame += 1
        self._credit = min(self._credit + BUDGET, BUDGET)
        grey = _grey(small)
        boxes = _around(self._new_cells(grey, known), grey)
        # where nobody looked for longest, first
        due = [box for box in sorted(boxes, key=self._age, reverse=True) if self._may_look(box)]
        low, high = _bounds(grey) if due else (self._low, self._high)
        for box in due:
            at = _slices(box, grey)
            self._low[at], self._high[at], self._looked_at[at] = low[at], high[at], self._frame
        return due

    def _new_cells(self, grey: NDArray[np.uint8], known: list[Box]) -> NDArray[np.bool_]:
        is_new = cv2.bitwise_not(cv2.inRange(grey, self._low, self._high))
        for box in known:
            is_new[_slices(box, grey)] = 0
        height, width = grey.shape
        size_wh = -(-width // CELL_PX), -(-height // CELL_PX)
        shares = cv2.resize((is_new > 0).astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
        return np.asarray(shares > SHARE, np.bool_)

    def _age(self, box: Box) -> float:
        """Return for how many frames nobody looked at a box, in the middle."""
        center, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 4
        inner = self._looked_at[_slices(np.concatenate([center - half, center + half]), self._looked_at)]
        return float(self._frame - np.median(inner)) if inner.size else 0.0

    def _may_look(self, box: Box) -> bool:
        share = float(np.prod(box[2:] - box[:2])) / self._low.size
        if share <= SMALL and self._age(box) > QUIET_FRAMES:
            return True
        may = self._credit > 0
        self._credit -= share if may else 0
        return may


def _grey(small: RgbImage) -> NDArray[np.uint8]:
    return np.asarray(cv2.blur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (3, 3)), np.uint8)


def _bounds(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    near, levels = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8), np.full_like(grey, LEVELS)
    low, high = cv2.subtract(cv2.erode(grey, near), levels), cv2.add(cv2.dilate(grey, near), levels)
    return np.asarray(low, np.uint8), np.asarray(high, np.uint8)


def _around(cells: NDArray[np.bool_], grey: NDArray[np.uint8]) -> list[Box]:
    """Return a box around each group of cells, larger by what a face may have beside it."""
    if cells.mean() > ALL:
        return [_whole(grey)]
    # cells that nearly touch are one thing
    joined = cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = []
    for x, y, width, height, _ in stats[1:count]:
        center = np.array([x + width / 2, y + height / 2]) * CELL_PX
        half = max(LEAST_PX, max(width, height) * CELL_PX * (1 + 2 * AROUND)) / 2
        box = np.concatenate([center - half, center + half])
        boxes.append(np.clip(box, 0, [*grey.shape[::-1]] * 2).astype(np.float32))
    return _merged(boxes)


def _merged(boxes: list[Box]) -> list[Box]:
    """Unite boxes that share more than half of the smaller one."""
    merged: list[Box] = []
    for box in sorted(boxes, key=lambda one: -float(np.prod(one[2:] - one[:2]))):
        for place, other in enumerate(merged):
            low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
            if np.prod(np.clip(high - low, 0, None)) > 0.5 * np.prod(box[2:] - box[:2]):
                low, high = np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])
                merged[place] = np.concatenate([low, high])
                break
        else:
            merged.append(box)
    return merged


def _whole(picture: NDArray[np.uint8]) -> Box:
    return np.array([0, 0, picture.shape[1], picture.shape[0]], np.float32)


def _slices(box: Box, picture: NDArray[np.generic]) -> tuple[slice, slice]:
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = np.clip(np.round(box), 0, [width, height, width, height]).astype(int)
    return slice(y0, y1), slice(x0, x1)
