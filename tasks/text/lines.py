"""Lines of text beside each other, and how one is covered (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.texts import KINDS, Kind
from tasks.vision.regions import Box, RgbImage, overlap, share_within

# of the lower one's height: what two lines of a row share, at least, and what lies between them, at most
SAME_ROW, BETWEEN = 0.5, 3.0
SAME, MOSTLY = 0.3, 0.6


@dataclass(frozen=True)
class Line:
    """A line of text: the box around it, in pixels, and what it may be; never its words."""

    box_xyxy: Box
    kind: Kind


def is_same_place(known_xyxy: Box, found_xyxy: Box) -> bool:
    """Return whether a line that was found is the one that is known to be there."""
    return overlap(known_xyxy, found_xyxy) > SAME or share_within(found_xyxy, known_xyxy) > MOSTLY


def with_neighbours(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, those beside another one as bad as that: a label, and what it speaks of."""
    found = list(lines)
    for _ in found:
        rows = [[other.kind for other in found if _is_beside(line, other)] for line in found]
        worse = [
            replace(line, kind=min([line.kind, *kinds], key=KINDS.index))
            for line, kinds in zip(found, rows, strict=True)
        ]
        if worse == found:
            break
        found = worse
    return found


def _is_beside(line: Line, other: Line) -> bool:
    """Return whether two lines are one row, or the same, with little between them."""
    boxes = [np.asarray(one.box_xyxy, np.float64).reshape(2, 2) for one in (line, other)]
    if all(np.ptp(box, axis=0)[1] > np.ptp(box, axis=0)[0] for box in boxes):
        boxes = [box[:, ::-1] for box in boxes]  # both stand
    (low, high), (other_low, other_high) = boxes
    height = min(high[1] - low[1], other_high[1] - other_low[1])
    shared = min(high[1], other_high[1]) - max(low[1], other_low[1])
    apart = max(low[0], other_low[0]) - min(high[0], other_high[0])
    return bool(shared > SAME_ROW * height and apart < BETWEEN * height)


def around(box: Box, other: Box) -> Box:
    """Return the box around two boxes."""
    both = np.stack([box, other])
    return np.concatenate([both[:, :2].min(axis=0), both[:, 2:].max(axis=0)]).astype(np.float32)


def fill(rgb: RgbImage, box_xyxy: Box) -> None:
    """Fill a box, in place, with the middle colour of its rim."""
    height, width = rgb.shape[:2]
    x0, y0 = np.floor(np.maximum(box_xyxy[:2], 0)).astype(int)
    x1, y1 = np.ceil(np.clip(box_xyxy[2:], 0, [width, height])).astype(int)
    inside = rgb[y0:y1, x0:x1]
    if inside.size:
        rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        inside[:] = np.median(rim, axis=0).round().astype(np.uint8)
