"""Follow what a face's picture looks like where no detector finds it, forwards and back in time (pure)."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.regions import Box, RgbImage, overlap

GreyImage = NDArray[np.uint8]
# least correlation with the sighting's picture, and least contrast that tells it from others, in grey levels
AGREES, LEAST_CONTRAST = 0.7, 4.0
# a box moves so far from frame to frame at most, as a share of it; what is compared has so many pixels a side
# and such a share of the picture at least
STEP, LEAST_PX, LEAST_PART = 0.25, 5, 0.4
# so many times the frames between two searches it is followed forwards
FORWARD = 4
SAME = 0.3


@dataclass(frozen=True)
class Follow:
    """A face in a frame in which it was not detected; agreement in 0..1."""

    frame: int
    track: int
    agreement: float
    box_xyxy: Box


@dataclass(frozen=True)
class Lost:
    """Somebody who was seen last in a frame, what the face looked like there, and where it is by now."""

    track: int
    seen_frame: int
    picture: GreyImage
    box_xyxy: Box


class Follower:
    """Keep small grey copies of the frames since the last search, and follow faces through them."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._past: deque[tuple[int, GreyImage]] = deque(maxlen=interval + 1)
        self._seen: dict[int, tuple[int, Box]] = {}
        self._lost: list[Lost] = []

    def step(
        self, frame: int, small: RgbImage, faces: dict[int, Box], *, cut: bool = False
    ) -> Iterator[Follow]:
        """Yield where faces were that were lost or are new in this frame. faces: track -> box in the copy."""
        if cut:
            self._past.clear()
            self._seen, self._lost = {}, []
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        known = list(faces.values())
        self._lose(frame, faces)
        self._lost = [one for one in self._lost if one.track not in faces]
        yield from self._go_on(frame, grey, known)
        for track, box in faces.items():
            if self._seen.get(track, (-1, box))[0] != frame - 1:
                yield from self._go_back(frame, track, _cut(grey, box), box)
            self._seen[track] = (frame, box)
        self._past.append((frame, grey))

    def _lose(self, frame: int, faces: dict[int, Box]) -> None:
        for track, (last, box) in self._seen.items():
            if last == frame - 1 and track not in faces and self._past:
                self._lost.append(Lost(track, last, _cut(self._past[-1][1], box), box))

    def _go_on(self, frame: int, grey: GreyImage, known: list[Box]) -> Iterator[Follow]:
        still = []
        for one in self._lost:
            found = find(grey, one.picture, one.box_xyxy)
            soon = frame - one.seen_frame <= FORWARD * self._interval
            if found is None or not soon or any(overlap(found[1], box) > SAME for box in known):
                continue
            still.append(replace(one, box_xyxy=found[1]))
            yield Follow(frame, one.track, *found)
        self._lost = still

    def _go_back(self, frame: int, track: int, picture: GreyImage, box: Box) -> Iterator[Follow]:
        seen = self._seen.get(track, (-1, box))[0]
        for number, grey in reversed(self._past):
            found = find(grey, picture, box) if number > seen else None
            if found is None:
                return
            box = found[1]
            yield Follow(number, track, *found)


def find(grey: GreyImage, picture: GreyImage, box_xyxy: Box) -> tuple[float, Box] | None:
    """Return how well and where a picture is found again near a box; None where it is not.

    A box may leave the picture: what stays inside it for sure is compared.
    """
    reach = max(2, round(STEP * max(picture.shape)))
    corner = np.round(box_xyxy[:2]).astype(int)
    size_wh, whole = np.array(grey.shape[::-1]), np.array(picture.shape[::-1])
    first = np.clip(reach - corner, 0, whole)
    last = np.clip(size_wh - reach - corner, 0, whole)
    if (last - first < np.maximum(LEAST_PX, LEAST_PART * whole)).any():
        return None
    part = picture[first[1] : last[1], first[0] : last[0]]
    if float(part.std()) < LEAST_CONTRAST:
        return None
    x0, y0 = corner + first - reach
    x1, y1 = corner + last + reach
    _, best, _, moved_xy = cv2.minMaxLoc(cv2.matchTemplate(grey[y0:y1, x0:x1], part, cv2.TM_CCOEFF_NORMED))
    if best < AGREES:
        return None
    moved = box_xyxy + np.tile(np.array(moved_xy, np.float32) - reach, 2)
    return min(float(best), 1.0), moved.astype(np.float32)


def _cut(grey: GreyImage, box_xyxy: Box) -> GreyImage:
    x0, y0, x1, y1 = np.round(np.clip(box_xyxy, 0, [*grey.shape[::-1]] * 2)).astype(int)
    return grey[y0:y1, x0:x1]
